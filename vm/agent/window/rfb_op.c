/*
 * Joins a conversation with the X server's VNC socket, or with one window (rfb_window_op.c).
 * Bytes go both ways as far as there is room and no further: while the host takes nothing, the
 * socket is not read, and Xvnc, which never waits for a client, sends that viewer fewer frames. The
 * request is answered when it is over.  A host that closes it has written before what must still
 * arrive (keys that were let go of), so the socket is closed once that was written.
 */
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/outq.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/core/op.h"
#include "vm/agent/window/rfb_window_op.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#define HELD (32u << 10) /* bytes: a chunk of the link */
#define LEAVING_MS 1000  /* for the X server to take what a viewer wrote before it left */

struct rfb {
	struct request *req;
	int fd;
	sd_event_source *readable;
	struct outq *to_x;
	size_t owed;             /* bytes for the X server whose credit the host has not got back */
	bool leaving, cancelled; /* the host sends no more: over once all is written */
	sd_event_source *limit;  /* of that */
	size_t from, to;
	uint8_t held[HELD]; /* of the X server's, read but not taken */
};

static void rfb_free(struct rfb *r)
{
	loop_drop(&r->readable);
	loop_drop(&r->limit);
	outq_free(r->to_x);
	if (r->fd >= 0) {
		close(r->fd);
	}
	free(r);
}

static void finish(struct rfb *r)
{
	struct request *req = r->req;
	bool cancelled = r->cancelled;
	rfb_free(r);
	if (cancelled) {
		struct err err;
		err_set(&err, ERR_CANCELLED, "the viewer's connection was closed");
		return request_fail(req, &err);
	}
	request_reply(req, NULL, NULL, 0);
}

/* ---- from the X server ---- */

/* True when nothing read is left over. */
static bool hand_on(struct rfb *r)
{
	if (r->from < r->to) {
		r->from += request_write(r->req, 0, r->held + r->from, r->to - r->from);
	}
	return r->from == r->to;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct rfb *r = data;
	(void)source;
	(void)events;
	ssize_t n = read(fd, r->held, sizeof(r->held));
	if (n > 0) {
		r->from = 0;
		r->to = (size_t)n;
		loop_enable(r->readable, hand_on(r));
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		finish(r);
	}
	return 0;
}

static void on_writable(void *data)
{
	struct rfb *r = data;
	loop_enable(r->readable, hand_on(r));
}

/* ---- to the X server ---- */

static void give_back(struct rfb *r)
{
	request_consumed(r->req, r->owed);
	r->owed = 0;
	if (r->leaving) {
		finish(r);
	}
}

static void on_drained(void *data)
{
	give_back(data);
}

static void on_x_gone(const struct err *why, void *data)
{
	(void)why;
	finish(data);
}

static void on_data(unsigned channel, const void *bytes, size_t len, void *data)
{
	struct rfb *r = data;
	(void)channel;
	r->owed += len;
	outq_push(r->to_x, bytes, len);
	if (outq_pending(r->to_x) == 0) {
		give_back(r);
	}
}

static void on_ended(void *data)
{
	struct rfb *r = data;
	r->leaving = true;
	if (outq_pending(r->to_x) == 0) {
		finish(r);
	}
}

static int on_limit(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source, (void)usec;
	finish(data);
	return 0;
}

static void on_cancel(void *data)
{
	struct rfb *r = data;
	r->cancelled = true;
	loop_enable(r->readable, false);
	r->limit = loop_after_ms(request_agent(r->req)->event, LEAVING_MS, on_limit, r);
	on_ended(r);
}

static const struct request_talk talk = {
	.data = on_data,
	.writable = on_writable,
	.ended = on_ended,
};

/* ---- the beginning ---- */

static int connect_to(const char *path, struct err *err)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(to.sun_path)) {
		err_set(err, ERR_HOST, "the path of the desktop's VNC socket is too long");
		return -1;
	}
	memcpy(to.sun_path, path, strlen(path) + 1);
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const void *)&to, sizeof(to)) < 0) {
		err_errno(err, "cannot connect to the desktop's VNC server");
		err->kind = ERR_STATE; /* it is being restarted, or busy */
		return -1;
	}
	return take_fd(&fd);
}

static bool start(struct rfb *r, struct err *err)
{
	struct agent *agent = request_agent(r->req);
	r->fd = request_converse(r->req, &talk, r, err) ? connect_to(agent->rfb_path, err) : -1;
	if (r->fd < 0) {
		return false;
	}
	r->to_x = outq_new(agent->event, r->fd, on_x_gone, on_drained, r);
	r->readable = loop_add_io(agent->event, r->fd, EPOLLIN, on_readable, r);
	return true;
}

static void join_screen(struct request *req)
{
	struct rfb *r = must(calloc(1, sizeof(*r)));
	struct err err;
	r->req = req;
	r->fd = -1;
	if (!start(r, &err)) {
		rfb_free(r);
		return request_fail(req, &err);
	}
	request_on_cancel(req, on_cancel, r);
}

static void run(struct request *req, const void *data)
{
	const struct msg_rfb *args = data;
	if (args->window) {
		rfb_window_join(req, (uint32_t)args->window);
	} else {
		join_screen(req);
	}
}

const struct op op_rfb = {
	.message = &message_rfb,
	.run = run,
};
