#ifndef TESTS_WS_PEER_H
#define TESTS_WS_PEER_H

/* A WebSocket client beside http_fixture.h, of frames as they stand on the wire: right and wrong
 * ones, with TLS and without. */
#include "tests/support/http_fixture.h"

#include <gnutls/gnutls.h>

struct peer {
	int fd;
	gnutls_session_t tls;
	gnutls_certificate_credentials_t trust;
	struct buf in;
	bool over; /* the server has closed the connection */
};

void peer_read(struct peer *p);

void peer_write(struct fixture *f, struct peer *p, const void *bytes, size_t len);

void peer_open(struct fixture *f, struct peer *p, bool tls);

void peer_close(struct peer *p);

#define PEER_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define PEER_HELLO(path) \
	"GET " path " HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\n" \
	"Upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " PEER_KEY "\r\n" \
	"Sec-WebSocket-Protocol: base64, binary\r\n\r\n"

void peer_shake(struct fixture *f, struct peer *p, const char *hello);

/* first: FIN, RSV and opcode as they stand on the wire. */
void peer_put_frame(struct buf *to, unsigned first, const void *bytes, size_t len, bool mask);

void peer_say(struct fixture *f, struct peer *p, unsigned first, const void *bytes, size_t len);

struct peer_said {
	unsigned first;
	struct buf text;
};

/* Takes one frame of the server's; false: none is whole. */
bool peer_take_frame(struct peer *p, struct peer_said *said);

void peer_hear(struct fixture *f, struct peer *p, struct peer_said *said);

#endif
