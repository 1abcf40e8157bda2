#ifndef TOOLS_SYSTEM_FILE_LINK_H
#define TOOLS_SYSTEM_FILE_LINK_H

#include "base/buf.h"
#include "base/digest.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A link to one file of a sandbox: whoever has it can read, or write, this file until it expires,
 * without a token.  Nothing is kept; the link has a signature (HMAC) by the key of the state directory.
 */
enum file_link_method { FILE_LINK_READ, FILE_LINK_WRITE };
extern const char *const file_link_methods[]; /* "read", "write", NULL */

struct file_link {
	const char *sandbox, *path; /* path: exactly as in the link */
	enum file_link_method method;
	int64_t expires; /* seconds since 1970 */
};

#define FILE_LINK_SECONDS 3600 /* by default */
#define FILE_LINK_SECONDS_MAX (7 * 24 * 3600)

/* Appends the path and query of its URL: "/api/sandboxes/ID/files?...". */
void file_link_write(struct buf *out, const struct digest *key, const struct file_link *link);
bool file_link_is_signed(
	const struct digest *key, const struct file_link *link, const char *signature);

#endif
