#include "tests/support/holds.h"

bool holds(const char *text, const char *want)
{
	while (text) {
		const char *end = strstr(want, " ... ");
		size_t len = end ? (size_t)(end - want) : strlen(want);
		text = memmem(text, strlen(text), want, len);
		if (!text || !end) {
			return text != NULL;
		}
		text += len;
		want = end + 5;
	}
	return false;
}
