#include "tools/system/file_link.h"

#include "base/secret.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

const char *const file_link_methods[] = { "read", "write", NULL };

/* The path is the last part, because it may have any characters. */
static void sign(const struct digest *key, const struct file_link *link,
	char ret_signature[DIGEST_HEX_LEN + 1])
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "file:%s:%s:%" PRId64 ":%s", link->sandbox,
		file_link_methods[link->method], link->expires, link->path);
	struct digest made =
		digest_hmac_sha256(key->bytes, sizeof(key->bytes), text.data, text.len);
	digest_to_hex(&made, ret_signature);
}

static void write_escaped(struct buf *out, const char *text)
{
	for (; *text; text++) {
		bool keeps = isalnum((unsigned char)*text) || strchr("-._~/", *text);
		buf_printf(out, keeps ? "%c" : "%%%02X", (unsigned char)*text);
	}
}

void file_link_write(struct buf *out, const struct digest *key, const struct file_link *link)
{
	char signature[DIGEST_HEX_LEN + 1];
	sign(key, link, signature);
	buf_printf(out, "/api/sandboxes/%s/files?path=", link->sandbox);
	write_escaped(out, link->path);
	buf_printf(out, "&method=%s&expires=%" PRId64 "&signature=%s",
		file_link_methods[link->method], link->expires, signature);
}

bool file_link_is_signed(
	const struct digest *key, const struct file_link *link, const char *signature)
{
	char right[DIGEST_HEX_LEN + 1];
	sign(key, link, right);
	return secret_equal(signature, right);
}
