/* Untrusted text in quotes. */
#include "base/quote.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>

const char *quote_end(char to[QUOTE_MAX], const char *text, size_t len, size_t max)
{
	size_t n = 0;
	if (max > QUOTE_MAX - 3) {
		abort();
	}
	while (len && isspace((unsigned char)text[len - 1])) {
		len--;
	}
	to[n++] = '"';
	for (size_t i = len > max ? len - max : 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];
		bool space = isspace(byte), begins = n == 1 || to[n - 1] == ' ';
		if ((space && !begins) || (byte > ' ' && byte < 0x7f)) {
			to[n++] = space ? ' ' : byte == '"' ? '\'' : (char)byte;
		}
	}
	to[n++] = '"';
	to[n] = '\0';
	return to;
}
