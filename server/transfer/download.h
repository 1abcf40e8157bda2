#ifndef SERVER_TRANSFER_DOWNLOAD_H
#define SERVER_TRANSFER_DOWNLOAD_H

#include "server/transfer/status.h"
#include "vm/guest/files.h"

/*
 * A file of a sandbox as the response to a GET or HEAD request: with its length, as a range, or not
 * at all if the client has it already (RFC 9110, 13 and 14).  It is read as fast as the client reads,
 * and costs a few blocks of memory whatever its size.
 */
struct download;

struct download_how {
	const char *path;           /* in the sandbox */
	const char *user;           /* whose rights count; NULL: the desktop's user */
	bool privileged;            /* see msg_file_read */
	const char *name;           /* for Content-Disposition; NULL: the last part of path */
	const char *type;           /* for Content-Type; NULL: by the name */
	transfer_failed_fn *failed; /* before the head was sent; later, the connection is closed */
};

/* Answers x, whose other headers have been set.  how is copied. */
struct download *download_begin(
	struct http_exchange *x, struct guest *guest, const struct download_how *how, void *data);
/* To be called when x has closed.  NULL-safe. */
void download_free(struct download *d);

#endif
