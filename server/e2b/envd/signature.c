#include "server/e2b/envd/signature.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "base/secret.h"

#include <stdio.h>
#include <string.h>

static const char *text_or_none(const char *text)
{
	return text ? text : "";
}

void envd_sign(const struct envd_signed *what, char ret_signature[ENVD_SIGNATURE_SIZE])
{
	auto_buf struct buf text = { 0 };
	size_t len;
	buf_printf(&text, "%s:%s:%s:%s", text_or_none(what->path), what->writes ? "write" : "read",
		text_or_none(what->user), what->token);
	if (what->expires) {
		buf_printf(&text, ":%s", what->expires);
	}
	struct digest digest = digest_sha256(text.data, text.len);
	auto_free char *base64 = base64_encode(digest.bytes, sizeof(digest.bytes), &len);
	base64[strcspn(base64, "=")] = '\0';
	snprintf(ret_signature, ENVD_SIGNATURE_SIZE, "v1_%s", base64);
}

bool envd_signature_is(const struct envd_signed *what, const char *signature)
{
	char right[ENVD_SIGNATURE_SIZE];
	envd_sign(what, right);
	return signature && secret_equal(right, signature);
}

static bool has_expired(const char *expires, int64_t now)
{
	char *end;
	long long at = strtoll(expires, &end, 10);
	return end == expires || *end || at < now;
}

bool envd_signature_check(
	const struct envd_signed *what, const char *signature, int64_t now, struct err *err)
{
	if (!signature || !*signature) {
		return err_set(err, ERR_ARGUMENT, "missing signature query parameter");
	}
	if (!envd_signature_is(what, signature)) {
		return err_set(err, ERR_ARGUMENT, "invalid signature");
	}
	if (what->expires && has_expired(what->expires, now)) {
		return err_set(err, ERR_ARGUMENT, "signature is already expired");
	}
	return true;
}
