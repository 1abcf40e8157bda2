#include "server/cmd/serve.h"

#include "server/cmd/client_config.h"
#include "server/cmd/command.h"
#include "server/config/config.h"
#include "server/e2b/e2b.h"
#include "server/http/auth_file.h"
#include "server/http/health.h"
#include "server/http/listener.h"
#include "server/mcp/server.h"
#include "server/methods/methods.h"
#include "server/remote/remote.h"
#include "server/viewer/listener.h"
#include "server/viewer/vnc.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "tools/sandbox/streams.h"
#include "transport/mcp/stdio.h"
#include "vm/backends.h"
#include "vm/lifecycle/lifecycle.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

/*
 * vitrine serve: one MCP client on stdin and stdout, or any number of clients over HTTP.  No
 * sandbox is started and no backend is probed before a client requests it.  The first response is
 * therefore immediate, and a machine that cannot run desktops reports this in the call that needs
 * one.
 */

#define GRACE_MS 5000 /* grace period for calls in flight when HTTP is shut down */
#define FLUSH_MS 1000 /* time for clients to read the last responses */

/* The state of a run, ended in reverse order. */
struct serving {
	struct config config;
	sd_event *event;
	struct vm_pool *vms;
	struct listener starts; /* of sandboxes */
	struct tool_set *tools;
	struct auth *auth; /* with a listener only */
	struct budgets *budgets;
	struct server *server;
	struct stdio *stdio;
	struct listen_http *http;
	struct listen_streams *streams;
	struct listen_vnc *vnc;
	struct remote *remote;
	struct listen_e2b *e2b;
	int busy_listeners; /* during shutdown */
	struct activity activity;
	struct metrics *metrics;
	struct status *status;
	sd_event_source *grace; /* during shutdown: the grace period of calls in flight */
	bool is_terminating;
};

static void stop_serving(struct serving *s)
{
	server_free(s->server); /* before the transport, because it closes its connections */
	listen_http_free(s->http);
	stdio_free(s->stdio);
	listen_vnc_free(s->vnc);
	listen_e2b_free(s->e2b);
	remote_free(s->remote);
	listen_streams_free(s->streams);
	vm_pool_free(s->vms);
	status_free(s->status);
	metrics_free(s->metrics);
	tool_set_free(s->tools);
	auth_free(s->auth);
	budgets_unref(s->budgets);
	loop_drop(&s->grace);
	sd_event_unref(s->event);
	config_done(&s->config);
}

static void end_now(void *data)
{
	struct serving *s = data;
	sd_event_exit(s->event, 0);
}

/* When it ends, the server ends, unless it also listens. */
static void start_stdio(struct serving *s)
{
	if (!config_listens(&s->config)) {
		server_on_idle(s->server, end_now, s);
	}
	s->stdio = stdio_new(
		s->event, STDIN_FILENO, STDOUT_FILENO, &server_transport_handlers, s->server);
}

/* ---- HTTP ---- */

static struct vm_owner_limits limits_of(const char *owner, void *data)
{
	const struct serving *s = data;
	struct auth_limits limits = auth_limits(s->auth, owner);
	return (struct vm_owner_limits){ limits.sandboxes, limits.saved, limits.saved_mib };
}

/* Principals without a configured limit have one, so that they cannot exhaust the server with many
 * connections. */
static int64_t max_calls_of(const char *owner, void *data)
{
	const struct serving *s = data;
	int64_t own = s->auth ? auth_limits(s->auth, owner).calls : 0;
	return own ? own : 8 * s->config.max_calls;
}

static bool stream_base(const char *host, char **ret_url, struct err *err, void *data)
{
	const struct serving *s = data;
	return listen_streams_base(s->streams, host, ret_url, err);
}

/* Over stdio alone, URLs of files are of the listener of streams. */
static void on_streams_open(struct http *http, void *data)
{
	const struct serving *s = data;
	remote_use_signed(s->remote, http);
}

static const char *stream_vnc(void *data)
{
	const struct serving *s = data;
	return s->vnc ? listen_vnc_address(s->vnc) : NULL;
}

/* Keys of `vitrine key` count unless other tokens were given. */
static bool start_auth(struct serving *s, struct err *err)
{
	const char *tokens = s->config.http.tokens;
	auto_free char *keys = auth_file_default(s->config.vm.state_dir, err);
	bool others = tokens || s->config.http.no_auth || getenv("VITRINE_TOKEN");
	if (!others && keys && access(keys, F_OK) == 0) {
		tokens = keys;
	}
	s->auth = auth_new(tokens, s->config.http.no_auth, err);
	return s->auth;
}

static void on_started(struct vm *vm, uint64_t took_us, const struct err *why, void *data)
{
	const struct serving *s = data;
	(void)vm;
	metrics_count_start(s->metrics, took_us, !why);
}

static const struct vm_listener vm_listener = { .started = on_started };

/* Closes the connections of a revoked token; the desktops remain, for a new one. */
static void on_token_gone(const char *name, void *data)
{
	struct serving *s = data;
	if (!name) {
		server_limits_changed(s->server);
		return;
	}
	server_drop_owner(s->server, name);
	listen_streams_drop_owner(s->streams, name);
	if (s->http) {
		http_drop_owner(listen_http_http(s->http), name);
	}
	if (s->e2b) {
		listen_e2b_drop_owner(s->e2b, name);
	}
}

static bool start_http(struct serving *s, const char *token, struct err *err)
{
	s->http = listen_http_new(s->event, s->server, &s->config.http, s->auth, s->budgets, err);
	if (!s->http) {
		return false;
	}
	struct http *http = listen_http_http(s->http);
	if (!listen_streams_use(s->streams, http, s->auth, err)) {
		return false;
	}
	remote_use(s->remote, http);
	s->status = status_new(s->event, http, &s->config, s->metrics, s->server, s->vms);
	client_config_print(stderr, http_url(http), token);
	return true;
}

static bool start_e2b(struct serving *s, const char *token, struct err *err)
{
	s->e2b = listen_e2b_new(
		s->event, &s->config, s->vms, s->auth, s->budgets, &s->activity, err);
	if (!s->e2b || !listen_e2b_use_streams(s->e2b, s->streams, err)) {
		return false;
	}
	listen_e2b_print(s->e2b, stderr, token);
	return true;
}

static void wipe_token(char **token)
{
	auth_forget(*token);
}

static struct http *first_listener(struct serving *s)
{
	return s->http ? listen_http_http(s->http) : listen_e2b_http(s->e2b, 0);
}

/* For clients with tokens.  Runs until it is stopped. */
static bool start_listeners(struct serving *s, struct err *err)
{
	__attribute__((cleanup(wipe_token))) char *token = auth_take_made(s->auth);
	vm_pool_limit_owners(s->vms, limits_of, s);
	listener_add(vm_listeners(s->vms), &s->starts, &vm_listener, s);
	if ((s->config.http.listen && !start_http(s, token, err)) ||
		(config_serves_e2b(&s->config) && !start_e2b(s, token, err)) ||
		!auth_watch(s->auth, s->event, on_token_gone, s, err)) {
		return false;
	}
	sd_notifyf(false, "READY=1\nSTATUS=%s", http_url(first_listener(s)));
	sd_event_set_watchdog(s->event, true);
	return true;
}

static int on_flush_over(sd_event_source *source, uint64_t now, void *data)
{
	(void)source, (void)now;
	end_now(data);
	return 0;
}

/* The run ends when the last responses were sent, which the transports report. */
static void answer_all(struct serving *s)
{
	loop_drop(&s->grace);
	s->grace = loop_after_ms(s->event, FLUSH_MS, on_flush_over, s);
	server_abort(s->server,
		"stopped: the server is shutting down. The call may have been partly executed");
}

static int on_grace_over(sd_event_source *source, uint64_t now, void *data)
{
	(void)source, (void)now;
	answer_all(data);
	return 0;
}

/* A client on stdin and stdout may still wait for a response. */
static void on_http_idle(void *data)
{
	struct serving *s = data;
	if (--s->busy_listeners > 0) {
		return;
	}
	if (server_duplexes(s->server) > 0) {
		server_on_idle(s->server, end_now, s);
	} else {
		end_now(s);
	}
}

static void finish_listener(struct serving *s, struct http *http)
{
	s->busy_listeners++;
	http_stop_listening(http);
	http_on_idle(http, on_http_idle, s);
}

static void finish_listeners(struct serving *s)
{
	struct http *http;
	sd_notify(false, "STOPPING=1");
	s->grace = loop_after_ms(s->event, GRACE_MS, on_grace_over, s);
	server_finish(s->server);
	streams_finish(listen_streams_registry(s->streams), "the server is shutting down");
	if (s->http) {
		finish_listener(s, listen_http_http(s->http));
	}
	for (size_t i = 0; s->e2b && (http = listen_e2b_http(s->e2b, i)); i++) {
		finish_listener(s, http);
	}
}

/* Shutdown.  HTTP clients get the results of calls that end within the grace period.  A client on
 * stdin and stdout that ends its server would kill it if that took long.  Calls that are still
 * running are then answered with an error. A second signal ends the server immediately. */
static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	(void)source, (void)info;
	struct serving *s = data;
	if (s->is_terminating) {
		end_now(s);
	} else if (config_listens(&s->config)) {
		finish_listeners(s);
	} else {
		answer_all(s);
	}
	s->is_terminating = true;
	return 0;
}

/* The owners whose desktops this server can show: a server over stdio leaves those of HTTP clients
 * to a server that these can reach. */
static bool is_served(const char *owner, void *data)
{
	const struct serving *s = data;
	bool over_stdio = !config_listens(&s->config) || s->config.http.stdio;
	return strcmp(owner, "stdio") == 0 ? over_stdio : s->auth && auth_knows(s->auth, owner);
}

static bool start_vnc(struct serving *s, struct err *err)
{
	struct watched_desktops *desktops = listen_streams_desktops(s->streams);
	s->vnc = listen_vnc_new(s->event, &s->config, desktops, err);
	return s->vnc;
}

static bool start_serving(
	struct serving *s, const struct server_addition *addition, struct err *err)
{
	log_set_level(s->config.log_level);
	if (!config_check_effect(&s->config, NULL, err)) {
		return false;
	}
	s->event = loop_new_ending_by(on_terminate, s, err);
	s->tools = s->event ? tool_set_new(s->config.tools, err) : NULL;
	if (!s->tools || (config_listens(&s->config) && !start_auth(s, err))) {
		return false;
	}
	if (addition) {
		tool_set_add(s->tools, addition->tools);
	}
	s->metrics = metrics_new(s->tools);
	metrics_follow(s->metrics, &s->activity);
	s->budgets = budgets_new(HTTP_HELD_MAX, HTTP_HELD_ALL_MAX);
	s->config.vm.outlive =
		config_listens(&s->config); /* over stdio, the client has ended, too */
	s->vms = vm_pool_new(s->event, &s->config.vm, vm_backends);
	s->streams = listen_streams_new(s->event, &s->config, s->vms, s->metrics, &s->activity);
	s->server = server_new(s->event, &(struct server_options){
						 .methods = &server_methods,
						 .vms = s->vms,
						 .tools = s->tools,
						 .max_calls = s->config.max_calls,
						 .addition = addition,
						 .activity = &s->activity,
						 .streams = listen_streams_registry(s->streams),
						 .stream_base = stream_base,
						 .stream_vnc = stream_vnc,
						 .max_calls_of = max_calls_of,
						 .budgets = s->budgets,
						 .data = s,
					 });
	vm_pool_reattach(s->vms, is_served, s);
	s->remote = remote_new(s->event, &s->config, s->vms);
	listen_streams_on_open(s->streams, on_streams_open, s);
	if ((config_listens(&s->config) && !start_listeners(s, err)) ||
		(s->config.vnc_listen && !start_vnc(s, err))) {
		return false;
	}
	/* The stdin of a daemon is not a client. */
	if (!config_listens(&s->config) || s->config.http.stdio) {
		start_stdio(s);
	}
	return true;
}

/* A user who runs `vitrine serve` in a terminal gets an explanation. */
static void greet(const struct serving *s)
{
	if (s->stdio && isatty(STDIN_FILENO)) {
		fprintf(stderr,
			"vitrine %s: serving MCP on stdin and stdout. An MCP client should start "
			"this command (see README.md). `vitrine demo` runs an example. "
			"Press Ctrl-C to exit.\n",
			VITRINE_VERSION);
	}
}

int serve_run(int argc, char **argv, const struct server_addition *addition)
{
	__attribute__((cleanup(stop_serving))) struct serving s = { 0 };
	struct err err = { 0 };
	if (!config_load(&s.config, argc, argv, &err) || !start_serving(&s, addition, &err)) {
		fprintf(stderr, "vitrine serve: %s\n", err.text);
		return err.kind == ERR_ARGUMENT ? 2 : 1;
	}
	greet(&s);
	int status = sd_event_loop(s.event);
	if (status < 0) {
		log_error("the event loop failed: %s", strerror(-status));
		return 1;
	}
	return status;
}

static int run(int argc, char **argv)
{
	return serve_run(argc, argv, NULL);
}

const struct command command_serve = {
	.name = "serve",
	.summary = "serve MCP on stdin and stdout, or over HTTP",
	.usage = "[options]",
	.help = "Serves MCP on stdin and stdout, one message per line.  The client's first tool "
		"call creates a\n"
		"sandbox.  The server exits when stdin is closed or on SIGTERM, and ends its sandboxes unless\n"
		"--keep is given.  Configuration of a client that starts it:\n"
		"\n  {\"mcpServers\": {\"vitrine\": {\"type\": \"stdio\", \"command\": \"vitrine\", \"args\": "
		"[\"serve\"]}}}\n"
		"\nWith --http, the server listens for many clients and runs until SIGTERM.  `vitrine serve "
		"--http\n"
		"127.0.0.1:8765` generates a token and prints the configuration of a client.  --e2b does the same\n"
		"for programs written for E2B.",
	.takes_config = true,
	.run = run,
};
