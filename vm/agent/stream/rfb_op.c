/* Joins a conversation with a viewer of the desktop or of one window.  The request is answered
 * when the viewer or the picture is gone. */
#include "base/cleanup.h"
#include "vm/agent/core/op.h"
#include "vm/agent/stream/watched.h"

struct join {
	struct request *req;
	struct watched *watched;
	struct rfb_viewer *viewer;
	struct viewer_input *input;
	size_t owed; /* bytes of the viewer that were not reported as consumed */
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

static bool is_full(void *data)
{
	struct join *j = data;
	return j->input->fns->is_full(j->input);
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

static void on_cut_text(const char *text, size_t len, void *data)
{
	struct join *j = data;
	if (j->input->fns->cut_text) {
		j->input->fns->cut_text(j->input, text, len);
	}
}

static const struct rfb_viewer_fns viewer_fns = { on_write, on_key, on_pointer, is_full, on_refused,
	on_viewer_ended, on_cut_text };

/* ---- the host ---- */

/* The host sends no more than a window while the viewer's keys wait. */
static void give_credit(struct join *j)
{
	if (!is_full(j)) {
		request_consumed(j->req, j->owed);
		j->owed = 0;
	}
}

static void on_data(unsigned channel, const void *bytes, size_t len, void *data)
{
	struct join *j = data;
	(void)channel;
	j->owed += len;
	rfb_viewer_feed(j->viewer, bytes, len);
	give_credit(j);
}

static void on_room(void *data)
{
	struct join *j = data;
	rfb_viewer_resume(j->viewer);
	give_credit(j);
}

static void on_ended(void *data)
{
	finish(data, NULL);
}

static void on_writable(void *data)
{
	struct join *j = data;
	rfb_viewer_writable(j->viewer);
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

static bool start(struct join *j, const struct msg_rfb *args, struct err *err)
{
	struct agent *agent = request_agent(j->req);
	if (!request_converse(j->req, &talk, j, err)) {
		return false;
	}
	j->watched = watched_join(agent, (uint32_t)args->window, err);
	if (!j->watched) {
		return false;
	}
	j->input = j->watched->type->input(j->watched->picture);
	j->input->room = on_room;
	j->input->data = j;
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
