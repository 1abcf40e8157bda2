#include "vm/state/key.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/secret.h"
#include "vm/state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define KEY_FILE "key"

/* Two servers may start at once: the first file stays. */
static bool make_key(const char *path, struct err *err)
{
	char secret[SECRET_LEN + 1], other[4096];
	secret_make(secret);
	if (snprintf(other, sizeof(other), "%s.%d", path, getpid()) >= (int)sizeof(other)) {
		return err_set(err, ERR_ARGUMENT, "the path of the state directory is too long");
	}
	auto_close int fd = open(other, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool made = fd >= 0 && write(fd, secret, SECRET_LEN) == SECRET_LEN && fsync(fd) == 0 &&
		    (link(other, path) == 0 || errno == EEXIST);
	bool failed = !made && err_errno(err, "cannot write %s", path) == false;
	if (fd >= 0) {
		unlink(other);
	}
	explicit_bzero(secret, sizeof(secret));
	return !failed;
}

static bool read_key(const char *path, struct digest *ret_key, struct err *err)
{
	auto_buf struct buf text = { 0 };
	struct stat st;
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0) {
		return err_errno(err, "cannot read %s", path);
	}
	if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		return err_set(err, ERR_ARGUMENT,
			"other users can read the key in %.300s; run: chmod 600 %.100s", path,
			path);
	}
	if (!file_read(fd, 1024, path, &text, err)) {
		return false;
	}
	if (text.len != SECRET_LEN) {
		return err_set(err, ERR_ARGUMENT,
			"%.300s is not a key of this program; delete it to get a new one", path);
	}
	*ret_key = digest_sha256(text.data, text.len);
	explicit_bzero(text.data, text.len);
	return true;
}

bool state_key(const struct state *state, struct digest *ret_key, struct err *err)
{
	auto_buf struct buf path = { 0 };
	buf_printf(&path, "%s/" KEY_FILE, state_dir(state));
	return (access(buf_text(&path), F_OK) == 0 || make_key(buf_text(&path), err)) &&
	       read_key(buf_text(&path), ret_key, err);
}
