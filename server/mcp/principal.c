/* Principals: an owner of sandboxes, with counters of its usage.  A principal exists while it has a
 * session. */
#include "server/mcp/session.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <string.h>

static int64_t limit_of(const struct server *server, const char *name)
{
	const struct server_options *options = &server->options;
	return options->max_calls_of ? options->max_calls_of(name, options->data) : 0;
}

struct principal *principal_ref(struct server *server, const char *name)
{
	struct principal *principal;
	LIST_FOREACH(principal, &server->principals, link)
	{
		if (strcmp(principal->name, name) == 0) {
			principal->sessions++;
			return principal;
		}
	}
	size_t size = strlen(name) + 1;
	principal = must(calloc(1, sizeof(*principal) + size));
	memcpy(principal->name, name, size);
	principal->server = server;
	principal->sessions = 1;
	TAILQ_INIT(&principal->turns);
	principal->kept.budget = budget_ref(server->options.budgets, name);
	principal->max_calls = limit_of(server, name);
	LIST_INSERT_HEAD(&server->principals, principal, link);
	return principal;
}

void principal_unref(struct principal *principal)
{
	if (--principal->sessions > 0) {
		return;
	}
	if (principal->server) {
		LIST_REMOVE(principal, link);
	}
	loop_drop(&principal->go_on);
	budget_unref(principal->kept.budget);
	free(principal);
}

void server_limits_changed(struct server *server)
{
	struct principal *principal;
	LIST_FOREACH(principal, &server->principals, link)
	{
		principal->max_calls = limit_of(server, principal->name);
	}
}

void server_drop_owner(struct server *server, const char *owner)
{
	struct session *session, *next;
	for (session = LIST_FIRST(&server->sessions); session; session = next) {
		next = LIST_NEXT(session, link);
		if (strcmp(session->owner, owner) == 0) {
			session_end(session);
		}
	}
	for (const struct session_part *const *part = server->options.methods->parts; *part;
		part++) {
		if ((*part)->owner_gone) {
			(*part)->owner_gone(server, owner);
		}
	}
}

void principal_forget_server(struct server *server)
{
	struct principal *principal;
	while ((principal = LIST_FIRST(&server->principals))) {
		LIST_REMOVE(principal, link);
		principal->server = NULL;
	}
}
