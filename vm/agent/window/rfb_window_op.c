/* Joins a stream of the link with a viewer of one window. */
#include "vm/agent/window/rfb_window_op.h"

#include "base/cleanup.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/window/vnc_server.h"

struct join {
	struct request *req;
	struct link_stream *stream; /* NULL: the host gave it up */
	struct vnc_server *vnc;
};

static void join_free(struct join *j)
{
	vnc_server_free(j->vnc);
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
	return link_stream_write(j->stream, bytes, len);
}

/* A viewer that breaks the protocol is closed without a word, as the X server does. */
static void on_vnc_ended(const struct err *why, void *data)
{
	finish(data, why->kind == ERR_ARGUMENT ? NULL : why);
}

static const struct vnc_server_handlers vnc_server_handlers = { on_write, on_vnc_ended };

/* ---- the stream ---- */

static void on_data(struct link_stream *stream, const void *bytes, size_t len, void *data)
{
	struct join *j = data;
	vnc_server_feed(j->vnc, bytes, len);
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
	vnc_server_writable(j->vnc);
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

void rfb_window_join(struct request *req, uint32_t stream, uint32_t window)
{
	struct agent *agent = request_agent(req);
	struct join *j = must(calloc(1, sizeof(*j)));
	struct err err;
	j->req = req;
	j->stream = link_stream_accept(agent->link, stream, &handlers, j, &err);
	j->vnc = j->stream ? vnc_server_new(agent, window, &vnc_server_handlers, j, &err) : NULL;
	if (j->vnc) {
		request_on_cancel(req, on_cancel, j);
	} else {
		finish(j, &err);
	}
}
