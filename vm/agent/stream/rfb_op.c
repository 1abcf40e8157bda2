/* Joins a stream of the link with a viewer of the desktop or of one window.  The request is answered
 * when the viewer or the picture is gone. */
#include "base/cleanup.h"
#include "vm/agent/core/op.h"
#include "vm/agent/stream/watched.h"

struct join {
	struct request *req;
	struct link_stream *stream; /* NULL: the host gave it up */
	struct watched *watched;
	struct rfb_viewer *viewer;
	struct viewer_input *input;
};

static void join_free(struct join *j)
{
	if (j->viewer) {
		j->input->fns->free(j->input);
		rfb_viewer_free(j->viewer);
	}
	if (j->watched) {
		watched_leave(j->watched);
	}
	if (j->stream) {
		link_stream_end(j->stream);
		link_stream_free(j->stream);
	}
	free(j);
}

/* why NULL: the viewer went. */
static void finish(struct join *j, const struct err *why)
{
	struct request *req = j->req;
	join_free(j);
	if (why) {
		request_fail(req, why);
	} else {
		request_reply(req, NULL, NULL, 0);
	}
}

/* ---- the viewer ---- */

static size_t on_write(const void *bytes, size_t len, void *data)
{
	struct join *j = data;
	return j->stream ? link_stream_write(j->stream, bytes, len) : 0;
}

static void on_key(uint32_t keysym, bool down, void *data)
{
	struct join *j = data;
	j->input->fns->key(j->input, keysym, down);
}

static void on_pointer(struct point at, unsigned buttons, void *data)
{
	struct join *j = data;
	j->input->fns->pointer(j->input, at, buttons);
}

static void on_refused(void *data)
{
	(void)data;
}

/* A viewer that breaks the protocol is closed without an error, as VNC servers do. */
static void on_viewer_ended(const struct err *why, void *data)
{
	finish(data, why->kind == ERR_ARGUMENT ? NULL : why);
}

static const struct rfb_viewer_fns viewer_fns = { on_write, on_key, on_pointer, on_refused,
	on_viewer_ended };

/* ---- the stream ---- */

static void on_data(struct link_stream *stream, const void *bytes, size_t len, void *data)
{
	struct join *j = data;
	rfb_viewer_feed(j->viewer, bytes, len);
	link_stream_consumed(stream, len);
}

static void on_ended(struct link_stream *stream, void *data)
{
	(void)stream;
	finish(data, NULL);
}

static void on_reset(struct link_stream *stream, void *data)
{
	struct join *j = data;
	(void)stream;
	j->stream = NULL;
	finish(j, NULL);
}

static void on_writable(struct link_stream *stream, void *data)
{
	struct join *j = data;
	(void)stream;
	rfb_viewer_writable(j->viewer);
}

static const struct link_stream_handlers handlers = {
	.data = on_data,
	.ended = on_ended,
	.reset = on_reset,
	.writable = on_writable,
};

static void on_cancel(void *data)
{
	struct err err;
	err_set(&err, ERR_CANCELLED, "the viewer's connection was closed");
	finish(data, &err);
}

static bool start(struct join *j, const struct msg_rfb *args, struct err *err)
{
	struct agent *agent = request_agent(j->req);
	j->stream = link_stream_accept(agent->link, (uint32_t)args->stream, &handlers, j, err);
	j->watched = j->stream ? watched_join(agent, (uint32_t)args->window, err) : NULL;
	if (!j->watched) {
		return false;
	}
	j->input = j->watched->type->input(j->watched->picture);
	j->viewer = rfb_viewer_new(j->watched->server, &viewer_fns, j);
	rfb_viewer_set_control(j->viewer, true); /* the host decides what it passes on */
	return true;
}

static void run(struct request *req, const void *data)
{
	struct join *j = must(calloc(1, sizeof(*j)));
	struct err err;
	j->req = req;
	if (start(j, data, &err)) {
		request_on_cancel(req, on_cancel, j);
	} else {
		finish(j, &err);
	}
}

const struct op op_rfb = {
	.message = &message_rfb,
	.run = run,
};
