#ifndef SERVER_E2B_CORE_TOKENS_H
#define SERVER_E2B_CORE_TOKENS_H

#include "base/digest.h"
#include "base/err.h"

/*
 * The tokens of a sandbox, which the control plane tells its owner.  They are HMACs of its id, so
 * nothing is kept, and they stay the same as long as the key of the state directory.
 */

#define E2B_TOKEN_SIZE (DIGEST_HEX_LEN + 1)

enum e2b_token {
	E2B_TOKEN_ACCESS,  /* to envd: X-Access-Token, and signatures */
	E2B_TOKEN_TRAFFIC, /* to its ports: E2B-Traffic-Access-Token */
	E2B_TOKEN_UPLOAD,  /* of files for a template; id: the template's */
};
/* id: the sandbox's. */
void e2b_token_of(const struct digest *key, enum e2b_token which, const char *id,
	char ret_token[E2B_TOKEN_SIZE]);
/* Whether token is the right one; NULL: no.  In constant time. */
bool e2b_token_is(
	const struct digest *key, enum e2b_token which, const char *id, const char *token);

#endif
