/* The table of operations, and what a request is while it is in flight. */
#include "vm/agent/main/ops.h"

#include "base/cleanup.h"
#include "base/nearest.h"
#include "vm/agent/main/agent.h"

#include <string.h>

extern const struct op op_act, op_applications, op_exec, op_freeze, op_info, op_launch, op_ping,
	op_prepare, op_renew, op_rfb, op_watch;

static const struct op *const ops[] = {
	&op_act,
	&op_applications,
	&op_exec,
	&op_freeze,
	&op_info,
	&op_launch,
	&op_ping,
	&op_prepare,
	&op_renew,
	&op_rfb,
	&op_watch,
	NULL,
};

struct request {
	struct agent *agent;
	struct request *next;
	uint32_t id;
	json_t *json; /* what args points into */
	void *args;
	void (*cancel)(void *data);
	void *cancel_data;
};

static const struct op *find_op(const char *name, struct err *err)
{
	const char *names[sizeof(ops) / sizeof(*ops)] = { 0 };
	for (size_t i = 0; ops[i]; i++) {
		if (strcmp(ops[i]->name, name) == 0) {
			return ops[i];
		}
		names[i] = ops[i]->name;
	}
	const char *near = nearest_name(name, names);
	err_set(err, ERR_UNSUPPORTED, "this agent has no operation '%.40s'%s%s", name,
		near ? "; the nearest is " : "", near ? near : "");
	return NULL;
}

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

static const struct op *prepare(struct request *req, struct err *err)
{
	const char *name = json_string_value(json_object_get(req->json, "op"));
	if (!name) {
		err_set(err, ERR_ARGUMENT, "a request must have the name of an operation in 'op'");
		return NULL;
	}
	const struct op *op = find_op(name, err);
	static const struct field no_fields[] = { {} };
	req->args = must(calloc(1, op && op->args_size ? op->args_size : 1));
	if (!op || !field_decode(op->fields ? op->fields : no_fields,
			   json_object_get(req->json, "args"), req->args, err)) {
		return NULL;
	}
	return op;
}

void ops_request(struct agent *agent, uint32_t id, const struct link_msg *msg)
{
	struct err err = { 0 };
	struct request *req = request_new(agent, id, msg->json);
	const struct op *op = prepare(req, &err);
	if (op) {
		op->run(req, req->args);
	} else {
		request_fail(req, &err);
	}
}

static void take_back(struct request *req)
{
	void (*cancel)(void *) = take_ptr(&req->cancel);
	if (cancel) {
		cancel(req->cancel_data);
	}
}

void ops_cancel(struct agent *agent, uint32_t id)
{
	struct request *req = find_request(agent, id);
	if (req) {
		take_back(req);
	}
}

/* A callback may answer, and so remove, any request: each turn begins at the front again. */
void ops_cancel_all(struct agent *agent)
{
	struct request *req = agent->requests;
	while (req) {
		if (req->cancel) {
			take_back(req);
			req = agent->requests;
		} else {
			req = req->next;
		}
	}
}

void ops_forget_all(struct agent *agent)
{
	for (struct request *req = agent->requests; req; req = req->next) {
		req->id = 0;
	}
	ops_cancel_all(agent);
}

void ops_free_all(struct agent *agent)
{
	while (agent->requests) {
		request_free(agent->requests);
	}
}

void request_reply(struct request *req, json_t *result, const void *tail, size_t tail_len)
{
	link_reply(
		req->agent->link, req->id, result ? result : must(json_object()), tail, tail_len);
	request_free(req);
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

void request_on_cancel(struct request *req, void (*fn)(void *data), void *data)
{
	req->cancel = fn;
	req->cancel_data = data;
}
