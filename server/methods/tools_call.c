/*
 * tools/list and tools/call.  A call stands on its request: it adds scratch memory and turns what a
 * tool says into an MCP result.  A tool's failure is a result with isError, so that the model reads
 * it; JSON-RPC errors are for requests that no tool could be found for.
 */
#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "server/activity/activity.h"
#include "server/mcp/client_request.h"
#include "server/mcp/json_write.h"
#include "server/methods/methods_impl.h"
#include "tools/call_impl.h"

#include <stdio.h>
#include <string.h>

struct tool_call {
	struct call call;        /* first */
	struct request *request; /* NULL once answered */
	uint64_t began;
};

static struct tool_call *of(struct call *call)
{
	return (struct tool_call *)call;
}

static void free_call(struct call *call)
{
	free(of(call));
}

/* ---- the answer ---- */

static enum mcp_level level_of(const struct err *why)
{
	if (!why) {
		return MCP_DEBUG;
	}
	return why->kind == ERR_HOST || why->kind == ERR_GONE ? MCP_ERROR : MCP_INFO;
}

static void log_end(const struct tool_call *call, const struct err *why)
{
	double ms = (double)(loop_now_us() - call->began) / 1000;
	log_debug("call=%s owner=%s %.1f ms%s%s", call->call.tool->name, call->request->owner, ms,
		why ? ": " : "", why ? why->text : "");
	if (!request_logs(call->request, level_of(why))) {
		return;
	}
	json_t *data =
		json_pack("{s:s, s:f, s:b}", "tool", call->call.tool->name, "ms", ms, "ok", !why);
	if (why) {
		json_object_set_new(data, "kind", json_string(err_kind_word(why->kind)));
		json_object_set_new(data, "text", json_text(why->text));
	}
	request_log(call->request, level_of(why), "tools", data);
}

static void add_picture(struct activity_record *record, const json_t *content)
{
	size_t i;
	const json_t *block;
	json_array_foreach((json_t *)content, i, block)
	{
		const char *data = json_string_value(json_object_get(block, "data"));
		if (data && !record->picture) {
			record->picture = data;
			record->picture_type =
				json_string_value(json_object_get(block, "mimeType"));
		}
	}
}

/* call NULL: it was refused before there was one. */
static void record(const struct request *request, const struct tool *tool,
	const struct tool_call *call, const json_t *content, const struct err *why)
{
	struct activity *activity = request->server ? request->server->options.activity : NULL;
	if (!activity) {
		return;
	}
	struct activity_record record = {
		.principal = request->owner,
		.connection = request->session->number,
		.tool = tool,
		.summary = why ? why->text : tool->title,
		.why = why,
	};
	if (call) {
		const struct vm *vm = call_vm(&call->call);
		record.sandbox = vm ? vm_id(vm) : NULL;
		record.point = call->call.point;
		record.took_us = loop_now_us() - call->began;
		record.summary = !why && call->call.summary ? call->call.summary : record.summary;
		add_picture(&record, content);
	}
	activity_add(activity, &record);
}

/* It was asked for after something that is still at work, perhaps, and the model should know. */
static void tell_overtaken(const struct tool_call *call, json_t *result)
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

json_t *call_refusal(const struct err *why)
{
	return error_result(why, NULL);
}

static void answer(struct call *base, json_t *content, const struct err *why)
{
	struct tool_call *call = of(base);
	json_t *result = why ? error_result(why, content) : json_pack("{s:o}", "content", content);
	log_end(call, why);
	tell_overtaken(call, result);
	record(call->request, base->tool, call, json_object_get(result, "content"), why);
	request_reply(call->request, result);
}

/* Its request was answered, by answer() or over its head. */
static void on_end(void *data)
{
	struct tool_call *call = data;
	call->request = NULL;
	call_is_over(&call->call);
}

struct request *call_request(struct call *call)
{
	return of(call)->request;
}

const struct tool *call_tool(const struct call *call)
{
	return call->tool;
}

/* ---- what a tool may ask of its call ---- */

static bool stream_base(struct call *call, char **ret_url, struct err *err)
{
	const struct request *request = of(call)->request;
	const struct server_options *options = &request->server->options;
	if (!options->stream_base) {
		return err_set(err, ERR_UNSUPPORTED, "this server does not serve the viewer page");
	}
	return options->stream_base(
		conn_header(request->conn, "Host"), ret_url, err, options->data);
}

static const char *stream_vnc(struct call *call)
{
	const struct server_options *options = &of(call)->request->server->options;
	return options->stream_vnc ? options->stream_vnc(options->data) : NULL;
}

static void progress(struct call *call, double step, double total, const char *message)
{
	request_progress(of(call)->request, step, total, message);
}

static void set_describe(struct call *call, const char *(*describe)(void *data), void *data)
{
	request_describe(of(call)->request, describe, data);
}

static void log_text(struct call *call, enum log_level level, const char *text)
{
	static const enum mcp_level levels[] = {
		[LOG_LEVEL_ERROR] = MCP_ERROR,
		[LOG_LEVEL_WARNING] = MCP_WARNING,
		[LOG_LEVEL_INFO] = MCP_INFO,
		[LOG_LEVEL_DEBUG] = MCP_DEBUG,
	};
	struct request *request = of(call)->request;
	if (request_logs(request, levels[level])) {
		request_log(request, levels[level], call->tool->name, json_text(text));
	}
}

static bool can_ask(const struct call *call, const struct call_question *question)
{
	return request_can_ask(((const struct tool_call *)call)->request, question);
}

static void on_answers(const json_t *answers, const struct err *why, void *data)
{
	call_answered(data, answers, why);
}

static void ask(struct call *call, const struct call_question *questions, size_t n)
{
	request_ask(of(call)->request, questions, n, on_answers, call);
}

static void close_stream(struct call *call, unsigned retry_ms)
{
	http_session_close_stream(of(call)->request->conn, retry_ms);
}

static const struct call_impl call_impl = {
	.answer = answer,
	.stream_base = stream_base,
	.stream_vnc = stream_vnc,
	.progress = progress,
	.describe = set_describe,
	.log = log_text,
	.can_ask = can_ask,
	.ask = ask,
	.close_stream = close_stream,
	.free = free_call,
};

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

static void on_cancel(void *data)
{
	struct request *request = call_request(data);
	if (!call_cancel(data) && request->ask) {
		ask_cancel(request);
	}
}

static void go(void *data)
{
	struct tool_call *call = data;
	const json_t *args = json_object_get(call->request->params, "arguments");
	request_on_cancel(call->request, on_cancel, &call->call);
	call_run(&call->call, json_is_object(args) ? args : NULL);
}

static void drop(void *data)
{
	struct tool_call *call = data;
	struct err err;
	err_set(&err, ERR_CANCELLED, "cancelled before its turn came; nothing was done");
	call_refuse(&call->call, &err);
}

static struct tool_call *new_call(struct request *request, const struct tool *tool)
{
	struct tool_call *call = must(calloc(1, sizeof(*call)));
	*call = (struct tool_call){
		.call = {
			.impl = &call_impl,
			.tool = tool,
			.vms = request->vms,
			.owner = request->owner,
			.event = request->server->event,
			.streams = request->server->options.streams,
		},
		.request = request,
		.began = loop_now_us(),
	};
	call_begin(&call->call);
	snprintf(request->doing, sizeof(request->doing), "%s", tool->title);
	request->on_end = on_end;
	request->on_end_data = call;
	return call;
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
		record(request, tool, NULL, NULL, &err);
		request_reply(request, call_refusal(&err));
		return;
	}
	turn_take(request, &(struct turn){
				   .order = tool->order,
				   .sandbox = json_string_value(json_object_get(args, "sandbox")),
				   .what = tool->name,
				   .go = go,
				   .drop = drop,
				   .data = new_call(request, tool),
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
		mcp_fit(request->revision, tool);
		json_array_append_new(list, tool);
	}
	json_t *result = json_pack("{s:o}", "tools", list);
	page_mark(result, to, count);
	request_reply(request, result);
}
