/*
 * libb64, one line at a time.  It ends a line after 72 characters, which is not wanted here, so its
 * line counter is reset before a line is full.
 */
#include "base/base64.h"

#include "base/cleanup.h"

#include <b64/cdecode.h>
#include <b64/cencode.h>
#include <stdbool.h>
#include <string.h>

#define LINE 51 /* 68 characters: complete groups, shorter than a line */

char *base64_encode(const void *bytes, size_t len, size_t *ret_len)
{
	base64_encodestate state;
	const char *in = bytes;
	char *text = must(malloc((len + 2) / 3 * 4 + 2)), *out = text;
	base64_init_encodestate(&state);
	for (; len > LINE; len -= LINE, in += LINE) {
		out += base64_encode_block(in, LINE, out, &state);
		state.stepcount = 0;
	}
	out += base64_encode_block(in, (int)len, out, &state);
	out += base64_encode_blockend(out, &state);
	*--out = '\0'; /* replaces its final line break */
	*ret_len = (size_t)(out - text);
	return text;
}

/* Strict RFC 4648 section 4.  libb64 itself skips unknown characters. */
static bool is_base64(const char *text, size_t len)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t digits = strspn(text, alphabet);
	return len % 4 == 0 && len - digits <= 2 && strspn(text + digits, "=") == len - digits;
}

void *base64_decode(const char *text, size_t *ret_len)
{
	base64_decodestate state;
	size_t len = strlen(text);
	if (!is_base64(text, len)) {
		return NULL;
	}
	char *out = must(malloc(len / 4 * 3 + 4));
	base64_init_decodestate(&state);
	*ret_len = (size_t)base64_decode_block(text, (int)len, out, &state);
	return out;
}
