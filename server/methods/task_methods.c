/* tasks/get, tasks/update and tasks/cancel, and the end of tasks with their principal or the
 * server. */
#include "server/methods/task.h"

#include "server/mcp/client_request.h"
#include "server/methods/methods_impl.h"

#include <string.h>

/* NULL: the request has failed. */
static struct task *find_task(struct request *request)
{
	struct task *task;
	const char *id;
	if (!tasks_are_known(request)) {
		tasks_refuse(request);
		return NULL;
	}
	if (!(id = request_text(request, "taskId"))) {
		return NULL;
	}
	TAILQ_FOREACH(task, &request->server->tasks, entry)
	{
		if (task->principal == request->session->principal && strcmp(task->id, id) == 0) {
			return task;
		}
	}
	request_fail(request, RPC_INVALID_PARAMS, NULL,
		"unknown task \"%.40s\": it does not belong to you, or it has expired", id);
	return NULL;
}

void task_method_get(struct request *request)
{
	const struct task *task = find_task(request);
	if (task) {
		request_reply(request, task_describe(task));
	}
}

void task_method_cancel(struct request *request)
{
	struct task *task = find_task(request);
	if (!task) {
		return;
	}
	request_reply(request, json_object());
	task_cancel(task);
}

/* Ignores answers that were not requested or are duplicates. */
static bool check_responses(const struct task *task, const json_t *responses, struct err *err)
{
	for (size_t i = 0; i < task->n; i++) {
		const struct task_request *client_request = &task->client_requests[i];
		const json_t *response = json_object_get(responses, client_request->wire_key);
		const struct call_client_request asked = { client_request->key,
			client_request->method, client_request->params };
		if (!client_request->answered && response &&
			!client_request_check(&asked, response, err)) {
			return err_while(err, "params.inputResponses.%s", client_request->wire_key);
		}
	}
	return true;
}

static void take_responses(struct task *task, const json_t *responses)
{
	for (size_t i = 0; i < task->n; i++) {
		struct task_request *client_request = &task->client_requests[i];
		json_t *response = json_object_get(responses, client_request->wire_key);
		if (!client_request->answered && response) {
			json_object_set(task->answers, client_request->key, response);
			client_request->answered = true;
			task->open--;
			task_touch(task);
		}
	}
}

void task_method_update(struct request *request)
{
	struct task *task = find_task(request);
	struct err err;
	if (!task) {
		return;
	}
	const json_t *responses = json_object_get(request->params, "inputResponses");
	if (!json_is_object(responses)) {
		request_fail(request, RPC_INVALID_PARAMS, NULL,
			"params.inputResponses must be an object with an answer for each key of "
			"inputRequests");
		return;
	}
	if (!check_responses(task, responses, &err)) {
		request_fail(request, RPC_INVALID_PARAMS, NULL, "%s", err.text);
		return;
	}
	take_responses(task, responses);
	request_reply(request, json_object());
	if (task->client_requests && task->open == 0) {
		task_end_client_requests(task, NULL);
	}
}

/* ---- life cycle ---- */

static void started(struct server *server)
{
	TAILQ_INIT(&server->tasks);
}

static void drop_tasks(struct server *server, const char *owner)
{
	struct task *task, *next;
	for (task = TAILQ_FIRST(&server->tasks); task; task = next) {
		next = TAILQ_NEXT(task, entry);
		if (!owner || strcmp(task->principal->name, owner) == 0) {
			task_drop(task);
		}
	}
}

static void stopped(struct server *server)
{
	drop_tasks(server, NULL);
}

const struct session_part tasks_part = {
	.started = started,
	.stopped = stopped,
	.owner_gone = drop_tasks,
};
