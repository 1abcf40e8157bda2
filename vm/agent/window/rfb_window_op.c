/* Joins a conversation with a viewer of one window. */
#include "vm/agent/window/rfb_window_op.h"

#include "base/cleanup.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/window/vnc_server.h"

struct join {
	struct request *req;
	struct vnc_server *vnc;
};

static void join_free(struct join *j)
{
	vnc_server_free(j->vnc);
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
	return request_write(j->req, 0, bytes, len);
}

/* A viewer that breaks the protocol is closed without a word, as the X server does. */
static void on_vnc_ended(const struct err *why, void *data)
{
	finish(data, why->kind == ERR_ARGUMENT ? NULL : why);
}

static const struct vnc_server_handlers vnc_server_handlers = { on_write, on_vnc_ended };

/* ---- the host ---- */

static void on_data(unsigned channel, const void *bytes, size_t len, void *data)
{
	struct join *j = data;
	(void)channel;
	request_consumed(j->req, len);
	vnc_server_feed(j->vnc, bytes, len);
}

static void on_ended(void *data)
{
	finish(data, NULL);
}

static void on_writable(void *data)
{
	struct join *j = data;
	vnc_server_writable(j->vnc);
}

static const struct request_talk talk = {
	.data = on_data,
	.ended = on_ended,
	.writable = on_writable,
};

static void on_cancel(void *data)
{
	struct err err;
	err_set(&err, ERR_CANCELLED, "the viewer's connection was closed");
	finish(data, &err);
}

void rfb_window_join(struct request *req, uint32_t window)
{
	struct agent *agent = request_agent(req);
	struct join *j = must(calloc(1, sizeof(*j)));
	struct err err;
	j->req = req;
	if (request_converse(req, &talk, j, &err)) {
		j->vnc = vnc_server_new(agent, window, &vnc_server_handlers, j, &err);
	}
	if (j->vnc) {
		request_on_cancel(req, on_cancel, j);
	} else {
		finish(j, &err);
	}
}
