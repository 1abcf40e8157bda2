#ifndef SERVER_E2B_ENVD_METADATA_H
#define SERVER_E2B_ENVD_METADATA_H

#include "transport/http/http.h"

#include <jansson.h>

/* What headers of /files say about a file. */

#define ENVD_METADATA_KEY_MAX 246
#define ENVD_METADATA_MAX 4096 /* bytes of all keys and values */

/* X-Metadata-KEY as extended attributes, {} without any. */
bool envd_metadata_read(
	const struct http_exchange *x, json_t **ret_xattrs, struct err *err) NODISCARD;
/* One of them.  *used: bytes so far.  False: it is too long, or not printable ASCII. */
bool envd_metadata_add(json_t *xattrs, const char *key, const char *value, size_t *used,
	struct err *err) NODISCARD;

/* Whether a response without a coding is possible.  NULL: the header is absent. */
bool envd_accepts_identity(const char *accept_encoding);

#endif
