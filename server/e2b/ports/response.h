#ifndef SERVER_E2B_PORTS_RESPONSE_H
#define SERVER_E2B_PORTS_RESPONSE_H

#include "base/buf.h"

/*
 * An HTTP/1 response of a program in a sandbox, read in pieces of any size.  The program is hostile:
 * only what has one meaning is accepted.  Interim responses are skipped, except 101.
 */

#define PORT_LINE_MAX (16u << 10)
#define PORT_HEAD_MAX (64u << 10)

enum port_piece {
	PORT_MORE, /* everything was read */
	PORT_HEAD, /* status, length and headers are known */
	PORT_BODY, /* a part of it */
	PORT_RAW,  /* after a head with 101: bytes of another protocol */
	PORT_END,  /* the response is complete; what follows is not read */
	PORT_BAD,  /* not a response */
};

struct port_span {
	const uint8_t *bytes;
	size_t len;
};

struct port_response {
	bool is_for_head; /* set by the caller: the request was HEAD, so there is no body */
	int status;
	int64_t length; /* of the body; -1: unknown */

	/* private */
	int state, minor;
	bool has_length, is_chunked, has_coding;
	int64_t left; /* of a body or a chunk */
	size_t read;  /* bytes of the head or of the trailers */
	struct buf line, headers, connection;
};

void port_response_done(struct port_response *r); /* a zeroed one is empty */
/* Reads from *at, of which *len bytes are left, up to the next piece.  ret_body: the bytes of PORT_BODY
 * and PORT_RAW. */
enum port_piece port_response_next(struct port_response *r, const uint8_t **at, size_t *len,
	struct port_span *ret_body, struct err *err);
/* The program has closed: PORT_END or PORT_BAD. */
enum port_piece port_response_close(struct port_response *r, struct err *err);
/* The headers for the client, in order: without those of one connection and without Content-Length. */
void port_response_each(const struct port_response *r,
	void (*fn)(const char *name, const char *value, void *data), void *data);
/* The value of the first one; NULL: absent. */
const char *port_response_header(const struct port_response *r, const char *name);

#endif
