#ifndef SERVER_HTTP_AUTH_FILE_H
#define SERVER_HTTP_AUTH_FILE_H

#include "base/err.h"

#include <jansson.h>

/* The file of tokens, as `vitrine key` changes it.  It is replaced atomically, so that a server that
 * watches it reads the old or the new one. */

/* STATE/tokens.json, which a server without --tokens reads if it exists; to free().  state_dir NULL:
 * the default one. */
char *auth_file_default(const char *state_dir, struct err *err) NODISCARD;

/* The entries; an empty array if there is no file.  They are checked as a server checks them. */
json_t *auth_file_read(const char *path, struct err *err) NODISCARD;
/* Adds an entry with the digest of token. */
bool auth_file_add(
	const char *path, const char *name, const char *token, struct err *err) NODISCARD;
bool auth_file_remove(const char *path, const char *name, struct err *err) NODISCARD;

#endif
