#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>

#define SECRET_LEN 43 /* base64url of 32 bytes from the kernel's random source */

void secret_make(char ret_secret[SECRET_LEN + 1]);
/* In constant time, except for different lengths. */
bool secret_equal(const char *a, const char *b);

#endif
