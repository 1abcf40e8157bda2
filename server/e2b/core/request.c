/* A request of E2B's API: its life, its JSON body, its answer. */
#include "server/e2b/core/request.h"

#include "base/cleanup.h"
#include "server/e2b/core/note.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void on_closed(struct http_exchange *x, void *data)
{
	struct e2b_request *r = data;
	(void)x;
	if (r->closed) {
		r->closed(r);
	}
	if (r->wait) {
		vm_wait_cancel(r->wait);
	}
	if (r->vm) {
		e2b_note_end(r);
		TAILQ_REMOVE(&r->e2b->open, r, entry);
		vm_unuse(r->vm);
	}
	free(r);
}

struct e2b_request *e2b_request_new(struct http_exchange *x, struct e2b *e2b)
{
	struct e2b_request *r = must(calloc(1, sizeof(*r)));
	r->x = x;
	r->e2b = e2b;
	http_on_closed(x, on_closed, r);
	return r;
}

void e2b_request_leave(struct e2b_request *r)
{
	struct http_exchange *x = r->x;
	http_on_closed(x, NULL, NULL);
	on_closed(x, r);
}

void e2b_request_use(struct e2b_request *r, struct vm *vm)
{
	r->vm = vm;
	e2b_note_begin(r);
	vm_use(vm);
	TAILQ_INSERT_TAIL(&r->e2b->open, r, entry);
}

/* ---- answers ---- */

void e2b_reply_json(struct e2b_request *r, int status, json_t *json)
{
	auto_free char *text = must(json_dumps(json, JSON_COMPACT));
	json_decref(json);
	http_reply(r->x, status, "application/json", text, strlen(text));
}

void e2b_reply_empty(struct e2b_request *r, int status)
{
	http_reply(r->x, status, NULL, NULL, 0);
}

void e2b_fail(struct e2b_request *r, int status, const char *fmt, ...)
{
	char text[sizeof(((struct err *)0)->text)];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	r->refused = status;
	json_t *message = json_string(text); /* NULL: cut in the middle of a character */
	e2b_reply_json(r, status,
		must(json_pack("{s:i, s:o}", "code", status, "message",
			message ? message : json_string("the request failed"))));
}

int e2b_status_of(const struct err *err)
{
	static const int statuses[] = {
		[ERR_NONE] = 500,
		[ERR_ARGUMENT] = 400,
		[ERR_NOT_FOUND] = 404,
		[ERR_STATE] = 409,
		[ERR_LIMIT] = 429,
		[ERR_UNSUPPORTED] = 501,
		[ERR_TIMEOUT] = 504,
		[ERR_CANCELLED] = 500,
		[ERR_GONE] = 404,
		[ERR_HOST] = 500,
	};
	return statuses[err->kind];
}

void e2b_fail_err(struct e2b_request *r, const struct err *err)
{
	struct err shown = *err;
	vm_hide_paths(r->e2b->vms, &shown);
	e2b_fail(r, e2b_status_of(err), "%s", shown.text);
}

/* ---- bodies ---- */

static void take_body(struct http_exchange *x, void *data)
{
	struct e2b_request *r = data;
	size_t len;
	const char *text = http_body(x, &len);
	json_error_t where;
	json_auto_t *body =
		len ? json_loadb(text, len, JSON_REJECT_DUPLICATES, &where) : must(json_object());
	if (json_is_object(body)) {
		http_forget_body(x);
		r->on_json(r, body);
	} else if (body) {
		e2b_fail(r, 400, "the body must be a JSON object");
	} else {
		e2b_fail(r, 400, "the body is not valid JSON: %.200s", where.text);
	}
}

void e2b_read_json(struct e2b_request *r, void (*fn)(struct e2b_request *r, const json_t *body))
{
	r->on_json = fn;
	http_receive_all(r->x, E2B_BODY_MAX, take_body, r);
}

bool e2b_decode(const struct field *fields, const json_t *in, void *out, struct err *err)
{
	json_auto_t *known = must(json_object());
	for (const struct field *f = fields; f->name; f++) {
		json_t *value = json_object_get(in, f->name);
		if (value) {
			json_object_set(known, f->name, value);
		}
	}
	return field_decode(fields, known, out, err);
}
