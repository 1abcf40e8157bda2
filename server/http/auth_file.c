#include "server/http/auth_file.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "base/file.h"
#include "server/http/auth.h"
#include "vm/state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX (1 << 20)

char *auth_file_default(const char *state_dir, struct err *err)
{
	auto_free char *dir = state_dir ? must(strdup(state_dir)) : state_default_dir(err);
	auto_buf struct buf path = { 0 };
	if (!dir) {
		return NULL;
	}
	buf_printf(&path, "%s/tokens.json", dir);
	return (char *)take_ptr(&path.data);
}

json_t *auth_file_read(const char *path, struct err *err)
{
	auto_buf struct buf text = { 0 };
	if (access(path, F_OK) < 0 && errno == ENOENT) {
		return must(json_array());
	}
	struct auth *checked = auth_new(path, false, err);
	auth_free(checked);
	if (!checked || !file_read_path(path, FILE_MAX, path, &text, err)) {
		return NULL;
	}
	json_t *list = json_loadb(buf_text(&text), text.len, JSON_REJECT_DUPLICATES, NULL);
	if (!list) {
		err_set(err, ERR_STATE, "%s has changed meanwhile; try again", path);
	}
	return list;
}

static bool write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);
		if (n < 0) {
			return false;
		}
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0;
}

static bool replace(const char *path, const json_t *list, struct err *err)
{
	auto_free char *text = must(json_dumps(list, JSON_INDENT(2)));
	auto_buf struct buf other = { 0 };
	buf_printf(&other, "%s.%d", path, getpid());
	auto_close int fd =
		open(buf_text(&other), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		return err_errno(err, "cannot write %s", buf_text(&other));
	}
	if (write_all(fd, text, strlen(text)) && write_all(fd, "\n", 1) &&
		rename(buf_text(&other), path) == 0) {
		return true;
	}
	err_errno(err, "cannot write %s", path);
	unlink(buf_text(&other));
	return false;
}

/* Whether a server would read it. */
static bool is_good(const char *path, struct err *err)
{
	struct auth *auth = auth_new(path, false, err);
	auth_free(auth);
	return auth;
}

static bool find(const json_t *list, const char *name, size_t *ret_at)
{
	size_t i;
	json_t *entry;
	json_array_foreach((json_t *)list, i, entry)
	{
		const char *other = json_string_value(json_object_get(entry, "name"));
		if (other && strcmp(other, name) == 0) {
			*ret_at = i;
			return true;
		}
	}
	return false;
}

bool auth_file_add(const char *path, const char *name, const char *token, struct err *err)
{
	json_auto_t *list = auth_file_read(path, err);
	struct digest digest = digest_sha256(token, strlen(token));
	char hex[DIGEST_HEX_LEN + 1];
	size_t at;
	if (!list || !auth_name_check(name, err)) {
		return false;
	}
	if (find(list, name, &at)) {
		return err_set(err, ERR_STATE,
			"%s has a key of \"%s\" already; remove it first: vitrine key remove %s",
			path, name, name);
	}
	digest_to_hex(&digest, hex);
	json_array_append_new(list, must(json_pack("{s:s, s:s}", "name", name, "sha256", hex)));
	return replace(path, list, err) && is_good(path, err);
}

bool auth_file_remove(const char *path, const char *name, struct err *err)
{
	json_auto_t *list = auth_file_read(path, err);
	size_t at;
	if (!list) {
		return false;
	}
	if (!find(list, name, &at)) {
		return err_set(err, ERR_NOT_FOUND,
			"%s has no key of \"%.64s\"; `vitrine key list` shows the names", path,
			name);
	}
	json_array_remove(list, at);
	return replace(path, list, err);
}
