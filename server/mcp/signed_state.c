/* A signed text is an HMAC in hexadecimal, a dot, and the text. */
#include "server/mcp/signed_state.h"

#include "base/cleanup.h"
#include "base/digest.h"

#include <string.h>
#include <sys/random.h>

static void need_key(struct seal *seal)
{
	if (!seal->keyed && getentropy(seal->key, sizeof(seal->key)) < 0) {
		abort(); /* without randomness no signature could be trusted */
	}
	seal->keyed = true;
}

/* The context's length precedes it, so that its end cannot be confused with the start of the
 * text. */
static struct digest digest_of(struct seal *seal, const struct buf *context, const char *text)
{
	auto_buf struct buf all = { 0 };
	need_key(seal);
	buf_printf(&all, "%zu ", context->len);
	buf_append(&all, buf_text(context), context->len);
	buf_append(&all, text, strlen(text));
	return digest_hmac_sha256(seal->key, sizeof(seal->key), all.data, all.len);
}

char *seal_make(struct seal *seal, const struct buf *context, const char *text)
{
	struct digest digest = digest_of(seal, context, text);
	char hex[DIGEST_HEX_LEN + 1];
	struct buf out = { 0 };
	digest_to_hex(&digest, hex);
	buf_printf(&out, "%s.", hex);
	buf_append(&out, text, strlen(text));
	return (char *)out.data;
}

const char *seal_open(struct seal *seal, const struct buf *context, const char *sealed)
{
	char hex[DIGEST_HEX_LEN + 1];
	struct digest digest;
	if (strnlen(sealed, DIGEST_HEX_LEN + 1) <= DIGEST_HEX_LEN ||
		sealed[DIGEST_HEX_LEN] != '.') {
		return NULL;
	}
	memcpy(hex, sealed, DIGEST_HEX_LEN);
	hex[DIGEST_HEX_LEN] = '\0';
	const char *text = sealed + DIGEST_HEX_LEN + 1;
	if (!digest_from_hex(hex, &digest)) {
		return NULL;
	}
	struct digest wanted = digest_of(seal, context, text);
	return digest_equal(&digest, &wanted) ? text : NULL;
}
