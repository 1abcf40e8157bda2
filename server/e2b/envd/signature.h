#ifndef SERVER_E2B_ENVD_SIGNATURE_H
#define SERVER_E2B_ENVD_SIGNATURE_H

#include "base/err.h"

#include <stdint.h>

/* Signatures of URLs of /files.  Pure functions. */

#define ENVD_SIGNATURE_SIZE 48 /* "v1_", base64 of SHA-256 without padding, NUL */

/* Texts exactly as in the query; NULL: absent. */
struct envd_signed {
	const char *path, *user, *expires;
	bool writes;
	const char *token; /* envdAccessToken */
};
void envd_sign(const struct envd_signed *what, char ret_signature[ENVD_SIGNATURE_SIZE]);
/* In constant time; NULL: no. */
bool envd_signature_is(const struct envd_signed *what, const char *signature);
/* Whether it is right, and has not expired at `now` (s since 1970).  The texts of errors are those of
 * envd. */
bool envd_signature_check(const struct envd_signed *what, const char *signature, int64_t now,
	struct err *err) NODISCARD;

#endif
