/*
 * One end of the link: its lifetime, and what it receives.  Everything that ends a link goes through
 * link_fail(), which reports from the loop, so no caller is re-entered.  Callbacks may call any
 * function, including link_free(): the struct then remains until the last of them has returned.
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
#define PORT_READ 4096  /* a virtio port returns at most a page; more may wait */
#define KEEP (1u << 20) /* an empty input buffer larger than this is freed */
#define LAST_READS 128  /* reads of data that was sent before the peer disconnected */

static void destroy(struct link *link)
{
	buf_done(&link->in);
	buf_done(&link->held);
	free(link);
}

void link_leave(struct link *link)
{
	if (--link->busy == 0 && link->freed) {
		destroy(link);
	}
}

/* ---- the end ---- */

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
	link_void_requests(link, &why);
	if (!link->freed && link->handlers.closed) {
		link->handlers.closed(link, &link->why, link->data);
	}
	link_leave(link);
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
	link_void_requests(link, &link_gone);
	link_leave(link);
}

/* ---- freeze, and a new peer ---- */

size_t link_pending(const struct link *link)
{
	return (link->outq ? outq_pending(link->outq) : 0) + link->held.len;
}

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
	link_talk_pump(link);
}

void link_hold(struct link *link, bool on)
{
	link->holding = on;
	if (!on) {
		send_held(link);
		link_talk_pump(link);
	}
}

static struct outq *new_outq(struct link *link);

static void reset(struct link *link)
{
	outq_free(link->outq);
	link->outq = new_outq(link);
	buf_done(&link->held);
	link->frozen = false;
	link_void_requests(link, &link_gone);
}

/* ---- receiving ---- */

static bool on_request(struct link *link, uint32_t id, const struct link_msg *msg, struct err *err)
{
	const json_t *args = json_object_get(msg->json, "args");
	const char *op = json_string_value(json_object_get(msg->json, "op"));
	const char *resets_on = link->handlers.resets_on;
	if (!link->handlers.request) {
		return err_set(err, ERR_HOST, "this end does not accept requests");
	}
	if (!op || !json_is_object(args)) {
		return err_set(err, ERR_HOST,
			"request %u must have an 'op' string and an 'args' object", id);
	}
	if (resets_on && strcmp(op, resets_on) == 0) {
		reset(link);
	}
	struct open_request *open = link_find(link, id);
	if (open) {
		return err_set(err, ERR_HOST, "request %u is already open", id);
	}
	if (link->n_requests >= LINK_REQUESTS_MAX) {
		return err_set(
			err, ERR_LIMIT, "at most %d requests can be open", LINK_REQUESTS_MAX);
	}
	link_add(link, id);
	link->last_id = id;
	link->handlers.request(link, id, msg, link->data);
	return true;
}

static bool on_reply(struct link *link, uint32_t id, const struct link_msg *msg, struct err *err)
{
	struct open_request *r = link->handlers.request ? NULL : link_find(link, id);
	if (!r || r->unsent) {
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
		link_answer(link, r, NULL, &theirs);
		return true;
	}
	link_answer(link, r, &(struct link_msg){ result, msg->tail, msg->tail_len }, NULL);
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
	struct open_request *r = link_find(link, id);
	if (!link->handlers.cancel) {
		return err_set(err, ERR_HOST, "this end does not accept requests");
	}
	if (r && !r->cancelled && !r->answered) { /* otherwise the reply is on its way */
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
	case FRAME_MESSAGE:
		return link_talk_receive(link, frame, &msg, err);
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
	case FRAME_MESSAGE:
		return on_message(link, frame, err);
	case FRAME_CANCEL:
		return on_cancel(link, frame->stream, err);
	default:
		return link_talk_receive(link, frame, NULL, err);
	}
}

/* Processes all complete frames. */
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

/* True if something was read and processed, and more may be available.  *ret_len: bytes read. */
static bool read_some(struct link *link, size_t *ret_len)
{
	struct err why;
	buf_reserve(&link->in, READ_STEP);
	ssize_t n = read(link->fd, link->in.data + link->in.len, READ_STEP);
	*ret_len = n > 0 ? (size_t)n : 0;
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
	size_t n, total = 0;
	bool more;
	link->busy++;
	do {
		more = read_some(link, &n);
		total += n;
	} while (more && n == PORT_READ && total < READ_STEP);
	link_leave(link);
	return 0;
}

static void on_unwritable(const struct err *broken, void *data)
{
	struct link *link = data;
	struct err why = *broken; /* reading may free the queue */
	link->busy++;
	/* The peer's last messages are processed before its end is reported. */
	size_t n;
	for (int i = 0; i < LAST_READS && !link->failed && read_some(link, &n); i++) {
	}
	link_fail(link, &why);
	link_leave(link);
}

static void on_drained(void *data)
{
	link_talk_pump(data);
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
	LIST_INIT(&link->requests);
	TAILQ_INIT(&link->talks);
	link->outq = new_outq(link);
	link->readable = loop_add_io(event, fd, EPOLLIN, on_readable, link);
	return link;
}
