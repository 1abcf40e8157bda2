/*
 * Streams of the link.  A write is accepted as far as the peer has room (its credit) and sent in
 * chunks, one stream after the other, and only while little data waits to be written, so that a
 * message is never far from the front.
 */
#include "base/cleanup.h"
#include "vm/wire/link_impl.h"

#define LITTLE FRAME_CHUNK            /* waiting bytes that still permit a chunk */
#define CREDIT_STEP (LINK_WINDOW / 4) /* credit is given in steps of at least this */

static struct link_stream *find(struct link *link, uint32_t number)
{
	struct link_stream *s;
	TAILQ_FOREACH(s, &link->streams, entry)
	{
		if (s->number == number) {
			return s;
		}
	}
	return NULL;
}

static struct link_stream *add(
	struct link *link, uint32_t number, const struct link_stream_handlers *handlers, void *data)
{
	struct link_stream *s = must(calloc(1, sizeof(*s)));
	s->link = link;
	s->number = number;
	s->handlers = *handlers;
	s->data = data;
	s->credit = s->window = LINK_WINDOW;
	TAILQ_INSERT_TAIL(&link->streams, s, entry);
	link->n_streams++;
	return s;
}

static void detach(struct link_stream *s)
{
	TAILQ_REMOVE(&s->link->streams, s, entry);
	s->link->n_streams--;
	s->link = NULL;
}

static void destroy(struct link_stream *s)
{
	buf_done(&s->out);
	free(s);
}

struct link_stream *link_stream_open(
	struct link *link, const struct link_stream_handlers *handlers, void *data)
{
	if (link->failed || link->n_streams >= LINK_STREAMS_MAX) {
		return NULL;
	}
	uint32_t number = link->last_stream;
	do {
		number++;
	} while (number == 0 || find(link, number));
	link->last_stream = number;
	return add(link, number, handlers, data);
}

struct link_stream *link_stream_accept(struct link *link, uint32_t number,
	const struct link_stream_handlers *handlers, void *data, struct err *err)
{
	if (link->failed) {
		err_set(err, ERR_GONE, "the link has ended");
		return NULL;
	}
	if (link->n_streams >= LINK_STREAMS_MAX) {
		err_set(err, ERR_LIMIT, "at most %d streams may be open", LINK_STREAMS_MAX);
		return NULL;
	}
	if (number == 0 || find(link, number)) {
		err_set(err, ERR_ARGUMENT, "a stream must have a number that is not in use; got %u",
			number);
		return NULL;
	}
	return add(link, number, handlers, data);
}

uint32_t link_stream_number(const struct link_stream *s)
{
	return s->number;
}

/* ---- sending ---- */

static bool has_something(const struct link_stream *s)
{
	return s->out.len || (s->ending && !s->end_sent);
}

/* One chunk, or the end after the last one. */
static void send_some(struct link_stream *s)
{
	size_t n = s->out.len < FRAME_CHUNK ? s->out.len : FRAME_CHUNK;
	if (n) {
		link_send(s->link, FRAME_DATA, s->number, s->out.data, n);
		buf_consume(&s->out, n);
	}
	if (s->ending && s->out.len == 0) {
		link_send(s->link, FRAME_END, s->number, NULL, 0);
		s->end_sent = true;
	}
}

/* Frees a released stream once its last byte is sent. */
static void finish_given_up(struct link_stream *s)
{
	if (!s->end_sent || !s->end_received) {
		link_send(s->link, FRAME_RESET, s->number, NULL, 0);
	}
	detach(s);
	destroy(s);
}

static struct link_stream *next_with_something(struct link *link)
{
	struct link_stream *s;
	TAILQ_FOREACH(s, &link->streams, entry)
	{
		if (has_something(s)) {
			return s;
		}
	}
	return NULL;
}

void link_stream_pump(struct link *link)
{
	struct link_stream *s;
	while (!link->failed && !link->frozen && link_pending(link) < LITTLE &&
		(s = next_with_something(link))) {
		TAILQ_REMOVE(&link->streams, s, entry);
		TAILQ_INSERT_TAIL(&link->streams, s, entry);
		send_some(s);
		if (s->given_up && s->end_sent) {
			finish_given_up(s);
		}
	}
}

size_t link_stream_write(struct link_stream *s, const void *bytes, size_t len)
{
	if (!s->link || s->ending) {
		return 0;
	}
	size_t n = len < s->credit ? len : s->credit;
	s->blocked = n < len;
	s->credit -= (uint32_t)n;
	buf_append(&s->out, bytes, n);
	link_stream_pump(s->link);
	return n;
}

void link_stream_end(struct link_stream *s)
{
	if (s->link && !s->ending) {
		s->ending = true;
		link_stream_pump(s->link);
	}
}

static void give_credit(struct link_stream *s)
{
	uint8_t bytes[4];
	frame_put_u32(bytes, s->to_credit);
	s->window += s->to_credit;
	s->to_credit = 0;
	link_send(s->link, FRAME_CREDIT, s->number, bytes, sizeof(bytes));
}

void link_stream_consumed(struct link_stream *s, size_t len)
{
	uint32_t n = len < s->unread ? (uint32_t)len : s->unread;
	s->unread -= n;
	s->to_credit += n;
	if (s->link && !s->end_received && s->to_credit >= CREDIT_STEP) {
		give_credit(s);
	}
}

void link_stream_free(struct link_stream *s)
{
	if (!s || !s->link) {
		return;
	}
	s->handlers = (struct link_stream_handlers){ 0 };
	s->given_up = true;
	if (s->ending && !s->end_sent && !s->link->failed) {
		return; /* the pump finishes it */
	}
	finish_given_up(s);
}

/* ---- receiving ---- */

static bool on_data(struct link_stream *s, const struct frame *frame, struct err *err)
{
	if (s->end_received) {
		return err_set(err, ERR_HOST, "stream %u sends data after its end", s->number);
	}
	if (frame->len > s->window) {
		return err_set(err, ERR_HOST, "stream %u sends %u bytes with credit for %u",
			s->number, frame->len, s->window);
	}
	s->window -= frame->len;
	s->unread += frame->len;
	if (s->handlers.data) {
		s->handlers.data(s, frame->payload, frame->len, s->data); /* may free s */
	} else {
		link_stream_consumed(s, frame->len);
	}
	return true;
}

static bool on_credit(struct link_stream *s, const struct frame *frame, struct err *err)
{
	uint32_t n = frame_get_u32(frame->payload);
	if (n > LINK_WINDOW - s->credit - s->out.len) {
		return err_set(err, ERR_HOST,
			"stream %u gives back %u bytes of credit, more than it took", s->number, n);
	}
	s->credit += n;
	if (s->blocked && n > 0 && s->handlers.writable) {
		s->blocked = false;
		s->handlers.writable(s, s->data); /* may free s */
	}
	return true;
}

static bool on_end(struct link_stream *s, struct err *err)
{
	if (s->end_received) {
		return err_set(err, ERR_HOST, "stream %u ends twice", s->number);
	}
	s->end_received = true;
	if (s->handlers.ended) {
		s->handlers.ended(s, s->data); /* may free s */
	}
	return true;
}

static void reset(struct link_stream *s)
{
	detach(s);
	if (s->handlers.reset) {
		s->handlers.reset(s, s->data);
	}
	destroy(s);
}

bool link_stream_receive(struct link *link, const struct frame *frame, struct err *err)
{
	struct link_stream *s = find(link, frame->stream);
	if (!s) {
		/* A released one, or one of a refused request: its data was in transit. */
		bool known = link->last_stream == 0 || frame->stream <= link->last_stream;
		return known || err_set(err, ERR_HOST, "stream %u was never opened", frame->stream);
	}
	switch (frame->type) {
	case FRAME_DATA:
		return on_data(s, frame, err);
	case FRAME_CREDIT:
		return on_credit(s, frame, err);
	case FRAME_END:
		return on_end(s, err);
	default:
		reset(s);
		return true;
	}
}

void link_stream_void_all(struct link *link, bool tell)
{
	struct link_stream *s;
	while ((s = TAILQ_FIRST(&link->streams))) {
		if (tell) {
			reset(s);
		} else {
			detach(s);
			destroy(s);
		}
	}
}
