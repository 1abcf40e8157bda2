/* A request from the host in flight: its arguments, its cancellation, its conversation and its
 * answer. */
#include "vm/agent/core/request.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "vm/agent/core/agent.h"

struct request {
	struct agent *agent;
	struct request *next;
	uint32_t id;  /* 0: its host has disconnected */
	json_t *json; /* args points into it */
	void *args;
	const struct op *op;
	const struct link_msg *msg; /* inside run() only */
	void (*cancel)(void *data);
	void *cancel_data;
	struct request_talk talk; /* of a conversation */
	void *talk_data;
};

static struct request *find_request(struct agent *agent, uint32_t id)
{
	struct request *req = agent->requests;
	while (req && req->id != id) {
		req = req->next;
	}
	return req;
}

static void request_free(struct request *req)
{
	for (struct request **at = &req->agent->requests; *at; at = &(*at)->next) {
		if (*at == req) {
			*at = req->next;
			break;
		}
	}
	json_decref(req->json);
	free(req->args);
	free(req);
}

static struct request *request_new(struct agent *agent, uint32_t id, const json_t *json)
{
	struct request *req = must(calloc(1, sizeof(*req)));
	req->agent = agent;
	req->id = id;
	req->json = json_incref((json_t *)json);
	req->next = agent->requests;
	agent->requests = req;
	return req;
}

void request_run(struct agent *agent, uint32_t id, const struct link_msg *msg, const struct op *op)
{
	struct request *req = request_new(agent, id, msg->json);
	const struct message_part *part = &op->message->request;
	struct err err;
	req->op = op;
	req->msg = msg;
	req->args = must(calloc(1, part->size ? part->size : 1));
	if (!message_decode(
		    part, json_object_get(msg->json, "args"), msg->tail_len, req->args, &err)) {
		return request_fail(req, &err);
	}
	if (!op->has_user || !agent->as_user || !agent->as_user(req)) {
		op->run(req, req->args);
	}
}

/* ---- cancelling ---- */

static void cancel(struct request *req)
{
	void (*fn)(void *) = take_ptr(&req->cancel);
	if (fn) {
		fn(req->cancel_data);
	}
}

void request_cancel(struct agent *agent, uint32_t id)
{
	struct request *req = find_request(agent, id);
	if (req) {
		cancel(req);
	}
}

/* A callback may answer and thereby remove any request, so each iteration starts at the front. */
void request_cancel_all(struct agent *agent)
{
	struct request *req = agent->requests;
	while (req) {
		if (req->cancel) {
			cancel(req);
			req = agent->requests;
		} else {
			req = req->next;
		}
	}
}

void request_forget_all(struct agent *agent)
{
	for (struct request *req = agent->requests; req; req = req->next) {
		req->id = 0;
	}
	request_cancel_all(agent);
}

void request_free_all(struct agent *agent)
{
	while (agent->requests) {
		request_free(agent->requests);
	}
}

/* ---- for operations ---- */

void request_reply(struct request *req, json_t *result, const void *tail, size_t tail_len)
{
	link_reply(
		req->agent->link, req->id, result ? result : must(json_object()), tail, tail_len);
	request_free(req);
}

void request_answer(struct request *req, const void *answer)
{
	request_reply(req, must(message_encode(&req->op->message->answer, answer)), NULL, 0);
}

const char *request_tail(const struct request *req, size_t *ret_len)
{
	*ret_len = req->msg->tail_len;
	return (const char *)req->msg->tail;
}

void request_fail(struct request *req, const struct err *why)
{
	link_reply_err(req->agent->link, req->id, why);
	request_free(req);
}

struct agent *request_agent(struct request *req)
{
	return req->agent;
}

const struct op *request_op(const struct request *req)
{
	return req->op;
}

const json_t *request_json(const struct request *req)
{
	return json_object_get(req->json, "args");
}

uint32_t request_number(const struct request *req)
{
	return req->id;
}

void request_on_cancel(struct request *req, void (*fn)(void *data), void *data)
{
	req->cancel = fn;
	req->cancel_data = data;
}

/* ---- conversations ---- */

static void misbehaved(struct request *req, const struct err *why)
{
	log_warning("the host, in '%s': %s", req->op->message->name, why->text);
	cancel(req);
}

static void on_data(
	struct link *link, uint32_t id, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct request *req = data;
	struct err err;
	if (!message_channel(&req->op->message->talk->host, channel, &err)) {
		misbehaved(req, &err);
	} else if (req->talk.data) {
		req->talk.data(channel, bytes, len, req->talk_data);
	} else {
		link_consumed(link, id, len);
	}
}

static void on_message(
	struct link *link, uint32_t id, const struct link_msg *msg, size_t cost, void *data)
{
	struct request *req = data;
	auto_free void *args = NULL;
	struct err err;
	const struct message *message =
		message_speech_decode(&req->op->message->talk->host, msg, &args, &err);
	link_consumed(link, id, cost);
	if (!message) {
		misbehaved(req, &err);
	} else if (req->talk.message) {
		req->talk.message(message, args, req->talk_data);
	}
}

static void on_writable(struct link *link, uint32_t id, void *data)
{
	struct request *req = data;
	(void)link, (void)id;
	if (req->talk.writable) {
		req->talk.writable(req->talk_data);
	}
}

static void on_ended(struct link *link, uint32_t id, void *data)
{
	struct request *req = data;
	(void)link, (void)id;
	if (req->talk.ended) {
		req->talk.ended(req->talk_data);
	}
}

bool request_converse(
	struct request *req, const struct request_talk *with, void *data, struct err *err)
{
	static const struct link_talk talk = { on_data, on_message, on_writable, on_ended };
	req->talk = *with;
	req->talk_data = data;
	return link_accept(req->agent->link, req->id, &talk, req, err);
}

size_t request_write(struct request *req, unsigned channel, const void *bytes, size_t len)
{
	return link_write(req->agent->link, req->id, channel, bytes, len);
}

bool request_send(struct request *req, const struct message *message, const void *args)
{
	return link_send_message(
		req->agent->link, req->id, message_speech_encode(message, args), NULL, 0);
}

void request_consumed(struct request *req, size_t len)
{
	link_consumed(req->agent->link, req->id, len);
}

void request_close_write(struct request *req)
{
	link_end(req->agent->link, req->id);
}
