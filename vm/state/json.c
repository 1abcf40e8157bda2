/*
 * Small files in the state directory.  A new version is written to a temporary file, which replaces
 * the old one with rename(2).
 */
#include "vm/state/state.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "vm/state/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define JSON_MAX (64u << 10)

static bool write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);
		if (n < 0 && errno != EINTR) {
			return false;
		}
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* Removes an incomplete one of an earlier process.  Does not follow a link but replaces it. */
static bool write_file(int dir_fd, const char *hidden, const char *text)
{
	if (unlinkat(dir_fd, hidden, 0) < 0 && errno != ENOENT) {
		return false;
	}
	auto_close int fd =
		openat(dir_fd, hidden, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd >= 0 && write_all(fd, text, strlen(text));
}

bool state_write_json(const char *dir, const char *file, const json_t *json, struct err *err)
{
	char hidden[NAME_MAX];
	snprintf(hidden, sizeof(hidden), ".%.120s", file);
	auto_free char *text = json_dumps(json, JSON_INDENT(2));
	if (!text || strlen(text) > JSON_MAX || !state_name_is_valid(file)) {
		return err_set(
			err, ERR_LIMIT, "%s would be larger than %u KiB", file, JSON_MAX >> 10);
	}
	auto_close int fd = tree_open(AT_FDCWD, dir);
	if (fd < 0 || !write_file(fd, hidden, text) || renameat(fd, hidden, fd, file) < 0) {
		state_errno(err, "cannot write %.200s/%s", dir, file);
		if (fd >= 0) {
			unlinkat(fd, hidden, 0);
		}
		return false;
	}
	return true;
}

static json_t *parse(const struct buf *text, const char *what, struct err *err)
{
	json_error_t where;
	json_t *json = json_loadb(buf_text(text), text->len, JSON_REJECT_DUPLICATES, &where);
	if (!json) {
		err_set(err, ERR_ARGUMENT, "%s is not JSON: line %d: %.150s", what, where.line,
			where.text);
	}
	return json;
}

json_t *state_read_json(const char *dir, const char *file, struct err *err)
{
	struct stat st;
	auto_buf struct buf text = { 0 };
	char what[300];
	snprintf(what, sizeof(what), "%.200s/%.80s", dir, file);
	auto_close int dir_fd = tree_open(AT_FDCWD, dir);
	auto_close int fd =
		dir_fd < 0 ? -1
			   : openat(dir_fd, file,
				     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		err_errno(err, "cannot read %s", what);
		if (err->sys == ENOENT) {
			err->kind = ERR_NOT_FOUND;
		}
		return NULL;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(err, ERR_ARGUMENT, "%s is not a regular file", what);
		return NULL;
	}
	return file_read(fd, JSON_MAX, what, &text, err) ? parse(&text, what, err) : NULL;
}
