/* Calls of methods: who may, what the body must be, the answer of those that do not stream. */
#include "server/e2b/envd/rpc.h"

#include "base/cleanup.h"
#include "server/e2b/core/record.h"
#include "vm/guest/guest.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define TYPE_UNARY "application/json"
#define TYPE_STREAM "application/connect+json"

/* ---- the end ---- */

static void rpc_free(struct rpc *rpc)
{
	json_decref(rpc->kept);
	json_decref(rpc->body);
	free(rpc);
}

/* The answer to a question still comes, and frees it then. */
static void on_closed(struct e2b_request *r)
{
	struct rpc *rpc = r->data;
	rpc->r = NULL;
	rpc_stream_stop(rpc);
	if (rpc->closed) {
		rpc->closed(rpc);
	}
	if (rpc->question) {
		guest_cancel(rpc->guest, rpc->question);
	} else {
		rpc_free(rpc);
	}
}

void rpc_reply(struct rpc *rpc, json_t *message)
{
	e2b_reply_json(rpc->r, 200, message);
}

/* Takes error. */
static void finish_with(struct rpc *rpc, enum connect_code code, json_t *error)
{
	if (rpc->method->streams) {
		rpc_stream_fail(rpc, error);
	} else {
		e2b_reply_json(rpc->r, connect_code_status(code), error);
	}
}

void rpc_fail(struct rpc *rpc, enum connect_code code, const char *fmt, ...)
{
	char text[sizeof(((struct err *)0)->text)];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	finish_with(rpc, code, connect_error(code, text));
}

/* SDKs ask /health when a connection is cut, and learn that the sandbox has ended. */
static void cut(struct rpc *rpc)
{
	if (rpc->streaming) {
		rpc_stream_stop(rpc);
		http_stream_abort(rpc->r->x);
	} else {
		e2b_reply_json(rpc->r, 502,
			must(json_pack("{s:s, s:s, s:i}", "sandboxId", vm_id(rpc->r->vm), "message",
				"The sandbox was not found", "code", 502)));
	}
}

void rpc_fail_as(struct rpc *rpc, enum connect_code code, const struct err *err)
{
	struct err shown = *err;
	if (err->kind == ERR_GONE) {
		cut(rpc);
		return;
	}
	vm_hide_paths(rpc->r->e2b->vms, &shown);
	finish_with(rpc, code, connect_error(code, shown.text));
}

/* If another user is not possible, there is no such user: the caller is not who it says. */
void rpc_fail_err(struct rpc *rpc, const struct err *err)
{
	bool no_user = !rpc->user.is_desktop && err->kind == ERR_UNSUPPORTED;
	rpc_fail_as(rpc, no_user ? CONNECT_UNAUTHENTICATED : connect_code_of(err), err);
}

/* ---- questions ---- */

const char *rpc_user(const struct rpc *rpc)
{
	return rpc->user.is_desktop ? NULL : rpc->user.name;
}

static void on_answered(
	const void *answer, const void *tail, size_t tail_len, const struct err *err, void *data)
{
	struct rpc *rpc = data;
	rpc->question = 0;
	if (rpc->r) {
		rpc->answered(rpc, answer, tail, tail_len, err);
	} else {
		rpc_free(rpc);
	}
}

void rpc_ask(struct rpc *rpc, const struct guest_question *question, rpc_answered_fn *fn)
{
	rpc->answered = fn;
	rpc->question = guest_ask(rpc->guest, question, on_answered, rpc);
}

void rpc_answer_empty(struct rpc *rpc, const void *answer, const void *tail, size_t tail_len,
	const struct err *err)
{
	(void)answer, (void)tail, (void)tail_len;
	if (err) {
		rpc_fail_err(rpc, err);
	} else {
		rpc_reply(rpc, must(json_object()));
	}
}

/* ---- the beginning ---- */

/* Made from a body, perhaps in a thread. */
struct parsed {
	json_t *json;
	struct err err; /* kind ERR_NONE: json is an object */
};

static void *parse_message(const char *text, size_t len)
{
	struct parsed *parsed = must(calloc(1, sizeof(*parsed)));
	json_error_t where;
	parsed->json =
		len ? json_loadb(text, len, JSON_REJECT_DUPLICATES, &where) : must(json_object());
	if (!json_is_object(parsed->json)) {
		err_set(&parsed->err, ERR_ARGUMENT, "the message must be a JSON object: %.200s",
			parsed->json ? "it is another value" : where.text);
	}
	return parsed;
}

static void *parse_envelope(const char *text, size_t len)
{
	const char *message;
	struct err err;
	if (connect_envelope_read(text, len, &message, &len, &err)) {
		return parse_message(message, len);
	}
	struct parsed *parsed = must(calloc(1, sizeof(*parsed)));
	parsed->err = err;
	return parsed;
}

static void drop(void *result)
{
	struct parsed *parsed = result;
	json_decref(parsed->json);
	free(parsed);
}

static void run_method(struct http_exchange *x, void *result, void *data)
{
	struct rpc *rpc = ((struct e2b_request *)data)->data;
	struct parsed *parsed = result;
	(void)x;
	if (parsed->err.kind != ERR_NONE) {
		rpc_fail_err(rpc, &parsed->err);
	} else {
		rpc->body = json_incref(parsed->json);
		rpc->method->run(rpc, rpc->body);
	}
	drop(parsed);
}

static void take_body(struct http_exchange *x, void *data)
{
	static const struct http_parser parsers[] = {
		{ parse_message, run_method, drop },
		{ parse_envelope, run_method, drop },
	};
	const struct rpc *rpc = ((struct e2b_request *)data)->data;
	const struct http_parser *parser = &parsers[rpc->method->streams];
	size_t len;
	const char *text = http_body(x, &len);
	if (len >= HTTP_LARGE_BODY) {
		http_parse_body(x, parser, data);
		return;
	}
	void *result = parser->parse(text, len);
	http_forget_body(x);
	run_method(x, result, data);
}

static bool read_head(struct rpc *rpc, struct err *err)
{
	const struct http_exchange *x = rpc->r->x;
	const char *version = http_header(x, "Connect-Protocol-Version");
	const char *coding = http_header(
		x, rpc->method->streams ? "Connect-Content-Encoding" : "Content-Encoding");
	if (version && strcmp(version, "1") != 0) {
		return err_set(err, ERR_ARGUMENT,
			"the header Connect-Protocol-Version must be 1; got '%.20s'", version);
	}
	if (coding && strcmp(coding, "identity") != 0) {
		return err_set(err, ERR_UNSUPPORTED,
			"the coding '%.40s' of the body is not possible; use identity", coding);
	}
	return connect_number_read("Connect-Timeout-Ms", http_header(x, "Connect-Timeout-Ms"),
		       &rpc->timeout_ms, err) &&
	       connect_number_read("Keepalive-Ping-Interval",
		       http_header(x, "Keepalive-Ping-Interval"), &rpc->ping_ms, err);
}

static void begin(struct e2b_request *r, const struct rpc_method *method)
{
	struct rpc *rpc = must(calloc(1, sizeof(*rpc)));
	struct err err;
	rpc->r = r;
	rpc->method = method;
	rpc->guest = vm_guest(r->vm);
	r->data = rpc;
	r->closed = on_closed;
	if (!envd_user_read(http_header(r->x, "Authorization"), e2b_record_of(vm_spec(r->vm)).user,
		    &rpc->user, &err)) {
		return rpc_fail_as(rpc, CONNECT_UNAUTHENTICATED, &err);
	}
	if (!read_head(rpc, &err)) {
		return rpc_fail_err(rpc, &err);
	}
	rpc->ping_ms = rpc->ping_ms > 0 ? rpc->ping_ms * 1000 : -1;
	http_receive_all(r->x, RPC_BODY_MAX, take_body, r);
}

static const struct rpc_method *find(
	const char *path, const struct rpc_method *const *services, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (const struct rpc_method *m = services[i]; m->path; m++) {
			if (strcmp(m->path, path) == 0) {
				return m;
			}
		}
	}
	return NULL;
}

static bool has_type(const struct http_exchange *x, const char *wanted)
{
	const char *type = http_header(x, "Content-Type");
	size_t len = strlen(wanted);
	return type && strncasecmp(type, wanted, len) == 0 &&
	       (!type[len] || type[len] == ';' || type[len] == ' ');
}

void rpc_run(struct e2b_request *r, const struct rpc_method *const *services, size_t n)
{
	const struct rpc_method *method = find(http_path(r->x), services, n);
	if (!method) {
		e2b_reply_json(r, connect_code_status(CONNECT_UNIMPLEMENTED),
			connect_error(CONNECT_UNIMPLEMENTED, "there is no such method"));
	} else if (strcmp(http_method(r->x), "POST") != 0) {
		http_set_header(r->x, "Allow", "POST");
		e2b_fail(r, 405, "a method is called by POST");
	} else if (!has_type(r->x, method->streams ? TYPE_STREAM : TYPE_UNARY)) {
		e2b_fail(r, 415, "Content-Type must be %s",
			method->streams ? TYPE_STREAM : TYPE_UNARY);
	} else {
		begin(r, method);
	}
}
