/* The handshake of a WebSocket (RFC 6455 4.2). */
#include "transport/http/websocket_impl.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "transport/http/check.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

#define KEY_BYTES 16
#define SHA1_BYTES 20
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 1.3 */

void websocket_write_accept(struct http_exchange *x)
{
	uint8_t digest[SHA1_BYTES];
	auto_buf struct buf text = { 0 };
	size_t len;
	buf_printf(&text, "%s%s", http_header(x, "Sec-WebSocket-Key"), GUID);
	if (gnutls_hash_fast(GNUTLS_DIG_SHA1, text.data, text.len, digest) < 0) {
		abort(); /* always available */
	}
	auto_free char *accept = base64_encode(digest, sizeof(digest), &len);
	http_set_header(x, "Sec-WebSocket-Accept", accept);
}

static bool is_key(const char *key)
{
	size_t len = 0;
	auto_free void *bytes = key && strlen(key) == 24 ? base64_decode(key, &len) : NULL;
	return bytes && len == KEY_BYTES;
}

/* RFC 6455 4.2.1. */
bool websocket_may_begin(struct http_exchange *x)
{
	const char *version = http_header(x, "Sec-WebSocket-Version");
	if (!http_has_word(http_header(x, "Upgrade"), "websocket") ||
		!http_has_word(http_header(x, "Connection"), "upgrade") || !version) {
		http_set_header(x, "Upgrade", "websocket");
		http_refuse(x, 426, "this path is a WebSocket");
	} else if (strcmp(version, "13") != 0) {
		http_set_header(x, "Sec-WebSocket-Version", "13");
		http_refuse(x, 426, "the WebSocket version must be 13");
	} else if (!is_key(http_header(x, "Sec-WebSocket-Key"))) {
		http_refuse(x, 400, "Sec-WebSocket-Key must be the base64 of 16 bytes");
	} else if (!http_is_same_origin(x)) {
		http_refuse(x, 403, "pages of this Origin may not open a WebSocket here");
	} else {
		return true;
	}
	return false;
}
