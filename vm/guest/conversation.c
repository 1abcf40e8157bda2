/*
 * A conversation is a call whose request stays open while both sides send.  Its owner may close it
 * before the agent has answered.  The call then remains, without callbacks, until the answer or the
 * end of the sandbox.
 */
#include "vm/guest/conversation.h"

#include "base/cleanup.h"
#include "vm/guest/call.h"
#include "vm/guest/watchdog.h"

_Static_assert(CONVERSATION_WINDOW == LINK_WINDOW, "the window is the credit of the link");

struct conversation {
	struct guest_call *call;
	struct guest_op op;
	const struct conversation_handlers *handlers;
	void *data;
	bool is_bounded; /* it has a deadline as a whole */
	bool closed;     /* no callback is called */
};

static struct link *link_of(const struct conversation *c)
{
	return c->call->link_id ? c->call->guest->link : NULL;
}

/* ---- from the agent ---- */

/* The sandbox's end fails the call, as it does all of them. */
static void broke(struct conversation *c, const struct err *why)
{
	struct guest *guest = c->call->guest;
	struct err err = *why;
	err_while(&err, "in '%s'", c->op.message->name);
	guest->handlers->broke(guest->data, &err);
}

/* Whether the owner is to be notified. */
static bool has_owner(struct conversation *c)
{
	if (!c->is_bounded && !c->closed) {
		watchdog_is_answered(c->call);
	}
	return !c->closed;
}

static void on_data(
	struct link *link, uint32_t id, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct conversation *c = ((struct guest_call *)data)->conversation;
	struct err err;
	(void)link, (void)id;
	if (!message_channel(&c->op.message->talk->agent, channel, &err)) {
		broke(c, &err);
	} else if (has_owner(c)) {
		c->handlers->on_data(c, channel, bytes, len, c->data);
	}
}

static void on_message(
	struct link *link, uint32_t id, const struct link_msg *msg, size_t cost, void *data)
{
	struct conversation *c = ((struct guest_call *)data)->conversation;
	auto_free void *args = NULL;
	struct err err;
	(void)link, (void)id;
	const struct message *message =
		message_speech_decode(&c->op.message->talk->agent, msg, &args, &err);
	if (!message) {
		broke(c, &err);
	} else if (has_owner(c)) {
		c->handlers->on_message(c, message, args, cost, c->data);
	}
}

static void on_writable(struct link *link, uint32_t id, void *data)
{
	struct conversation *c = ((struct guest_call *)data)->conversation;
	(void)link, (void)id;
	if (!c->closed && c->handlers->on_writable) {
		c->handlers->on_writable(c, c->data);
	}
}

static void on_ended(struct link *link, uint32_t id, void *data)
{
	struct conversation *c = ((struct guest_call *)data)->conversation;
	(void)link, (void)id;
	if (!c->closed && c->handlers->on_closed) {
		c->handlers->on_closed(c, c->data);
	}
}

static const struct link_talk talk = { on_data, on_message, on_writable, on_ended };

/* ---- the end ---- */

static enum delivered deliver(struct guest_call *call, const struct link_msg *msg, struct err *err)
{
	struct conversation *c = call->conversation;
	const struct message *m = c->op.message;
	auto_free void *answer = must(calloc(1, m->answer.size ? m->answer.size : 1));
	if (!message_decode(&m->answer, msg->json, msg->tail_len, answer, err) ||
		(m->check && !m->check(answer, err))) {
		return REPLY_BAD;
	}
	if (!c->closed) {
		c->closed = true;
		c->handlers->on_end(c, answer, NULL, c->data);
	}
	return REPLY_DELIVERED;
}

static void fail(struct guest_call *call, const struct err *err)
{
	struct conversation *c = call->conversation;
	if (!c->closed) {
		c->closed = true;
		c->handlers->on_end(c, NULL, err, c->data);
	}
}

/* ---- its owner ---- */

struct conversation *conversation_open(struct guest *guest, const struct conversation_how *how,
	const struct conversation_handlers *handlers, void *data)
{
	struct conversation *c = must(calloc(1, sizeof(*c)));
	struct err err;
	c->op = (struct guest_op){ how->message, deliver, fail, &talk };
	c->handlers = handlers;
	c->data = data;
	c->is_bounded = how->time_ms > 0;
	c->call = how->is_aside ? guest_call_new_aside(guest, &c->op, NULL)
				: guest_call_new(guest, &c->op, NULL);
	c->call->conversation = c;
	c->call->time_ms = how->time_ms;
	if (!guest_may_ask(guest, &err) ||
		(how->is_command && !guest->handlers->may_run(guest->data, &err))) {
		guest_call_refuse(c->call, &err);
	} else {
		guest_call_ask_with(c->call, how->args, how->tail, how->tail_len);
	}
	return c;
}

guest_id conversation_id(const struct conversation *c)
{
	return c->call->id;
}

uint32_t conversation_number(const struct conversation *c)
{
	return c->call->link_id;
}

size_t conversation_write(struct conversation *c, unsigned channel, const void *bytes, size_t len)
{
	struct link *link = link_of(c);
	return link ? link_write(link, c->call->link_id, channel, bytes, len) : 0;
}

bool conversation_send(struct conversation *c, const struct message *message, const void *args)
{
	struct link *link = link_of(c);
	return link && link_send_message(link, c->call->link_id,
			       message_speech_encode(message, args), NULL, 0);
}

void conversation_consumed(struct conversation *c, size_t len)
{
	struct link *link = link_of(c);
	if (link) {
		link_consumed(link, c->call->link_id, len);
	}
}

void conversation_close_write(struct conversation *c)
{
	struct link *link = link_of(c);
	if (link) {
		link_end(link, c->call->link_id);
	}
}

void conversation_is_bad(struct conversation *c, const struct err *why)
{
	broke(c, why);
}

void conversation_close(struct conversation *c)
{
	if (c && !c->closed) {
		c->closed = true;
		watchdog_cancel(c->call);
	}
}
