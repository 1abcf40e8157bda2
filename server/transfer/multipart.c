/*
 * A delimiter is CR LF "--" BOUNDARY.  A boundary has no CR, so bytes that looked like a delimiter and
 * are not one are contents, except that the next byte may begin another.
 */
#include "server/transfer/multipart.h"

#include "server/transfer/disposition.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LINE_MAX_LEN 128 /* blanks behind a boundary */

/* ---- the boundary ---- */

/* The value of a parameter of a header; NULL: absent. */
static const char *find_boundary(const char *type, size_t *ret_len)
{
	const char *at = strchr(type, ';');
	while (at) {
		at += 1 + strspn(at + 1, " \t");
		if (strncasecmp(at, "boundary=", 9) == 0) {
			at += 9;
			bool quoted = *at == '"';
			at += quoted;
			*ret_len = strcspn(at, quoted ? "\"" : "; \t");
			return at;
		}
		at = strchr(at, ';');
	}
	return NULL;
}

static bool is_boundary(const char *text, size_t len)
{
	static const char valid[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "'()+_,-./:=? ";
	return text && len > 0 && len <= MULTIPART_BOUNDARY_MAX && strspn(text, valid) >= len &&
	       text[len - 1] != ' ';
}

bool multipart_init(struct multipart *m, const char *content_type,
	const struct multipart_handlers *handlers, void *data, struct err *err)
{
	size_t len = 0;
	const char *boundary = find_boundary(content_type, &len);
	if (!is_boundary(boundary, len)) {
		return err_set(err, ERR_ARGUMENT,
			"multipart/form-data requires a boundary of 1 to %d characters in "
			"Content-Type",
			MULTIPART_BOUNDARY_MAX);
	}
	*m = (struct multipart){ .handlers = handlers, .data = data };
	m->len = (size_t)snprintf(
		m->delimiter, sizeof(m->delimiter), "\r\n--%.*s", (int)len, boundary);
	m->matched = 2; /* the first one needs no line end before it */
	return true;
}

void multipart_done(struct multipart *m)
{
	buf_done(&m->head);
}

/* ---- contents ---- */

static size_t pass(struct multipart *m, const char *bytes, size_t len)
{
	if (m->state == MULTIPART_PREAMBLE) {
		return len;
	}
	size_t taken = m->handlers->bytes(bytes, len, m->data);
	return taken < len ? taken : len;
}

/* What was held back as the beginning of a delimiter is contents.  False: it was not taken. */
static bool pass_matched(struct multipart *m)
{
	m->passed += pass(m, m->delimiter + m->passed, m->matched - m->passed);
	if (m->passed < m->matched) {
		return false;
	}
	m->matched = m->passed = 0;
	return true;
}

/* A delimiter has come.  False: stop. */
static bool end_part(struct multipart *m)
{
	bool was_body = m->state == MULTIPART_BODY;
	m->state = MULTIPART_LINE;
	m->matched = 0;
	m->head.len = 0;
	return !was_body || m->handlers->end(m->data);
}

/* Where it begins, or may begin if more bytes come; NULL: nowhere.  Bytes that cannot belong to it are
 * passed on together: in binary data, each 256th is a '\r'. */
static const char *find_delimiter(const struct multipart *m, const char *bytes, size_t len)
{
	const char *end = bytes + len, *at = memchr(bytes, '\r', len);
	while (at) {
		size_t rest = (size_t)(end - at);
		if (memcmp(at, m->delimiter, rest < m->len ? rest : m->len) == 0) {
			return at;
		}
		at = memchr(at + 1, '\r', rest - 1);
	}
	return NULL;
}

/* Returns how many bytes were taken. */
static size_t scan(struct multipart *m, const char *bytes, size_t len, bool *stop)
{
	if (m->passed == 0 && m->matched > 0 && *bytes == m->delimiter[m->matched]) {
		*stop = ++m->matched == m->len && !end_part(m);
		return 1;
	}
	if (m->matched > 0) {
		*stop = !pass_matched(m);
		return 0;
	}
	const char *cr = find_delimiter(m, bytes, len);
	size_t n = cr ? (size_t)(cr - bytes) : len;
	size_t taken = n ? pass(m, bytes, n) : 0;
	*stop = taken < n;
	m->matched = cr && !*stop;
	return taken + m->matched;
}

/* ---- between the parts ---- */

static size_t read_line(struct multipart *m, const char *bytes, struct err *err)
{
	buf_append(&m->head, bytes, 1);
	const char *line = buf_text(&m->head);
	if (m->head.len == 2 && strcmp(line, "--") == 0) {
		m->state = MULTIPART_EPILOGUE;
		buf_done(&m->head);
	} else if (*bytes == '\n') {
		size_t blank = strspn(line, " \t\r\n");
		m->state = MULTIPART_HEAD;
		if (blank < m->head.len) {
			err_set(err, ERR_ARGUMENT, "a boundary of the form is followed by text");
		}
		m->head.len = 0;
	} else if (m->head.len > LINE_MAX_LEN) {
		err_set(err, ERR_ARGUMENT, "a boundary of the form is not followed by a line end");
	}
	return 1;
}

/* ---- the head of a part ---- */

static const char *find_header(const char *head, const char *name)
{
	size_t len = strlen(name);
	while (head && strncasecmp(head, name, len) != 0) {
		head = strchr(head, '\n');
		head = head ? head + 1 : NULL;
	}
	return head ? head + len : NULL;
}

static void begin_part(struct multipart *m, struct err *err)
{
	struct disposition d = { 0 };
	const char *from = find_header(buf_text(&m->head), "Content-Disposition:");
	auto_free char *value = from ? must(strndup(from, strcspn(from, "\r\n"))) : NULL;
	if (!value || !disposition_read(value, &d)) {
		err_set(err, ERR_ARGUMENT,
			"a part of the form requires Content-Disposition: form-data; name=\"...\"");
		return;
	}
	if (m->handlers->begin(d.name, d.filename, m->data, err)) {
		m->state = MULTIPART_BODY;
		m->matched = m->passed = 0;
	}
	disposition_done(&d);
	buf_done(&m->head);
}

static bool head_is_complete(const struct buf *head)
{
	const char *end = (const char *)head->data + head->len;
	return (head->len >= 2 && memcmp(end - 2, "\n\n", 2) == 0) ||
	       (head->len >= 3 && memcmp(end - 3, "\n\r\n", 3) == 0) ||
	       (head->len <= 2 && end[-1] == '\n'); /* no header */
}

static size_t read_head(struct multipart *m, const char *bytes, size_t len, struct err *err)
{
	const char *lf = memchr(bytes, '\n', len);
	size_t n = lf ? (size_t)(lf - bytes) + 1 : len;
	if (m->head.len + n > MULTIPART_HEAD_MAX || memchr(bytes, '\0', n)) {
		err_set(err, ERR_ARGUMENT,
			"the head of a part of the form must have at most %u bytes, and no NUL",
			MULTIPART_HEAD_MAX);
		return 0;
	}
	buf_append(&m->head, bytes, n);
	if (lf && head_is_complete(&m->head)) {
		begin_part(m, err);
	}
	return n;
}

size_t multipart_add(struct multipart *m, const char *bytes, size_t len, struct err *err)
{
	size_t at = 0;
	bool stop = false;
	*err = (struct err){ 0 };
	while (at < len && !stop && err->kind == ERR_NONE) {
		switch (m->state) {
		case MULTIPART_PREAMBLE:
		case MULTIPART_BODY:
			at += scan(m, bytes + at, len - at, &stop);
			break;
		case MULTIPART_LINE:
			at += read_line(m, bytes + at, err);
			break;
		case MULTIPART_HEAD:
			at += read_head(m, bytes + at, len - at, err);
			break;
		case MULTIPART_EPILOGUE:
			return len;
		}
	}
	return at;
}

bool multipart_is_complete(const struct multipart *m)
{
	return m->state == MULTIPART_EPILOGUE;
}
