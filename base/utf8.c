#include "base/utf8.h"

#include <string.h>

size_t utf8_claimed_len(uint8_t first)
{
	return first < 0x80   ? 1
	       : first < 0xc2 ? 0
	       : first < 0xe0 ? 2
	       : first < 0xf0 ? 3
	       : first < 0xf5 ? 4
			      : 0;
}

size_t utf8_char_len(const uint8_t *s, size_t len)
{
	size_t n = utf8_claimed_len(*s);
	if (n == 0 || n > len || *s == 0) {
		return 0;
	}
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	bool bad = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
		   (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f);
	return bad ? 0 : n;
}

bool utf8_is_valid(const uint8_t *s, size_t len)
{
	for (size_t n; len; s += n, len -= n) {
		n = utf8_char_len(s, len);
		if (n == 0) {
			return false;
		}
	}
	return true;
}

void utf8_append_clean(struct buf *to, const uint8_t *s, size_t len)
{
	buf_reserve(to, len + 1);
	for (size_t n; len; s += n, len -= n) {
		n = utf8_char_len(s, len);
		if (n) {
			buf_append(to, s, n);
		} else {
			buf_append(to, "\xef\xbf\xbd", 3);
			n = 1;
		}
	}
}

static bool is_continuation(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

size_t utf8_whole_len(const uint8_t *s, size_t len)
{
	for (size_t back = 1; back <= 3 && back <= len; back++) {
		uint8_t byte = s[len - back];
		if (!is_continuation(byte)) {
			return utf8_claimed_len(byte) > back ? len - back : len;
		}
	}
	return len;
}

void utf8_append_latin1(struct buf *to, const uint8_t *s, size_t len)
{
	buf_reserve(to, 2 * len + 1);
	for (size_t i = 0; i < len; i++) {
		const uint8_t two[] = { (uint8_t)(0xc0 | s[i] >> 6),
			(uint8_t)(0x80 | (s[i] & 0x3f)) };
		if (s[i] < 0x80) {
			buf_append(to, s + i, 1);
		} else {
			buf_append(to, two, 2);
		}
	}
}

void utf8_copy_line(char *to, size_t size, const char *text)
{
	size_t at = 0, keep = 0, len;
	text += strspn(text, " \t\r\n");
	const char *end = text + strlen(text);
	for (; *text; text += len) {
		bool is_control = (unsigned char)*text < 0x20 || *text == 0x7f;
		len = is_control ? 1 : utf8_char_len((const uint8_t *)text, (size_t)(end - text));
		if (len == 0 || at + len >= size) {
			break;
		}
		memcpy(to + at, is_control ? " " : text, len);
		at += len;
		keep = is_control || *text == ' ' ? keep : at;
	}
	to[keep] = '\0';
}
