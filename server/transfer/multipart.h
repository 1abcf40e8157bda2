#ifndef SERVER_TRANSFER_MULTIPART_H
#define SERVER_TRANSFER_MULTIPART_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A parser of multipart/form-data (RFC 7578), which takes a body as it arrives and stops while its
 * parts are not taken.  It holds the head of one part, at most MULTIPART_HEAD_MAX bytes.
 * (libmicrohttpd's parser neither stops nor reports where a part ends.)
 */

#define MULTIPART_HEAD_MAX (16u << 10)
#define MULTIPART_BOUNDARY_MAX 70 /* characters (RFC 2046) */

struct multipart_handlers {
	/* A part begins.  filename: NULL: it is not a file. */
	bool (*begin)(const char *name, const char *filename, void *data, struct err *err);
	/* Returns how many bytes were taken; fewer: the parser stops. */
	size_t (*bytes)(const void *bytes, size_t len, void *data);
	/* The part is complete.  False: the parser stops, before the next part. */
	bool (*end)(void *data);
};

enum multipart_state {
	MULTIPART_PREAMBLE,
	MULTIPART_LINE, /* behind a boundary */
	MULTIPART_HEAD,
	MULTIPART_BODY,
	MULTIPART_EPILOGUE,
};

struct multipart {
	const struct multipart_handlers *handlers;
	void *data;
	enum multipart_state state;
	char delimiter[MULTIPART_BOUNDARY_MAX + 5];
	size_t len;     /* of the delimiter */
	size_t matched; /* bytes of it that have come */
	size_t passed;  /* of these, as they were not a delimiter: given to bytes() */
	struct buf head;
};

/* False: content_type has no valid boundary.  handlers is borrowed. */
bool multipart_init(struct multipart *m, const char *content_type,
	const struct multipart_handlers *handlers, void *data, struct err *err) NODISCARD;
void multipart_done(struct multipart *m);
/* Returns how many bytes were taken; fewer than len: the parser stopped, or err is set.  Once stopped,
 * it goes on with the next call. */
size_t multipart_add(struct multipart *m, const char *bytes, size_t len, struct err *err);
/* Whether the last boundary has come. */
bool multipart_is_complete(const struct multipart *m);

#endif
