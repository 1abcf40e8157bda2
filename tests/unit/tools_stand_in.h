#ifndef TESTS_TOOLS_STAND_IN_H
#define TESTS_TOOLS_STAND_IN_H

#include "fake_call.h"
#include "vm/core/control.h"
#include "vm/guest/guest.h"

/*
 * A sandbox for tests of what the tools ask of an agent and what they make of its answers: it keeps
 * what it was asked, and the test answers, so every answer an agent may give can be given.
 */

/* ---- the stand-in for vm/ ---- */

struct vm {
	enum vm_state state;
	const char *note, *id, *stopped; /* stopped: why */
	const char *no_limit_on;
	struct vm_spec spec;
	struct vm_times times;
};

const char *const vm_state_words[] = { "starting", "ready", "paused", "stopping", "gone", NULL };
const char *const vm_network_words[] = { "none", "internet", NULL };
const char *const vm_on_timeout_words[] = { "kill", "pause", NULL };

static struct vm stand_in, copies[3]; /* copies: what a fork makes */
static bool no_default;
static struct vm_wait_handlers waiting; /* and who waits: the last, and all in order */
static void *waiter, *waiters[4];
static size_t n_waiters;
static bool wait_cancelled;

static struct {
	struct action action;
	size_t n;
	struct observe observe;
	guest_act_fn *act;
	guest_launch_fn *launch;
	guest_json_fn *json;
	guest_exec_fn *exec;
	vm_done_fn *done;
	vm_snapshot_fn *snapshot;
	vm_fork_fn *fork;
	struct vm_spec spec; /* of vm_create() */
	size_t count;
	const char *name;
	const char *command, *cwd, *application, *uri;
	int64_t timeout_ms;
	void *data;
	guest_id id, cancelled;
} asked;

struct vm_pool *vm_pool_new(sd_event *event, const struct vm_config *config)
{
	(void)event, (void)config;
	return NULL;
}
void vm_pool_free(struct vm_pool *pool)
{
	(void)pool;
}
struct vm *vm_find(struct vm_pool *pool, const char *owner, const char *id, struct err *err)
{
	(void)pool, (void)owner;
	if (strcmp(id, "gone") == 0) {
		err_set(err, ERR_GONE, "sandbox gone has ended: the X server died");
		return NULL;
	}
	if (strcmp(id, "mine") != 0) {
		err_set(err, ERR_NOT_FOUND, "you have no sandbox '%s'", id);
		return NULL;
	}
	return &stand_in;
}
struct vm *vm_default(struct vm_pool *pool, const char *owner, struct err *err)
{
	return vm_find(pool, owner, "mine", err);
}
struct vm *vm_find_default(struct vm_pool *pool, const char *owner, struct err *err)
{
	if (no_default) {
		err_set(err, ERR_NOT_FOUND, "you have no default sandbox");
		return NULL;
	}
	return vm_find(pool, owner, "mine", err);
}
struct vm *vm_create(
	struct vm_pool *pool, const char *owner, const struct vm_spec *spec, struct err *err)
{
	(void)pool, (void)owner, (void)err;
	asked.spec = *spec;
	stand_in.spec = *spec;
	return &stand_in;
}
const struct vm_spec *vm_preset(const struct vm_pool *pool)
{
	static const struct vm_spec preset = { .image = "desktop",
		.screen = { 1280, 800 },
		.limits = { .memory_mib = 1024 },
		.network = VM_NETWORK_INTERNET,
		.on_timeout = VM_TIMEOUT_PAUSE,
		.timeout_ms = 60000,
		.idle_ms = -1 };
	(void)pool;
	return &preset;
}
struct vm *vm_at(struct vm_pool *pool, const char *owner, size_t i)
{
	(void)pool, (void)owner;
	return no_default ? NULL : i == 0 ? &stand_in : i == 1 ? &copies[0] : NULL;
}
void vm_stop(struct vm *vm, const char *why)
{
	vm->stopped = why;
}
const char *vm_id(const struct vm *vm)
{
	return vm->id;
}
const char *vm_owner(const struct vm *vm)
{
	(void)vm;
	return "test";
}
bool vm_control_beside(const struct vm *vm, struct err *err)
{
	(void)vm, (void)err;
	return true;
}

void vm_use(struct vm *vm)
{
	(void)vm;
}

void vm_unuse(struct vm *vm)
{
	(void)vm;
}

void vm_touch(struct vm *vm)
{
	(void)vm;
}
const char *vm_no_limit_on(const struct vm *vm)
{
	return vm->no_limit_on;
}

const char *vm_backend_name(const struct vm *vm)
{
	(void)vm;
	return "microvm";
}
struct size vm_screen(const struct vm *vm)
{
	return vm->spec.screen;
}
const struct vm_spec *vm_spec(const struct vm *vm)
{
	return &vm->spec;
}
struct vm_times vm_times(const struct vm *vm)
{
	return vm->times;
}
bool vm_set_timeout(struct vm *vm, int64_t timeout_ms, struct err *err)
{
	(void)vm, (void)err;
	asked.timeout_ms = timeout_ms;
	return true;
}
void vm_pause(struct vm *vm, vm_done_fn *fn, void *data)
{
	(void)vm;
	asked.done = fn;
	asked.data = data;
}
void vm_rollback(struct vm *vm, const char *snapshot, vm_done_fn *fn, void *data)
{
	asked.name = snapshot;
	vm_pause(vm, fn, data);
}
void vm_take_snapshot(struct vm *vm, const char *name, vm_snapshot_fn *fn, void *data)
{
	(void)vm;
	asked.name = name;
	asked.snapshot = fn;
	asked.data = data;
}
void vm_fork(struct vm *vm, size_t count, vm_fork_fn *fn, void *data)
{
	(void)vm;
	asked.count = count;
	asked.fork = fn;
	asked.data = data;
}

/* The only snapshot there is. */
static struct vm_snapshot kept = { .id = "sssssssssssssssssss1", .source = "mine" };
static bool deleted;

const struct vm_snapshot *vm_snapshot_at(struct vm_pool *pool, const char *owner, size_t i)
{
	(void)pool, (void)owner;
	return deleted || i ? NULL : &kept;
}
const struct vm_snapshot *vm_snapshot_find(
	struct vm_pool *pool, const char *owner, const char *id, struct err *err)
{
	(void)pool, (void)owner;
	if (!deleted && strcmp(id, kept.id) == 0) {
		return &kept;
	}
	err_set(err, ERR_NOT_FOUND, "you have no snapshot '%s'", id);
	return NULL;
}
bool vm_snapshot_delete(struct vm_pool *pool, const char *owner, const char *id, struct err *err)
{
	bool there = vm_snapshot_find(pool, owner, id, err);
	deleted |= there;
	return there;
}
enum vm_state vm_state(const struct vm *vm)
{
	return vm->state;
}
struct size vm_frame(const struct vm *vm)
{
	(void)vm;
	return (struct size){ 1280, 800 };
}
char *vm_take_note(struct vm *vm)
{
	const char *note = take_ptr(&vm->note);
	return note ? must(strdup(note)) : NULL;
}
struct vm_wait *vm_wait(struct vm *vm, const struct vm_wait_handlers *handlers, void *data)
{
	(void)vm;
	waiting = *handlers;
	waiter = data;
	waiters[n_waiters++ % 4] = data;
	return (struct vm_wait *)&waiting;
}
void vm_wait_cancel(struct vm_wait *wait)
{
	(void)wait;
	wait_cancelled = true;
}
guest_id guest_act(struct vm *vm, const struct action *actions, size_t n,
	const struct observe *observe, guest_act_fn *fn, void *data)
{
	(void)vm;
	if (n) {
		asked.action = *actions;
	}
	asked.n = n;
	asked.observe = *observe;
	asked.act = fn;
	asked.data = data;
	return ++asked.id;
}
guest_id guest_launch(struct vm *vm, const char *application, const char *uri, int64_t timeout_ms,
	guest_launch_fn *fn, void *data)
{
	(void)vm;
	asked.application = application;
	asked.uri = uri;
	asked.timeout_ms = timeout_ms;
	asked.launch = fn;
	asked.data = data;
	return ++asked.id;
}
guest_id guest_applications(struct vm *vm, guest_json_fn *fn, void *data)
{
	(void)vm;
	asked.json = fn;
	asked.data = data;
	return ++asked.id;
}
guest_id guest_info(struct vm *vm, guest_json_fn *fn, void *data)
{
	return guest_applications(vm, fn, data);
}
guest_id guest_exec(struct vm *vm, const char *command, const char *cwd, int64_t timeout_ms,
	guest_exec_fn *fn, void *data)
{
	(void)vm;
	asked.command = command;
	asked.cwd = cwd;
	asked.timeout_ms = timeout_ms;
	asked.exec = fn;
	asked.data = data;
	return ++asked.id;
}
void guest_cancel(struct vm *vm, guest_id id)
{
	(void)vm;
	asked.cancelled = id;
}

/* Control of it is tested on the real one. */
const struct vm_control *vm_control(const struct vm *vm)
{
	static const struct vm_control agents;
	(void)vm;
	return &agents;
}
bool vm_control_give_back(struct vm *vm, uint64_t fence, const char *says, struct err *err)
{
	(void)vm, (void)fence, (void)says;
	return err_set(err, ERR_STATE, "not here");
}
bool vm_control_acquire(struct vm *vm, struct err *err)
{
	(void)vm, (void)err;
	return true;
}
bool vm_control_release(struct vm *vm, struct err *err)
{
	(void)vm, (void)err;
	return true;
}
struct vm_person_wait *vm_control_ask(
	struct vm *vm, const char *reason, vm_person_fn *fn, void *data)
{
	(void)vm, (void)reason, (void)fn, (void)data;
	return NULL;
}
void vm_control_ask_cancel(struct vm_person_wait *wait)
{
	(void)wait;
}
void vm_control_want(struct vm *vm, const char *reason, uint64_t ms)
{
	(void)vm, (void)reason, (void)ms;
}

/* ---- helpers ---- */

static struct desk desk;

static inline void open_desk(void)
{
	desk = desk_open();
	stand_in = (struct vm){ .state = VM_READY, .id = "mine", .spec = *vm_preset(NULL) };
	for (int i = 0; i < 3; i++) {
		static const char *const ids[] = { "one", "two", "three" };
		copies[i] = stand_in;
		copies[i].id = ids[i];
	}
}

static inline void close_desk(void)
{
	desk_close(&desk);
}

static const uint8_t picture[] = { 0xff, 0xd8, 0xff, 0xe0 };

static inline struct guest_frame frame_of(int64_t width, int64_t height)
{
	return (struct guest_frame){ .frame_id = 42,
		.width = width,
		.height = height,
		.quality = 80,
		.scale = 1,
		.bytes = picture,
		.len = sizeof(picture) };
}

/* One call answered with res; its text must be `says`. */
static inline struct fake_call *answered(
	const char *name, const char *args, const struct guest_act *res)
{
	struct fake_call *call = fake_begin(&desk, name, args);
	cr_assert_eq(call->answers, 0, "%s %s: %s", name, args, call->err.text);
	cr_assert_not_null(asked.act);
	asked.act(res, NULL, asked.data);
	cr_assert_eq(call->answers, 1);
	return call;
}

static inline void check_text(
	const char *name, const char *args, const struct guest_act *res, const char *says)
{
	struct fake_call *call = answered(name, args, res);
	const char *text = fake_block(call, 0, "text", "text");
	cr_assert_not_null(text);
	cr_expect_str_eq(text, says, "%s %s said:\n%s\nnot:\n%s", name, args, text, says);
	cr_expect_eq(call->err.kind, ERR_NONE);
	fake_end(call);
}

static inline void check_failure(struct fake_call *call, enum err_kind kind, const char *says)
{
	cr_expect_eq(call->answers, 1);
	cr_expect_eq(call->err.kind, kind);
	cr_expect_str_eq(call->err.text, says, "said:\n%s\nnot:\n%s", call->err.text, says);
}

#endif
