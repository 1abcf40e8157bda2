/*
 * The control lease, see control.h.  A transfer stops the agent's input immediately
 * (vm/guest/guest.c); listeners are notified from the loop.
 */

#include "vm/core/control.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/core/core.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

const char *const vm_holder_names[] = { "agent", "user", "none", NULL };

struct vm_user_wait {
	TAILQ_ENTRY(vm_user_wait) entry;
	struct vm *vm;
	char *reason;
	vm_user_fn *fn;
	void *data;
};
TAILQ_HEAD(user_waits, vm_user_wait);

struct vm_lease {
	struct vm_control control;
	char who[VM_CONTROL_WHO_MAX + 1];
	char message[VM_CONTROL_TEXT_MAX + 1]; /* message of the user who returned control */
	bool has_message, answer;              /* pending: answer those who wait */
	struct user_waits waits;               /* oldest first */
	char *want;                            /* a reason without a wait; or NULL */
	sd_event_source *want_ends;
	sd_event_source *notify;
};

static const struct vm_control at_first;

static struct vm_lease *lease_of(struct vm *vm)
{
	struct vm_core *core = vm->core;
	if (!core->lease) {
		core->lease = must(calloc(1, sizeof(*core->lease)));
		TAILQ_INIT(&core->lease->waits);
	}
	return core->lease;
}

/* ---- notifications ---- */

static void show_wanted(struct vm_lease *lease)
{
	const struct vm_user_wait *newest = TAILQ_LAST(&lease->waits, user_waits);
	lease->control.wanted = newest ? newest->reason : lease->want;
}

static void wait_free(struct vm_user_wait *wait)
{
	struct vm_lease *lease = wait->vm->core->lease;
	TAILQ_REMOVE(&lease->waits, wait, entry);
	show_wanted(lease);
	free(wait->reason);
	free(wait);
}

/* A callback may add waits, which this message does not answer, or cancel some. */
static void answer_all(struct vm *vm, const char *message, const struct err *err)
{
	struct vm_lease *lease = vm->core->lease;
	const struct vm_user_wait *last = TAILQ_LAST(&lease->waits, user_waits);
	for (bool more = last; more && !TAILQ_EMPTY(&lease->waits);) {
		struct vm_user_wait *wait = TAILQ_FIRST(&lease->waits);
		vm_user_fn *fn = wait->fn;
		void *data = wait->data;
		more = wait != last;
		wait_free(wait);
		fn(vm, message, err, data);
	}
}

static int on_notify(sd_event_source *source, void *data)
{
	struct vm *vm = data;
	struct vm_lease *lease = vm->core->lease;
	(void)source;
	loop_drop(&lease->notify);
	if (lease->answer) {
		bool asked = !TAILQ_EMPTY(&lease->waits);
		lease->answer = false;
		if (!asked && lease->has_message) {
			vm_add_note(vm, "Message from the user who had control: \"%s\"",
				lease->message);
		}
		auto_free char *message = lease->has_message ? must(strdup(lease->message)) : NULL;
		lease->has_message = false;
		answer_all(vm, message, NULL);
	}
	VM_NOTIFY(vm->pool, control, vm);
	return 0;
}

static void notify(struct vm *vm)
{
	struct vm_lease *lease = lease_of(vm);
	if (!lease->notify) {
		lease->notify = loop_defer(vm->pool->event, on_notify, vm);
	}
}

static void set_want(struct vm_lease *lease, const char *reason)
{
	loop_drop(&lease->want_ends);
	free(lease->want);
	lease->want = reason ? must(strndup(reason, VM_CONTROL_TEXT_MAX)) : NULL;
	show_wanted(lease);
}

/* ---- transfers ---- */

static void hand_to(struct vm *vm, enum vm_holder holder, const char *who)
{
	struct vm_lease *lease = lease_of(vm);
	snprintf(lease->who, sizeof(lease->who), "%s", who ? who : "");
	lease->control.who = who ? lease->who : NULL;
	lease->control.holder = holder;
	lease->control.since = clock_wall_ms();
	lease->control.fence++;
	log_info("sandbox=%s control=%s%s%s", vm->id, vm_holder_names[holder], who ? " who=" : "",
		who ? lease->who : "");
	notify(vm);
}

const struct vm_control *vm_control(const struct vm *vm)
{
	return vm->core->lease ? &vm->core->lease->control : &at_first;
}

uint64_t vm_control_take(struct vm *vm, const char *who)
{
	hand_to(vm, VM_HELD_BY_USER, who);
	guest_stop_input(&vm->core->guest);
	return lease_of(vm)->control.fence;
}

bool vm_control_is(const struct vm *vm, uint64_t fence)
{
	const struct vm_control *control = vm_control(vm);
	return control->holder == VM_HELD_BY_USER && control->fence == fence;
}

bool vm_control_give_back(struct vm *vm, uint64_t fence, const char *message, struct err *err)
{
	if (!vm_control_is(vm, fence)) {
		return err_set(err, ERR_STATE, "you no longer have control of this sandbox");
	}
	struct vm_lease *lease = lease_of(vm);
	lease->has_message = message && *message;
	lease->answer = true;
	snprintf(lease->message, sizeof(lease->message), "%s", message ? message : "");
	set_want(lease, NULL);
	hand_to(vm, VM_HELD_BY_AGENT, NULL);
	return true;
}

bool vm_control_agent_may(const struct vm *vm, struct err *err)
{
	const struct vm_control *control = vm_control(vm);
	if (control->holder == VM_HELD_BY_NONE) {
		return err_set(err, ERR_STATE,
			"you released control of this desktop; call control_acquire to acquire "
			"it again");
	}
	if (control->holder == VM_HELD_BY_AGENT) {
		return true;
	}
	char since[32];
	time_t seconds = control->since / 1000;
	struct tm utc;
	gmtime_r(&seconds, &utc);
	strftime(since, sizeof(since), "%H:%M:%S UTC", &utc);
	return err_set(err, ERR_STATE,
		"a user has control of this desktop (%s, since %s): screenshots work, input is "
		"refused. Call request_human to wait until the user hands back control, "
		"or try again later",
		control->who, since);
}

bool vm_control_allows_agent(const struct vm *vm, struct err *err)
{
	return vm->pool->config.commands_during_takeover ||
	       vm_control(vm)->holder != VM_HELD_BY_USER || vm_control_agent_may(vm, err);
}

bool vm_control_acquire(struct vm *vm, struct err *err)
{
	enum vm_holder holder = (enum vm_holder)vm_control(vm)->holder;
	if (holder == VM_HELD_BY_USER) {
		return vm_control_agent_may(vm, err);
	}
	if (holder == VM_HELD_BY_NONE) {
		hand_to(vm, VM_HELD_BY_AGENT, NULL);
	}
	return true;
}

bool vm_control_release(struct vm *vm, struct err *err)
{
	enum vm_holder holder = (enum vm_holder)vm_control(vm)->holder;
	if (holder == VM_HELD_BY_USER) {
		return vm_control_agent_may(vm, err);
	}
	if (holder == VM_HELD_BY_AGENT) {
		hand_to(vm, VM_HELD_BY_NONE, NULL);
		guest_stop_input(&vm->core->guest);
	}
	return true;
}

/* ---- requests for a user ---- */

struct vm_user_wait *vm_control_ask(struct vm *vm, const char *reason, vm_user_fn *fn, void *data)
{
	struct vm_lease *lease = lease_of(vm);
	struct vm_user_wait *wait = must(calloc(1, sizeof(*wait)));
	*wait = (struct vm_user_wait){ .vm = vm,
		.reason = must(strndup(reason, VM_CONTROL_TEXT_MAX)),
		.fn = fn,
		.data = data };
	TAILQ_INSERT_TAIL(&lease->waits, wait, entry);
	lease->control.wanted = wait->reason;
	notify(vm);
	return wait;
}

void vm_control_ask_cancel(struct vm_user_wait *wait)
{
	if (wait) {
		struct vm *vm = wait->vm;
		wait_free(wait);
		notify(vm);
	}
}

static int on_want_ends(sd_event_source *source, uint64_t now, void *data)
{
	(void)source, (void)now;
	vm_control_want(data, NULL, 0);
	return 0;
}

void vm_control_want(struct vm *vm, const char *reason, uint64_t ms)
{
	struct vm_lease *lease = lease_of(vm);
	if (!reason && !lease->want) {
		return;
	}
	set_want(lease, reason);
	vm_used(vm);
	if (reason) {
		lease->want_ends = loop_after_ms(vm->pool->event, ms, on_want_ends, vm);
	}
	notify(vm);
}

/* ---- end of the sandbox ---- */

void control_over(struct vm *vm, const struct err *why)
{
	if (vm->core->lease) {
		answer_all(vm, NULL, why);
	}
}

void control_free(struct vm *vm)
{
	struct vm_lease *lease = take_ptr(&vm->core->lease);
	if (lease) {
		loop_drop(&lease->notify);
		loop_drop(&lease->want_ends);
		free(lease->want);
		free(lease);
	}
}
