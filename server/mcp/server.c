/* The server's state.  conn.c and the files below do the work. */
#include "server/mcp/server.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "server/mcp/session.h"

struct server *server_new(sd_event *event, const struct server_options *options)
{
	struct server *server = must(calloc(1, sizeof(*server)));
	json_object_seed(0); /* must precede the threads that parse */
	server->event = sd_event_ref(event);
	server->options = *options;
	server->instructions = options->methods->instructions(options->tools);
	LIST_INIT(&server->sessions);
	LIST_INIT(&server->principals);
	for (const struct session_part *const *part = options->methods->parts; *part; part++) {
		if ((*part)->started) {
			(*part)->started(server);
		}
	}
	return server;
}

void server_free(struct server *server)
{
	if (!server) {
		return;
	}
	struct session *session;
	while ((session = LIST_FIRST(&server->sessions))) {
		session_forget_server(session);
	}
	principal_forget_server(server);
	loop_drop(&server->sweep);
	for (const struct session_part *const *part = server->options.methods->parts; *part;
		part++) {
		if ((*part)->stopped) {
			(*part)->stopped(server);
		}
	}
	free(server->instructions);
	sd_event_unref(server->event);
	free(server);
}

void server_finish(struct server *server)
{
	struct session *session, *next;
	server->finishing = true;
	for (session = LIST_FIRST(&server->sessions); session; session = next) {
		next = LIST_NEXT(session, link);
		session_finish(session);
	}
}

void server_abort(struct server *server, const char *why)
{
	struct session *session, *next;
	server->finishing = true;
	for (session = LIST_FIRST(&server->sessions); session; session = next) {
		next = LIST_NEXT(session, link);
		session_abort(session, why);
	}
}

size_t server_duplexes(const struct server *server)
{
	return server->duplexes;
}

void server_on_idle(struct server *server, void (*fn)(void *data), void *data)
{
	server->idle = fn;
	server->idle_data = data;
}

size_t server_calls(const struct server *server)
{
	return server->calls;
}

static void notify_idle(struct server *server)
{
	void (*fn)(void *) = take_ptr(&server->idle);
	if (fn) {
		fn(server->idle_data);
	}
}

void server_connection_stuck(struct server *server)
{
	log_warning(
		"the input has ended and the client reads no responses; closing the connection");
	notify_idle(server);
}

void server_connection_ended(struct server *server)
{
	if (--server->duplexes == 0) {
		notify_idle(server);
	}
}
