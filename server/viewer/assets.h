#ifndef SERVER_VIEWER_ASSETS_H
#define SERVER_VIEWER_ASSETS_H

#include <stddef.h>

/* The files of the pages, which are inside the program: those of server/pages/ under their names,
 * and noVNC's modules below "novnc/". */

struct asset {
	const char *path;  /* "viewer.html", "novnc/core/rfb.js" */
	const char *bytes; /* NUL-ended beyond len */
	size_t len;
	const char *type; /* Content-Type */
	const char *etag; /* with its quotes */
};

const struct asset *asset_find(const char *path); /* NULL: there is none */

extern const struct asset asset_table[]; /* made at build time; ends with a NULL path */

#endif
