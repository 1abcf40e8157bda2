/*
 * One end of the link: messages, and the link's life.  Everything that ends a link calls
 * link_fail(), which reports from the loop, so no caller is re-entered.  Callbacks may call any
 * function, including link_free(): the struct then exists until the last of them has returned.
 */
#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/plain.h"
#include "vm/wire/link_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define SOCKET_BUFFER (4 << 20) /* bytes */

#define READ_STEP (64u << 10)
#define KEEP (1u << 20)         /* an empty larger input buffer is freed */
#define PENDING_MAX (64u << 20) /* maximum unread bytes of the peer */
#define LAST_READS 128          /* reads of data sent before the peer disconnected */

static const struct err gone = { .kind = ERR_GONE, .text = "the link has ended" };

static void destroy(struct link *link)
{
	buf_done(&link->in);
	buf_done(&link->held);
	free(link);
}

static void leave(struct link *link)
{
	if (--link->busy == 0 && link->freed) {
		destroy(link);
	}
}

/* ---- open requests ---- */

static struct open_request *find(const struct request_list *list, uint32_t id)
{
	struct open_request *r;
	LIST_FOREACH(r, list, entry)
	{
		if (r->id == id) {
			return r;
		}
	}
	return NULL;
}

static struct open_request *add(struct request_list *list, size_t *count, uint32_t id)
{
	struct open_request *r = must(calloc(1, sizeof(*r)));
	r->id = id;
	LIST_INSERT_HEAD(list, r, entry);
	(*count)++;
	return r;
}

static void drop(struct open_request *r, size_t *count)
{
	LIST_REMOVE(r, entry);
	(*count)--;
	loop_drop(&r->unsent);
	free(r);
}

/* Removes our request from the list before its callback runs, which may start new ones. */
static void answer(struct link *link, struct open_request *r, const struct link_msg *msg,
	const struct err *err)
{
	link_reply_fn *reply = r->reply;
	void *data = r->data;
	drop(r, &link->n_ours);
	reply(msg, err, data);
}

static void void_requests(struct link *link, const struct err *why)
{
	struct open_request *r;
	while ((r = LIST_FIRST(&link->ours))) {
		answer(link, r, NULL, why);
	}
	while ((r = LIST_FIRST(&link->theirs))) {
		drop(r, &link->n_theirs);
	}
}

/* ---- end ---- */

static void stop_io(struct link *link)
{
	loop_drop(&link->readable);
	loop_drop(&link->report);
	outq_free(link->outq);
	link->outq = NULL;
	if (link->fd >= 0) {
		close(take_fd(&link->fd));
	}
}

static int on_report(sd_event_source *source, void *data)
{
	struct link *link = data;
	struct err why = { .kind = ERR_GONE };
	(void)source;
	link->busy++;
	stop_io(link);
	err_set(&why, ERR_GONE, "the link has ended: %s", link->why.text);
	void_requests(link, &why);
	link_stream_void_all(link, true);
	if (!link->freed && link->handlers.closed) {
		link->handlers.closed(link, &link->why, link->data);
	}
	leave(link);
	return 0;
}

void link_fail(struct link *link, const struct err *why)
{
	if (link->failed) {
		return;
	}
	link->failed = true;
	link->why = *why;
	loop_enable(link->readable, false);
	link->report = loop_defer(link->event, on_report, link);
}

void link_free(struct link *link)
{
	if (!link || link->freed) {
		return;
	}
	link->freed = link->failed = true;
	link->busy++;
	stop_io(link);
	void_requests(link, &gone);
	link_stream_void_all(link, false);
	leave(link);
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

void link_send(
	struct link *link, enum frame_type type, uint32_t stream, const void *bytes, size_t len)
{
	uint8_t header[FRAME_HEADER];
	frame_header(header, type, stream, (uint32_t)len);
	push(link, header, sizeof(header), bytes, len);
}

/* Takes json.  Fails if the message exceeds the peer's limit. */
static bool send_message(struct link *link, enum frame_type type, uint32_t number, json_t *json,
	const void *tail, size_t tail_len, struct err *err)
{
	auto_buf struct buf head = { 0 };
	size_t len = json_dumpb(json, NULL, 0, JSON_COMPACT);
	if (len > FRAME_HEADER_JSON_MAX || tail_len > FRAME_MAX - 4 - len) {
		json_decref(json);
		return err_set(err, ERR_LIMIT,
			"a message may hold %u bytes of JSON and %u in all; this one has %zu and "
			"%zu",
			FRAME_HEADER_JSON_MAX, FRAME_MAX, len, len + tail_len);
	}
	buf_reserve(&head, FRAME_HEADER + 4 + len);
	frame_header(head.data, type, number, (uint32_t)(4 + len + tail_len));
	frame_put_u32(head.data + FRAME_HEADER, (uint32_t)len);
	json_dumpb(json, (char *)head.data + FRAME_HEADER + 4, len, JSON_COMPACT);
	json_decref(json);
	push(link, head.data, FRAME_HEADER + 4 + len, tail, tail_len);
	return true;
}

static int on_unsent(sd_event_source *source, void *data)
{
	struct open_request *r = data;
	struct link *link = r->link;
	struct err why = r->why;
	(void)source;
	link->busy++;
	answer(link, r, NULL, &why);
	leave(link);
	return 0;
}

static uint32_t next_id(struct link *link)
{
	do {
		link->last_id++;
	} while (link->last_id == 0 || find(&link->ours, link->last_id));
	return link->last_id;
}

static bool send_request(struct link *link, uint32_t id, const char *op, json_t *args,
	const void *tail, size_t tail_len, struct err *err)
{
	json_t *json = json_pack("{s:s, s:o}", "op", op, "args", args ? args : json_object());
	if (link->failed) {
		json_decref(json);
		*err = gone;
		return false;
	}
	if (link->n_ours >= LINK_REQUESTS_MAX) {
		json_decref(json);
		return err_set(err, ERR_LIMIT,
			"%d requests are in flight on this link; wait until some end",
			LINK_REQUESTS_MAX);
	}
	return send_message(link, FRAME_REQUEST, id, must(json), tail, tail_len, err);
}

uint32_t link_request(
	struct link *link, const char *op, json_t *args, link_reply_fn *reply, void *data)
{
	return link_request_with(link, op, args, NULL, 0, reply, data);
}

uint32_t link_request_with(struct link *link, const char *op, json_t *args, const void *tail,
	size_t tail_len, link_reply_fn *reply, void *data)
{
	uint32_t id = next_id(link);
	struct err why;
	bool sent = send_request(link, id, op, args, tail, tail_len, &why);
	struct open_request *r = add(&link->ours, &link->n_ours, id);
	r->reply = reply;
	r->data = data;
	if (!sent) {
		r->link = link;
		r->why = why;
		r->unsent = loop_defer(link->event, on_unsent, r);
	}
	return id;
}

void link_cancel(struct link *link, uint32_t id)
{
	struct open_request *r = find(&link->ours, id);
	if (r && !r->cancelled && !r->unsent) {
		r->cancelled = true;
		link_send(link, FRAME_CANCEL, id, NULL, 0);
	}
}

void link_reply(struct link *link, uint32_t id, json_t *result, const void *tail, size_t tail_len)
{
	struct err err;
	struct open_request *r = find(&link->theirs, id);
	if (!r) {
		json_decref(result);
		return;
	}
	json_t *json = json_pack("{s:o}", "result", result ? result : json_object());
	if (!send_message(link, FRAME_REPLY, id, must(json), tail, tail_len, &err)) {
		link_reply_err(link, id, &err);
		return;
	}
	drop(r, &link->n_theirs);
}

void link_reply_err(struct link *link, uint32_t id, const struct err *why)
{
	struct err err;
	struct open_request *r = find(&link->theirs, id);
	if (r) {
		json_t *json = json_pack("{s:{s:s, s:s}}", "error", "kind",
			err_kind_word(why->kind), "text", why->text);
		send_message(link, FRAME_REPLY, id, must(json), NULL, 0, &err);
		drop(r, &link->n_theirs);
	}
}

void link_event(struct link *link, const char *name, json_t *fields)
{
	struct err err;
	json_t *json = fields ? fields : json_object();
	json_object_set_new(json, "event", json_string(name));
	if (!send_message(link, FRAME_EVENT, 0, json, NULL, 0, &err)) {
		log_warning("event %s is not sent: %s", name, err.text);
	}
}

size_t link_pending(const struct link *link)
{
	return (link->outq ? outq_pending(link->outq) : 0) + link->held.len;
}

/* ---- freeze, and a restart of the peer ---- */

static void send_held(struct link *link)
{
	if (!link->failed && link->held.len) {
		outq_push(link->outq, link->held.data, link->held.len);
	}
	buf_done(&link->held);
}

void link_freeze(struct link *link)
{
	send_held(link);
	link->frozen = true;
	link->freezes++;
}

static void thaw(struct link *link)
{
	link->frozen = false;
	send_held(link);
	link_stream_pump(link);
}

void link_hold(struct link *link, bool on)
{
	link->holding = on;
	if (!on) {
		send_held(link);
	}
}

static struct outq *new_outq(struct link *link);

static void begin_anew(struct link *link)
{
	outq_free(link->outq);
	link->outq = new_outq(link);
	buf_done(&link->held);
	link->frozen = false;
	void_requests(link, &gone);
	link_stream_void_all(link, true);
}

/* ---- receiving ---- */

static bool on_request(struct link *link, uint32_t id, const struct link_msg *msg, struct err *err)
{
	const json_t *args = json_object_get(msg->json, "args");
	const char *op = json_string_value(json_object_get(msg->json, "op"));
	const char *anew = link->handlers.begins_anew;
	if (!link->handlers.request) {
		return err_set(err, ERR_HOST, "this end does not accept requests");
	}
	if (!op || !json_is_object(args)) {
		return err_set(err, ERR_HOST,
			"request %u must have an 'op' string and an 'args' object", id);
	}
	if (anew && strcmp(op, anew) == 0) {
		begin_anew(link);
	}
	if (link->failed) {
		return true; /* freed by one of the callbacks */
	}
	if (find(&link->theirs, id)) {
		return err_set(err, ERR_HOST, "request %u is already open", id);
	}
	if (link->n_theirs >= LINK_REQUESTS_MAX) {
		return err_set(
			err, ERR_LIMIT, "at most %d requests can be open", LINK_REQUESTS_MAX);
	}
	add(&link->theirs, &link->n_theirs, id);
	link->handlers.request(link, id, msg, link->data);
	return true;
}

static bool on_reply(struct link *link, uint32_t id, const struct link_msg *msg, struct err *err)
{
	struct open_request *r = find(&link->ours, id);
	if (!r) {
		return err_set(err, ERR_HOST, "there is no open request %u to reply to", id);
	}
	const json_t *result = json_object_get(msg->json, "result");
	const json_t *error = json_object_get(msg->json, "error");
	const char *text = json_string_value(json_object_get(error, "text"));
	const char *kind = json_string_value(json_object_get(error, "kind"));
	if (!(error ? !result && text && kind : json_is_object(result))) {
		return err_set(err, ERR_HOST,
			"reply %u must have either a 'result' object or an 'error' with kind and "
			"text",
			id);
	}
	if (error) {
		struct err theirs;
		auto_buf struct buf plain = { 0 };
		plain_append(&plain, text, sizeof(theirs.text) - 1);
		err_set(&theirs, err_kind_from(kind), "%s", buf_text(&plain));
		answer(link, r, NULL, &theirs);
		return true;
	}
	answer(link, r, &(struct link_msg){ result, msg->tail, msg->tail_len }, NULL);
	return true;
}

static bool on_event(struct link *link, const struct link_msg *msg, struct err *err)
{
	if (!link->handlers.event) {
		return err_set(err, ERR_HOST, "this end does not accept events");
	}
	if (!json_is_string(json_object_get(msg->json, "event"))) {
		return err_set(err, ERR_HOST, "an event must have an 'event' string");
	}
	link->handlers.event(link, msg, link->data);
	return true;
}

static bool on_cancel(struct link *link, uint32_t id, struct err *err)
{
	struct open_request *r = find(&link->theirs, id);
	if (!link->handlers.cancel) {
		return err_set(err, ERR_HOST, "this end does not accept requests");
	}
	if (r && !r->cancelled) { /* otherwise our reply is on its way */
		r->cancelled = true;
		link->handlers.cancel(link, id, link->data);
	}
	return true;
}

static bool on_message(struct link *link, const struct frame *frame, struct err *err)
{
	json_error_t why;
	uint32_t len = frame_get_u32(frame->payload);
	if (len > FRAME_HEADER_JSON_MAX || len > frame->len - 4) {
		return err_set(err, ERR_HOST,
			"a message of %u bytes must hold at most %u of JSON; got %u", frame->len,
			FRAME_HEADER_JSON_MAX, len);
	}
	json_auto_t *json =
		json_loadb((const char *)frame->payload + 4, len, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(json)) {
		return err_set(err, ERR_HOST, "a message must begin with a JSON object: %s",
			json ? "it is another value" : why.text);
	}
	struct link_msg msg = { json, frame->payload + 4 + len, frame->len - 4 - len };
	switch (frame->type) {
	case FRAME_REQUEST:
		return on_request(link, frame->stream, &msg, err);
	case FRAME_REPLY:
		return on_reply(link, frame->stream, &msg, err);
	default:
		return on_event(link, &msg, err);
	}
}

static bool on_frame(struct link *link, const struct frame *frame, struct err *err)
{
	switch (frame->type) {
	case FRAME_REQUEST:
	case FRAME_REPLY:
	case FRAME_EVENT:
		return on_message(link, frame, err);
	case FRAME_CANCEL:
		return on_cancel(link, frame->stream, err);
	default:
		return link_stream_receive(link, frame, err);
	}
}

/* Passes on every complete frame that has arrived. */
static void take_frames(struct link *link)
{
	struct frame frame;
	struct err err;
	size_t at = 0, used = 0;
	while (!link->failed) {
		enum frame_status status =
			frame_parse(link->in.data + at, link->in.len - at, &frame, &used, &err);
		if (status == FRAME_MORE) {
			break;
		}
		unsigned freezes = link->freezes;
		if (status == FRAME_BAD || !on_frame(link, &frame, &err)) {
			err_while(&err, "the peer violated the protocol");
			link_fail(link, &err);
			return;
		}
		if (link->frozen && link->freezes == freezes) {
			thaw(link);
		}
		at += used;
	}
	buf_consume(&link->in, at);
	if (link->in.len == 0 && link->in.cap > KEEP) {
		buf_done(&link->in);
	}
}

/* True if something was read and passed on, and more may be available. */
static bool read_some(struct link *link)
{
	struct err why;
	buf_reserve(&link->in, READ_STEP);
	ssize_t n = read(link->fd, link->in.data + link->in.len, READ_STEP);
	if (n > 0) {
		link->in.len += (size_t)n;
		take_frames(link);
		return !link->failed;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return false;
	}
	if (n < 0) {
		err_errno(&why, "cannot read");
	} else {
		err_set(&why, ERR_GONE, "the peer closed it%s",
			link->in.len ? ", in the middle of a message" : "");
	}
	link_fail(link, &why);
	return false;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct link *link = data;
	(void)source;
	(void)fd;
	(void)events;
	link->busy++;
	read_some(link);
	leave(link);
	return 0;
}

static void on_unwritable(const struct err *broken, void *data)
{
	struct link *link = data;
	struct err why = *broken; /* the queue may be freed meanwhile */
	link->busy++;
	/* The peer's last messages are worth more than the report of its end. */
	for (int i = 0; i < LAST_READS && !link->failed && read_some(link); i++) {
	}
	link_fail(link, &why);
	leave(link);
}

static void on_drained(void *data)
{
	link_stream_pump(data);
}

static struct outq *new_outq(struct link *link)
{
	return outq_new(link->event, link->fd, on_unwritable, on_drained, link);
}

void link_enlarge_buffer(int fd)
{
	int size = SOCKET_BUFFER;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0) {
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	}
}

struct link *link_new(sd_event *event, int fd, const struct link_handlers *handlers, void *data)
{
	struct link *link = must(calloc(1, sizeof(*link)));
	link->event = event;
	link->fd = fd;
	link->handlers = *handlers;
	link->data = data;
	LIST_INIT(&link->ours);
	LIST_INIT(&link->theirs);
	TAILQ_INIT(&link->streams);
	link->outq = new_outq(link);
	link->readable = loop_add_io(event, fd, EPOLLIN, on_readable, link);
	return link;
}
