#ifndef SERVER_HTTP_AUTH_H
#define SERVER_HTTP_AUTH_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

/*
 * Who may come in over HTTP.  Each bearer token has a name, the principal that sandboxes belong to,
 * and limits.  Of a token only its SHA-256 is kept.
 */

struct auth;

/*
 * Tokens come from the file, else from the variable VITRINE_TOKEN (which is wiped), else one is
 * made.  With nobody_asks (--no-auth) there is none, and everyone is "anyone".  Errors name the
 * file and the entry, and show no token.
 */
struct auth *auth_new(const char *file, bool nobody_asks, struct err *err) NODISCARD;
void auth_free(struct auth *auth); /* NULL-safe */

/*
 * From now on a file of tokens is read again when it changes; one that is broken, or gone, changes
 * nothing but the log.  gone is told of each name whose token is no longer valid (name valid during
 * the call; it may have another token), and NULL when that is all.  Without a file: nothing.
 */
typedef void auth_gone_fn(const char *name, void *data);
bool auth_watch(struct auth *auth, sd_event *event, auth_gone_fn *gone, void *data,
	struct err *err) NODISCARD;

/* As struct http_options wants it; data is the auth. */
const char *auth_authorize(const char *token, void *data);

/* The token that was made, once; auth_forget() it.  NULL: none was. */
char *auth_take_made(struct auth *auth);
void auth_forget(char *token); /* wipes and frees */

/* How many there are; 0 with nobody_asks. */
size_t auth_count(const struct auth *auth);

/* Whether a principal of this name can come in. */
bool auth_knows(const struct auth *auth, const char *name);

/* 0: only the server's own limits.  saved, saved_mib: as in struct vm_owner_limits. */
struct auth_limits {
	int64_t sandboxes, calls, saved, saved_mib;
};
/* What a principal may have at once; one that came otherwise ("stdio") has no limits here. */
struct auth_limits auth_limits(const struct auth *auth, const char *name);

#endif
