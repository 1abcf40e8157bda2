/* Random ids that are valid in file names and URLs. */
#include "base/id.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";

#define LETTERS (sizeof(alphabet) - 1)

void id_make(char ret_id[ID_LEN + 1])
{
	unsigned char bytes[64];
	for (size_t len = 0; len < ID_LEN;) {
		ssize_t n = getrandom(bytes, sizeof(bytes), 0);
		if (n < 0) {
			abort(); /* cannot happen for 64 bytes once the kernel has booted */
		}
		for (ssize_t i = 0; i < n && len < ID_LEN; i++) {
			/* all letters with equal probability */
			if (bytes[i] < 256 / LETTERS * LETTERS) {
				ret_id[len++] = alphabet[bytes[i] % LETTERS];
			}
		}
	}
	ret_id[ID_LEN] = '\0';
}

bool id_is_valid(const char *id)
{
	return id && strlen(id) == ID_LEN && strspn(id, alphabet) == ID_LEN;
}
