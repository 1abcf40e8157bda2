#ifndef TESTS_MEMORY_CLIENT_H
#define TESTS_MEMORY_CLIENT_H

/* A client in the same process: a transport of its own, on a server with the fake backend. */

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "server/activity/activity.h"
#include "server/mcp/server.h"
#include "server/methods/methods.h"
#include "tools/streams.h"
#include "vm/backends.h"
#include "vm/lifecycle/lifecycle.h"

#include <stdio.h>
#include <string.h>

#define CLIENT_PATIENCE_US (20 * 1000000ull) /* a test that waits longer than this has failed */

static unsigned
	client_beat_ms, /* how often the next server tells that a call is at work; 0: as usual */
	client_task_after_ms, client_task_keep_ms; /* of its tasks; 0: as usual */

struct client {
	struct transport_conn conn; /* first */
	struct vm_config config;
	sd_event *event;
	struct vm_pool *vms;
	struct tool_set *tools;
	struct streams *streams;
	struct activity activity;
	struct server *server;
	struct buf heard; /* messages, one a line, not yet taken */
	size_t pending;   /* bytes, while stalled */
	size_t most_pending;
	bool stalled, paused, closing, idle;
};

static void client_on_send(struct transport_conn *conn, const char *text, size_t len)
{
	struct client *client = (struct client *)conn;
	buf_append(&client->heard, text, len);
	buf_append(&client->heard, "\n", 1);
	client->pending += client->stalled ? len + 1 : 0;
	if (client->pending > client->most_pending) {
		client->most_pending = client->pending;
	}
}

static size_t client_on_pending(const struct transport_conn *conn)
{
	return ((const struct client *)conn)->pending;
}

static void client_on_pause(struct transport_conn *conn, bool paused)
{
	((struct client *)conn)->paused = paused;
}

static int client_closed(sd_event_source *source, void *data)
{
	struct client *client = data;
	(void)source;
	if (client->closing) {
		server_transport_handlers.closed(&client->conn, client->server);
	}
	return 0;
}

static void client_on_close(struct transport_conn *conn)
{
	struct client *client = (struct client *)conn;
	if (!client->closing && client->pending == 0) {
		client->closing = true;
		sd_event_add_defer(client->event, NULL, client_closed, client);
	}
}

static void client_on_idle(void *data)
{
	((struct client *)data)->idle = true;
}

static const struct transport client_transport = {
	.name = "memory",
	.send = client_on_send,
	.pending = client_on_pending,
	.pause = client_on_pause,
	.close = client_on_close,
};

static bool client_stream_base(const char *host, char **ret_url, struct err *err, void *data)
{
	(void)host, (void)err, (void)data;
	*ret_url = must(strdup("http://127.0.0.1:7"));
	return true;
}

static inline void client_init_with(
	struct client *client, int64_t max_calls, const struct server_addition *addition)
{
	struct err err = { 0 };
	*client = (struct client){ .conn.transport = &client_transport, .conn.owner = "memory" };
	client->config = (struct vm_config){ .backend = "fake", .max_sandboxes = 100 };
	client->event = must(loop_new(&err));
	client->vms = vm_pool_new(client->event, &client->config, vm_backends);
	client->streams = streams_new(client->event, client->vms);
	client->tools = must(tool_set_new("all", &err));
	if (addition) {
		tool_set_add(client->tools, addition->tools);
	}
	client->server = server_new(client->event, &(struct server_options){
							   .methods = &server_methods,
							   .vms = client->vms,
							   .tools = client->tools,
							   .max_calls = max_calls,
							   .streams = client->streams,
							   .activity = &client->activity,
							   .stream_base = client_stream_base,
							   .addition = addition,
							   .beat_ms = client_beat_ms,
							   .task_after_ms = client_task_after_ms,
							   .task_keep_ms = client_task_keep_ms,
						   });
	server_on_idle(client->server, client_on_idle, client);
	server_transport_handlers.opened(&client->conn, client->server);
}

static inline void client_init(struct client *client, int64_t max_calls)
{
	client_init_with(client, max_calls, NULL);
}

static inline void client_done(struct client *client)
{
	server_free(client->server);
	streams_free(client->streams);
	vm_pool_free(client->vms);
	tool_set_free(client->tools);
	buf_done(&client->heard);
	sd_event_unref(client->event);
}

static inline void client_say(struct client *client, const char *text)
{
	auto_free char *copy = must(strdup(text)); /* so that a read past the end is seen */
	server_transport_handlers.message(&client->conn, copy, strlen(copy), client->server);
}

/* Runs the loop once; false after too long. */
static inline bool client_turn(struct client *client, uint64_t *left_us)
{
	uint64_t before = loop_now_us();
	sd_event_run(client->event, *left_us);
	uint64_t took = loop_now_us() - before;
	*left_us = took < *left_us ? *left_us - took : 0;
	return *left_us > 0;
}

/* The next message, or NULL when none comes. */
static inline json_t *client_hear(struct client *client)
{
	uint64_t left = CLIENT_PATIENCE_US;
	while (client->heard.len == 0 && client_turn(client, &left)) {
	}
	const char *text = buf_text(&client->heard);
	const char *end = strchr(text, '\n');
	if (!end) {
		return NULL;
	}
	json_t *message = json_loadb(text, (size_t)(end - text), JSON_REJECT_DUPLICATES, NULL);
	buf_consume(&client->heard, (size_t)(end - text) + 1);
	return message;
}

/* What comes next, but for notifications. */
static inline json_t *client_answer(struct client *client)
{
	json_t *message;
	while ((message = client_hear(client)) && json_object_get(message, "method")) {
		json_decref(message);
	}
	return message;
}

static inline json_t *client_ask(struct client *client, const char *text)
{
	client_say(client, text);
	return client_answer(client);
}

/* "result|content|0|text" */
static inline const json_t *json_at(const json_t *value, const char *path)
{
	auto_free char *copy = must(strdup(path));
	for (char *save, *word = strtok_r(copy, "|", &save); word;
		word = strtok_r(NULL, "|", &save)) {
		value = json_is_array(value)
				? json_array_get(value, (size_t)strtoul(word, NULL, 10))
				: json_object_get(value, word);
	}
	return value;
}

static inline const char *text_at(const json_t *value, const char *path)
{
	const char *text = json_string_value(json_at(value, path));
	return text ? text : "";
}

static inline long long int_at(const json_t *value, const char *path)
{
	return json_integer_value(json_at(value, path));
}

#endif
