/* Small files, read completely. */
#include "base/file.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PART 4096

bool file_read(int fd, size_t max, const char *what, struct buf *out, struct err *err)
{
	size_t began = out->len;
	while (out->len - began <= max) {
		buf_reserve(out, PART);
		ssize_t n = read(fd, out->data + out->len, PART);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return err_errno(err, "cannot read %s", what);
		}
		if (n == 0) {
			return true;
		}
		out->len += (size_t)n;
		out->data[out->len] = '\0';
	}
	return err_set(err, ERR_LIMIT, "%s is larger than %zu KiB", what, max >> 10);
}

bool file_read_path(
	const char *path, size_t max, const char *what, struct buf *out, struct err *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	what = what ? what : path;
	return fd < 0 ? err_errno(err, "cannot read %s", what) : file_read(fd, max, what, out, err);
}

ssize_t file_read_text(int dir_fd, const char *path, char *ret_text, size_t size)
{
	auto_close int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = fd < 0 ? -1 : 0;
	while (fd >= 0 && len < size - 1 &&
		((n = read(fd, ret_text + len, size - 1 - len)) > 0 || (n < 0 && errno == EINTR))) {
		len += n > 0 ? (size_t)n : 0;
	}
	len = n < 0 ? 0 : len;
	ret_text[len] = '\0';
	return n < 0 ? -1 : (ssize_t)len;
}

bool file_has_changed(const struct stat *before, const struct stat *now)
{
	return now->st_dev != before->st_dev || now->st_ino != before->st_ino ||
	       now->st_size != before->st_size || now->st_mode != before->st_mode ||
	       memcmp(&now->st_mtim, &before->st_mtim, sizeof(now->st_mtim)) != 0 ||
	       memcmp(&now->st_ctim, &before->st_ctim, sizeof(now->st_ctim)) != 0;
}
