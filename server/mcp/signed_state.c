/* A signed text is an HMAC in hexadecimal, a dot, and the text. */
#include "server/mcp/signed_state.h"

#include "base/cleanup.h"
#include "base/digest.h"

#include <string.h>
#include <sys/random.h>

static void need_key(struct state_key *state_key)
{
	if (!state_key->keyed && getentropy(state_key->key, sizeof(state_key->key)) < 0) {
		abort(); /* without randomness no signature could be trusted */
	}
	state_key->keyed = true;
}

/* The context's length precedes it, so that its end cannot be confused with the start of the
 * text. */
static struct digest digest_of(
	struct state_key *state_key, const struct buf *context, const char *text)
{
	auto_buf struct buf all = { 0 };
	need_key(state_key);
	buf_printf(&all, "%zu ", context->len);
	buf_append(&all, buf_text(context), context->len);
	buf_append(&all, text, strlen(text));
	return digest_hmac_sha256(state_key->key, sizeof(state_key->key), all.data, all.len);
}

char *signed_state_make(struct state_key *state_key, const struct buf *context, const char *text)
{
	struct digest digest = digest_of(state_key, context, text);
	char hex[DIGEST_HEX_LEN + 1];
	struct buf out = { 0 };
	digest_to_hex(&digest, hex);
	buf_printf(&out, "%s.", hex);
	buf_append(&out, text, strlen(text));
	return (char *)out.data;
}

const char *signed_state_open(
	struct state_key *state_key, const struct buf *context, const char *signed_state)
{
	char hex[DIGEST_HEX_LEN + 1];
	struct digest digest;
	if (strnlen(signed_state, DIGEST_HEX_LEN + 1) <= DIGEST_HEX_LEN ||
		signed_state[DIGEST_HEX_LEN] != '.') {
		return NULL;
	}
	memcpy(hex, signed_state, DIGEST_HEX_LEN);
	hex[DIGEST_HEX_LEN] = '\0';
	const char *text = signed_state + DIGEST_HEX_LEN + 1;
	if (!digest_from_hex(hex, &digest)) {
		return NULL;
	}
	struct digest wanted = digest_of(state_key, context, text);
	return digest_equal(&digest, &wanted) ? text : NULL;
}
