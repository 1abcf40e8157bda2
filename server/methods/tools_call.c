/*
 * tools/list and tools/call.  A call is attached to its request; it adds scratch memory and
 * converts what a tool returns to an MCP result.  A failure of a tool is a result with isError, so
 * that the model reads it; JSON-RPC errors are for requests without a valid tool.
 */
#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "server/activity/activity.h"
#include "server/mcp/client_request.h"
#include "server/mcp/json_write.h"
#include "server/methods/methods_impl.h"
#include "server/methods/tool_call.h"

#include <stdio.h>
#include <string.h>

/* shorter calls are answered directly, which saves the client a second request */
#define TASK_AFTER_MS 500

static struct tool_call *of(struct call *call)
{
	return (struct tool_call *)call;
}

static const json_t *args_of(const struct tool_call *call)
{
	return json_object_get(json_object_get(call->message, "params"), "arguments");
}

void tool_call_free(struct call *base)
{
	struct tool_call *call = of(base);
	json_decref(call->message);
	principal_unref(call->principal);
	free(call);
}

/* ---- result ---- */

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
	log_debug("call=%s owner=%s %.1f ms%s%s", call->call.tool->name, call->call.owner, ms,
		why ? ": " : "", why ? why->text : "");
	if (!call->request || !request_logs(call->request, level_of(why))) {
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

/* server NULL: freed, so there are no listeners. */
static void add_record(const struct server *server, struct activity_record *record)
{
	if (server && server->options.activity) {
		activity_add(server->options.activity, record);
	}
}

static void record(const struct tool_call *call, const json_t *content, const struct err *why)
{
	const char *done = call->call.summary ? call->call.summary : call->call.tool->title;
	struct activity_record record = {
		.principal = call->call.owner,
		.connection = call->connection,
		.vm = call_vm(&call->call),
		.tool = call->call.tool,
		.summary = why ? why->text : done,
		.point = call->call.point,
		.why = why,
		.took_us = loop_now_us() - call->began,
	};
	add_picture(&record, content);
	add_record(call->principal->server, &record);
}

/* It was refused before a call existed. */
static void record_refused(
	const struct request *request, const struct tool *tool, const struct err *why)
{
	struct activity_record record = {
		.principal = request->owner,
		.connection = request->session->number,
		.tool = tool,
		.summary = why->text,
		.why = why,
	};
	add_record(request->server, &record);
}

/* Another call that was sent earlier is still running, and the model should know. */
static void note_overtaken(const struct tool_call *call, json_t *result)
{
	const char *what = call->turn.overtook;
	if (what) {
		auto_buf struct buf text = { 0 };
		buf_printf(&text, "This did not wait for %s, which was called earlier.", what);
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

/* The error text first, then the content. */
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

json_t *tool_call_result(struct tool_call *call, json_t *content, const struct err *why)
{
	json_t *result = why ? error_result(why, content) : json_pack("{s:o}", "content", content);
	log_end(call, why);
	note_overtaken(call, result);
	record(call, json_object_get(result, "content"), why);
	return result;
}

void tool_call_answer(struct call *base, json_t *content, const struct err *why)
{
	struct tool_call *call = of(base);
	json_t *result = tool_call_result(call, content, why);
	request_reply(call->request, result);
}

void tool_call_over(struct tool_call *call)
{
	call->request = NULL;
	loop_drop(&call->late);
	turn_leave(&call->turn);
	call_is_over(&call->call);
}

/* Its request was answered, by tool_call_answer() or by others. */
static void on_end(void *data)
{
	tool_call_over(data);
}

struct request *call_request(struct call *call)
{
	return of(call)->request;
}

const struct tool *call_tool(const struct call *call)
{
	return call->tool;
}

/* ---- the methods ---- */

bool tasks_are_known(const struct request *request)
{
	const json_t *extensions = json_object_get(mcp_client_capabilities(request), "extensions");
	return request->revision->era == MCP_MODERN &&
	       json_is_object(json_object_get(extensions, TASKS_EXTENSION));
}

void tasks_refuse(struct request *request)
{
	request_fail(request, MCP_MISSING_CAPABILITY,
		json_pack("{s:{s:{s:{}}}}", "requiredCapabilities", "extensions", TASKS_EXTENSION),
		"this requires a client that supports tasks: its clientCapabilities.extensions must contain "
		"\"" TASKS_EXTENSION "\"");
}

static const struct tool *find_tool(struct request *request)
{
	const struct tool_set *tools = request->server->options.tools;
	const char *name = request_text(request, "name");
	const struct tool *tool = name ? tool_find(tools, name) : NULL;
	if (name && !tool) {
		auto_buf struct buf why = { 0 };
		tool_explain_missing(tools, name, &why);
		request_fail(request, RPC_INVALID_PARAMS, NULL, "%s", buf_text(&why));
	}
	return tool;
}

bool tool_call_cancel(struct tool_call *call)
{
	if (!turn_withdraw(&call->turn)) {
		return call_cancel(&call->call);
	}
	struct err err;
	err_set(&err, ERR_CANCELLED, "cancelled before its turn; nothing was executed");
	call_refuse(&call->call, &err);
	return true;
}

static void on_cancel(void *data)
{
	struct tool_call *call = data;
	struct request *request = call->request;
	if (!tool_call_cancel(call) && request->client_requests) {
		client_request_cancel(request);
	}
}

static void go(void *data)
{
	struct tool_call *call = data;
	const json_t *args = args_of(call);
	call_run(&call->call, json_is_object(args) ? args : NULL);
}

static int on_late(sd_event_source *source, uint64_t now, void *data)
{
	struct tool_call *call = data;
	(void)source, (void)now;
	loop_drop(&call->late);
	task_begin(call);
	return 0;
}

static struct tool_call *new_call(struct request *request, const struct tool *tool)
{
	struct tool_call *call = must(calloc(1, sizeof(*call)));
	*call = (struct tool_call){
		.call = {
			.impl = &tool_call_impl,
			.tool = tool,
			.vms = request->vms,
			.event = request->server->event,
			.streams = request->server->options.streams,
		},
		.principal = principal_hold(request->session->principal),
		.connection = request->session->number,
		.request = request,
		.message = json_incref(request->message),
		.began = loop_now_us(),
	};
	call->call.owner = call->principal->name;
	call_begin(&call->call);
	snprintf(request->doing, sizeof(request->doing), "%s", tool->title);
	request->on_end = on_end;
	request->on_end_data = call;
	return call;
}

static void start_call(struct request *request, const struct tool *tool, const json_t *args)
{
	struct tool_call *call = new_call(request, tool);
	unsigned ms = request->server->options.task_after_ms;
	if ((tool->hints & (TOOL_TAKES_TIME | TOOL_NEEDS_TASK)) && tasks_are_known(request)) {
		call->late = loop_after_ms(
			request->server->event, ms ? ms : TASK_AFTER_MS, on_late, call);
	}
	call->turn = (struct turn){
		.order = tool->order,
		.sandbox = json_string_value(json_object_get(args, "sandbox")),
		.what = tool->name,
		.go = go,
		.data = call,
	};
	request_on_cancel(request, on_cancel, call);
	turn_take(&call->turn, request);
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
	if ((tool->hints & TOOL_NEEDS_TASK) && !tasks_are_known(request)) {
		tasks_refuse(request);
		return;
	}
	struct rpc_fault fault;
	if (request_has_headers(request) &&
		!mcp_check_params(request, tool->fields, args, &fault)) {
		request_fail(request, fault.code, fault.data, "%s", fault.text);
		return;
	}
	struct err err;
	if (!request_admit(request, &err)) {
		record_refused(request, tool, &err);
		request_reply(request, call_refusal(&err));
		return;
	}
	start_call(request, tool, args);
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
