/* A route that takes bodies in parts, for tests of bodies and of responses in parts. */
#ifndef TESTS_HTTP_UPLOAD_H
#define TESTS_HTTP_UPLOAD_H

#include "tests/support/http_fixture.h"

struct upload {
	struct http_exchange *x; /* the last one; NULL once it closed */
	struct buf got;
	size_t room;     /* bytes that are still taken */
	size_t early_at; /* answers 507 after so many bytes; 0: never */
	bool waits;      /* run() does not receive */
	bool takes_all;  /* with http_receive_all(), at most `room` bytes */
	int began, ended, closed;
};

/* POST /up to struct upload; it answers 200 with the number of bytes. */
void upload_route(struct fixture *f, struct upload *u);
void upload_receive(struct upload *u);
void upload_more(struct upload *u, size_t room);

#define UPLOAD_HEAD "POST /up HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer alices-token\r\n"

/* POST /echo sends back what it gets, while it comes, and waits for a client that reads slowly. */
struct echo {
	struct http_exchange *x; /* the last one */
	int64_t length;          /* announced; -1: unknown */
	size_t written;
	int drained, closed;
};
void echo_route(struct fixture *f, struct echo *e);

#endif
