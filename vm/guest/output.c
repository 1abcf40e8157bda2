/*
 * The beginning and the end of a command's output, and the number of bytes dropped between them.
 * Cuts move to boundaries of UTF-8 characters, and invalid bytes become U+FFFD, so the result is
 * always valid UTF-8.
 */

#include "vm/guest/output.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/utf8.h"

#include <string.h>

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

void output_add(struct output *out, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	if (out->total < GUEST_OUTPUT_HEAD) {
		size_t n = smaller(GUEST_OUTPUT_HEAD - (size_t)out->total, len);
		memcpy(out->head + out->total, from, n);
		out->total += (int64_t)n;
		from += n;
		len -= n;
	}
	if (len > GUEST_OUTPUT_TAIL) { /* the ring would overwrite it at once */
		size_t skip = len - GUEST_OUTPUT_TAIL;
		out->total += (int64_t)skip;
		from += skip;
		len -= skip;
	}
	while (len) {
		size_t at = (size_t)((out->total - GUEST_OUTPUT_HEAD) % GUEST_OUTPUT_TAIL);
		size_t n = smaller(GUEST_OUTPUT_TAIL - at, len);
		memcpy(out->tail + at, from, n);
		out->total += (int64_t)n;
		from += n;
		len -= n;
	}
}

static bool is_continuation(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

static char *clean(const uint8_t *s, size_t len)
{
	struct buf text = { 0 };
	utf8_append_clean(&text, s, len);
	buf_append(&text, "", 1);
	return (char *)take_ptr(&text.data);
}

/* Without an incomplete character at the end. */
static size_t whole_head(const uint8_t *s, size_t len)
{
	for (size_t back = 1; back <= 3 && back <= len; back++) {
		uint8_t byte = s[len - back];
		if (!is_continuation(byte)) {
			return utf8_claimed_len(byte) > back ? len - back : len;
		}
	}
	return len;
}

static size_t split_at_start(const uint8_t *s, size_t len)
{
	size_t n = 0;
	while (n < 3 && n < len && is_continuation(s[n])) {
		n++;
	}
	return n;
}

void output_text(const struct output *out, char **ret_head, char **ret_tail, int64_t *ret_cut)
{
	auto_buf struct buf all = { 0 };
	size_t head = smaller(GUEST_OUTPUT_HEAD, (size_t)out->total);
	size_t behind = (size_t)out->total - head, kept = smaller(behind, GUEST_OUTPUT_TAIL);
	size_t start = behind > kept ? behind % GUEST_OUTPUT_TAIL : 0; /* the ring's oldest byte */
	buf_append(&all, out->head, head);
	buf_append(&all, out->tail + start, kept - start);
	buf_append(&all, out->tail, start);
	if (behind == kept) {
		*ret_cut = 0;
		*ret_head = clean(all.data, all.len);
		*ret_tail = must(strdup(""));
		return;
	}
	size_t whole = whole_head(all.data, head), skip = split_at_start(all.data + head, kept);
	*ret_cut = (int64_t)(behind - kept + (head - whole) + skip);
	*ret_head = clean(all.data, whole);
	*ret_tail = clean(all.data + head + skip, kept - skip);
}
