#include "server/e2b/core/tokens.h"

#include "base/secret.h"

#include <stdio.h>

static const char *const purposes[] = {
	[E2B_TOKEN_ACCESS] = "access",
	[E2B_TOKEN_TRAFFIC] = "traffic",
	[E2B_TOKEN_UPLOAD] = "upload",
};

void e2b_token_of(const struct digest *key, enum e2b_token which, const char *id,
	char ret_token[E2B_TOKEN_SIZE])
{
	char text[128];
	int len = snprintf(text, sizeof(text), "%s:%s", purposes[which], id);
	struct digest made = digest_hmac_sha256(key->bytes, sizeof(key->bytes), text, (size_t)len);
	digest_to_hex(&made, ret_token);
}

bool e2b_token_is(const struct digest *key, enum e2b_token which, const char *id, const char *token)
{
	char right[E2B_TOKEN_SIZE];
	e2b_token_of(key, which, id, right);
	return token && secret_equal(token, right);
}
