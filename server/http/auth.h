#ifndef SERVER_HTTP_AUTH_H
#define SERVER_HTTP_AUTH_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

/*
 * Authentication over HTTP.  Each bearer token has a name, the principal that owns sandboxes, and
 * limits.  Only the SHA-256 of a token is kept.
 */

struct auth;

/*
 * Reads the tokens from the file, otherwise the variable VITRINE_TOKEN, which is wiped, otherwise
 * generates one.  With no_auth (--no-auth), there are no tokens and every client is "anyone".
 * Errors name the file and the entry and contain no token.
 */
struct auth *auth_new(const char *file, bool without_tokens, struct err *err) NODISCARD;
void auth_free(struct auth *auth); /* NULL-safe */

/*
 * Reloads a file of tokens when it changes.  An invalid or missing file causes a log message and
 * changes nothing else.  gone is called with each name whose token is no longer valid (name is
 * valid during the call; it may have another token), then with NULL.  Without a file, this has no
 * effect.
 */
typedef void auth_gone_fn(const char *name, void *data);
bool auth_watch(struct auth *auth, sd_event *event, auth_gone_fn *gone, void *data,
	struct err *err) NODISCARD;

/* For struct http_options; data is the auth. */
const char *auth_authorize(const char *token, void *data);

/* Whether it can be the name of a principal. */
bool auth_name_check(const char *name, struct err *err) NODISCARD;

/* Generates a token of 160 random bits: "e2b_" and hexadecimal digits. */
#define AUTH_TOKEN_DIGITS 40
#define AUTH_TOKEN_SIZE (4 + AUTH_TOKEN_DIGITS + 1)
void auth_make_token(char ret_token[AUTH_TOKEN_SIZE]);

/* Returns the generated token, once; release it with auth_forget().  NULL: none was generated. */
char *auth_take_made(struct auth *auth);
void auth_forget(char *token); /* wipes and frees */

/* The number of tokens; 0 with no_auth. */
size_t auth_count(const struct auth *auth);

/* Whether a principal of this name can authenticate. */
bool auth_knows(const struct auth *auth, const char *name);

/* 0: only the server's limits.  saved, saved_mib: as in struct vm_owner_limits. */
struct auth_limits {
	int64_t sandboxes, calls, saved, saved_mib;
};
/* The limits of a principal.  One that does not come from HTTP ("stdio") has none here. */
struct auth_limits auth_limits(const struct auth *auth, const char *name);

#endif
