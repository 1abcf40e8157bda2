#include "tests/support/text.h"

int64_t text_length(const char *text)
{
	int64_t chars = 0;
	for (const char *c = text; *c; c++) {
		chars += (*c & 0xc0) != 0x80;
	}
	return chars;
}

void text_append_char(struct buf *buf, unsigned ch)
{
	uint8_t bytes[4];
	size_t n = ch < 0x80 ? 1 : ch < 0x800 ? 2 : ch < 0x10000 ? 3 : 4;
	for (size_t i = n; i-- > 1; ch >>= 6) {
		bytes[i] = (uint8_t)(0x80 | (ch & 0x3f));
	}
	bytes[0] = (uint8_t)((n == 1 ? 0 : 0xf0 << (4 - n)) | ch);
	buf_append(buf, bytes, n);
}

void text_append_cjk(struct buf *buf, int n)
{
	for (int i = 0; i < n; i++) {
		text_append_char(buf, 0x4e00 + (unsigned)i * 7);
	}
	for (int i = n; i-- > 0;) {
		text_append_char(buf, 0x4e00 + (unsigned)i * 7);
	}
}

static unsigned next(unsigned below)
{
	static uint32_t seed = 0x5eed;
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

void text_append_random(struct buf *buf, int n, unsigned first)
{
	static const unsigned ends[] = { 0x80, 0x800, 0xd800, 0x10000, 0x110000 };
	for (int i = 0; i < n; i++) {
		unsigned ch = first + next(ends[next(5)] - first);
		bool surrogate = ch >= 0xd800 && ch < 0xe000;
		bool control = ch >= 0x7f && ch < 0xa0 && first >= ' ';
		text_append_char(buf, surrogate ? 0xe000 : control ? 0xa0 : ch);
	}
}
