#include "vm/guest/watchdog.h"

#include "base/loop.h"

/* ---- the agent ---- */

static void liveness_set(struct guest *guest);

/* Neither starting, frozen nor gone. */
static bool must_answer(const struct guest *guest)
{
	return guest->link && guest->handlers->must_answer(guest->data);
}

static void on_pong(const struct link_msg *msg, const struct err *err, void *data)
{
	struct guest *guest = data;
	(void)msg;
	(void)err;
	guest->pinged = false;
}

/* Whether the agent must answer it soon: not while a conversation is in progress. */
static bool is_awaited(const struct guest *guest)
{
	const struct guest_call *call;
	TAILQ_FOREACH(call, &guest->calls, entry)
	{
		if (call->deadline) {
			return true;
		}
	}
	return false;
}

static int on_liveness(sd_event_source *source, uint64_t usec, void *data)
{
	struct guest *guest = data;
	struct err why;
	(void)source;
	(void)usec;
	loop_drop(&guest->liveness_timer);
	if (!must_answer(guest)) {
		liveness_set(guest);
	} else if (guest->pinged) {
		err_set(&why, ERR_GONE, "its agent has not responded for %llu ms",
			(unsigned long long)guest->liveness_ms);
		guest->handlers->hangs(guest->data, &why);
	} else if (is_awaited(guest)) {
		guest->pinged = true;
		link_request(guest->link, "ping", NULL, on_pong, guest);
		liveness_set(guest);
	}
	return 0;
}

static void liveness_set(struct guest *guest)
{
	if (!guest->liveness_timer) {
		guest->liveness_timer =
			loop_after_ms(guest->event, guest->liveness_ms, on_liveness, guest);
	}
}

/* ---- the deadline: an agent that answers pings may still block a caller ---- */

static void set_deadline(struct guest_call *call, int64_t ms);

/* Lists with input run one at a time, so the time of this one may not have begun. */
static bool is_queued(const struct guest_call *call)
{
	const struct guest_call *first;
	TAILQ_FOREACH(first, &call->guest->calls, entry)
	{
		if (first->is_input && first->link_id) {
			break;
		}
	}
	return call->is_input && first != call;
}

void watchdog_late_error(const struct guest_call *call, struct err *err)
{
	bool begins = call->conversation && call->time_ms == 0;
	err_set(err, ERR_TIMEOUT,
		"the sandbox's agent did not %s '%s' within %lld s, so it was "
		"cancelled. %s",
		begins ? "begin" : "complete", call->op->message->name,
		(long long)(call->time_ms + call->guest->grace_ms + 999) / 1000,
		begins ? "Try again" : "Take a screenshot before you try again");
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *data)
{
	struct guest_call *call = data;
	struct guest *guest = call->guest;
	struct err why;
	(void)source, (void)usec;
	loop_drop(&call->deadline);
	if (!must_answer(guest) || is_queued(call)) {
		set_deadline(call, call->time_ms + (int64_t)guest->grace_ms);
	} else if (call->late) {
		watchdog_late_error(call, &why);
		err_while(&why, "its agent does not respond to cancellation");
		why.kind = ERR_GONE;
		guest->handlers->hangs(guest->data, &why);
	} else {
		watchdog_cancel(call);
	}
	return 0;
}

void watchdog_cancel(struct guest_call *call)
{
	struct guest *guest = call->guest;
	if (call->link_id) {
		call->late = true;
		link_cancel(guest->link, call->link_id);
		loop_drop(&call->deadline);
		set_deadline(call, (int64_t)guest->liveness_ms);
		liveness_set(guest);
	}
}

void watchdog_is_answered(struct guest_call *call)
{
	if (!call->late) {
		loop_drop(&call->deadline);
	}
}

static void set_deadline(struct guest_call *call, int64_t ms)
{
	call->deadline = loop_after_ms(call->guest->event, (uint64_t)ms, on_deadline, call);
}

void watchdog_begin(struct guest_call *call)
{
	liveness_set(call->guest);
	set_deadline(call, call->time_ms + (int64_t)call->guest->grace_ms);
}
