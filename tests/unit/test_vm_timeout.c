// USES vm
/* Timeouts, absolute and idle: which of several things comes first, never after how long. */

#include "tests/unit/scratch.h"
#include "tests/unit/vm_host.h"

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
	ended_saying(mortal, "its time was over");
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
	guest_exec(used, "sleep 2", NULL, 60000, on_exec, answer);
	until(idle, VM_GONE);
	ended_saying(idle, "nobody used it");
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
