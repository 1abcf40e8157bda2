/* See response.h.  Heads, sizes of chunks and trailers are read line by line; bodies are not copied. */
#include "server/e2b/ports/response.h"

#include "server/e2b/ports/header.h"
#include "transport/http/check.h"

#include <string.h>
#include <strings.h>

#define CHUNK_DIGITS_MAX 8
#define LENGTH_DIGITS_MAX 15

enum { STATUS_LINE, HEADERS, BODY, CHUNK_SIZE, CHUNK_END, TRAILERS, UNTIL_CLOSE, RAW, OVER };

void port_response_done(struct port_response *r)
{
	buf_done(&r->line);
	buf_done(&r->headers);
	buf_done(&r->connection);
}

static bool bad(struct err *err, const char *what)
{
	return err_set(err, ERR_ARGUMENT, "the program's response is not valid HTTP: %s", what);
}

/* ---- the head ---- */

/* "HTTP/1.1 200 OK" */
static bool read_status(struct port_response *r, const char *line, struct err *err)
{
	if (strncmp(line, "HTTP/1.", 7) != 0 || (line[7] != '0' && line[7] != '1') ||
		line[8] != ' ' || strspn(line + 9, "0123456789") != 3 ||
		(line[12] && line[12] != ' ')) {
		return bad(err, "expected a line such as HTTP/1.1 200 OK");
	}
	r->minor = line[7] - '0';
	r->status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + line[11] - '0';
	r->state = HEADERS;
	return r->status >= 100 || bad(err, "the status is below 100");
}

static bool read_length(struct port_response *r, const char *value, struct err *err)
{
	size_t len = strlen(value);
	int64_t length = 0;
	if (len == 0 || len > LENGTH_DIGITS_MAX || strspn(value, "0123456789") != len) {
		return bad(err, "Content-Length is not a number");
	}
	for (; *value; value++) {
		length = length * 10 + *value - '0';
	}
	if (r->has_length && r->length != length) {
		return bad(err, "two different values of Content-Length");
	}
	r->has_length = true;
	r->length = length;
	return true;
}

static bool read_coding(struct port_response *r, const char *value, struct err *err)
{
	if (r->has_coding || strcasecmp(value, "chunked") != 0) {
		return bad(err, "a Transfer-Encoding other than chunked");
	}
	r->has_coding = r->is_chunked = true;
	return true;
}

static bool keep_header(
	struct port_response *r, const char *name, const char *value, struct err *err)
{
	if (strcasecmp(name, "Content-Length") == 0) {
		return read_length(r, value, err);
	}
	if (strcasecmp(name, "Transfer-Encoding") == 0) {
		return read_coding(r, value, err);
	}
	if (strcasecmp(name, "Connection") == 0) {
		buf_printf(&r->connection, ",%s", value);
	}
	buf_append(&r->headers, name, strlen(name) + 1);
	buf_append(&r->headers, value, strlen(value) + 1);
	return true;
}

/* line: without its end; it is changed. */
static bool read_header(struct port_response *r, char *line, size_t len, struct err *err)
{
	char *colon = memchr(line, ':', len);
	if (!colon) {
		return bad(err, "a header without a colon");
	}
	*colon = '\0';
	char *value = colon + 1 + strspn(colon + 1, " \t"), *end = line + len;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t')) {
		*--end = '\0';
	}
	if (!port_name_is_good(line, (size_t)(colon - line)) ||
		!port_value_is_good(value, (size_t)(end - value))) {
		return bad(err, "a header with invalid characters");
	}
	return r->state == TRAILERS || keep_header(r, line, value, err);
}

static void begin_again(struct port_response *r)
{
	r->state = STATUS_LINE;
	r->headers.len = r->connection.len = 0;
	r->has_length = r->has_coding = r->is_chunked = false;
}

static bool has_no_body(const struct port_response *r)
{
	return r->is_for_head || r->status == 204 || r->status == 304;
}

/* False: interim. */
static bool finish_head(struct port_response *r)
{
	if (r->status < 200 && r->status != 101) {
		begin_again(r);
		return false;
	}
	r->left = r->has_length ? r->length : 0;
	r->length = r->has_length ? r->length : -1;
	r->state = r->status == 101 ? RAW
		   : has_no_body(r) ? OVER
		   : r->is_chunked  ? CHUNK_SIZE
		   : !r->has_length ? UNTIL_CLOSE
		   : r->left        ? BODY
				    : OVER;
	r->read = 0;
	return true;
}

/* ---- lines ---- */

/* Takes bytes up to the end of a line, which is taken off.  False: it is not complete (ERR_NONE), or too
 * long or wrong. */
static bool take_line(struct port_response *r, const uint8_t **at, size_t *len, struct err *err)
{
	const uint8_t *end = memchr(*at, '\n', *len);
	size_t n = end ? (size_t)(end - *at) + 1 : *len;
	err->kind = ERR_NONE;
	r->read += n;
	if (r->line.len + n > PORT_LINE_MAX || r->read > PORT_HEAD_MAX) {
		return err_set(err, ERR_LIMIT,
			"the program's response has a head of more than %u KiB, or a line of more "
			"than %u KiB",
			PORT_HEAD_MAX >> 10, PORT_LINE_MAX >> 10);
	}
	buf_append(&r->line, *at, n);
	*at += n;
	*len -= n;
	if (!end) {
		return false;
	}
	if (r->line.len < 2 || r->line.data[r->line.len - 2] != '\r') {
		return bad(err, "a line must end in CR LF");
	}
	r->line.len -= 2;
	r->line.data[r->line.len] = '\0';
	return true;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* "1a;extension" */
static bool read_chunk_size(struct port_response *r, const char *line, struct err *err)
{
	size_t digits = 0;
	r->left = 0;
	for (; hex_digit(line[digits]) >= 0 && digits <= CHUNK_DIGITS_MAX; digits++) {
		r->left = r->left * 16 + hex_digit(line[digits]);
	}
	const char *rest = line + digits + strspn(line + digits, " \t");
	if (digits == 0 || digits > CHUNK_DIGITS_MAX || (*rest && *rest != ';')) {
		return bad(err, "the size of a chunk is not a number");
	}
	r->state = r->left ? BODY : TRAILERS;
	r->read = 0;
	return true;
}

/* PORT_MORE: go on. */
static enum port_piece read_line(struct port_response *r, struct err *err)
{
	char *line = (char *)r->line.data;
	size_t len = r->line.len;
	bool good = true;
	if (strlen(line) != len) {
		bad(err, "a NUL in a line");
		return PORT_BAD;
	}
	if (r->state == STATUS_LINE) {
		good = read_status(r, line, err);
	} else if (r->state == CHUNK_SIZE) {
		good = read_chunk_size(r, line, err);
	} else if (r->state == CHUNK_END) {
		good = len == 0 || bad(err, "a chunk is longer than its size");
		r->state = CHUNK_SIZE;
	} else if (len > 0) {
		good = read_header(r, line, len, err);
	} else if (r->state == TRAILERS) {
		r->state = OVER;
	} else if (r->has_coding && (r->has_length || r->minor == 0)) {
		good = bad(err, "Transfer-Encoding with Content-Length, or in HTTP/1.0");
	} else if (finish_head(r)) {
		return PORT_HEAD;
	}
	return good ? PORT_MORE : PORT_BAD;
}

/* ---- bodies ---- */

static enum port_piece take_body(
	struct port_response *r, const uint8_t **at, size_t *len, struct port_span *ret_body)
{
	bool is_bounded = r->state == BODY;
	size_t n = is_bounded && (uint64_t)r->left < *len ? (size_t)r->left : *len;
	*ret_body = (struct port_span){ *at, n };
	*at += n;
	*len -= n;
	if (is_bounded) {
		r->left -= (int64_t)n;
		r->state = r->left ? BODY : r->is_chunked ? CHUNK_END : OVER;
	}
	return r->state == RAW ? PORT_RAW : PORT_BODY;
}

enum port_piece port_response_next(struct port_response *r, const uint8_t **at, size_t *len,
	struct port_span *ret_body, struct err *err)
{
	while (r->state != OVER && *len > 0) {
		if (r->state == BODY || r->state == UNTIL_CLOSE || r->state == RAW) {
			return take_body(r, at, len, ret_body);
		}
		if (!take_line(r, at, len, err)) {
			return err->kind == ERR_NONE ? PORT_MORE : PORT_BAD;
		}
		r->read = r->state == CHUNK_SIZE || r->state == CHUNK_END ? 0 : r->read;
		enum port_piece piece = read_line(r, err);
		r->line.len = 0;
		if (piece != PORT_MORE) {
			return piece;
		}
	}
	return r->state == OVER ? PORT_END : PORT_MORE;
}

enum port_piece port_response_close(struct port_response *r, struct err *err)
{
	if (r->state == UNTIL_CLOSE || r->state == OVER || r->state == RAW) {
		r->state = OVER;
		return PORT_END;
	}
	bad(err, r->state == STATUS_LINE && !r->line.len ? "the program closed without a response"
							 : "the program closed before its end");
	return PORT_BAD;
}

/* ---- headers ---- */

static const char *next_header(const struct port_response *r, size_t *at, const char **ret_value)
{
	if (*at >= r->headers.len) {
		return NULL;
	}
	const char *name = (const char *)r->headers.data + *at;
	*ret_value = name + strlen(name) + 1;
	*at += strlen(name) + strlen(*ret_value) + 2;
	return name;
}

void port_response_each(const struct port_response *r,
	void (*fn)(const char *name, const char *value, void *data), void *data)
{
	const char *name, *value;
	for (size_t at = 0; (name = next_header(r, &at, &value));) {
		if (!port_is_hop_by_hop(name, buf_text(&r->connection))) {
			fn(name, value, data);
		}
	}
}

const char *port_response_header(const struct port_response *r, const char *wanted)
{
	const char *name, *value;
	for (size_t at = 0; (name = next_header(r, &at, &value));) {
		if (strcasecmp(name, wanted) == 0) {
			return value;
		}
	}
	return NULL;
}
