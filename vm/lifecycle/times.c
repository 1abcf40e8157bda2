/*
 * The times of a sandbox, for callers and metadata.  Timeouts are counted by the monotonic clock; what
 * is told are times of the wall clock, which may be set.
 */

#include "base/loop.h"
#include "vm/lifecycle/lifecycle_impl.h"

#include <stdlib.h>

#define CLOCK_STEP_MS 1000 /* a larger difference means that the wall clock was set */

bool vm_is_in_use(const struct vm_core *core)
{
	return core->users || guest_is_used(&core->guest) || !TAILQ_EMPTY(&core->waits) ||
	       core->job || vm_control(core->vm)->wanted;
}

int64_t vm_left_ms(uint64_t due_us)
{
	return ((int64_t)due_us - (int64_t)loop_now_us()) / 1000;
}

/* The wall-clock time of due_us: the stored one, unless the clock has been set since. */
static int64_t by_the_clock(uint64_t due_us, int64_t noted)
{
	int64_t due = clock_wall_ms() + vm_left_ms(due_us);
	return llabs(due - noted) > CLOCK_STEP_MS ? due : noted;
}

struct vm_times vm_times(const struct vm *vm)
{
	const struct vm_core *core = vm->core;
	struct vm_times times = core->times;
	if (lifecycle_of(core)->timeout_timer) {
		times.timeout = by_the_clock(lifecycle_of(core)->timeout_us, times.timeout);
	}
	if (!lifecycle_of(core)->idle_timer || core->state != VM_READY) {
		times.idle = 0;
	} else if (vm_is_in_use(core)) {
		times.idle = clock_wall_ms() + core->spec.idle_ms;
	} else {
		times.idle = by_the_clock(lifecycle_of(core)->idle_us, times.idle);
	}
	return times;
}
