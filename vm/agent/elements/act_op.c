/*
 * The operation `ui_act`: checks that the element is still what it was, acts on it, and tells what
 * came of it.  A program that says "done" is not believed: the element is read again when the screen
 * has changed, or after a while.
 */
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/plain.h"
#include "vm/agent/act/act_turn.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/core/op.h"
#include "vm/agent/elements/calls.h"
#include "vm/agent/elements/element_action.h"
#include "vm/agent/elements/elements.h"
#include "vm/agent/elements/look.h"
#include "vm/agent/elements/node.h"
#include "vm/agent/elements/role.h"
#include "vm/agent/x11/display.h"
#include "vm/wire/messages_elements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define EFFECT_MS 500  /* how long an effect may take to show */
#define SETTLE_MS 40   /* from the screen's change to the second look */
#define ACTIONS_MAX 30 /* of one element */
#define OFFER_MAX 200

#define ACTION "org.a11y.atspi.Action"

struct ui_act {
	struct request *req;
	struct agent *agent;
	const struct msg_ui_act *args;
	struct kept_element element; /* owned */
	struct a11y_wait *wait;
	struct act *turn;
	struct calls *calls;
	sd_event_source *timer;
	struct display_listener listener;
	bool listens, changed;
	struct look before, after;
	char *actions[ACTIONS_MAX];
	int n_actions, chosen;
	int said; /* by the program: 1: done, 0: refused, -1: nothing */
	void (*step)(struct ui_act *a);
};

/* ---- the end ---- */

static struct request *act_free_op(struct ui_act *a)
{
	struct request *req = a->req;
	a11y_wait_cancel(a->wait);
	calls_free(a->calls);
	loop_drop(&a->timer);
	if (a->listens) {
		display_unlisten(a->agent->display, &a->listener);
	}
	act_turn_free(a->turn);
	for (int i = 0; i < a->n_actions; i++) {
		free(a->actions[i]);
	}
	look_done(&a->before);
	look_done(&a->after);
	kept_element_done(&a->element);
	free(a);
	return req;
}

static void fail(struct ui_act *a, const struct err *err)
{
	request_fail(act_free_op(a), err);
}

static struct bus_ref ref(const struct ui_act *a)
{
	return (struct bus_ref){ a->element.bus, a->element.path };
}

static void next_step(void *data)
{
	struct ui_act *a = data;
	a->step(a);
}

/* ---- 4: what came of it ---- */

static bool same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool has_value(const struct ui_act *a)
{
	const char *want = a->args->value, *is = a->after.value;
	if (!is) {
		return false;
	}
	return a->before.is_editable ? strcmp(want, is) == 0
				     : strtod(want, NULL) == strtod(is, NULL);
}

static bool is_done(const struct ui_act *a)
{
	const struct look *was = &a->before, *is = &a->after;
	if (a->before.role == ROLE_PASSWORD_TEXT && a->args->value) {
		return a->said == 1 && a->changed;
	}
	if (a->args->value) {
		return has_value(a);
	}
	return !is->has_states || was->states != is->states || !same(was->name, is->name) ||
	       !same(was->value, is->value) || a->changed;
}

static const char *plain(struct buf *to, const char *text)
{
	if (text) {
		plain_append(to, text, ELEMENT_TEXT_MAX - 4);
	}
	return to->len ? buf_text(to) : NULL;
}

static void report(struct ui_act *a)
{
	auto_buf struct buf name = { 0 }, value = { 0 }, states = { 0 }, action = { 0 };
	state_format(&states, a->after.role, a->after.states);
	bool done = is_done(a);
	const char *offered = a->chosen >= 0 ? a->actions[a->chosen] : a->args->action;
	const struct msg_ui_act_answer answer = {
		.effect = done           ? UI_ACT_DONE
			  : a->said == 0 ? UI_ACT_REFUSED
					 : UI_ACT_UNSEEN,
		.role = role_name(a->before.role),
		.name = plain(&name, a->after.name),
		.action = plain(&action, offered),
		.value =
			a->before.role == ROLE_PASSWORD_TEXT ? NULL : plain(&value, a->after.value),
		.states = states.len ? buf_text(&states) : NULL,
		.gone = !a->after.has_states,
		.changed = a->changed,
		.unanswered = a->said < 0,
	};
	request_answer(a->req, &answer);
	(void)act_free_op(a);
}

static int on_settled(sd_event_source *source, uint64_t usec, void *data)
{
	struct ui_act *a = data;
	(void)source, (void)usec;
	loop_drop(&a->timer);
	display_unlisten(a->agent->display, &a->listener);
	a->listens = false;
	a->step = report;
	a->after.is_editable = a->before.is_editable;
	a->after.is_number = a->before.is_number;
	look_ask(&a->after, a->calls, ref(a));
	look_ask_value(&a->after, a->calls, ref(a));
	calls_check(a->calls);
	return 0;
}

static void on_damaged(const XRectangle *area, void *data)
{
	struct ui_act *a = data;
	(void)area;
	if (!a->changed && a->timer) {
		loop_drop(&a->timer);
		a->timer = loop_after_ms(a->agent->event, SETTLE_MS, on_settled, a);
	}
	a->changed = true;
}

static void await_effect(struct ui_act *a)
{
	a->timer =
		loop_after_ms(a->agent->event, a->changed ? SETTLE_MS : EFFECT_MS, on_settled, a);
}

/* ---- 3: the action ---- */

static void on_said(sd_bus_message *answer, void *data)
{
	struct ui_act *a = data;
	int done;
	a->said = !answer ? -1 : sd_bus_message_read(answer, "b", &done) > 0 ? done : 1;
}

/* Only what changes from now on is an effect. */
static void listen(struct ui_act *a)
{
	a->listener = (struct display_listener){ .damaged = on_damaged, .data = a };
	XSync(display_x(a->agent->display), False);
	display_catch_up(a->agent->display);
	display_listen(a->agent->display, &a->listener);
	a->listens = true;
}

static bool set_value(struct ui_act *a, struct err *err)
{
	char *end;
	const char *text = a->args->value;
	if (a->before.is_editable) {
		calls_ask(
			a->calls, ref(a), LOOK_EDITABLE, "SetTextContents", on_said, a, "s", text);
		return true;
	}
	if (!a->before.is_number) {
		return err_set(err, ERR_UNSUPPORTED,
			"the %s has no value that can be set; click it and use type",
			role_name(a->before.role));
	}
	double number = strtod(text, &end);
	if (end == text || *end) {
		return err_set(err, ERR_ARGUMENT, "the value of a %s must be a number; got '%.60s'",
			role_name(a->before.role), text);
	}
	calls_ask(a->calls, ref(a), "org.freedesktop.DBus.Properties", "Set", on_said, a, "ssv",
		LOOK_NUMBER, "CurrentValue", "d", number);
	return true;
}

static bool no_such_action(struct ui_act *a, struct err *err)
{
	auto_buf struct buf offer = { 0 };
	for (int i = 0; i < a->n_actions && offer.len < OFFER_MAX; i++) {
		buf_printf(&offer, "%s", i ? ", " : "");
		plain_append(&offer, a->actions[i], 40);
	}
	return err_set(err, ERR_UNSUPPORTED,
		"the %s has no action '%.40s'; it has: %.200s, focus. A click at its place may do",
		role_name(a->before.role), a->args->action, offer.len ? buf_text(&offer) : "none");
}

static bool do_action(struct ui_act *a, struct err *err)
{
	if (strcasecmp(a->args->action, "focus") == 0) {
		calls_ask(a->calls, ref(a), COMPONENT, "GrabFocus", on_said, a, NULL);
		return true;
	}
	a->chosen = element_action_choose(
		a->args->action, (const char *const *)a->actions, a->n_actions);
	if (a->chosen < 0) {
		return no_such_action(a, err);
	}
	calls_ask(a->calls, ref(a), ACTION, "DoAction", on_said, a, "i", a->chosen);
	return true;
}

static void perform(struct ui_act *a)
{
	struct err err;
	a->step = await_effect;
	listen(a);
	if (a->args->value ? set_value(a, &err) : do_action(a, &err)) {
		calls_check(a->calls);
	} else {
		fail(a, &err);
	}
}

/* ---- 2: is it what it was, and what can it do? ---- */

static void on_actions(sd_bus_message *answer, void *data)
{
	struct ui_act *a = data;
	const char *name, *description, *key;
	if (!answer || sd_bus_message_enter_container(answer, 'a', "(sss)") <= 0) {
		return;
	}
	while (a->n_actions < ACTIONS_MAX &&
		sd_bus_message_read(answer, "(sss)", &name, &description, &key) > 0) {
		a->actions[a->n_actions++] = node_text(name, 80);
	}
}

static bool check(struct ui_act *a, struct err *err)
{
	const struct look *now = &a->before;
	const struct kept_element *was = &a->element;
	if (!now->has_role || !now->has_states) {
		return calls_late(a->calls)
			       ? err_set(err, ERR_TIMEOUT,
					 "the program does not answer; it may be busy. Try again, or "
					 "use screenshot")
			       : err_set(err, ERR_NOT_FOUND,
					 "the element is gone; call ui_tree again");
	}
	if (now->role != was->role || (was->name && !same(now->name, was->name))) {
		return err_set(err, ERR_STATE,
			"the element has changed: it was the %s \"%.100s\" and is now the %s "
			"\"%.100s\"; call ui_tree again",
			role_name(was->role), was->name ? was->name : "", role_name(now->role),
			now->name ? now->name : "");
	}
	bool enabled =
		state_has(now->states, STATE_ENABLED) || state_has(now->states, STATE_SENSITIVE);
	return enabled || !role_is_interactive(now->role, now->states) ||
	       err_set(err, ERR_STATE, "the %s \"%.100s\" is disabled", role_name(now->role),
		       now->name ? now->name : "");
}

static void after_check(struct ui_act *a)
{
	struct err err;
	if (!check(a, &err)) {
		fail(a, &err);
		return;
	}
	a->step = perform;
	look_ask_value(&a->before, a->calls, ref(a));
	calls_check(a->calls);
}

static void on_turn(void *data)
{
	struct ui_act *a = data;
	a->step = after_check;
	look_ask(&a->before, a->calls, ref(a));
	look_ask_kind(&a->before, a->calls, ref(a));
	calls_ask(a->calls, ref(a), ACTION, "GetActions", on_actions, a, NULL);
	calls_check(a->calls);
}

/* ---- 1: the bus, and the input lock ---- */

static void on_lost(const struct err *why, void *data)
{
	struct ui_act *a = data;
	a->turn = NULL;
	fail(a, why);
}

static const struct act_turn_handlers turn_handlers = { on_turn, on_lost };

static void on_bus(sd_bus *bus, const struct err *err, void *data)
{
	struct ui_act *a = data;
	struct err why;
	a->wait = NULL;
	if (err) {
		fail(a, err);
		return;
	}
	a->calls = calls_new(bus, (uint64_t)a->args->timeout_ms * 1000, next_step, a);
	a->turn = act_turn_new(a->agent->acts, &turn_handlers, a, &why);
	if (!a->turn) {
		fail(a, &why);
	}
}

static void on_cancel(void *data)
{
	struct err why;
	err_set(&why, ERR_CANCELLED, "acting on the element was cancelled");
	fail(data, &why);
}

static void run(struct request *req, const void *data)
{
	const struct msg_ui_act *args = data;
	struct agent *agent = request_agent(req);
	struct err err;
	const struct kept_element *e =
		elements_find(agent->elements, args->tree, args->element, &err);
	if (e && !args->action == !args->value) {
		err_set(&err, ERR_ARGUMENT, "either 'action' or 'value' is required");
		e = NULL;
	}
	if (!e) {
		request_fail(req, &err);
		return;
	}
	struct ui_act *a = must(calloc(1, sizeof(*a)));
	*a = (struct ui_act){ .req = req, .agent = agent, .args = args, .chosen = -1 };
	a->element = kept_element_new(e->bus, e->path, e->name, e->role);
	a->wait = a11y_bus_connect(agent->elements->bus, on_bus, a);
	request_on_cancel(req, on_cancel, a);
}

const struct op op_ui_act = { .message = &message_ui_act, .run = run };
