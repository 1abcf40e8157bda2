#ifndef VM_AGENT_FILES_ENTRY_H
#define VM_AGENT_FILES_ENTRY_H

#include "base/buf.h"
#include "vm/wire/messages_files.h"

#include <sys/stat.h>

/* A file as a row of vm/wire/messages_files.h.  A zeroed struct is empty and can be filled again and
 * again; names of owners are kept. */
struct file_entry {
	struct msg_file_entry msg;
	struct buf path, target, resolved;
	uid_t uid;
	gid_t gid;
	bool knows_owner;
	char owner[256], group[256];
	json_t *xattrs;
};

void file_entry_done(struct file_entry *entry);
/* name, relative to dir; path: to be shown.  False sets errno. */
bool file_entry_read(struct file_entry *entry, int dir, const char *name, const char *path,
	bool xattrs) NODISCARD;
/* Of an open file. */
bool file_entry_read_fd(struct file_entry *entry, int fd, const char *path) NODISCARD;
json_t *file_entry_json(const struct file_entry *entry);
/* Appends it as a line of JSON. */
void file_entry_add_line(const struct file_entry *entry, struct buf *out);

/* The file at a path, for an answer; NULL: err. */
json_t *file_entry_of(const char *path, bool xattrs, struct err *err);

#endif
