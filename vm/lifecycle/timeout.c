/*
 * Absolute and idle timeouts, counted by the monotonic clock, because the wall clock may be set;
 * only the values on disk are wall-clock times.  A call only records the time: when the idle timer
 * fires, it continues for the rest.
 */
#include "base/log.h"
#include "base/loop.h"
#include "vm/lifecycle/lifecycle_impl.h"

#define BUSY_MS 1000     /* until the next attempt, during an operation */
#define REFUSED_MS 60000 /* after a failed pause: disk space may become available */

static int on_timeout(sd_event_source *source, uint64_t usec, void *data);
static int on_idle(sd_event_source *source, uint64_t usec, void *data);

static void arm(
	struct vm_core *core, sd_event_source **timer, int64_t ms, sd_event_time_handler_t fn)
{
	loop_drop(timer);
	*timer = loop_after_ms(core->vm->pool->event, ms > 0 ? (uint64_t)ms : 0, fn, core);
}

static uint64_t due_us(int64_t in_ms)
{
	return loop_now_us() + (uint64_t)(in_ms > 0 ? in_ms : 0) * 1000;
}

/* ---- expiry ---- */

/* A pause requires a ready sandbox without an operation; otherwise the timer is repeated. */
static void try_later(struct vm_core *core, int64_t ms)
{
	if (lifecycle_of(core)->timeout_timer && vm_left_ms(lifecycle_of(core)->timeout_us) <= 0) {
		arm(core, &lifecycle_of(core)->timeout_timer, ms, on_timeout);
	} else if (lifecycle_of(core)->idle_timer) {
		arm(core, &lifecycle_of(core)->idle_timer, ms, on_idle);
	}
}

static void on_paused(struct vm *vm, const struct err *err, void *data)
{
	struct vm_core *core = vm->core;
	(void)data;
	if (!err || core->state >= VM_STOPPING || vm->pool->freeing) {
		return;
	}
	if (err->kind == ERR_UNSUPPORTED) {
		vm_end(vm,
			&(struct err){ .kind = ERR_GONE,
				.text = "timeout reached; its backend does not support pausing" });
		return;
	}
	if (err->kind != ERR_STATE) {
		log_warning("sandbox=%s timeout reached, but it cannot be paused: %s", vm->id,
			err->text);
	}
	try_later(core, err->kind == ERR_STATE ? BUSY_MS : REFUSED_MS);
}

static void come_due(struct vm_core *core, const char *what, int64_t of_ms)
{
	struct err why;
	err_set(&why, ERR_GONE, "%s (%lld s)", what, (long long)(of_ms + 999) / 1000);
	if (core->spec.on_timeout == VM_TIMEOUT_KILL) {
		vm_end(core->vm, &why);
	} else if (core->state != VM_READY || core->job) {
		try_later(core, BUSY_MS);
	} else {
		log_info("sandbox=%s paused: %s", core->vm->id, why.text);
		vm_pause(core->vm, on_paused, NULL);
	}
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *data)
{
	struct vm_core *core = data;
	(void)source, (void)usec;
	come_due(core, "timeout reached", core->spec.timeout_ms);
	return 0;
}

static int on_idle(sd_event_source *source, uint64_t usec, void *data)
{
	struct vm_core *core = data;
	(void)source, (void)usec;
	int64_t left =
		vm_is_in_use(core) ? core->spec.idle_ms : vm_left_ms(lifecycle_of(core)->idle_us);
	if (left > 0) {
		arm(core, &lifecycle_of(core)->idle_timer, left, on_idle);
	} else {
		come_due(core, "idle timeout reached", core->spec.idle_ms);
	}
	return 0;
}

/* ---- timers ---- */

/* A paused sandbox with on_timeout "pause" stays; its timeout restarts when it resumes. */
static void set_timeout_timer(struct vm_core *core)
{
	bool waits = core->state == VM_PAUSED && core->spec.on_timeout == VM_TIMEOUT_PAUSE;
	if (core->spec.timeout_ms <= 0 || waits) {
		core->times.timeout = 0;
		loop_drop(&lifecycle_of(core)->timeout_timer);
		return;
	}
	if (!core->times.timeout) {
		core->times.timeout = clock_wall_ms() + core->spec.timeout_ms;
	}
	if (!lifecycle_of(core)->timeout_timer) {
		int64_t left = core->times.timeout - clock_wall_ms();
		/* A clock that was set back while no server ran must not extend it. */
		left = left > core->spec.timeout_ms ? core->spec.timeout_ms : left;
		lifecycle_of(core)->timeout_us = due_us(left);
		arm(core, &lifecycle_of(core)->timeout_timer, left, on_timeout);
	}
}

/* Paused and starting sandboxes are not idle. */
static void set_idle_timer(struct vm_core *core)
{
	if (core->spec.idle_ms <= 0 || core->state != VM_READY) {
		loop_drop(&lifecycle_of(core)->idle_timer);
		return;
	}
	lifecycle_of(core)->idle_us = due_us(core->spec.idle_ms);
	core->times.idle = clock_wall_ms() + core->spec.idle_ms;
	if (!lifecycle_of(core)->idle_timer) {
		arm(core, &lifecycle_of(core)->idle_timer, core->spec.idle_ms, on_idle);
	}
}

static void touch(struct vm *vm)
{
	struct vm_core *core = vm->core;
	if (core->internal || core->state >= VM_STOPPING || vm->pool->freeing) {
		return;
	}
	set_timeout_timer(core);
	set_idle_timer(core);
}

static void end(struct vm *vm)
{
	loop_drop(&lifecycle_of(vm->core)->timeout_timer);
	loop_drop(&lifecycle_of(vm->core)->idle_timer);
}

void vm_timeout_begin(struct vm *vm)
{
	end(vm);
	touch(vm);
}

const struct vm_part vm_timeout_part = {
	.changed = touch,
	.used = touch,
	.ending = end,
	.forgotten = end,
};

/* ---- interface ---- */

bool vm_set_timeout(struct vm *vm, int64_t timeout_ms, struct err *err)
{
	struct vm_core *core = vm->core;
	if (core->state >= VM_STOPPING) {
		vm_end_error(vm, err);
		err->kind = ERR_GONE;
		return false;
	}
	const struct vm_spec_row *row = &vm_spec_rows[VM_SPEC_TIMEOUT];
	if (timeout_ms != -1 && (timeout_ms < 1 || timeout_ms > row->field.max * row->ms)) {
		return err_set(err, ERR_ARGUMENT,
			"a timeout is 1 to %.0f seconds, or -1 for none; got %lld ms",
			row->field.max, (long long)timeout_ms);
	}
	core->spec.timeout_ms = timeout_ms;
	core->times.timeout = 0;
	loop_drop(&lifecycle_of(core)->timeout_timer);
	set_timeout_timer(core);
	vm_metadata_write(vm);
	return true;
}
