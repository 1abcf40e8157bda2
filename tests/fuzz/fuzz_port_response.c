// USES server
/*
 * The response of a program in a sandbox (server/e2b/ports/response.h), at once and in pieces: the
 * result is the same, every refusal has a sentence, and no header that is passed on has a line break.
 */
#include "base/cleanup.h"
#include "server/e2b/ports/response.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void add_header(const char *name, const char *value, void *data)
{
	if (strpbrk(name, "\r\n: ") || strpbrk(value, "\r\n")) {
		abort();
	}
	buf_printf(data, "%s=%s;", name, value);
}

static void read_all(const uint8_t *bytes, size_t left, size_t n, struct buf *out)
{
	struct port_response r = { .is_for_head = left && bytes[0] == 'h' };
	enum port_piece piece = PORT_MORE;
	while (piece == PORT_MORE) {
		size_t len = left < n ? left : n;
		const uint8_t *at = bytes;
		struct port_span body;
		struct err err = { 0 };
		bytes += len;
		left -= len;
		do {
			piece = port_response_next(&r, &at, &len, &body, &err);
			if (piece == PORT_HEAD) {
				buf_printf(out, "%d %lld ", r.status, (long long)r.length);
				port_response_each(&r, add_header, out);
			} else if (piece == PORT_BODY || piece == PORT_RAW) {
				buf_append(out, body.bytes, body.len);
			}
		} while (piece == PORT_HEAD || piece == PORT_BODY || piece == PORT_RAW);
		if (piece == PORT_MORE && left == 0) {
			piece = port_response_close(&r, &err);
		}
		if (piece == PORT_BAD && !err.text[0]) {
			abort();
		}
	}
	buf_printf(out, "|%d", piece);
	port_response_done(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	auto_buf struct buf whole = { 0 }, pieces = { 0 };
	read_all(bytes, len, len ? len : 1, &whole);
	read_all(bytes, len, 7, &pieces);
	if (whole.len != pieces.len || memcmp(whole.data, pieces.data, whole.len) != 0) {
		abort();
	}
	return 0;
}
