#ifndef VM_IMAGE_CPIO_H
#define VM_IMAGE_CPIO_H

#include "base/buf.h"

#include <sys/stat.h>

/* cpio archives in the kernel's format ("newc"), built in memory, so that adding cannot fail.
 * Everything belongs to root and has no timestamp, so the same files give the same bytes. */

/* mode: S_IFREG, S_IFDIR or S_IFLNK (bytes: the target) with permissions. */
void cpio_add(struct buf *out, const char *name, mode_t mode, const void *bytes, size_t len);
void cpio_add_dir(struct buf *out, const char *name);
void cpio_end(struct buf *out);

/* Adds a complete file of at most CPIO_FILE_MAX bytes. */
#define CPIO_FILE_MAX ((size_t)256 << 20)
bool cpio_add_file(struct buf *out, const char *name, mode_t mode, const char *path,
	struct err *err) NODISCARD;
/* Adds everything below the directory `path`, sorted by name; special files are refused. */
bool cpio_add_tree(struct buf *out, const char *path, struct err *err) NODISCARD;

struct cpio_entry {
	const char *name; /* relative, without "." and ".." */
	mode_t mode;
	const uint8_t *bytes; /* a link's target is not NUL-terminated */
	size_t len;
};

/* Calls fn for each entry until it returns false. */
bool cpio_each(const void *bytes, size_t len,
	bool (*fn)(const struct cpio_entry *entry, void *data, struct err *err), void *data,
	struct err *err) NODISCARD;

#endif
