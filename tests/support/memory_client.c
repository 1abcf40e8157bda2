#include "tests/support/memory_client.h"

unsigned mcp_beat_ms;

unsigned mcp_task_after_ms;

unsigned mcp_task_keep_ms;

static void mcp_on_send(struct transport_conn *conn, const char *text, size_t len)
{
	struct mcp_client *client = (struct mcp_client *)conn;
	buf_append(&client->heard, text, len);
	buf_append(&client->heard, "\n", 1);
	client->pending += client->stalled ? len + 1 : 0;
	if (client->pending > client->most_pending) {
		client->most_pending = client->pending;
	}
}

static size_t mcp_on_pending(const struct transport_conn *conn)
{
	return ((const struct mcp_client *)conn)->pending;
}

static void mcp_on_pause(struct transport_conn *conn, bool paused)
{
	((struct mcp_client *)conn)->paused = paused;
}

static int mcp_closed(sd_event_source *source, void *data)
{
	struct mcp_client *client = data;
	(void)source;
	if (client->closing) {
		server_transport_handlers.closed(&client->conn, client->server);
	}
	return 0;
}

static void mcp_on_close(struct transport_conn *conn)
{
	struct mcp_client *client = (struct mcp_client *)conn;
	if (!client->closing && client->pending == 0) {
		client->closing = true;
		sd_event_add_defer(client->event, NULL, mcp_closed, client);
	}
}

static void mcp_on_idle(void *data)
{
	((struct mcp_client *)data)->idle = true;
}

const struct transport mcp_transport = {
	.name = "memory",
	.send = mcp_on_send,
	.pending = mcp_on_pending,
	.pause = mcp_on_pause,
	.close = mcp_on_close,
};

static bool mcp_stream_base(const char *host, char **ret_url, struct err *err, void *data)
{
	(void)host, (void)err, (void)data;
	*ret_url = must(strdup("http://127.0.0.1:7"));
	return true;
}

const char *mcp_tools = "all";

void mcp_init_with(
	struct mcp_client *client, int64_t max_calls, const struct server_addition *addition)
{
	struct err err = { 0 };
	*client = (struct mcp_client){ .conn.transport = &mcp_transport, .conn.owner = "memory" };
	client->config = (struct vm_config){ .backend = "fake", .max_sandboxes = 100 };
	client->event = must(loop_new(&err));
	client->vms = vm_pool_new(client->event, &client->config, vm_backends);
	client->streams = streams_new(client->event, client->vms);
	client->tools = must(tool_set_new(mcp_tools, &err));
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
							   .stream_base = mcp_stream_base,
							   .addition = addition,
							   .beat_ms = mcp_beat_ms,
							   .task_after_ms = mcp_task_after_ms,
							   .task_keep_ms = mcp_task_keep_ms,
						   });
	server_on_idle(client->server, mcp_on_idle, client);
	server_transport_handlers.opened(&client->conn, client->server);
}

void mcp_init(struct mcp_client *client, int64_t max_calls)
{
	mcp_init_with(client, max_calls, NULL);
}

void mcp_done(struct mcp_client *client)
{
	server_free(client->server);
	streams_free(client->streams);
	vm_pool_free(client->vms);
	tool_set_free(client->tools);
	buf_done(&client->heard);
	sd_event_unref(client->event);
}

void mcp_say(struct mcp_client *client, const char *text)
{
	auto_free char *copy = must(strdup(text)); /* so that a read past the end is seen */
	server_transport_handlers.message(&client->conn, copy, strlen(copy), client->server);
}

bool mcp_turn(struct mcp_client *client, uint64_t *left_us)
{
	uint64_t before = loop_now_us();
	sd_event_run(client->event, *left_us);
	uint64_t took = loop_now_us() - before;
	*left_us = took < *left_us ? *left_us - took : 0;
	return *left_us > 0;
}

json_t *mcp_hear(struct mcp_client *client)
{
	uint64_t left = CLIENT_PATIENCE_US;
	while (client->heard.len == 0 && mcp_turn(client, &left)) {
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

json_t *mcp_answer(struct mcp_client *client)
{
	json_t *message;
	while ((message = mcp_hear(client)) && json_object_get(message, "method")) {
		json_decref(message);
	}
	return message;
}

json_t *mcp_ask(struct mcp_client *client, const char *text)
{
	mcp_say(client, text);
	return mcp_answer(client);
}

const json_t *json_at(const json_t *value, const char *path)
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

const char *text_at(const json_t *value, const char *path)
{
	const char *text = json_string_value(json_at(value, path));
	return text ? text : "";
}

long long int_at(const json_t *value, const char *path)
{
	return json_integer_value(json_at(value, path));
}
