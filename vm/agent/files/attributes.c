#include "vm/agent/files/attributes.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/utf8.h"
#include "vm/agent/files/failure.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define PREFIX "user."
#define KEPT_MAX 32768 /* bytes of a file that keeps them */

static bool is_ours(const char *name)
{
	return strncmp(name, PREFIX, strlen(PREFIX)) == 0;
}

/* ---- of the file system ---- */

static void add_one(json_t *all, int fd, const char *name, size_t *left)
{
	char value[ATTRIBUTES_VALUE_MAX];
	ssize_t len = fgetxattr(fd, name, value, sizeof(value));
	if (len >= 0 && (size_t)len <= *left &&
		utf8_is_valid((const uint8_t *)value, (size_t)len)) {
		json_object_set_new(all, name, json_stringn(value, (size_t)len));
		*left -= (size_t)len;
	}
}

static void clear(int fd)
{
	auto_free char *names = must(malloc(XATTR_LIST_MAX));
	ssize_t len = flistxattr(fd, names, XATTR_LIST_MAX);
	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1) {
		if (is_ours(names + at)) {
			(void)!fremovexattr(fd, names + at);
		}
	}
}

/* ---- beside the file system ---- */

/* The file that keeps them; false: there is no place for it. */
static bool kept_path(int fd, bool make, char ret_path[PATH_MAX])
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	struct stat st;
	if (!dir || fstat(fd, &st) < 0) {
		return false;
	}
	snprintf(ret_path, PATH_MAX, "%s/vitrine-attributes", dir);
	if (make && mkdir(ret_path, 0700) < 0 && errno != EEXIST) {
		return false;
	}
	snprintf(ret_path, PATH_MAX, "%s/vitrine-attributes/%llx-%llx", dir,
		(unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	return true;
}

static bool fits(const json_t *kept)
{
	const char *name;
	json_t *value;
	size_t bytes = 0;
	json_object_foreach((json_t *)kept, name, value)
	{
		bytes += json_string_length(value);
		if (!is_ours(name) || !json_is_string(value)) {
			return false;
		}
	}
	return json_is_object(kept) && bytes <= ATTRIBUTES_ALL_MAX;
}

/* Programs of the sandbox can write such a file, too.  NULL: there is none. */
static json_t *kept_of(int fd)
{
	char path[PATH_MAX];
	auto_buf struct buf text = { 0 };
	struct err ignored;
	json_error_t why;
	if (!kept_path(fd, false, path) || access(path, R_OK) < 0 ||
		!file_read_path(path, KEPT_MAX, NULL, &text, &ignored)) {
		return NULL;
	}
	json_t *kept = json_loadb(buf_text(&text), text.len, 0, &why);
	if (kept && !fits(kept)) {
		json_decref(kept);
		return NULL;
	}
	return kept;
}

/* An empty object removes the file. */
static bool keep(int fd, const json_t *attributes)
{
	char path[PATH_MAX];
	bool some = json_object_size(attributes) > 0;
	if (!kept_path(fd, some, path)) {
		return !some;
	}
	(void)!unlink(path);
	if (!some) {
		return true;
	}
	auto_free char *text = must(json_dumps(attributes, JSON_COMPACT));
	auto_close int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	size_t len = strlen(text);
	return to >= 0 && write(to, text, len) == (ssize_t)len;
}

/* ---- both ---- */

json_t *attributes_of(int fd)
{
	json_t *all = must(json_object()), *kept;
	size_t left = ATTRIBUTES_ALL_MAX;
	auto_free char *names = must(malloc(XATTR_LIST_MAX));
	ssize_t len = flistxattr(fd, names, XATTR_LIST_MAX);
	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1) {
		const char *name = names + at;
		if (is_ours(name) && utf8_is_valid((const uint8_t *)name, strlen(name))) {
			add_one(all, fd, name, &left);
		}
	}
	if (json_object_size(all) || !(kept = kept_of(fd))) {
		return all;
	}
	json_decref(all);
	return kept;
}

bool attributes_replace(int fd, const json_t *attributes, const char *shown, struct err *err)
{
	const char *name;
	json_t *value;
	clear(fd);
	if (!keep(fd, NULL)) {
		return file_failed(err, "set the attributes of", shown);
	}
	json_object_foreach((json_t *)attributes, name, value)
	{
		if (fsetxattr(fd, name, json_string_value(value), json_string_length(value), 0) <
			0) {
			bool good = errno == EOPNOTSUPP && keep(fd, attributes);
			return good || file_failed(err, "set the attributes of", shown);
		}
	}
	return true;
}
