/* GnuTLS's SHA-256, because TLS needs GnuTLS anyway. */
#include "base/digest.h"

#include "base/cleanup.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

/* Neither call can fail with an algorithm that is always available. */
static void check(int code)
{
	if (code < 0) {
		abort();
	}
}

struct digest digest_sha256(const void *bytes, size_t len)
{
	struct digest digest;
	check(gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes, len, digest.bytes));
	return digest;
}

struct digest digest_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len)
{
	struct digest digest;
	check(gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, key_len, bytes, len, digest.bytes));
	return digest;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return gnutls_memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

void digest_to_hex(const struct digest *digest, char ret_text[DIGEST_HEX_LEN + 1])
{
	for (size_t i = 0; i < sizeof(digest->bytes); i++) {
		snprintf(ret_text + 2 * i, 3, "%02x", digest->bytes[i]);
	}
}

bool digest_from_hex(const char *text, struct digest *ret)
{
	size_t size = sizeof(ret->bytes);
	struct digest digest;
	if (strlen(text) != DIGEST_HEX_LEN ||
		strspn(text, "0123456789abcdefABCDEF") != DIGEST_HEX_LEN ||
		gnutls_hex2bin(text, DIGEST_HEX_LEN, digest.bytes, &size) < 0) {
		return false;
	}
	*ret = digest;
	return true;
}

digest_fnv digest_fnv_of(const void *bytes, size_t len)
{
	const digest_fnv prime = ((digest_fnv)1 << 88) + 0x13b;
	digest_fnv sum = ((digest_fnv)0x6c62272e07bb0142 << 64) + 0x62b821756295c58d;
	for (size_t i = 0; i < len; i++) {
		sum = (sum ^ ((const uint8_t *)bytes)[i]) * prime;
	}
	return sum;
}

void digest_fnv_to_hex(digest_fnv sum, char ret_text[DIGEST_FNV_HEX_LEN + 1])
{
	snprintf(ret_text, DIGEST_FNV_HEX_LEN + 1, "%016llx%016llx",
		(unsigned long long)(sum >> 64), (unsigned long long)sum);
}
