// USES vm
/* Timeouts, absolute and idle: which of several things comes first, never after how long. */

#include "tests/support/scratch.h"
#include "tests/support/vm_host.h"
#include "vm/core/core.h"

#include <sys/syscall.h>
#include <unistd.h>

TestSuite(timeout, .init = scratch_make, .fini = scratch_remove, .timeout = 120);

static struct err err;
static struct host host;

static void begin(int64_t max)
{
	host_init(&host, (struct vm_config){ .backend = "fake",
				 .state_dir = in_scratch("state"),
				 .max_sandboxes = max });
}

static struct vm *create(int64_t timeout_ms, int64_t idle_ms, int on_timeout)
{
	struct vm_spec spec = {
		.timeout_ms = timeout_ms, .idle_ms = idle_ms, .on_timeout = on_timeout
	};
	struct vm *vm = vm_create(host.pool, "alice", &spec, &err);
	cr_assert_not_null(vm, "%s", err.text);
	cr_assert_eq(host_wait(&host, vm).err.kind, ERR_NONE);
	return vm;
}

static void until(const struct vm *vm, enum vm_state state)
{
	while (vm_state(vm) != state) {
		cr_assert_geq(sd_event_run(host.event, UINT64_MAX), 0);
	}
}

static void ended_saying(struct vm *vm, const char *words)
{
	cr_assert_null(vm_find(host.pool, "alice", vm_id(vm), &err));
	cr_assert_eq(err.kind, ERR_GONE);
	cr_assert(strstr(err.text, words), "%s", err.text);
}

Test(timeout, ends_it_and_says_why)
{
	begin(4);
	struct vm *mortal = create(300, -1, VM_TIMEOUT_KILL), *other = create(-1, -1, 0);
	cr_assert_eq(vm_times(mortal).timeout, vm_times(mortal).created + 300);
	cr_assert_eq(vm_times(other).timeout, 0);
	until(mortal, VM_GONE);
	ended_saying(mortal, "timeout reached");
	cr_assert_eq(vm_state(other), VM_READY);
	host_done(&host);
}

Test(timeout, can_be_set_anew_and_taken_away)
{
	begin(4);
	struct vm *a = create(400, -1, VM_TIMEOUT_KILL), *b = create(400, -1, VM_TIMEOUT_KILL),
		  *c = create(-1, -1, VM_TIMEOUT_KILL);
	cr_assert(vm_set_timeout(a, -1, &err));
	cr_assert_eq(vm_times(a).timeout, 0);
	cr_assert(vm_set_timeout(c, 1, &err));
	until(c, VM_GONE);
	cr_assert_eq(vm_state(b), VM_READY);
	until(b, VM_GONE);
	cr_assert_eq(vm_state(a), VM_READY);
	cr_assert_not(vm_set_timeout(a, 0, &err));
	cr_assert_eq(err.kind, ERR_ARGUMENT);
	cr_assert_not(vm_set_timeout(a, -2, &err));
	cr_assert_not(vm_set_timeout(a, INT64_MAX, &err));
	cr_assert_not(vm_set_timeout(b, 5, &err));
	cr_assert_eq(err.kind, ERR_GONE, "%s", err.text);
	host_done(&host);
}

Test(timeout, of_two_that_are_alike_the_used_one_stays)
{
	begin(4);
	struct vm *idle = create(-1, 400, VM_TIMEOUT_KILL),
		  *used = create(-1, 400, VM_TIMEOUT_KILL);
	struct answer *answer = answer_new();
	guest_exec(vm_guest(used), "sleep 2", NULL, 60000, on_exec, answer);
	until(idle, VM_GONE);
	ended_saying(idle, "idle timeout");
	cr_assert(!answer->done && vm_state(used) == VM_READY, "a call in flight is use");
	host_until(&host, &answer->done);
	cr_assert_eq(answer->err.kind, ERR_NONE, "%s", answer->err.text);
	answer_free(answer);
	cr_assert_eq(vm_state(used), VM_READY, "its time begins when the call ends");
	until(used, VM_GONE);
	host_done(&host);
}

static int on_beat(sd_event_source *source, uint64_t usec, void *data)
{
	(void)usec;
	vm_touch(data);
	sd_event_source_set_time_relative(source, 20000);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

Test(timeout, a_viewer_is_use)
{
	begin(4);
	struct vm *watched = create(-1, 600, VM_TIMEOUT_KILL),
		  *idle = create(-1, 600, VM_TIMEOUT_KILL);
	sd_event_source *beat = loop_after_ms(host.event, 1, on_beat, watched);
	until(idle, VM_GONE);
	host_for_ms(&host, 50);
	cr_assert_eq(vm_state(watched), VM_READY);
	loop_drop(&beat);
	until(watched, VM_GONE);
	host_done(&host);
}

Test(timeout, pauses_when_told_so_and_begins_anew)
{
	begin(4);
	struct vm *vm = create(-1, 200, VM_TIMEOUT_PAUSE);
	for (int i = 0; i < 3; i++) {
		until(vm, VM_PAUSED);
		cr_assert_eq(vm_times(vm).idle, 0);
		cr_assert_eq(host_wait(&host, vm).err.kind, ERR_NONE);
		cr_assert_eq(vm_state(vm), VM_READY);
		cr_assert_gt(vm_times(vm).idle, 0);
	}
	host_done(&host);
}

Test(timeout, an_absolute_one_pauses_and_counts_from_the_resume)
{
	begin(4);
	struct vm *vm = create(300, -1, VM_TIMEOUT_PAUSE);
	int64_t first = vm_times(vm).timeout;
	until(vm, VM_PAUSED);
	while (vm_times(vm).timeout) { /* on disk it stays */
		cr_assert_geq(sd_event_run(host.event, UINT64_MAX), 0);
	}
	cr_assert_eq(host_wait(&host, vm).err.kind, ERR_NONE);
	cr_assert_gt(vm_times(vm).timeout, first);
	until(vm, VM_PAUSED);
	host_done(&host);
}

Test(timeout, a_call_comes_before_the_pause)
{
	begin(4);
	struct vm *vm = create(300, -1, VM_TIMEOUT_PAUSE);
	until(vm, VM_PAUSED);
	/* Whoever waits gets a desktop, and has it for a whole time again. */
	cr_assert_eq(host_wait(&host, vm).err.kind, ERR_NONE);
	struct answer *answer = host_exec(&host, vm, "echo here", 5000);
	cr_assert_str_eq(answer->out, "here\n");
	answer_free(answer);
	host_done(&host);
}

static void on_paused(struct vm *vm, const struct err *why, void *data)
{
	(void)vm;
	cr_assert_null(why, "%s", why ? why->text : "");
	*(bool *)data = true;
}

Test(timeout, a_paused_one_still_dies_in_time)
{
	bool done = false;
	begin(4);
	struct vm *vm = create(500, -1, VM_TIMEOUT_KILL);
	int64_t timeout = vm_times(vm).timeout;
	vm_pause(vm, on_paused, &done);
	host_until(&host, &done);
	until(vm, VM_PAUSED);
	cr_assert_eq(vm_times(vm).timeout, timeout);
	until(vm, VM_GONE);
	host_done(&host);
}

Test(timeout, what_cannot_pause_is_not_made_to_pause)
{
	host_init(&host, (struct vm_config){ .backend = "namespace", .max_sandboxes = 4 });
	struct vm_spec spec = { .idle_ms = 100, .on_timeout = VM_TIMEOUT_PAUSE };
	cr_assert_null(vm_create(host.pool, "alice", &spec, &err));
	cr_assert_eq(err.kind, ERR_UNSUPPORTED);
	cr_assert(strstr(err.text, "the microvm backend"), "%s", err.text);
	host_done(&host);
}

/* ---- use without a word to the agent ---- */

Test(timeout, who_uses_it_need_not_ask_its_agent)
{
	begin(4);
	struct vm *idle = create(-1, 400, VM_TIMEOUT_KILL),
		  *used = create(-1, 400, VM_TIMEOUT_KILL),
		  *wanted = create(-1, 400, VM_TIMEOUT_KILL);
	vm_use(used);
	vm_use(used);
	vm_control_want(wanted, "log in", 60000);
	until(idle, VM_GONE);
	vm_unuse(used);
	struct vm *next = create(-1, 600, VM_TIMEOUT_KILL);
	until(next, VM_GONE);
	cr_assert_eq(vm_state(used), VM_READY, "one still uses it");
	cr_assert_eq(vm_state(wanted), VM_READY, "a person is to come");
	vm_unuse(used);
	vm_control_want(wanted, NULL, 0);
	until(used, VM_GONE);
	until(wanted, VM_GONE);
	host_done(&host);
}

/* ---- a clock that is set ---- */

#define DAY_MS INT64_C(86400000)

/* This program's time of day; the C library's function is not asked. */
static int64_t shift_ms;

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	int status = (int)syscall(SYS_clock_gettime, clock, ret);
	if (clock == CLOCK_REALTIME) {
		ret->tv_sec += shift_ms / 1000;
	}
	return status;
}

Test(timeout, an_idle_one_ends_though_the_clock_went_back)
{
	begin(4);
	struct vm *vm = create(-1, 300, VM_TIMEOUT_KILL);
	shift_ms = -DAY_MS;
	cr_assert_leq(vm_times(vm).idle - clock_wall_ms(), 300);
	until(vm, VM_GONE);
	ended_saying(vm, "idle timeout");
	host_done(&host);
}

/* Two clocks are read one after the other, so their sum alone is one millisecond on or off. */
Test(timeout, when_it_ends_is_told_alike_until_it_is_used)
{
	begin(4);
	struct vm *vm = create(5000000, 5000000, VM_TIMEOUT_KILL);
	struct vm_times first = vm_times(vm), times = first;
	uint64_t until_us = loop_now_us() + 20000;
	while (loop_now_us() < until_us && times.idle == first.idle) {
		times = vm_times(vm);
	}
	cr_assert_eq(times.idle, first.idle);
	cr_assert_eq(times.timeout, first.timeout);
	host_for_ms(&host, 5);
	vm_touch(vm);
	cr_assert_gt(vm_times(vm).idle, first.idle);
	host_done(&host);
}

Test(timeout, a_clock_that_goes_on_ends_no_used_one)
{
	begin(4);
	struct vm *idle = create(-1, 600, VM_TIMEOUT_KILL),
		  *used = create(-1, 600, VM_TIMEOUT_KILL);
	host_for_ms(&host, 300);
	vm_touch(used);
	shift_ms = DAY_MS;
	until(idle, VM_GONE);
	host_for_ms(&host, 20);
	cr_assert_eq(vm_state(used), VM_READY);
	until(used, VM_GONE);
	host_done(&host);
}

Test(timeout, an_absolute_one_is_told_and_kept_though_the_clock_was_set)
{
	begin(4);
	struct vm *back = create(500, -1, VM_TIMEOUT_PAUSE), *on = create(5000000, -1, 0);
	shift_ms = -DAY_MS;
	cr_assert_leq(vm_times(back).timeout - clock_wall_ms(), 500);
	cr_assert_leq(vm_times(on).timeout - clock_wall_ms(), 5000000);
	until(back, VM_PAUSED);
	shift_ms = DAY_MS;
	cr_assert_gt(vm_times(on).timeout - clock_wall_ms(), 4000000);
	host_done(&host);
}
