#ifndef SERVER_E2B_PORTS_REQUEST_H
#define SERVER_E2B_PORTS_REQUEST_H

#include "base/buf.h"
#include "transport/http/http.h"

/* A client's request as it is written for a program in a sandbox.  It is composed from what was
 * parsed, so both ends agree on where it ends. */

struct port_request {
	struct buf head;
	bool has_body, is_chunked;
	bool is_upgrade; /* it asks for another protocol */
};

/* mask: the Host header that the program gets, in which "${PORT}" is the port; NULL: the client's.
 * False: it cannot be passed on. */
bool port_request_init(struct port_request *request, const struct http_exchange *x,
	const char *mask, int port, struct err *err) NODISCARD;
void port_request_done(struct port_request *request);
/* Appends a part of the body; len 0: its end. */
void port_request_part(
	const struct port_request *request, struct buf *out, const void *bytes, size_t len);

#endif
