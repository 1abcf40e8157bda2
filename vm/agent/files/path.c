#include "vm/agent/files/path.h"

#include "base/cleanup.h"
#include "base/utf8.h"

#include <string.h>

/* ---- names as UTF-8 ---- */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte of an escape sequence at s, or -1: a byte outside of ASCII, or a backslash. */
static int escaped_byte(const char *s, size_t len)
{
	if (len < 4 || s[0] != '\\' || s[1] != 'x' || hex_digit(s[2]) < 0 || hex_digit(s[3]) < 0) {
		return -1;
	}
	int byte = hex_digit(s[2]) * 16 + hex_digit(s[3]);
	return byte >= 0x80 || byte == '\\' ? byte : -1;
}

/* Of ASCII without backslashes, which most names are. */
static size_t plain_len(const char *bytes, size_t len)
{
	size_t n = 0;
	while (n < len && (signed char)bytes[n] > 0 && bytes[n] != '\\') {
		n++;
	}
	return n;
}

void path_escape(struct buf *out, const char *bytes, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t plain = plain_len(bytes + at, len - at);
		buf_append(out, bytes + at, plain);
		at += plain;
		if (at == len) {
			return;
		}
		size_t n = utf8_char_len((const uint8_t *)bytes + at, len - at);
		if (n == 0 || escaped_byte(bytes + at, len - at) >= 0) {
			buf_printf(out, "\\x%02x", (unsigned char)bytes[at]);
			n = 1;
		} else {
			buf_append(out, bytes + at, n);
		}
		at += n;
	}
}

char *path_shown(const char *path)
{
	struct buf out = { 0 };
	buf_append(&out, "", 0);
	path_escape(&out, path, strlen(path));
	return out.data ? (char *)out.data : must(strdup(""));
}

static void unescape(struct buf *out, const char *text)
{
	size_t len = strlen(text);
	for (size_t at = 0; at < len;) {
		int byte = escaped_byte(text + at, len - at);
		char c = byte >= 0 ? (char)byte : text[at];
		buf_append(out, &c, 1);
		at += byte >= 0 ? 4 : 1;
	}
}

/* ---- paths ---- */

static void add_components(struct buf *out, const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");
		if (len && !(len == 1 && *path == '.')) {
			buf_append(out, "/", 1);
			buf_append(out, path, len);
		}
		path += len;
		path += strspn(path, "/");
	}
}

static bool check_length(const char *path, struct err *err)
{
	if (strlen(path) >= PATH_MAX) {
		return err_set(err, ERR_ARGUMENT,
			"the path has %zu bytes; at most %d are possible (ENAMETOOLONG)",
			strlen(path), PATH_MAX - 1);
	}
	for (const char *at = path; *at; at += strcspn(at + 1, "/") + 1) {
		size_t len = strcspn(at + 1, "/");
		if (len > NAME_MAX) {
			return err_set(err, ERR_ARGUMENT,
				"a name of the path has %zu bytes; at most %d are possible "
				"(ENAMETOOLONG): '%.60s...'",
				len, NAME_MAX, at + 1);
		}
	}
	return true;
}

char *path_take(const char *given, struct err *err)
{
	auto_buf struct buf plain = { 0 };
	struct buf path = { 0 };
	const char *home = getenv("HOME");
	unescape(&plain, given);
	const char *rest = buf_text(&plain);
	if (*rest != '/') {
		add_components(&path, home ? home : "/");
		rest += rest[0] == '~' && (!rest[1] || rest[1] == '/');
	}
	add_components(&path, rest);
	if (!path.len) {
		buf_append(&path, "/", 1);
	}
	if (!*given || !check_length((const char *)path.data, err)) {
		if (!*given) {
			err_set(err, ERR_ARGUMENT, "the path is empty");
		}
		buf_done(&path);
		return NULL;
	}
	return (char *)path.data;
}

const char *path_name(const char *path)
{
	return strrchr(path, '/') + 1;
}

char *path_parent(const char *path)
{
	size_t len = (size_t)(path_name(path) - 1 - path);
	return len ? must(strndup(path, len)) : must(strdup("/"));
}

bool path_is_below(const char *path, const char *top)
{
	size_t len = strcmp(top, "/") == 0 ? 0 : strlen(top);
	return strncmp(path, top, len) == 0 && (path[len] == '/' || !path[len]);
}
