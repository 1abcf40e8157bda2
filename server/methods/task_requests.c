/* Client requests of a task: the client reads them by tasks/get and answers by tasks/update. */
#include "server/methods/task.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "server/mcp/client_request.h"

#include <string.h>

void task_drop_client_requests(struct task *task)
{
	for (size_t i = 0; i < task->n; i++) {
		free(task->client_requests[i].key);
		free(task->client_requests[i].wire_key);
		free(task->client_requests[i].method);
		json_decref(task->client_requests[i].params);
	}
	free(take_ptr(&task->client_requests));
	json_decref(take_ptr(&task->answers));
	task->n = task->open = 0;
}

/* The call, and the task with it, may have ended when this returns. */
void task_end_client_requests(struct task *task, const struct err *why)
{
	struct tool_call *call = task->call;
	json_auto_t *answers = json_incref(task->answers);
	loop_drop(&task->timer);
	task_drop_client_requests(task);
	task_set_status(task, WORKING);
	call_answered(&call->call, why ? NULL : answers, why);
}

static int on_unanswered(sd_event_source *source, uint64_t now, void *data)
{
	struct task *task = data;
	struct err err;
	(void)source, (void)now;
	err_set(&err, ERR_TIMEOUT, "the client did not respond to %s within %d s",
		task->client_requests[0].method, CLIENT_REQUEST_LIFE_S);
	task_end_client_requests(task, &err);
	return 0;
}

bool task_client_supports(const struct call *call, const struct call_client_request *client_request)
{
	const struct task *task = ((const struct tool_call *)call)->task;
	return task && client_request_declared(task->capabilities, client_request);
}

static bool check_client_requests(const struct call *call,
	const struct call_client_request *client_requests, size_t n, struct err *err)
{
	const struct task *task = ((const struct tool_call *)call)->task;
	if (!task || task->cancelled) {
		return err_set(err, ERR_CANCELLED, "the task was cancelled");
	}
	if (task->client_requests) {
		return err_set(err, ERR_STATE, "another client request of this call is pending");
	}
	return client_request_all_declared(task->capabilities, client_requests, n, err);
}

static void put_client_request(struct task *task, const struct call_client_request *from)
{
	auto_buf struct buf wire_key = { 0 };
	buf_printf(&wire_key, "%s-%u", from->key, task->rounds);
	task->client_requests[task->n++] = (struct task_request){
		.key = must(strdup(from->key)),
		.wire_key = must(strdup(buf_text(&wire_key))),
		.method = must(strdup(from->method)),
		.params = json_incref(from->params),
	};
}

void task_request_client(
	struct call *call, const struct call_client_request *client_requests, size_t n)
{
	struct task *task = ((const struct tool_call *)call)->task;
	struct err err;
	bool good = check_client_requests(call, client_requests, n, &err);
	if (good) {
		task->rounds++;
		task->client_requests = must(calloc(n, sizeof(task->client_requests[0])));
		task->answers = json_object();
	}
	for (size_t i = 0; i < n; i++) {
		if (good) {
			put_client_request(task, &client_requests[i]);
		}
		json_decref(client_requests[i].params);
	}
	if (!good) {
		call_answered(call, NULL, &err);
		return;
	}
	task->open = n;
	task_set_status(task, INPUT_REQUIRED);
	task->timer =
		loop_after_ms(call->event, CLIENT_REQUEST_LIFE_S * 1000ull, on_unanswered, task);
}

json_t *task_describe_client_requests(const struct task *task)
{
	json_t *open = json_object();
	for (size_t i = 0; i < task->n; i++) {
		const struct task_request *client_request = &task->client_requests[i];
		if (!client_request->answered) {
			json_object_set_new(open, client_request->wire_key,
				json_pack("{s:s, s:O*}", "method", client_request->method, "params",
					client_request->params));
		}
	}
	return open;
}
