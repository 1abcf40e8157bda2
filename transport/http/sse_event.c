/* The format of server-sent events (WHATWG HTML, 9.2.5): lines "field: value", terminated by an
 * empty one. */
#include "transport/http/http_impl.h"

#include <string.h>

/* A one-line field: bytes that would end it are removed. */
static void write_field(struct buf *out, const char *field, const char *value)
{
	buf_append(out, field, strlen(field));
	while (*value) {
		size_t len = strcspn(value, "\r\n");
		buf_append(out, value, len);
		value += len + (value[len] != '\0');
	}
	buf_append(out, "\n", 1);
}

static size_t line_len(const char *data, size_t len)
{
	const char *lf = memchr(data, '\n', len);
	size_t n = lf ? (size_t)(lf - data) : len;
	const char *cr = memchr(data, '\r', n);
	return cr ? (size_t)(cr - data) : n;
}

/* Each line of data in a separate field; CR, LF and CRLF end a line. */
static void write_data(struct buf *out, const char *data, size_t len)
{
	for (;;) {
		size_t n = len ? line_len(data, len) : 0;
		buf_append(out, "data: ", 6);
		buf_append(out, data, n);
		buf_append(out, "\n", 1);
		if (n == len) {
			return;
		}
		n += data[n] == '\r' && n + 1 < len && data[n + 1] == '\n' ? 2 : 1;
		data += n;
		len -= n;
	}
}

void http_event_write(struct buf *out, const char *name, const char *id, const char *data,
	size_t len, unsigned retry_ms)
{
	if (retry_ms) {
		buf_printf(out, "retry: %u\n", retry_ms);
	}
	if (name) {
		write_field(out, "event: ", name);
	}
	if (id) {
		write_field(out, "id: ", id);
	}
	if (data || name || id) {
		write_data(out, data, data ? len : 0);
	}
	buf_append(out, "\n", 1);
}
