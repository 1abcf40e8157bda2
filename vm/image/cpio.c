/*
 * cpio archives ("newc"): a header of 110 hexadecimal characters, the name, the data, each padded
 * to four bytes.  The kernel reads concatenated archives as one.
 */
#include "vm/image/cpio.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define MAGIC "070701"
#define HEADER 110
#define NUMBERS 13
#define TRAILER "TRAILER!!!"
#define DEPTH_MAX 32

enum { N_INO, N_MODE, N_UID, N_GID, N_LINKS, N_MTIME, N_SIZE, N_NAME = 11 };

/* ---- writing ---- */

static void pad(struct buf *out)
{
	buf_append(out, "\0\0\0", (4 - out->len % 4) % 4);
}

void cpio_add(struct buf *out, const char *name, mode_t mode, const void *bytes, size_t len)
{
	buf_printf(out, MAGIC "%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 0, mode, 0,
		0, 1, 0, len, 0, 0, 0, 0, strlen(name) + 1, 0);
	buf_append(out, name, strlen(name) + 1);
	pad(out);
	buf_append(out, bytes, len);
	pad(out);
}

void cpio_add_dir(struct buf *out, const char *name)
{
	cpio_add(out, name, S_IFDIR | 0755, "", 0);
}

void cpio_end(struct buf *out)
{
	cpio_add(out, TRAILER, 0, "", 0);
}

bool cpio_add_file(
	struct buf *out, const char *name, mode_t mode, const char *path, struct err *err)
{
	auto_buf struct buf bytes = { 0 };
	if (!file_read_path(path, CPIO_FILE_MAX, NULL, &bytes, err)) {
		return false;
	}
	cpio_add(out, name, S_IFREG | (mode & 07777), bytes.data, bytes.len);
	return true;
}

/* ---- a tree ---- */

static bool add_below(
	struct buf *out, const char *path, const char *prefix, int depth, struct err *err);

static bool add_link(struct buf *out, const char *name, const char *path, struct err *err)
{
	char target[4096];
	ssize_t n = readlink(path, target, sizeof(target));
	if (n < 0) {
		return err_errno(err, "cannot read the link '%s'", path);
	}
	cpio_add(out, name, S_IFLNK | 0777, target, (size_t)n);
	return true;
}

static bool add_one(struct buf *out, const char *path, const char *name, int depth, struct err *err)
{
	struct stat stat;
	if (lstat(path, &stat) < 0) {
		return err_errno(err, "cannot examine '%s'", path);
	}
	/* Only what version control preserves, so that every checkout gives the same result. */
	mode_t mode = stat.st_mode & 0100 ? 0755 : 0644;
	switch (stat.st_mode & S_IFMT) {
	case S_IFDIR:
		cpio_add_dir(out, name);
		return add_below(out, path, name, depth + 1, err);
	case S_IFLNK:
		return add_link(out, name, path, err);
	case S_IFREG:
		return cpio_add_file(out, name, mode, path, err);
	default:
		return err_set(err, ERR_ARGUMENT,
			"'%s' is not a file, directory or link: remove it from the recipe", path);
	}
}

static bool add_below(
	struct buf *out, const char *path, const char *prefix, int depth, struct err *err)
{
	struct dirent **names = NULL;
	if (depth > DEPTH_MAX || out->len > CPIO_FILE_MAX) {
		return err_set(err, ERR_LIMIT,
			"'%s' cannot be added: the limits are %d levels of directories and %zu "
			"MiB of files",
			path, DEPTH_MAX, CPIO_FILE_MAX >> 20);
	}
	int n = scandir(path, &names, NULL, alphasort);
	bool good = n >= 0 || err_errno(err, "cannot read the directory '%s'", path);
	for (int i = 0; i < n; i++) {
		const char *word = names[i]->d_name;
		if (good && strcmp(word, ".") != 0 && strcmp(word, "..") != 0) {
			auto_buf struct buf full = { 0 }, name = { 0 };
			buf_printf(&full, "%s/%s", path, word);
			buf_printf(&name, "%s%s%s", prefix, prefix[0] ? "/" : "", word);
			good = add_one(out, buf_text(&full), buf_text(&name), depth, err);
		}
		free(names[i]);
	}
	free(names);
	return good;
}

bool cpio_add_tree(struct buf *out, const char *path, struct err *err)
{
	return add_below(out, path, "", 0, err);
}

/* ---- reading ---- */

static bool read_numbers(const char *header, uint32_t numbers[NUMBERS])
{
	if (memcmp(header, MAGIC, strlen(MAGIC)) != 0) {
		return false;
	}
	for (int i = 0; i < NUMBERS; i++) {
		char text[9] = { 0 };
		memcpy(text, header + strlen(MAGIC) + 8 * i, 8);
		if (strspn(text, "0123456789abcdefABCDEF") != 8) {
			return false;
		}
		numbers[i] = (uint32_t)strtoul(text, NULL, 16);
	}
	return true;
}

/* Relative, without "..". */
static bool is_safe(const char *name)
{
	while (name) {
		size_t len = strcspn(name, "/");
		if (len == 0 || (len == 1 && name[0] == '.') ||
			(len == 2 && !memcmp(name, "..", 2))) {
			return false;
		}
		name = name[len] ? name + len + 1 : NULL;
	}
	return true;
}

/* Reads the entry at `at`; returns the offset of the next one, or 0 if it is invalid. */
static size_t read_entry(const uint8_t *bytes, size_t len, size_t at, struct cpio_entry *entry)
{
	uint32_t numbers[NUMBERS];
	if (len - at < HEADER || !read_numbers((const char *)bytes + at, numbers)) {
		return 0;
	}
	size_t name_len = numbers[N_NAME], size = numbers[N_SIZE];
	size_t body = (at + HEADER + name_len + 3) & ~(size_t)3;
	if (name_len < 2 || name_len > 4096 || body > len || size > len - body ||
		bytes[at + HEADER + name_len - 1] != '\0') {
		return 0;
	}
	*entry = (struct cpio_entry){
		.name = (const char *)bytes + at + HEADER,
		.mode = numbers[N_MODE],
		.bytes = bytes + body,
		.len = size,
	};
	size_t next = (body + size + 3) & ~(size_t)3;
	return strlen(entry->name) + 1 == name_len && next <= len ? next : 0;
}

bool cpio_each(const void *bytes, size_t len,
	bool (*fn)(const struct cpio_entry *entry, void *data, struct err *err), void *data,
	struct err *err)
{
	struct cpio_entry entry;
	for (size_t at = 0; at < len;) {
		size_t next = read_entry(bytes, len, at, &entry);
		if (next && strcmp(entry.name, TRAILER) == 0) {
			return true;
		}
		if (!next || !is_safe(entry.name)) {
			return err_set(err, ERR_ARGUMENT, "the archive is damaged at byte %zu", at);
		}
		if (!fn(&entry, data, err)) {
			return false;
		}
		at = next;
	}
	return err_set(err, ERR_ARGUMENT, "the archive is truncated");
}
