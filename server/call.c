/*
 * tools/list and tools/call.  A call stands on its request: it adds scratch memory and turns what a
 * tool says into an MCP result.  A tool's failure is a result with isError, so that the model reads
 * it; JSON-RPC errors are for requests that no tool could be found for.
 */
#include "tools/call.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "server/ask.h"
#include "server/json_write.h"
#include "server/metrics.h"
#include "server/session.h"

#include <stdio.h>
#include <string.h>

struct scratch {
	struct scratch *next;
	max_align_t bytes[];
};

struct call {
	struct request *request; /* NULL once answered */
	const struct tool *tool;
	struct scratch *scratch;
	call_answered_fn *answered; /* while the client is asked */
	void *answered_data;
	void (*over)(void *data); /* call_on_end() */
	void *over_data;
	struct vm *vm; /* call_use() */
	uint64_t began;
	int refs; /* one until it is answered, one until tool_run() has returned */
};

static void unref(struct call *call)
{
	if (--call->refs > 0) {
		return;
	}
	while (call->scratch) {
		struct scratch *next = call->scratch->next;
		free(call->scratch);
		call->scratch = next;
	}
	free(call);
}

/* ---- the answer ---- */

static enum mcp_level level_of(const struct err *why)
{
	if (!why) {
		return MCP_DEBUG;
	}
	return why->kind == ERR_HOST || why->kind == ERR_GONE ? MCP_ERROR : MCP_INFO;
}

static void log_end(const struct call *call, const struct err *why)
{
	double ms = (double)(loop_now_us() - call->began) / 1000;
	log_debug("call=%s owner=%s %.1f ms%s%s", call->tool->name, call->request->owner, ms,
		why ? ": " : "", why ? why->text : "");
	if (!request_logs(call->request, level_of(why))) {
		return;
	}
	json_t *data = json_pack("{s:s, s:f, s:b}", "tool", call->tool->name, "ms", ms, "ok", !why);
	if (why) {
		json_object_set_new(data, "kind", json_string(err_kind_word(why->kind)));
		json_object_set_new(data, "text", json_text(why->text));
	}
	request_log(call->request, level_of(why), "tools", data);
}

static void count(const struct request *request, const struct tool *tool, uint64_t took_us,
	const struct err *why)
{
	const struct server *server = request->server;
	if (server && server->options.metrics) {
		metrics_count_call(server->options.metrics, tool, took_us, why);
	}
}

static void tell_watchers(const struct call *call, const json_t *result, const struct err *why)
{
	const struct request *request = call->request;
	const struct server *server = request->server;
	if (server && server->called) {
		server->called(request->owner, call->tool,
			json_object_get(request->params, "arguments"),
			json_object_get(result, "content"), why, server->called_data);
	}
}

/* It was asked for after something that is still at work, perhaps, and the model should know. */
static void tell_overtaken(const struct call *call, json_t *result)
{
	const char *what = call->request->turn.overtook;
	if (what) {
		auto_buf struct buf text = { 0 };
		buf_printf(&text, "This did not wait for %s, which was asked for before it.", what);
		json_array_append_new(json_object_get(result, "content"),
			json_pack(
				"{s:s, s:o}", "type", "text", "text", json_text(buf_text(&text))));
	}
}

static void answer(struct call *call, json_t *result, const struct err *why)
{
	if (!call->request) {
		log_error("call=%s was answered twice; the second answer is dropped",
			call->tool->name);
		json_decref(result);
		return;
	}
	log_end(call, why);
	tell_overtaken(call, result);
	count(call->request, call->tool, loop_now_us() - call->began, why);
	tell_watchers(call, result, why);
	request_reply(call->request, result);
}

/* Its request was answered, by answer() or over its head. */
static void on_end(void *data)
{
	struct call *call = data;
	call->request = NULL;
	if (call->over) {
		call->over(call->over_data);
	}
	if (call->vm) {
		vm_unuse(call->vm);
	}
	unref(call);
}

static bool ends_sentence(const char *text)
{
	size_t len = strlen(text);
	return len > 0 && strchr(".!?", text[len - 1]);
}

/* The sentence first, then what is to be seen beside it. */
static json_t *error_result(const struct err *why, json_t *content)
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "%s%s", why->text, ends_sentence(why->text) ? "" : ".");
	json_t *blocks = json_array();
	json_array_append_new(blocks,
		json_pack("{s:s, s:o}", "type", "text", "text", json_text(buf_text(&text))));
	if (content) {
		json_array_extend(blocks, content);
		json_decref(content);
	}
	return json_pack("{s:o, s:b}", "content", blocks, "isError", 1);
}

void call_reply(struct call *call, json_t *content)
{
	answer(call, json_pack("{s:o}", "content", content), NULL);
}

void call_fail(struct call *call, const struct err *why)
{
	call_fail_with(call, why, NULL);
}

void call_fail_with(struct call *call, const struct err *why, json_t *content)
{
	answer(call, error_result(why, content), why);
}

struct request *call_request(struct call *call)
{
	return call->request;
}

const struct tool *call_tool(const struct call *call)
{
	return call->tool;
}

/* ---- what a tool may ask of its call ---- */

struct vm_pool *call_vms(struct call *call)
{
	return call->request->vms;
}

const char *call_owner(struct call *call)
{
	return call->request->owner;
}

sd_event *call_event(struct call *call)
{
	return call->request->server->event;
}

struct streams *call_streams(struct call *call)
{
	return call->request->server->options.streams;
}

bool call_stream_base(struct call *call, char **ret_url, struct err *err)
{
	const struct server_options *options = &call->request->server->options;
	if (!options->stream_base) {
		return err_set(err, ERR_UNSUPPORTED, "this server has no pages for people");
	}
	return options->stream_base(
		conn_header(call->request->conn, "Host"), ret_url, err, options->data);
}

const char *call_stream_vnc(struct call *call)
{
	const struct server_options *options = &call->request->server->options;
	return options->stream_vnc ? options->stream_vnc(options->data) : NULL;
}

void call_progress(struct call *call, double step, double total, const char *message)
{
	if (call->request) {
		request_progress(call->request, step, total, message);
	}
}

void call_describe(struct call *call, const char *(*describe)(void *data), void *data)
{
	if (call->request) {
		request_describe(call->request, describe, data);
	}
}

void call_log(struct call *call, enum log_level level, const char *text)
{
	static const enum mcp_level levels[] = {
		[LOG_LEVEL_ERROR] = MCP_ERROR,
		[LOG_LEVEL_WARNING] = MCP_WARNING,
		[LOG_LEVEL_INFO] = MCP_INFO,
		[LOG_LEVEL_DEBUG] = MCP_DEBUG,
	};
	if (call->request && request_logs(call->request, levels[level])) {
		request_log(call->request, levels[level], call->tool->name, json_text(text));
	}
}

void call_on_cancel(struct call *call, void (*fn)(void *data), void *data)
{
	if (call->request) {
		request_on_cancel(call->request, fn, data);
	}
}

bool call_is_cancelled(const struct call *call)
{
	return call->request && call->request->cancelled;
}

void call_on_end(struct call *call, void (*fn)(void *data), void *data)
{
	call->over = fn;
	call->over_data = data;
}

void call_use(struct call *call, struct vm *vm)
{
	if (call->request) {
		call->vm = vm;
		vm_use(vm);
	}
}

bool call_can_ask(const struct call *call, const struct call_question *question)
{
	return call->request && request_can_ask(call->request, question);
}

static void on_answers(const json_t *answers, const struct err *why, void *data)
{
	struct call *call = data;
	call->answered(call, answers, why, call->answered_data);
}

void call_ask(struct call *call, const struct call_question *questions, size_t n,
	call_answered_fn *fn, void *data)
{
	call->answered = fn;
	call->answered_data = data;
	request_ask(call->request, questions, n, on_answers, call);
}

void call_close_stream(struct call *call, unsigned retry_ms)
{
	if (call->request) {
		http_session_close_stream(call->request->conn, retry_ms);
	}
}

void *call_alloc(struct call *call, size_t size)
{
	struct scratch *scratch = must(calloc(1, sizeof(*scratch) + size));
	scratch->next = call->scratch;
	call->scratch = scratch;
	return scratch->bytes;
}

/* ---- the methods ---- */

static const struct tool *find_tool(struct request *request)
{
	const struct tool_set *tools = request->server->options.tools;
	const char *name = request_text(request, "name");
	const struct tool *tool = name ? tool_find(tools, name) : NULL;
	if (name && !tool) {
		const char *near = tool_nearest(tools, name);
		request_fail(request, RPC_INVALID_PARAMS, NULL, "there is no tool \"%.80s\"%s%s%s",
			name, near ? "; did you mean \"" : "; tools/list names them all",
			near ? near : "", near ? "\"?" : "");
	}
	return tool;
}

static void go(void *data)
{
	struct call *call = data;
	const json_t *args = json_object_get(call->request->params, "arguments");
	tool_run(call->tool, call, json_is_object(args) ? args : NULL);
	unref(call);
}

static void drop(void *data)
{
	struct call *call = data;
	struct err err;
	err_set(&err, ERR_CANCELLED, "cancelled before its turn came; nothing was done");
	call_fail(call, &err);
	unref(call);
}

void call_method_call(struct request *request)
{
	const struct tool *tool = find_tool(request);
	if (!tool) {
		return;
	}
	const json_t *args = json_object_get(request->params, "arguments");
	if (args && !json_is_object(args) && !json_is_null(args)) {
		request_fail(request, RPC_INVALID_PARAMS, NULL,
			"params.arguments must be an object with the arguments of %s", tool->name);
		return;
	}
	struct rpc_fault fault;
	if (!mcp_check_params(request, tool->fields, args, &fault)) {
		request_fail(request, fault.code, fault.data, "%s", fault.text);
		return;
	}
	struct err err;
	if (!request_admit(request, &err)) {
		count(request, tool, 0, &err);
		request_reply(request, error_result(&err, NULL));
		return;
	}
	struct call *call = must(calloc(1, sizeof(*call)));
	*call = (struct call){
		.request = request, .tool = tool, .began = loop_now_us(), .refs = 2
	};
	snprintf(request->doing, sizeof(request->doing), "%s", tool->title);
	request->on_end = on_end;
	request->on_end_data = call;
	turn_take(request, &(struct turn){
				   .order = tool->order,
				   .sandbox = json_string_value(json_object_get(args, "sandbox")),
				   .what = tool->name,
				   .go = go,
				   .drop = drop,
				   .data = call,
			   });
}

void call_method_list(struct request *request)
{
	const struct tool_set *tools = request->server->options.tools;
	size_t count = 0, from, to;
	while (tool_at(tools, count)) {
		count++;
	}
	if (!page_read(request, count, &from, &to)) {
		return;
	}
	json_t *list = json_array();
	for (size_t i = from; i < to; i++) {
		json_t *tool = tool_describe(tool_at(tools, i));
		mcp_fit(request, tool);
		json_array_append_new(list, tool);
	}
	json_t *result = json_pack("{s:o}", "tools", list);
	page_mark(result, to, count);
	request_reply(request, result);
}
