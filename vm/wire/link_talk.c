/*
 * Conversations of the link.  The credit of the peer limits how much of a write is taken.  It is
 * divided into frames.  The conversations send one frame each in turn, and only while almost nothing
 * else is waiting to be written, so a request is never queued after much data.  Everything that a
 * side sends in a conversation, including its reply or cancellation, arrives in order.
 */
#include "base/cleanup.h"
#include "vm/wire/link_impl.h"

#include <string.h>

#define LITTLE FRAME_CHUNK            /* bytes that may be pending when a frame is added */
#define CREDIT_STEP (LINK_WINDOW / 4) /* minimum bytes of one credit frame */
#define KEEP (64u << 10)              /* an empty queue larger than this is freed */

_Static_assert(
	LINK_MESSAGE_MAX == FRAME_CHUNK, "a message of a conversation must fit into one frame");

bool link_talk_begin(struct link *link, struct open_request *request,
	const struct link_talk *handlers, void *data, struct err *err)
{
	if (link->n_talks >= LINK_CONVERSATIONS_MAX) {
		return err_set(err, ERR_LIMIT,
			"%d commands and viewers are open in this sandbox; wait until some end",
			LINK_CONVERSATIONS_MAX);
	}
	struct talk *talk = request->talk = must(calloc(1, sizeof(*talk)));
	talk->request = request;
	talk->handlers = *handlers;
	talk->data = data;
	talk->last = SIZE_MAX;
	talk->credit = talk->window = LINK_WINDOW;
	TAILQ_INSERT_TAIL(&link->talks, talk, entry);
	link->n_talks++;
	return true;
}

void link_talk_free(struct link *link, struct talk *talk)
{
	TAILQ_REMOVE(&link->talks, talk, entry);
	link->n_talks--;
	buf_done(&talk->out);
	free(talk);
}

bool link_accept(struct link *link, uint32_t id, const struct link_talk *handlers, void *data,
	struct err *err)
{
	struct open_request *r = link_find(link, id);
	if (!r || link->failed) {
		return err_set(err, ERR_GONE, "the link has ended");
	}
	return link_talk_begin(link, r, handlers, data, err);
}

/* NULL: it has ended, or its reply is queued. */
static struct talk *find_open(const struct link *link, uint32_t id)
{
	struct open_request *r = link_find(link, id);
	return r && !r->answered && !r->unsent && !link->failed ? r->talk : NULL;
}

/* ---- sending ---- */

static size_t cost_of(enum frame_type type, size_t len)
{
	return type == FRAME_DATA ? len - 1 : type == FRAME_MESSAGE ? len : 0;
}

static bool may_send(const struct link *link)
{
	return !link->failed && !link->frozen && link_pending(link) < LITTLE;
}

static void queue(struct talk *talk, enum frame_type type, const void *a, size_t a_len,
	const void *b, size_t b_len)
{
	uint8_t header[FRAME_HEADER];
	talk->last = type == FRAME_DATA ? talk->out.len : SIZE_MAX;
	frame_header(header, type, talk->request->id, (uint32_t)(a_len + b_len));
	buf_append(&talk->out, header, sizeof(header));
	buf_append(&talk->out, a, a_len);
	buf_append(&talk->out, b, b_len);
	talk->unsent += (uint32_t)cost_of(type, a_len + b_len);
}

void link_talk_send(struct talk *talk, enum frame_type type, const void *a, size_t a_len,
	const void *b, size_t b_len)
{
	struct link *link = talk->request->link;
	if (talk->at == talk->out.len && may_send(link)) {
		link_send2(link, type, talk->request->id, a, a_len, b, b_len);
	} else {
		queue(talk, type, a, a_len, b, b_len);
	}
}

/* Sends the first frame of its queue. */
static void send_first(struct link *link, struct talk *talk)
{
	const uint8_t *frame = talk->out.data + talk->at;
	uint32_t len = frame_get_u32(frame);
	enum frame_type type = (enum frame_type)frame[8];
	if (talk->last == talk->at) {
		talk->last = SIZE_MAX;
	}
	talk->at += FRAME_HEADER + len;
	talk->unsent -= (uint32_t)cost_of(type, len);
	link_send2(link, type, talk->request->id, frame + FRAME_HEADER, len, NULL, 0);
	if (talk->at == talk->out.len) {
		talk->at = talk->out.len = 0;
	}
	if (talk->out.len == 0 && talk->out.cap > KEEP) {
		buf_done(&talk->out);
	}
}

static struct talk *next_with_something(struct link *link)
{
	struct talk *talk;
	TAILQ_FOREACH(talk, &link->talks, entry)
	{
		if (talk->at < talk->out.len) {
			return talk;
		}
	}
	return NULL;
}

void link_talk_pump(struct link *link)
{
	struct talk *talk;
	while (may_send(link) && (talk = next_with_something(link))) {
		TAILQ_REMOVE(&link->talks, talk, entry);
		TAILQ_INSERT_TAIL(&link->talks, talk, entry);
		send_first(link, talk);
		if (talk->request->answered && talk->out.len == 0) {
			link_drop(link, talk->request);
		}
	}
}

/* Returns the number of bytes added to the last frame of the queue. */
static size_t lengthen_last(struct talk *talk, unsigned channel, const uint8_t *bytes, size_t len)
{
	uint8_t *frame = talk->last == SIZE_MAX ? NULL : talk->out.data + talk->last;
	size_t has = frame ? frame_get_u32(frame) - 1 : FRAME_CHUNK;
	if (has >= FRAME_CHUNK || frame[FRAME_HEADER] != channel) {
		return 0;
	}
	size_t n = len < FRAME_CHUNK - has ? len : FRAME_CHUNK - has;
	frame_put_u32(frame, (uint32_t)(1 + has + n));
	buf_append(&talk->out, bytes, n);
	talk->unsent += (uint32_t)n;
	return n;
}

size_t link_write(struct link *link, uint32_t id, unsigned channel, const void *bytes, size_t len)
{
	struct talk *talk = find_open(link, id);
	if (!talk || talk->ending || channel > UINT8_MAX) {
		return 0;
	}
	const uint8_t number = (uint8_t)channel, *from = bytes;
	size_t n = len < talk->credit ? len : talk->credit;
	talk->blocked |= n < len;
	talk->credit -= (uint32_t)n;
	for (size_t done = lengthen_last(talk, channel, from, n); done < n;) {
		size_t some = n - done < FRAME_CHUNK ? n - done : FRAME_CHUNK;
		link_talk_send(talk, FRAME_DATA, &number, 1, from + done, some);
		done += some;
	}
	return n;
}

bool link_send_message(
	struct link *link, uint32_t id, json_t *json, const void *tail, size_t tail_len)
{
	json_auto_t *message = json;
	struct talk *talk = find_open(link, id);
	auto_buf struct buf head = { 0 };
	size_t len = json_dumpb(message, NULL, 0, JSON_COMPACT);
	if (!talk || talk->ending || len > LINK_MESSAGE_MAX - 4 ||
		tail_len > LINK_MESSAGE_MAX - 4 - len) {
		return false;
	}
	if (4 + len + tail_len > talk->credit) {
		talk->blocked = true;
		return false;
	}
	buf_reserve(&head, 4 + len);
	frame_put_u32(head.data, (uint32_t)len);
	json_dumpb(message, (char *)head.data + 4, len, JSON_COMPACT);
	talk->credit -= (uint32_t)(4 + len + tail_len);
	link_talk_send(talk, FRAME_MESSAGE, head.data, 4 + len, tail, tail_len);
	return true;
}

void link_end(struct link *link, uint32_t id)
{
	struct talk *talk = find_open(link, id);
	if (talk && !talk->ending) {
		talk->ending = true;
		link_talk_send(talk, FRAME_END, NULL, 0, NULL, 0);
	}
}

static void give_credit(struct link *link, struct talk *talk)
{
	uint8_t bytes[4];
	frame_put_u32(bytes, talk->to_credit);
	talk->window += talk->to_credit;
	talk->to_credit = 0;
	link_send2(link, FRAME_CREDIT, talk->request->id, bytes, sizeof(bytes), NULL, 0);
}

void link_consumed(struct link *link, uint32_t id, size_t len)
{
	struct talk *talk = find_open(link, id);
	if (!talk) {
		return;
	}
	uint32_t n = len < talk->unread ? (uint32_t)len : talk->unread;
	talk->unread -= n;
	talk->to_credit += n;
	if (!talk->end_received && talk->to_credit >= CREDIT_STEP) {
		give_credit(link, talk);
	}
}

/* ---- receiving: each handler may end the conversation and the link ---- */

static bool take_credit(struct talk *talk, const struct frame *frame, size_t cost, struct err *err)
{
	if (talk->end_received) {
		return err_set(
			err, ERR_HOST, "conversation %u continues after its end", frame->stream);
	}
	if (cost > talk->window) {
		return err_set(err, ERR_HOST, "conversation %u sent %zu bytes with a credit of %u",
			frame->stream, cost, talk->window);
	}
	talk->window -= (uint32_t)cost;
	talk->unread += (uint32_t)cost;
	return true;
}

static bool on_data(
	struct link *link, struct talk *talk, const struct frame *frame, struct err *err)
{
	size_t len = frame->len - 1;
	if (!take_credit(talk, frame, len, err)) {
		return false;
	}
	if (talk->handlers.data) {
		talk->handlers.data(link, frame->stream, frame->payload[0], frame->payload + 1, len,
			talk->data);
	} else {
		link_consumed(link, frame->stream, len);
	}
	return true;
}

static bool on_message(struct link *link, struct talk *talk, const struct frame *frame,
	const struct link_msg *msg, struct err *err)
{
	if (!take_credit(talk, frame, frame->len, err)) {
		return false;
	}
	if (talk->handlers.message) {
		talk->handlers.message(link, frame->stream, msg, frame->len, talk->data);
	} else {
		link_consumed(link, frame->stream, frame->len);
	}
	return true;
}

static bool on_credit(
	struct link *link, struct talk *talk, const struct frame *frame, struct err *err)
{
	uint32_t n = frame_get_u32(frame->payload);
	if (n > LINK_WINDOW - talk->credit - talk->unsent) {
		return err_set(err, ERR_HOST,
			"conversation %u returned %u bytes of credit, more than it had received",
			frame->stream, n);
	}
	talk->credit += n;
	if (talk->blocked && n > 0) {
		talk->blocked = false;
		if (talk->handlers.writable) {
			talk->handlers.writable(link, frame->stream, talk->data);
		}
	}
	return true;
}

static bool on_end(struct link *link, struct talk *talk, const struct frame *frame, struct err *err)
{
	if (talk->end_received) {
		return err_set(err, ERR_HOST, "conversation %u ended twice", frame->stream);
	}
	talk->end_received = true;
	if (talk->handlers.ended) {
		talk->handlers.ended(link, frame->stream, talk->data);
	}
	return true;
}

/* Frames that the host sent before it received the reply are ignored.  An agent sends none after its
 * reply. */
static bool is_late(const struct link *link, uint32_t id)
{
	return link->handlers.request && (int32_t)(id - link->last_id) <= 0;
}

bool link_talk_receive(
	struct link *link, const struct frame *frame, const struct link_msg *msg, struct err *err)
{
	struct open_request *r = link_find(link, frame->stream);
	if (!r && is_late(link, frame->stream)) {
		return true;
	}
	if (!r || !r->talk) {
		return err_set(err, ERR_HOST, "there is no open conversation %u", frame->stream);
	}
	switch (frame->type) {
	case FRAME_DATA:
		return on_data(link, r->talk, frame, err);
	case FRAME_CREDIT:
		return on_credit(link, r->talk, frame, err);
	case FRAME_END:
		return on_end(link, r->talk, frame, err);
	default:
		return on_message(link, r->talk, frame, msg, err);
	}
}
