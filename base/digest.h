#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SHA-256, for stored tokens and for signatures. */

struct digest {
	uint8_t bytes[32];
};

struct digest digest_sha256(const void *bytes, size_t len);
struct digest digest_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len);
/* In constant time. */
bool digest_equal(const struct digest *a, const struct digest *b);

#define DIGEST_HEX_LEN 64
void digest_to_hex(const struct digest *digest, char ret_text[DIGEST_HEX_LEN + 1]);
/* False if text is not exactly the hexadecimal digits of a digest, in either case. */
bool digest_from_hex(const char *text, struct digest *ret);

/* FNV-1a with 128 bits, for file names.  Not collision-resistant against chosen input. */
#define DIGEST_FNV_HEX_LEN 32
typedef unsigned __int128 digest_fnv;

digest_fnv digest_fnv_of(const void *bytes, size_t len);
void digest_fnv_to_hex(digest_fnv sum, char ret_text[DIGEST_FNV_HEX_LEN + 1]);

#endif
