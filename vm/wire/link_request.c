/*
 * Open requests of one end of the link, and outgoing messages.  The reply of a conversation is queued
 * after everything that was sent in it (link_talk.c).
 */
#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/wire/link_impl.h"

#include <assert.h>
#include <string.h>

#define PENDING_MAX (64u << 20) /* bytes the peer may leave unread */

const struct err link_gone = { .kind = ERR_GONE, .text = "the link has ended" };

/* ---- open requests ---- */

struct open_request *link_find(const struct link *link, uint32_t id)
{
	struct open_request *r;
	LIST_FOREACH(r, &link->requests, entry)
	{
		if (r->id == id) {
			return r;
		}
	}
	return NULL;
}

struct open_request *link_add(struct link *link, uint32_t id)
{
	struct open_request *r = must(calloc(1, sizeof(*r)));
	r->link = link;
	r->id = id;
	LIST_INSERT_HEAD(&link->requests, r, entry);
	link->n_requests++;
	return r;
}

void link_drop(struct link *link, struct open_request *r)
{
	LIST_REMOVE(r, entry);
	link->n_requests--;
	if (r->talk) {
		link_talk_free(link, r->talk);
	}
	loop_drop(&r->unsent);
	free(r);
}

void link_answer(struct link *link, struct open_request *r, const struct link_msg *msg,
	const struct err *err)
{
	link_reply_fn *reply = r->reply;
	void *data = r->data;
	link_drop(link, r);
	reply(msg, err, data);
}

void link_void_requests(struct link *link, const struct err *why)
{
	struct open_request *r;
	while ((r = LIST_FIRST(&link->requests))) {
		if (r->reply) {
			link_answer(link, r, NULL, why);
		} else {
			link_drop(link, r);
		}
	}
}

/* ---- sending ---- */

static void push(struct link *link, const void *a, size_t a_len, const void *b, size_t b_len)
{
	struct err why;
	if (link->failed) {
		return;
	}
	if (link->frozen || link->holding) {
		buf_append(&link->held, a, a_len);
		buf_append(&link->held, b, b_len);
	} else {
		outq_push2(link->outq, a, a_len, b, b_len);
	}
	if (link_pending(link) > PENDING_MAX) {
		err_set(&why, ERR_LIMIT, "the peer has %zu unread bytes", link_pending(link));
		link_fail(link, &why);
	}
}

void link_send2(struct link *link, enum frame_type type, uint32_t number, const void *a,
	size_t a_len, const void *b, size_t b_len)
{
	uint8_t header[FRAME_HEADER + 4];
	frame_header(header, type, number, (uint32_t)(a_len + b_len));
	if (a_len <= 4) {
		memcpy(header + FRAME_HEADER, a_len ? a : "", a_len);
		push(link, header, FRAME_HEADER + a_len, b, b_len);
	} else {
		push(link, header, FRAME_HEADER, a, a_len);
		if (b_len) {
			push(link, b, b_len, NULL, 0);
		}
	}
}

/* Takes json.  Fails if the message is larger than the peer accepts.  talk, or NULL: the message is
 * queued after the data of this conversation. */
static bool send_message(struct link *link, enum frame_type type, uint32_t number, json_t *json,
	const void *tail, size_t tail_len, struct talk *talk, struct err *err)
{
	auto_buf struct buf head = { 0 };
	size_t len = json_dumpb(json, NULL, 0, JSON_COMPACT);
	if (len > FRAME_HEADER_JSON_MAX || tail_len > FRAME_MAX - 4 - len) {
		json_decref(json);
		return err_set(err, ERR_LIMIT,
			"a message may have %u bytes of JSON and %u in total; this one has %zu "
			"and %zu",
			FRAME_HEADER_JSON_MAX, FRAME_MAX, len, len + tail_len);
	}
	buf_reserve(&head, FRAME_HEADER + 4 + len);
	frame_header(head.data, type, number, (uint32_t)(4 + len + tail_len));
	frame_put_u32(head.data + FRAME_HEADER, (uint32_t)len);
	json_dumpb(json, (char *)head.data + FRAME_HEADER + 4, len, JSON_COMPACT);
	json_decref(json);
	if (talk) {
		link_talk_send(talk, type, head.data + FRAME_HEADER, 4 + len, tail, tail_len);
	} else {
		push(link, head.data, FRAME_HEADER + 4 + len, tail, tail_len);
	}
	return true;
}

static int on_unsent(sd_event_source *source, void *data)
{
	struct open_request *r = data;
	struct link *link = r->link;
	struct err why = r->why;
	(void)source;
	link->busy++;
	link_answer(link, r, NULL, &why);
	link_leave(link);
	return 0;
}

static uint32_t next_id(struct link *link)
{
	do {
		link->last_id++;
	} while (link->last_id == 0 || link_find(link, link->last_id));
	return link->last_id;
}

static bool send_request(struct link *link, uint32_t id, const char *op, json_t *args,
	const void *tail, size_t tail_len, struct err *err)
{
	json_t *json = json_pack("{s:s, s:o}", "op", op, "args", args ? args : json_object());
	if (link->failed) {
		json_decref(json);
		*err = link_gone;
		return false;
	}
	if (link->n_requests > LINK_REQUESTS_MAX) {
		json_decref(json);
		return err_set(err, ERR_LIMIT,
			"%d requests are in flight on this link; wait until some end",
			LINK_REQUESTS_MAX);
	}
	return send_message(link, FRAME_REQUEST, id, must(json), tail, tail_len, NULL, err);
}

uint32_t link_request(
	struct link *link, const char *op, json_t *args, link_reply_fn *reply, void *data)
{
	return link_request_with(link, op, args, NULL, 0, reply, data);
}

uint32_t link_request_with(struct link *link, const char *op, json_t *args, const void *tail,
	size_t tail_len, link_reply_fn *reply, void *data)
{
	return link_converse(link, op, args, tail, tail_len, NULL, reply, data);
}

uint32_t link_converse(struct link *link, const char *op, json_t *args, const void *tail,
	size_t tail_len, const struct link_talk *talk, link_reply_fn *reply, void *data)
{
	assert(!link->handlers.request);
	struct open_request *r = link_add(link, next_id(link));
	r->reply = reply;
	r->data = data;
	if (talk && !link_talk_begin(link, r, talk, data, &r->why)) {
		json_decref(args);
		r->unsent = loop_defer(link->event, on_unsent, r);
	} else if (!send_request(link, r->id, op, args, tail, tail_len, &r->why)) {
		r->unsent = loop_defer(link->event, on_unsent, r);
	}
	return r->id;
}

void link_cancel(struct link *link, uint32_t id)
{
	struct open_request *r = link_find(link, id);
	if (!r || r->cancelled || r->unsent) {
		return;
	}
	r->cancelled = true;
	if (r->talk) {
		link_talk_send(r->talk, FRAME_CANCEL, NULL, 0, NULL, 0);
	} else {
		link_send2(link, FRAME_CANCEL, id, NULL, 0, NULL, 0);
	}
}

/* No handler is called afterwards; data queued before the reply is still sent. */
static void close_request(struct link *link, struct open_request *r)
{
	struct talk *talk = r->talk;
	if (talk && talk->at < talk->out.len && !link->failed) {
		r->answered = true;
		talk->handlers = (struct link_talk){ 0 };
	} else {
		link_drop(link, r);
	}
}

static struct open_request *find_unanswered(const struct link *link, uint32_t id)
{
	struct open_request *r = link->handlers.request ? link_find(link, id) : NULL;
	return r && !r->answered ? r : NULL;
}

void link_reply(struct link *link, uint32_t id, json_t *result, const void *tail, size_t tail_len)
{
	struct err err;
	struct open_request *r = find_unanswered(link, id);
	if (!r) {
		json_decref(result);
		return;
	}
	json_t *json = json_pack("{s:o}", "result", result ? result : json_object());
	if (!send_message(link, FRAME_REPLY, id, must(json), tail, tail_len, r->talk, &err)) {
		link_reply_err(link, id, &err);
		return;
	}
	close_request(link, r);
}

void link_reply_err(struct link *link, uint32_t id, const struct err *why)
{
	struct err err;
	struct open_request *r = find_unanswered(link, id);
	if (r) {
		json_t *json = json_pack("{s:{s:s, s:s}}", "error", "kind",
			err_kind_word(why->kind), "text", why->text);
		send_message(link, FRAME_REPLY, id, must(json), NULL, 0, r->talk, &err);
		close_request(link, r);
	}
}

void link_event(struct link *link, const char *name, json_t *fields)
{
	struct err err;
	json_t *json = fields ? fields : json_object();
	json_object_set_new(json, "event", json_string(name));
	if (!send_message(link, FRAME_EVENT, 0, json, NULL, 0, NULL, &err)) {
		log_warning("event %s is not sent: %s", name, err.text);
	}
}
