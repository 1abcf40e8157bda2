/*
 * Tasks (the extension io.modelcontextprotocol/tasks of 2026-07-28).  A call that takes long is
 * answered with an id and continues without its request.  The client polls it by its id, supplies
 * answers and may cancel it.  A task belongs to its principal, whatever connection created it; to
 * others its id is unknown.  It is kept until its call has ended, and for some time after that.
 * Its result counts against the principal's memory limit.
 */
#include "server/methods/task.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/loop.h"
#include "server/mcp/client_request.h"
#include "server/mcp/json_write.h"
#include "server/methods/methods_impl.h"

#include <stdio.h>
#include <string.h>

#define TASKS_MAX 64          /* per principal; further calls are answered as usual */
#define KEEP_MS 600000        /* after its call has ended */
#define POLL_MS 1000          /* suggested polling interval of clients */
#define RESULT_MAX (4u << 20) /* in bytes */

static const char *const status_names[] = { "working", "input_required", "completed", "failed",
	"cancelled" };

void task_set_status(struct task *task, enum task_status status)
{
	task->status = status;
	task->updated_ms = clock_wall_ms();
}

/* ---- end ---- */

static void task_free(struct task *task)
{
	TAILQ_REMOVE(&task->server->tasks, task, entry);
	loop_drop(&task->timer);
	task_drop_client_requests(task);
	budget_set(task->principal->kept.budget, &task->held, 0);
	json_decref(task->outcome);
	json_decref(task->capabilities);
	free(task->host);
	principal_unref(task->principal);
	free(task);
}

static int on_expired(sd_event_source *source, uint64_t now, void *data)
{
	(void)source, (void)now;
	task_free(data);
	return 0;
}

void task_touch(struct task *task)
{
	task->updated_ms = clock_wall_ms();
}

void task_cancel(struct task *task)
{
	struct err err;
	if (!task->call || task->cancelled) {
		return;
	}
	task->cancelled = true;
	task_touch(task);
	if (!tool_call_cancel(task->call) && task->client_requests) {
		err_set(&err, ERR_CANCELLED, "the task was cancelled");
		task_end_client_requests(task, &err);
	}
}

/* Its call must still end. */
void task_drop(struct task *task)
{
	struct tool_call *call = task->call;
	bool asks = task->client_requests;
	struct err err;
	task_free(task);
	if (!call) {
		return;
	}
	call->task = NULL;
	if (!tool_call_cancel(call) && asks) {
		err_set(&err, ERR_CANCELLED, "the task was cancelled");
		call_answered(&call->call, NULL, &err);
	}
}

/* Stores the result, or the reason why it cannot be stored. */
static void keep(struct task *task, json_t *result)
{
	size_t size = json_dumpb(result, NULL, 0, JSON_COMPACT);
	const char *why = size > RESULT_MAX ? "is too large"
			  : !budget_set(task->principal->kept.budget, &task->held, size)
				  ? "exceeds the memory limit"
				  : NULL;
	if (why) {
		json_decref(result);
		result = json_pack("{s:i, s:o}", "code", RPC_INTERNAL_ERROR, "message",
			json_sprintf("the result of %zu bytes %s; the call may have been executed",
				size, why));
	}
	task->outcome = result;
	task_set_status(task, why ? FAILED : COMPLETED);
}

static void arm_expiry(struct task *task)
{
	const struct server *server = task->server;
	unsigned ms = server->options.task_keep_ms;
	ms = ms ? ms : KEEP_MS;
	task->ttl_ms = (int64_t)((loop_now_us() - task->began_us) / 1000) + ms;
	task->timer = loop_after_ms(server->event, ms, on_expired, task);
}

static void leave(struct tool_call *call)
{
	call->principal->calls--;
	if (call->principal->server) {
		call->principal->server->calls--;
	}
	tool_call_over(call);
}

/* ---- interface of its call: struct call_impl ---- */

static struct task *task_of(const struct call *call)
{
	return ((const struct tool_call *)call)->task;
}

static void on_answer(struct call *base, json_t *content, const struct err *why)
{
	struct tool_call *call = (struct tool_call *)base;
	json_t *result = tool_call_result(call, content, why);
	struct task *task = take_ptr(&call->task);
	if (!task) {
		json_decref(result);
	} else {
		task->call = NULL;
		task->describe = NULL;
		loop_drop(&task->timer);
		task_drop_client_requests(task);
		if (task->cancelled && why) {
			json_decref(result);
			budget_set(task->principal->kept.budget, &task->held, 0);
			task_set_status(task, CANCELLED);
		} else {
			keep(task, result);
		}
		arm_expiry(task);
	}
	leave(call);
}

static bool stream_base(struct call *call, char **ret_url, struct err *err)
{
	const struct task *task = task_of(call);
	return tool_call_stream_base(
		(struct tool_call *)call, task ? task->host : NULL, ret_url, err);
}

static const char *stream_vnc(struct call *call)
{
	return tool_call_stream_vnc((struct tool_call *)call);
}

static void progress(struct call *call, double step, double total, const char *message)
{
	struct task *task = task_of(call);
	(void)step, (void)total;
	if (task && message) {
		snprintf(task->doing, sizeof(task->doing), "%s", message);
		task_touch(task);
	}
}

static void describe_by(struct call *call, const char *(*describe)(void *data), void *data)
{
	struct task *task = task_of(call);
	if (task) {
		task->describe = describe;
		task->describe_data = data;
	}
}

static const struct call_impl task_impl = {
	.answer = on_answer,
	.stream_base = stream_base,
	.stream_vnc = stream_vnc,
	.progress = progress,
	.describe = describe_by,
	.client_supports = task_client_supports,
	.request_client = task_request_client,
	.free = tool_call_free,
};

/* ---- representation for clients ---- */

static json_t *write_time(int64_t ms)
{
	char text[CLOCK_TEXT_SIZE];
	clock_write(ms, text);
	return json_string(text);
}

static json_t *describe(const struct task *task)
{
	const char *doing = task->describe ? task->describe(task->describe_data) : task->doing;
	json_t *all = json_pack("{s:s, s:s, s:o, s:o, s:i, s:o}", "taskId", task->id, "status",
		status_names[task->status], "createdAt", write_time(task->created_ms),
		"lastUpdatedAt", write_time(task->updated_ms), "pollIntervalMs", POLL_MS, "ttlMs",
		task->ttl_ms < 0 ? json_null() : json_integer(task->ttl_ms));
	if (task->call && *doing) {
		json_object_set_new(all, "statusMessage", json_text(doing));
	}
	return all;
}

json_t *task_describe(const struct task *task)
{
	json_t *all = describe(task);
	if (task->status == INPUT_REQUIRED) {
		json_object_set_new(all, "inputRequests", task_describe_client_requests(task));
	} else if (task->outcome) {
		json_object_set(all, task->status == FAILED ? "error" : "result", task->outcome);
	}
	return all;
}

/* ---- start ---- */

static bool has_room(const struct principal *principal)
{
	const struct task *task;
	size_t n = 0;
	TAILQ_FOREACH(task, &principal->server->tasks, entry)
	{
		n += task->principal == principal;
	}
	return n < TASKS_MAX;
}

static struct task *task_new(struct tool_call *call)
{
	const struct request *request = call->request;
	const char *host = conn_header(request->conn, "Host");
	struct task *task = must(calloc(1, sizeof(*task)));
	task->server = request->server;
	task->principal = principal_hold(call->principal);
	task->call = call;
	id_make(task->id);
	task->created_ms = task->updated_ms = clock_wall_ms();
	task->began_us = loop_now_us();
	task->ttl_ms = -1;
	snprintf(task->doing, sizeof(task->doing), "%s", request->doing);
	task->describe = request->describe;
	task->describe_data = request->describe_data;
	task->capabilities = methods_keep_capabilities(mcp_client_capabilities(request));
	task->host = host ? must(strdup(host)) : NULL;
	TAILQ_INSERT_TAIL(&request->server->tasks, task, entry);
	return task;
}

/* The request ends; the task takes its place among the calls in flight. */
void task_begin(struct tool_call *call)
{
	struct request *request = call->request;
	if (request->cancelled || request->server->finishing || !has_room(call->principal)) {
		return;
	}
	struct task *task = task_new(call);
	size_t size = json_dumpb(call->message, NULL, 0, JSON_COMPACT);
	if (!budget_set(task->principal->kept.budget, &task->held, size)) {
		task_free(task);
		return;
	}
	call->task = task;
	call->call.impl = &task_impl;
	call->request = NULL;
	call->principal->calls++;
	call->principal->server->calls++;
	request->on_end = NULL;
	request->on_cancel = NULL;
	json_t *result = describe(task);
	json_object_set_new(result, "resultType", json_string("task"));
	request_reply(request, result);
}
