#include "vm/agent/main/forward.h"

#include "base/buf.h"
#include "base/cleanup.h"

#include <sys/queue.h>

/* Something of the helper that the host has no credit for yet. */
struct item {
	STAILQ_ENTRY(item) entry;
	const struct message *message; /* NULL: bytes */
	json_t *json;                  /* owns the texts of args */
	void *args;
	unsigned channel;
	struct buf bytes;
};

struct forward {
	struct request *req;
	struct link *to;
	uint32_t id; /* of the request on that link */
	void (*done)(void *data);
	void *data;
	STAILQ_HEAD(, item) items; /* to the host */
	struct buf up;             /* to the helper */
	unsigned up_channel;
	bool up_ended;  /* behind these bytes, which is to be passed on */
	json_t *result; /* of the helper, kept until the items are sent */
	struct err err;
};

static void item_free(struct item *item)
{
	json_decref(item->json);
	free(item->args);
	buf_done(&item->bytes);
	free(item);
}

static const struct message_talk *talk_of(const struct forward *f)
{
	return request_op(f->req)->message->talk;
}

/* ---- the answer ---- */

static void finish(struct forward *f)
{
	if (f->result) {
		request_reply(f->req, f->result, NULL, 0);
	} else {
		request_fail(f->req, &f->err);
	}
	f->done(f->data);
	buf_done(&f->up);
	free(f);
}

static bool is_answered(const struct forward *f)
{
	return f->result || f->err.kind != ERR_NONE;
}

/* ---- to the host ---- */

/* True: all of it was taken. */
static bool send(struct forward *f, struct item *item)
{
	if (item->message) {
		return request_send(f->req, item->message, item->args);
	}
	size_t n = request_write(f->req, item->channel, item->bytes.data, item->bytes.len);
	link_consumed(f->to, f->id, n);
	buf_consume(&item->bytes, n);
	return item->bytes.len == 0;
}

static void flush(struct forward *f)
{
	struct item *item;
	while ((item = STAILQ_FIRST(&f->items)) && send(f, item)) {
		STAILQ_REMOVE_HEAD(&f->items, entry);
		item_free(item);
	}
	if (!item && is_answered(f)) {
		finish(f);
	}
}

static void on_data(
	struct link *link, uint32_t id, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct forward *f = data;
	struct item *item = must(calloc(1, sizeof(*item)));
	(void)link, (void)id;
	item->channel = channel;
	buf_append(&item->bytes, bytes, len);
	STAILQ_INSERT_TAIL(&f->items, item, entry);
	flush(f);
}

/* The helper is of this program, but nothing is passed on unchecked. */
static void on_message(
	struct link *link, uint32_t id, const struct link_msg *msg, size_t cost, void *data)
{
	struct forward *f = data;
	void *args = NULL;
	struct err err;
	link_consumed(link, id, cost);
	const struct message *message = message_speech_decode(&talk_of(f)->agent, msg, &args, &err);
	if (!message) {
		link_cancel(link, id);
		return;
	}
	struct item *item = must(calloc(1, sizeof(*item)));
	item->message = message;
	item->json = json_incref((json_t *)msg->json);
	item->args = args;
	STAILQ_INSERT_TAIL(&f->items, item, entry);
	flush(f);
}

/* What was not sent before a failure is dropped with it. */
static void on_reply(const struct link_msg *msg, const struct err *err, void *data)
{
	struct forward *f = data;
	if (msg) {
		f->result = json_incref((json_t *)msg->json);
	} else {
		f->err = *err;
		if (err->kind == ERR_GONE) {
			err_set(&f->err, ERR_HOST,
				"the helper that does this as another user has ended; sudo must "
				"work without a password");
		}
		while (!STAILQ_EMPTY(&f->items)) {
			struct item *item = STAILQ_FIRST(&f->items);
			STAILQ_REMOVE_HEAD(&f->items, entry);
			item_free(item);
		}
	}
	flush(f);
}

/* ---- to the helper ---- */

static void pass_on(struct forward *f)
{
	if (f->up.len) {
		size_t n = link_write(f->to, f->id, f->up_channel, f->up.data, f->up.len);
		buf_consume(&f->up, n);
		request_consumed(f->req, n);
	}
	if (f->up_ended && !f->up.len) {
		f->up_ended = false; /* once */
		link_end(f->to, f->id);
	}
}

static void on_writable(struct link *link, uint32_t id, void *data)
{
	(void)link, (void)id;
	pass_on(data);
}

static void on_host_data(unsigned channel, const void *bytes, size_t len, void *data)
{
	struct forward *f = data;
	f->up_channel = channel; /* operations on files have one */
	buf_append(&f->up, bytes, len);
	pass_on(f);
}

/* Without credit for it, the helper does not read: it is given up. */
static void on_host_message(const struct message *message, const void *args, void *data)
{
	struct forward *f = data;
	if (!link_send_message(f->to, f->id, message_speech_encode(message, args), NULL, 0)) {
		link_cancel(f->to, f->id);
	}
}

static void on_host_writable(void *data)
{
	flush(data);
}

static void on_host_ended(void *data)
{
	struct forward *f = data;
	f->up_ended = true;
	pass_on(f);
}

static void on_cancel(void *data)
{
	struct forward *f = data;
	if (!is_answered(f)) {
		link_cancel(f->to, f->id); /* on_reply() follows */
		return;
	}
	json_decref(take_ptr(&f->result));
	on_reply(NULL, &(struct err){ .kind = ERR_CANCELLED, .text = "cancelled" }, f);
}

/* ---- the beginning ---- */

void forward_request(struct request *req, struct link *to, void (*done)(void *data), void *data)
{
	static const struct request_talk host = { on_host_data, on_host_message, on_host_writable,
		on_host_ended };
	static const struct link_talk helper = { on_data, on_message, on_writable, NULL };
	struct forward *f = must(calloc(1, sizeof(*f)));
	const struct message *message = request_op(req)->message;
	json_t *args = must(json_copy((json_t *)request_json(req)));
	json_object_del(args, "user");
	json_object_del(args, "privileged");
	f->req = req;
	f->to = to;
	f->done = done;
	f->data = data;
	STAILQ_INIT(&f->items);
	if (message->talk && !request_converse(req, &host, f, &f->err)) {
		json_decref(args);
		return finish(f);
	}
	f->id = message->talk
			? link_converse(to, message->name, args, NULL, 0, &helper, on_reply, f)
			: link_request(to, message->name, args, on_reply, f);
	request_on_cancel(req, on_cancel, f);
}
