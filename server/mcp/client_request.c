/*
 * Asking a client of a legacy revision: each question is a request of ours, sent where the
 * client's request came from and answered by a response on whatever connection.  An ask ends with
 * all of its answers, with the first that is not one, or with its request.
 */
#include "server/mcp/client_request.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <string.h>

struct question {
	int64_t id; /* 0 once it was answered */
	char *key, *method;
	json_t *params;
};

struct ask {
	LIST_ENTRY(ask) link;
	struct request *request;
	ask_fn *fn;
	void *data;
	json_t *answers;
	sd_event_source *timer;
	size_t n, open;
	struct question questions[];
};

/* ---- the end ---- */

static void withdraw(struct ask *ask, const char *reason)
{
	for (size_t i = 0; i < ask->n; i++) {
		if (ask->questions[i].id) {
			conn_notify(ask->request->conn, "notifications/cancelled",
				json_pack("{s:I, s:s}", "requestId",
					(json_int_t)ask->questions[i].id, "reason", reason));
		}
	}
}

static void ask_free(struct ask *ask)
{
	LIST_REMOVE(ask, link);
	ask->request->ask = NULL;
	loop_drop(&ask->timer);
	for (size_t i = 0; i < ask->n; i++) {
		free(ask->questions[i].key);
		free(ask->questions[i].method);
		json_decref(ask->questions[i].params);
	}
	json_decref(ask->answers);
	free(ask);
}

/* The request may be gone when this returns. */
static void end(struct ask *ask, const struct err *why)
{
	json_auto_t *answers = json_incref(ask->answers);
	ask_fn *fn = ask->fn;
	void *data = ask->data;
	if (why) {
		withdraw(ask, why->text);
	}
	ask_free(ask);
	fn(why ? NULL : answers, why, data);
}

void ask_cancel(struct request *request)
{
	struct err err;
	err_set(&err, ERR_CANCELLED, "the request was cancelled");
	end(request->ask, &err);
}

void ask_end_all(struct session *session)
{
	struct ask *ask;
	struct err err;
	err_set(&err, ERR_GONE, "the client has ended its input, so it cannot answer");
	while ((ask = LIST_FIRST(&session->asks))) {
		end(ask, &err);
	}
}

void ask_drop(struct request *request)
{
	if (request->ask) {
		withdraw(request->ask, "the answer is not needed any more");
		ask_free(request->ask);
	}
}

static int on_late(sd_event_source *source, uint64_t now, void *data)
{
	(void)source, (void)now;
	struct ask *ask = data;
	struct err err;
	err_set(&err, ERR_TIMEOUT, "the client did not answer %s within %d s",
		ask->questions[0].method, ASK_LIFE_S);
	end(ask, &err);
	return 0;
}

/* ---- the way there ---- */

static void send_question(
	struct ask *ask, struct question *question, const struct call_question *from)
{
	auto_buf struct buf message = { 0 };
	*question = (struct question){
		.id = ++ask->request->server->questions,
		.key = must(strdup(from->key)),
		.method = must(strdup(from->method)),
		.params = from->params,
	};
	json_auto_t *id = json_integer(question->id);
	rpc_write_request(&message, id, question->method, question->params);
	conn_send(ask->request->conn, &message);
}

static bool check(const struct request *request, const struct call_question *questions, size_t n,
	struct err *err)
{
	if (request->cancelled || !request->server) {
		return err_set(err, ERR_CANCELLED, "the request was cancelled");
	}
	if (request->conn->kind == TRANSPORT_DUPLEX && request->conn->ending) {
		return err_set(
			err, ERR_GONE, "the client has ended its input, so it cannot be asked");
	}
	if (!conn_streams(request->conn)) {
		return err_set(err, ERR_UNSUPPORTED,
			"the client cannot be asked: the Accept header of its request must list "
			"text/event-stream");
	}
	if (request->ask) {
		return err_set(err, ERR_STATE, "the client is being asked already");
	}
	for (size_t i = 0; i < n; i++) {
		if (!request_can_ask(request, &questions[i])) {
			return err_set(err, ERR_UNSUPPORTED,
				"the client cannot be asked for %s: it did not declare that it can "
				"answer; use one that does",
				questions[i].method);
		}
	}
	return true;
}

static void ask_legacy(struct request *request, const struct call_question *questions, size_t n,
	ask_fn *fn, void *data)
{
	struct err err;
	if (!check(request, questions, n, &err)) {
		for (size_t i = 0; i < n; i++) {
			json_decref(questions[i].params);
		}
		fn(NULL, &err, data);
		return;
	}
	struct ask *ask = must(calloc(1, sizeof(*ask) + n * sizeof(ask->questions[0])));
	ask->request = request;
	ask->fn = fn;
	ask->data = data;
	ask->answers = json_object();
	ask->n = ask->open = n;
	ask->timer = loop_after_ms(request->server->event, ASK_LIFE_S * 1000ull, on_late, ask);
	request->ask = ask;
	LIST_INSERT_HEAD(&request->session->asks, ask, link);
	for (size_t i = 0; i < n; i++) {
		send_question(ask, &ask->questions[i], &questions[i]);
	}
}

/* ---- the way back ---- */

static struct question *find(const struct session *session, json_int_t id, struct ask **ret_ask)
{
	struct ask *ask;
	LIST_FOREACH(ask, &session->asks, link)
	{
		for (size_t i = 0; i < ask->n; i++) {
			if (ask->questions[i].id == id) {
				*ret_ask = ask;
				return &ask->questions[i];
			}
		}
	}
	return NULL;
}

static bool read_response(const struct question *question, const json_t *message, struct err *err)
{
	const json_t *error = json_object_get(message, "error");
	if (error) {
		const char *text = json_string_value(json_object_get(error, "message"));
		return err_set(err, ERR_STATE, "the client did not answer %s: %.200s",
			question->method, text ? text : "it gave no reason");
	}
	const struct call_question asked = { question->key, question->method, question->params };
	return ask_check(&asked, json_object_get(message, "result"), err);
}

void ask_take_response(struct session *session, const json_t *id, const json_t *message)
{
	struct ask *ask;
	struct question *question =
		json_integer_value(id) > 0 ? find(session, json_integer_value(id), &ask) : NULL;
	if (!question) {
		return; /* too late, or never asked */
	}
	struct err err;
	question->id = 0;
	if (!read_response(question, message, &err)) {
		end(ask, &err);
		return;
	}
	json_object_set(ask->answers, question->key, json_object_get(message, "result"));
	if (--ask->open == 0) {
		end(ask, NULL);
	}
}

/* ---- both eras ---- */

bool request_can_ask(const struct request *request, const struct call_question *question)
{
	return ask_declared(mcp_client_capabilities(request), question);
}

void request_ask(struct request *request, const struct call_question *questions, size_t n,
	ask_fn *fn, void *data)
{
	if (request->revision->era == MCP_LEGACY) {
		ask_legacy(request, questions, n, fn, data);
		return;
	}
	json_t *answers;
	bool answered = ask_round(request, questions, n, &answers);
	for (size_t i = 0; i < n; i++) {
		json_decref(questions[i].params);
	}
	if (answered) {
		fn(answers, NULL, data);
		json_decref(answers);
	}
}
