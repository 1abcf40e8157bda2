#include "base/plain.h"

#include <stdbool.h>
#include <string.h>

/* Returns the code point at text and its length in bytes; -1 and 1 if it is not UTF-8. */
static int32_t next(const unsigned char *text, size_t *ret_len)
{
	static const int32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	size_t more = text[0] < 0x80 ? 0 : text[0] >= 0xf0 ? 3 : text[0] >= 0xe0 ? 2 : 1;
	int32_t ch = more ? text[0] & (0x3f >> more) : text[0];
	bool valid = text[0] < 0x80 || (text[0] >= 0xc2 && text[0] < 0xf5);
	for (size_t i = 1; i <= more && valid; i++) {
		valid = (text[i] & 0xc0) == 0x80;
		ch = ch << 6 | (text[i] & 0x3f);
	}
	valid = valid && ch >= least[more] && ch <= 0x10ffff && (ch < 0xd800 || ch > 0xdfff);
	*ret_len = valid ? more + 1 : 1;
	return valid ? ch : -1;
}

static bool is_control(int32_t ch)
{
	return (ch >= 0 && ch < 0x20) || (ch >= 0x7f && ch < 0xa0) || ch == 0x2028 || ch == 0x2029;
}

/* Joiners (U+200C, U+200D) are kept: scripts and emoji need them, and they hide nothing. */
static bool is_unseen(int32_t ch)
{
	static const struct {
		int32_t first, last;
	} ranges[] = { { 0xad, 0xad }, { 0x61c, 0x61c }, { 0x180e, 0x180e }, { 0x200b, 0x200b },
		{ 0x200e, 0x200f }, { 0x202a, 0x202e }, { 0x2060, 0x206f }, { 0xfeff, 0xfeff },
		{ 0xfff9, 0xfffb }, { 0xe0000, 0xe0fff } };
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		if (ch >= ranges[i].first && ch <= ranges[i].last) {
			return true;
		}
	}
	return false;
}

static void append(struct buf *out, const char *text, size_t max, bool quoted)
{
	size_t at = 0, len = 0;
	for (; text[at] && at < max; at += len) {
		int32_t ch = next((const unsigned char *)text + at, &len);
		if (at + len > max) {
			break;
		}
		if (ch < 0 || is_control(ch)) {
			buf_append(out, ch < 0 ? "?" : " ", 1);
		} else if (!is_unseen(ch)) {
			buf_append(out, "\\", quoted && (ch == '"' || ch == '\\'));
			buf_append(out, text + at, len);
		}
	}
	if (text[at]) {
		buf_append(out, "...", 3);
	}
}

void plain_append(struct buf *out, const char *text, size_t max)
{
	append(out, text, max, false);
}

void plain_quote(struct buf *out, const char *text, size_t max)
{
	buf_append(out, "\"", 1);
	append(out, text, max, true);
	buf_append(out, "\"", 1);
}
