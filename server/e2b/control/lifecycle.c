/* The life of a sandbox: timeouts, connect, pause, fork. */
#include "server/e2b/control/call.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "server/e2b/core/record.h"

#define CONNECT_S 300
#define FORK_MAX 20
#define AT_ONCE_MS 1

/* ---- timeouts ---- */

struct seconds {
	int64_t timeout, duration;
};

#define TIME(member, first) \
	FIELD_NUM(struct seconds, member, "", .min = -(1LL << 40), .max = 1LL << 40, \
		.default_value = first)
static const struct field timeout_fields[] = {
	FIELD_NUM(struct seconds, timeout, "", .required = true, .min = -(1LL << 40),
		.max = 1LL << 40),
	{ 0 },
};
static const struct field refresh_fields[] = { TIME(duration, CONNECT_S), { 0 } };

/* False: answered. */
static bool set_timeout(struct control_call *c, struct vm *vm)
{
	struct err err;
	if (vm_set_timeout(vm, c->timeout_ms, &err)) {
		return true;
	}
	e2b_fail_err(c->r, &err);
	return false;
}

static bool must_run(struct control_call *c, const struct vm *vm, const char *what)
{
	if (vm_state(vm) != VM_PAUSED) {
		return true;
	}
	e2b_fail(c->r, 409, "Sandbox '%s' is paused; connect to it before %s", vm_id(vm), what);
	return false;
}

static void run_timeout(struct control_call *c, const json_t *body)
{
	struct seconds args;
	struct vm *vm = control_find(c);
	if (!vm || !control_decode(c, timeout_fields, body, &args) ||
		!control_timeout(c, args.timeout, 0) ||
		!must_run(c, vm, "its timeout is changed")) {
		return;
	}
	if (!c->timeout_ms && vm_spec(vm)->on_timeout == VM_TIMEOUT_KILL) {
		vm_stop(vm, "its user has set its timeout to 0");
		e2b_reply_empty(c->r, 204);
		return;
	}
	c->timeout_ms = c->timeout_ms ? c->timeout_ms : AT_ONCE_MS;
	if (set_timeout(c, vm)) {
		e2b_reply_empty(c->r, 204);
	}
}

/* Whether it would end before. */
static bool extends(const struct control_call *c, const struct vm *vm)
{
	int64_t end = vm_times(vm).timeout;
	return end && clock_wall_ms() + c->timeout_ms > end;
}

static void run_refresh(struct control_call *c, const json_t *body)
{
	struct seconds args;
	struct vm *vm = control_find(c);
	if (vm && control_decode(c, refresh_fields, body, &args) &&
		control_timeout(c, args.duration, 1) && must_run(c, vm, "it is refreshed") &&
		(!extends(c, vm) || set_timeout(c, vm))) {
		e2b_reply_empty(c->r, 204);
	}
}

/* ---- connect ---- */

struct connect {
	int64_t timeout;
	bool memory;
};
static const struct field connect_fields[] = {
	FIELD_NUM(struct connect, timeout, "", .min = -(1LL << 40), .max = 1LL << 40,
		.default_value = CONNECT_S),
	FIELD_FLAG(struct connect, memory, "", .default_value = true),
	{ 0 },
};

static void answer_resumed(struct control_call *c, const struct err *err)
{
	struct vm *vm = c->vm;
	if (!control_back(c)) {
		return;
	}
	if (err) {
		e2b_fail_err(c->r, err);
	} else {
		e2b_reply_json(c->r, 201, control_sandbox(c->e2b, vm));
	}
}

/* Its time begins when it runs. */
static void on_resumed(struct vm *vm, const struct err *err, void *data)
{
	struct control_call *c = data;
	struct err ignored;
	c->wait = NULL;
	if (!err) {
		(void)!vm_set_timeout(vm, c->timeout_ms, &ignored);
	}
	if (!err && c->cold) {
		control_restart(c, vm, answer_resumed);
	} else {
		answer_resumed(c, err);
	}
}

/* cold: without what its programs were doing. */
static void resume(struct control_call *c, struct vm *vm, bool cold)
{
	static const struct vm_wait_handlers handlers = { .done = on_resumed };
	c->vm = vm;
	c->cold = cold;
	control_later(c);
	c->wait = vm_wait(vm, &handlers, c);
}

static void run_connect(struct control_call *c, const json_t *body)
{
	struct connect args;
	struct vm *vm = control_find(c);
	if (!vm || !control_decode(c, connect_fields, body, &args) ||
		!control_timeout(c, args.timeout, 1)) {
		return;
	}
	if (vm_state(vm) == VM_PAUSED) {
		resume(c, vm, !args.memory || e2b_record_of(vm_spec(vm)).forgets);
	} else if (!extends(c, vm) || set_timeout(c, vm)) {
		e2b_reply_json(c->r, 200, control_sandbox(c->e2b, vm));
	}
}

/* ---- pause ---- */

static void on_paused(struct vm *vm, const struct err *err, void *data)
{
	struct control_call *c = data;
	struct err ignored;
	if (!err && vm_spec(vm)->on_timeout == VM_TIMEOUT_KILL) {
		(void)!vm_set_timeout(vm, -1, &ignored); /* until it is resumed */
	}
	if (!control_back(c)) {
		return;
	}
	if (err) {
		e2b_fail_err(c->r, err);
	} else {
		e2b_reply_empty(c->r, 204);
	}
}

static void pause_restarted(struct control_call *c, const struct err *err)
{
	if (!err) {
		vm_pause(c->vm, on_paused, c);
	} else if (control_back(c)) {
		e2b_fail_err(c->r, err);
	}
}

static void run_pause(struct control_call *c, const json_t *body)
{
	struct connect args;
	struct vm *vm = control_find(c);
	if (!vm || !control_decode(c, connect_fields, body, &args)) {
		return;
	}
	if (vm_state(vm) == VM_PAUSED) {
		e2b_fail(c->r, 409, "Sandbox '%s' is already paused", vm_id(vm));
	} else if (!args.memory) {
		control_later(c);
		control_restart(c, vm, pause_restarted);
	} else {
		control_later(c);
		vm_pause(vm, on_paused, c);
	}
}

/* ---- fork ---- */

struct fork_args {
	int64_t count, timeout;
};
static const struct field fork_fields[] = {
	FIELD_NUM(struct fork_args, count, "", .min = 1, .max = FORK_MAX, .default_value = 1),
	FIELD_NUM(struct fork_args, timeout, "", .min = -(1LL << 40), .max = 1LL << 40,
		.default_value = CONNECT_S),
	{ 0 },
};

static json_t *one_fork(struct control_call *c, struct vm *vm)
{
	return must(json_pack("{s:o}", "sandbox", control_sandbox(c->e2b, vm)));
}

static json_t *one_failure(struct control_call *c, const struct err *err)
{
	struct err shown = *err;
	vm_hide_paths(c->e2b->vms, &shown);
	return must(json_pack(
		"{s:{s:i, s:s}}", "error", "code", e2b_status_of(err), "message", shown.text));
}

static void on_forked(
	struct vm *source, struct vm *const *vms, size_t n, const struct err *err, void *data)
{
	struct control_call *c = data;
	struct err ignored;
	(void)source;
	for (size_t i = 0; i < n; i++) {
		(void)!vm_set_timeout(vms[i], c->timeout_ms, &ignored);
	}
	if (!control_back(c)) {
		for (size_t i = 0; i < n; i++) {
			vm_stop(vms[i], "its creator left before it was ready");
		}
		return;
	}
	if (err && !n) {
		e2b_fail_err(c->r, err);
		return;
	}
	json_t *all = must(json_array());
	for (size_t i = 0; i < c->count; i++) {
		json_array_append_new(all, i < n ? one_fork(c, vms[i]) : one_failure(c, err));
	}
	e2b_reply_json(c->r, 201, all);
}

static void run_fork(struct control_call *c, const json_t *body)
{
	struct fork_args args;
	struct vm *vm = control_find(c);
	if (vm && control_decode(c, fork_fields, body, &args) &&
		control_timeout(c, args.timeout, 1) && must_run(c, vm, "a fork")) {
		c->count = (size_t)args.count;
		control_later(c);
		vm_fork(vm, c->count, on_forked, c);
	}
}

const struct control_row control_lifecycle_rows[] = {
	{ "POST", "/sandboxes/{}/timeout", run_timeout },
	{ "POST", "/sandboxes/{}/refreshes", run_refresh },
	{ "POST", "/v2/sandboxes/{}/connect", run_connect },
	{ "POST", "/sandboxes/{}/connect", run_connect },
	{ "POST", "/sandboxes/{}/resume", run_connect },
	{ "POST", "/sandboxes/{}/pause", run_pause },
	{ "POST", "/sandboxes/{}/fork", run_fork },
	{ 0 },
};
