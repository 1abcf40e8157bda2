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
	char bytes[3] = { (char)(0xe0 | ch >> 12), (char)(0x80 | (ch >> 6 & 0x3f)),
		(char)(0x80 | (ch & 0x3f)) };
	buf_append(buf, bytes, 3);
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
