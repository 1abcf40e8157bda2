#include "base/secret.h"

#include "base/cleanup.h"

#include <stdint.h>
#include <string.h>
#include <sys/random.h>

void secret_make(char ret_secret[SECRET_LEN + 1])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8_t random[32];
	if (getrandom(random, sizeof(random), 0) != sizeof(random)) {
		abort(); /* cannot happen for so few bytes, see getrandom(2) */
	}
	/* 6 bits per character, 4 in the last one. */
	for (size_t i = 0; i < SECRET_LEN; i++) {
		size_t bit = i * 6, at = bit / 8;
		unsigned two = random[at] << 8 | (at + 1 < sizeof(random) ? random[at + 1] : 0);
		ret_secret[i] = digits[two >> (10 - bit % 8) & 63];
	}
	ret_secret[SECRET_LEN] = '\0';
}

bool secret_equal(const char *a, const char *b)
{
	size_t len = strlen(a);
	unsigned char differ = 0;
	if (strlen(b) != len) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		differ |= (unsigned char)(a[i] ^ b[i]);
	}
	return !differ;
}
