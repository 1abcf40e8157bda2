/* Small files, read completely. */
#include "base/file.h"

#include <errno.h>
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
