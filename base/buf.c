/* A growable byte buffer.  Its capacity doubles, and a NUL that is not counted follows the data. */
#include "base/buf.h"

#include "base/cleanup.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BUF_MIN 64

void buf_done(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ 0 };
}

void buf_reserve(struct buf *buf, size_t more)
{
	size_t need;
	if (__builtin_add_overflow(buf->len, more, &need) || need >= SIZE_MAX / 2) {
		abort();
	}
	if (need < buf->cap) {
		return;
	}
	size_t cap = buf->cap ? buf->cap : BUF_MIN;
	while (cap <= need) {
		cap *= 2;
	}
	buf->data = must(realloc(buf->data, cap));
	buf->cap = cap;
	buf->data[buf->len] = '\0';
}

void buf_append(struct buf *buf, const void *bytes, size_t len)
{
	buf_reserve(buf, len);
	if (len) {
		memcpy(buf->data + buf->len, bytes, len);
	}
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0) {
		abort();
	}
	buf_reserve(buf, (size_t)len);
	vsnprintf((char *)buf->data + buf->len, (size_t)len + 1, fmt, again);
	va_end(again);
	buf->len += (size_t)len;
}

void buf_consume(struct buf *buf, size_t len)
{
	if (len > buf->len) {
		abort();
	}
	if (len == 0) {
		return;
	}
	buf->len -= len;
	memmove(buf->data, buf->data + len, buf->len + 1);
}

const char *buf_text(const struct buf *buf)
{
	return buf->data ? (const char *)buf->data : "";
}
