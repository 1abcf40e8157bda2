/*
 * Connections into a sandbox: a stream of the link, and the request that the agent answers when the
 * connection is over.  Whatever ends the link ends that request too, so a pipe hears of every end
 * without being known to the sandbox.  What the agent owes has a deadline: the first bytes, because
 * a VNC server speaks first, and the answer once the stream is over.
 */
#include "vm/guest/call.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/wire/messages.h"

_Static_assert(GUEST_PIPE_WINDOW == LINK_WINDOW, "a pipe is a stream of the link");

struct guest_pipe {
	struct guest *guest; /* valid while the request is open */
	struct link_stream *stream;
	bool asked; /* the agent owes its answer */
	uint32_t link_id;
	sd_event_source *deadline;
	bool late; /* and the request was taken back */
	bool over; /* ended() was called, or the owner has closed it */
	sd_event_source *refused;
	struct err why;
	struct guest_pipe_handlers handlers;
	void *data;
};

static void free_when_over(struct guest_pipe *pipe)
{
	if (pipe->over && !pipe->asked) {
		loop_drop(&pipe->refused);
		loop_drop(&pipe->deadline);
		free(pipe);
	}
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *data);

static void set_deadline(struct guest_pipe *pipe, uint64_t ms)
{
	loop_drop(&pipe->deadline);
	pipe->deadline = loop_after_ms(pipe->guest->event, ms, on_deadline, pipe);
}

/* What was written before is still sent. */
static void drop_stream(struct guest_pipe *pipe)
{
	struct link_stream *stream = take_ptr(&pipe->stream);
	if (stream) {
		link_stream_end(stream);
		link_stream_free(stream);
	}
	if (pipe->asked && !pipe->deadline) {
		set_deadline(pipe, pipe->guest->grace_ms);
	}
}

/* May free it. */
static void tell_end(struct guest_pipe *pipe, const struct err *err)
{
	drop_stream(pipe);
	if (!pipe->over) {
		pipe->over = true;
		pipe->handlers.ended(pipe, err, pipe->data);
	}
	free_when_over(pipe);
}

/* ---- the deadline ---- */

static int on_deadline(sd_event_source *source, uint64_t usec, void *data)
{
	struct guest_pipe *pipe = data;
	struct guest *guest = pipe->guest;
	struct err why;
	(void)source, (void)usec;
	err_set(&why, ERR_TIMEOUT,
		"the sandbox's agent did not open or close the viewer's connection within %llu s; "
		"connect again",
		(unsigned long long)(guest->grace_ms + 999) / 1000);
	if (!guest_must_answer(guest)) {
		set_deadline(pipe, guest->grace_ms);
	} else if (pipe->late) {
		loop_drop(&pipe->deadline);
		err_while(&why, "its agent does not respond to cancellation");
		why.kind = ERR_GONE;
		guest->handlers->hangs(guest->data, &why);
	} else {
		pipe->late = true;
		link_cancel(guest->link, pipe->link_id);
		set_deadline(pipe, guest->guard_ms);
		tell_end(pipe, &why);
	}
	return 0;
}

/* ---- the stream ---- */

static void on_data(struct link_stream *stream, const void *bytes, size_t len, void *data)
{
	struct guest_pipe *pipe = data;
	(void)stream;
	loop_drop(&pipe->deadline);
	pipe->handlers.data(pipe, bytes, len, pipe->data);
}

static void on_writable(struct link_stream *stream, void *data)
{
	struct guest_pipe *pipe = data;
	(void)stream;
	pipe->handlers.writable(pipe, pipe->data);
}

/* The answer, which is there first or comes next, says why. */
static void on_ended(struct link_stream *stream, void *data)
{
	struct guest_pipe *pipe = data;
	(void)stream;
	drop_stream(pipe);
	if (!pipe->asked) {
		tell_end(pipe, NULL);
	}
}

/* The agent refused, or the link has ended. */
static void on_reset(struct link_stream *stream, void *data)
{
	struct guest_pipe *pipe = data;
	pipe->stream = NULL;
	on_ended(stream, data);
}

static const struct link_stream_handlers handlers = {
	.data = on_data,
	.writable = on_writable,
	.ended = on_ended,
	.reset = on_reset,
};

/* ---- the request ---- */

/* A message overtakes what is left of the stream, which then tells the end, unless all went wrong.
 */
static void on_reply(const struct link_msg *msg, const struct err *err, void *data)
{
	struct guest_pipe *pipe = data;
	struct err why;
	(void)msg;
	pipe->asked = false;
	loop_drop(&pipe->deadline);
	if (err && err->kind == ERR_GONE) {
		err_set(&why, ERR_GONE, "sandbox %s is no longer running", pipe->guest->name);
		tell_end(pipe, &why);
	} else if (err) {
		tell_end(pipe, err);
	} else if (!pipe->stream) {
		tell_end(pipe, NULL);
	}
}

static int on_refused(sd_event_source *source, void *data)
{
	struct guest_pipe *pipe = data;
	struct err why = pipe->why;
	(void)source;
	tell_end(pipe, &why);
	return 0;
}

static bool connect_to(struct guest_pipe *pipe, int64_t window, struct err *err)
{
	struct guest *guest = pipe->guest;
	struct link *link = guest->link;
	if (!guest_may_ask(guest, err)) {
		return false;
	}
	pipe->stream = link_stream_open(link, &handlers, pipe);
	if (!pipe->stream) {
		return err_set(err, ERR_LIMIT,
			"too many viewers and commands are connected to sandbox %s; close some "
			"first",
			guest->name);
	}
	pipe->asked = true;
	json_t *args = message_encode(&message_rfb.request,
		&(struct msg_rfb){ link_stream_number(pipe->stream), window });
	pipe->link_id = link_request(link, message_rfb.name, args, on_reply, pipe);
	set_deadline(pipe, guest->grace_ms);
	return true;
}

struct guest_pipe *guest_rfb(
	struct guest *guest, int64_t window, const struct guest_pipe_handlers *with, void *data)
{
	struct guest_pipe *pipe = must(calloc(1, sizeof(*pipe)));
	pipe->guest = guest;
	pipe->handlers = *with;
	pipe->data = data;
	if (!connect_to(pipe, window, &pipe->why)) {
		pipe->refused = loop_defer(guest->event, on_refused, pipe);
	}
	return pipe;
}

/* ---- its owner ---- */

size_t guest_pipe_write(struct guest_pipe *pipe, const void *bytes, size_t len)
{
	return pipe->stream ? link_stream_write(pipe->stream, bytes, len) : 0;
}

void guest_pipe_consumed(struct guest_pipe *pipe, size_t len)
{
	if (pipe->stream) {
		link_stream_consumed(pipe->stream, len);
	}
}

void guest_pipe_close(struct guest_pipe *pipe)
{
	if (!pipe || pipe->over) {
		return;
	}
	pipe->over = true;
	drop_stream(pipe);
	free_when_over(pipe);
}
