// USES server
/* Against the published vectors: FIPS 180-2 (SHA-256 of "abc"), RFC 4231 case 2. */
#include "base/digest.h"

#include <criterion/criterion.h>
#include <string.h>

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void expect_hex(const struct digest *digest, const char *hex)
{
	char text[DIGEST_HEX_LEN + 1];
	digest_to_hex(digest, text);
	cr_expect_str_eq(text, hex);
}

Test(digest, sha256)
{
	struct digest digest = digest_sha256("abc", 3);
	expect_hex(&digest, ABC);
}

Test(digest, hmac_sha256)
{
	const char *text = "what do ya want for nothing?";
	struct digest digest = digest_hmac_sha256("Jefe", 4, text, strlen(text));
	expect_hex(&digest, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

Test(digest, equal_only_when_every_byte_is)
{
	struct digest a = digest_sha256("abc", 3), b = a;
	cr_expect(digest_equal(&a, &b));
	b.bytes[31] ^= 1;
	cr_expect_not(digest_equal(&a, &b));
}

Test(digest, hex_both_ways)
{
	struct digest abc = digest_sha256("abc", 3), read = { 0 };
	cr_expect(digest_from_hex(ABC, &read));
	cr_expect(digest_equal(&abc, &read));
	cr_expect(digest_from_hex(
		"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", &read));
	cr_expect(digest_equal(&abc, &read));
	static const char *const bad[] = { "", "ba", ABC "0", ABC "00",
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a:",
		"ba 816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		" ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cr_expect_not(digest_from_hex(bad[i], &read), "\"%s\" was taken", bad[i]);
	}
}

/* The published test vectors of FNV-1a: nothing, and "foobar". */
Test(digest, fnv)
{
	char text[DIGEST_FNV_HEX_LEN + 1];
	digest_fnv_to_hex(digest_fnv_of("", 0), text);
	cr_expect_str_eq(text, "6c62272e07bb014262b821756295c58d");
	digest_fnv_to_hex(digest_fnv_of("foobar", 6), text);
	cr_expect_str_eq(text, "343e1662793c64bf6f0d3597ba446f18");
}
