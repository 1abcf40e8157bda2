#ifndef SERVER_TRANSFER_GUNZIP_H
#define SERVER_TRANSFER_GUNZIP_H

#include "base/err.h"

#include <stddef.h>
#include <zlib.h>

/* Decodes gzip (RFC 1952), also several members one after the other, into a buffer of the caller. */
struct gunzip {
	z_stream z;
	bool ended; /* a member is complete */
};

void gunzip_init(struct gunzip *g);
void gunzip_done(struct gunzip *g);
/* Returns how many of the bytes were taken, all of them if there is room.  To be called until it makes
 * nothing.  err is set if they are not gzip. */
size_t gunzip_add(struct gunzip *g, const void *bytes, size_t len, void *to, size_t room,
	size_t *ret_made, struct err *err);

#endif
