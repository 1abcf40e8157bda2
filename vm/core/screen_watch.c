/* Screen changes: requested from the agent while the screen has viewers, and reported to listeners. */

#include "base/log.h"
#include "base/loop.h"
#include "vm/core/core.h"
#include "vm/wire/messages.h"

#define SCREEN_INTERVAL_US 200000

static int on_screen_timer(sd_event_source *source, uint64_t usec, void *data)
{
	struct vm_core *core = data;
	(void)source;
	(void)usec;
	loop_drop(&core->screen_timer);
	core->screen_us = loop_now_us();
	if (core->watches && core->state == VM_READY) {
		VM_NOTIFY(core->vm->pool, screen, core->vm);
	}
	return 0;
}

/* The agent promises at most 5 per second.  The bound is enforced here as well, and the last change
 * is never lost. */
void vm_screen_changed(struct vm *vm)
{
	struct vm_core *core = vm->core;
	if (core->screen_timer) {
		return;
	}
	uint64_t since = loop_now_us() - core->screen_us;
	uint64_t left = since < SCREEN_INTERVAL_US ? SCREEN_INTERVAL_US - since : 0;
	core->screen_timer = loop_after_ms(vm->pool->event, left / 1000, on_screen_timer, core);
}

static void watch_send(struct vm *vm);

static void on_watch_reply(const struct link_msg *msg, const struct err *err, void *data)
{
	struct vm *vm = data;
	struct vm_core *core = vm->core;
	(void)msg;
	core->watch_asked = false;
	if (err && err->kind != ERR_GONE) {
		log_warning("sandbox=%s watch: %s", vm->id, err->text);
	} else if (!err && core->watch_sent != (core->watches > 0)) {
		watch_send(vm);
	}
}

/* One at a time: an agent that does not answer gets no more. */
static void watch_send(struct vm *vm)
{
	struct vm_core *core = vm->core;
	if (core->state == VM_READY && core->guest.link && !core->watch_asked) {
		core->watch_asked = true;
		core->watch_sent = core->watches > 0;
		link_request(core->guest.link, message_watch.name,
			message_encode(
				&message_watch.request, &(struct msg_watch){ core->watch_sent }),
			on_watch_reply, vm);
	}
}

void vm_watch(struct vm *vm, bool on)
{
	struct vm_core *core = vm->core;
	unsigned before = core->watches;
	if (on || before) {
		core->watches += on ? 1 : -1u;
	}
	if (!before != !core->watches) {
		watch_send(vm);
	}
}

void vm_watch_again(struct vm *vm)
{
	vm->core->watch_asked = false; /* from an earlier agent */
	if (vm->core->watches) {
		watch_send(vm);
	}
}
