/*
 * Calls, independent of their front: answered once, cancelled at most once, with memory that is
 * freed with them.  Fronts implement the rest (call_impl.h).
 */
#include "tools/call/call_impl.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "tools/call/result.h"
#include "vm/lifecycle/lifecycle.h"

#include <string.h>

struct call_scratch {
	struct call_scratch *next;
	max_align_t bytes[];
};

static void unref(struct call *call)
{
	if (--call->refs > 0) {
		return;
	}
	while (call->scratch) {
		struct call_scratch *next = call->scratch->next;
		free(call->scratch);
		call->scratch = next;
	}
	call->impl->free(call);
}

/* ---- for fronts ---- */

void call_begin(struct call *call)
{
	call->refs = 2; /* one until it is over, one until its tool has returned */
}

/* Finds the sandbox of a call with invalid arguments, so that its viewers see the failure, too. */
static void find_meant(struct call *call, const json_t *args)
{
	const json_t *id = json_object_get(args, "sandbox");
	struct err none;
	struct vm *vm = NULL;
	if (!field_find(call->tool->fields, "sandbox")) {
		return;
	}
	if (json_is_string(id)) {
		vm = vm_find(call->vms, call->owner, json_string_value(id), &none);
	} else if (!id) {
		vm = vm_find_default(call->vms, call->owner, &none);
	}
	if (vm) {
		call_about(call, vm);
	}
}

void call_run(struct call *call, const json_t *args)
{
	call->args = args;
	void *decoded = call_alloc(call, call->tool->args_size);
	struct err err;
	if (field_decode(call->tool->fields, args, decoded, &err)) {
		call->tool->run(call, decoded);
	} else {
		if (call->tool->advise) {
			call->tool->advise(args, &err);
		}
		find_meant(call, args);
		call_fail(call, &err);
	}
	unref(call);
}

void call_refuse(struct call *call, const struct err *why)
{
	call_fail(call, why);
	unref(call);
}

bool call_cancel(struct call *call)
{
	call->cancelled = true;
	void (*fn)(void *data) = take_ptr(&call->on_cancel);
	if (fn) {
		fn(call->on_cancel_data); /* may answer */
	}
	return fn;
}

void call_answered(struct call *call, const json_t *answers, const struct err *why)
{
	call->on_answered(call, answers, why, call->on_answered_data);
}

void call_is_over(struct call *call)
{
	call->over = true;
	call->on_cancel = NULL;
	if (call->on_end) {
		call->on_end(call->on_end_data);
	}
	if (call->in_use) {
		vm_unuse(call->vm);
	}
	unref(call);
}

/* ---- for tools ---- */

/* Adds a pending note of the sandbox to the result, whatever the call was. */
static json_t *add_note(struct call *call, json_t *content)
{
	auto_free char *note = call->vm && !call->cancelled ? vm_take_note(call->vm) : NULL;
	if (note) {
		content = content ? content : json_array();
		result_add_text(content, note);
	}
	return content;
}

static void answer(struct call *call, json_t *content, const struct err *why)
{
	if (call->answered || call->over) {
		log_error("call=%s received a second result, which is dropped", call->tool->name);
		json_decref(content);
		return;
	}
	call->answered = true;
	call->impl->answer(call, add_note(call, content), why);
}

void call_reply(struct call *call, json_t *content)
{
	answer(call, content, NULL);
}

void call_reply_text(struct call *call, const char *text)
{
	json_t *content = json_array();
	result_add_text(content, text);
	call_reply(call, content);
}

void call_fail(struct call *call, const struct err *why)
{
	call_fail_with(call, why, NULL);
}

/* What a model should do next, if the error text does not say it. */
static const char *next_step(const struct call *call, enum err_kind kind)
{
	bool lost = call->vm ? vm_state(call->vm) >= VM_STOPPING : call->needs_desktop;
	return kind == ERR_GONE && lost
		       ? "Its programs and files are lost. Call again without 'sandbox' to use a "
			 "new default sandbox"
		       : NULL;
}

void call_fail_with(struct call *call, const struct err *why, json_t *content)
{
	struct err shown = *why, known;
	const char *next = next_step(call, why->kind);
	if (next) {
		err_set(&shown, why->kind, "%.380s. %s", why->text, next);
	}
	known = shown;
	vm_hide_paths(call->vms, &shown);
	if (strcmp(shown.text, known.text) != 0) {
		log_warning("call=%s %s", call->tool->name, known.text);
	}
	answer(call, content, &shown);
}

const json_t *call_args(const struct call *call)
{
	return call->args;
}

const struct tool *tool_of_call(const struct call *call)
{
	return call->tool;
}

struct vm_pool *call_vms(struct call *call)
{
	return call->vms;
}

const char *call_owner(struct call *call)
{
	return call->owner;
}

sd_event *call_event(struct call *call)
{
	return call->event;
}

struct streams *call_streams(struct call *call)
{
	return call->streams;
}

bool call_stream_base(struct call *call, char **ret_url, struct err *err)
{
	return call->impl->stream_base ? call->impl->stream_base(call, ret_url, err)
				       : err_set(err, ERR_UNSUPPORTED,
						 "this server does not serve the viewer page");
}

const char *call_stream_vnc(struct call *call)
{
	return call->impl->stream_vnc ? call->impl->stream_vnc(call) : NULL;
}

void call_progress(struct call *call, double step, double total, const char *message)
{
	if (!call->over && call->impl->progress) {
		double before = call->stages;
		call->impl->progress(call, before + step, total ? before + total : total, message);
	}
}

void call_describe(struct call *call, const char *(*describe)(void *data), void *data)
{
	if (!call->over && call->impl->describe) {
		call->impl->describe(call, describe, data);
	}
}

void call_log(struct call *call, enum log_level level, const char *text)
{
	if (!call->over && call->impl->log) {
		call->impl->log(call, level, text);
	}
}

void call_on_cancel(struct call *call, void (*fn)(void *data), void *data)
{
	if (call->over) {
		return;
	}
	call->on_cancel = fn;
	call->on_cancel_data = data;
	if (call->cancelled) {
		call_cancel(call);
	}
}

bool call_is_cancelled(const struct call *call)
{
	return call->cancelled;
}

void call_on_end(struct call *call, void (*fn)(void *data), void *data)
{
	call->on_end = fn;
	call->on_end_data = data;
}

bool call_client_supports(const struct call *call, const struct call_client_request *client_request)
{
	return !call->over && call->impl->client_supports &&
	       call->impl->client_supports(call, client_request);
}

void call_request_client(struct call *call, const struct call_client_request *client_requests,
	size_t n, call_answered_fn *fn, void *data)
{
	call->on_answered = fn;
	call->on_answered_data = data;
	call->impl->request_client(call, client_requests, n);
}

void call_close_stream(struct call *call, unsigned retry_ms)
{
	if (!call->over && call->impl->close_stream) {
		call->impl->close_stream(call, retry_ms);
	}
}

void *call_alloc(struct call *call, size_t size)
{
	struct call_scratch *scratch = must(calloc(1, sizeof(*scratch) + size));
	scratch->next = call->scratch;
	call->scratch = scratch;
	return scratch->bytes;
}

/* ---- work in a sandbox ---- */

static void on_stage(const char *name, unsigned step, unsigned of, void *data)
{
	struct call *call = data;
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "Starting the desktop: %s", name);
	call->stages = 0;
	call_progress(call, step, of, buf_text(&text));
	call->stages = step;
}

static void on_ready(struct vm *vm, const struct err *err, void *data)
{
	struct call *call = data;
	(void)vm;
	call->wait = NULL;
	if (err) {
		call_fail(call, err);
		return;
	}
	call->begin(call, call->begin_data);
}

static void on_cancel(void *data)
{
	struct call *call = data;
	if (call->wait) {
		vm_wait_cancel(take_ptr(&call->wait));
		struct err err;
		err_set(&err, ERR_CANCELLED, "cancelled before the desktop was ready: %s",
			call->undo ? call->undo(call) : "no action was performed");
		call_fail(call, &err);
	} else if (call->working) {
		guest_cancel(vm_guest(call->vm), call->working);
	}
}

void call_start_in(struct call *call, struct vm *vm, call_begin_fn *begin, void *data)
{
	static const struct vm_wait_handlers handlers = { .stage = on_stage, .done = on_ready };
	call_about(call, vm);
	call->needs_desktop = true;
	call->begin = begin;
	call->begin_data = data;
	if (!call->over) {
		call->in_use = true;
		vm_use(vm);
	}
	call_on_cancel(call, on_cancel, call);
	if (vm_state(vm) == VM_READY) {
		begin(call, data);
		return;
	}
	call->wait = vm_wait(vm, &handlers, call);
}

void call_start(struct call *call, const char *sandbox, call_begin_fn *begin, void *data)
{
	struct err err;
	struct vm *vm = sandbox ? vm_find(call->vms, call->owner, sandbox, &err)
				: vm_default(call->vms, call->owner, &err);
	if (vm) {
		call_start_in(call, vm, begin, data);
		return;
	}
	call->needs_desktop = true;
	call_fail(call, &err);
}

void call_on_undo(struct call *call, const char *(*undo)(struct call *call))
{
	call->undo = undo;
}

void call_works(struct call *call, guest_id id)
{
	call->working = id;
}

void call_about(struct call *call, struct vm *vm)
{
	call->vm = vm;
}

struct vm *call_vm(const struct call *call)
{
	return call->vm;
}

struct guest *call_guest(const struct call *call)
{
	return vm_guest(call->vm);
}

void call_summarize(struct call *call, const char *text)
{
	size_t len = strcspn(text, "\r\n");
	char *line = call_alloc(call, len + 1);
	memcpy(line, text, len);
	call->summary = line;
}

void call_point_at(struct call *call, const struct field_ints *point)
{
	call->point = *point;
}
