#include "server/transfer/gunzip.h"

#include <limits.h>
#include <stdlib.h>

#define GZIP_ONLY 16 /* added to the window's bits */

void gunzip_init(struct gunzip *g)
{
	*g = (struct gunzip){ 0 };
	if (inflateInit2(&g->z, MAX_WBITS + GZIP_ONLY) != Z_OK) {
		abort(); /* no memory */
	}
}

void gunzip_done(struct gunzip *g)
{
	inflateEnd(&g->z);
}

size_t gunzip_add(struct gunzip *g, const void *bytes, size_t len, void *to, size_t room,
	size_t *ret_made, struct err *err)
{
	len = len < UINT_MAX ? len : UINT_MAX;
	*err = (struct err){ 0 };
	*ret_made = 0;
	if (g->ended && len == 0) {
		return 0;
	}
	if (g->ended) {
		inflateReset(&g->z);
		g->ended = false;
	}
	g->z.next_in = (Bytef *)bytes;
	g->z.avail_in = (uInt)len;
	g->z.next_out = to;
	g->z.avail_out = (uInt)room;
	int r = inflate(&g->z, Z_NO_FLUSH);
	g->ended = r == Z_STREAM_END;
	if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR) {
		err_set(err, ERR_ARGUMENT, "the body is not valid gzip: %s",
			g->z.msg ? g->z.msg : "it needs a dictionary");
	}
	*ret_made = room - g->z.avail_out;
	return len - g->z.avail_in;
}
