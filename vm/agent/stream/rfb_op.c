/*
 * Joins a conversation with a viewer of the desktop or of one window.  The request is answered
 * when the viewer or the picture is gone.  What a viewer does with keys and pointer has a place to go
 * only while it has control, which the host gives to one of them.
 */
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/core/op.h"
#include "vm/agent/stream/viewer_clipboard.h"
#include "vm/agent/stream/watched.h"

#define TELL_MS 100

enum use { NOT_USED, USED, REFUSED };

struct join {
	LIST_ENTRY(join) link;
	struct request *req;
	struct watched *watched;
	struct rfb_viewer *viewer;
	struct viewer_input *input;         /* NULL: it has no control */
	struct viewer_clipboard *clipboard; /* NULL: it is not offered */
	size_t owed;  /* bytes of the viewer that were not reported as consumed */
	enum use use; /* not told yet */
	uint64_t told_us;
};

static void join_free(struct join *j)
{
	if (j->viewer) {
		LIST_REMOVE(j, link);
		if (j->input) {
			j->input->fns->free(j->input);
		}
		viewer_clipboard_free(j->clipboard);
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

/* ---- what the host is told ---- */

static void tell(struct join *j)
{
	uint64_t now = loop_now_us();
	const struct msg_used said = { .refused = j->use == REFUSED };
	if (j->use && now - j->told_us >= TELL_MS * 1000 &&
		request_send(j->req, &message_used, &said)) {
		j->use = NOT_USED;
		j->told_us = now;
	}
}

static void note(struct join *j, enum use use)
{
	j->use = use;
	tell(j);
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
	note(j, USED);
}

static void on_pointer(struct point at, unsigned buttons, void *data)
{
	struct join *j = data;
	j->input->fns->pointer(j->input, at, buttons);
	note(j, USED);
}

static bool is_full(void *data)
{
	struct join *j = data;
	return j->input && j->input->fns->is_full(j->input);
}

static void on_refused(void *data)
{
	note(data, REFUSED);
}

static void on_viewer_ended(const struct err *why, void *data)
{
	finish(data, why);
}

static void on_cut_text(const char *text, size_t len, void *data)
{
	struct join *j = data;
	if (j->input->fns->cut_text) {
		j->input->fns->cut_text(j->input, text, len);
		note(j, USED);
	}
}

static void on_text_wanted(void *data)
{
	struct join *j = data;
	viewer_clipboard_read(j->clipboard);
}

static const struct rfb_viewer_fns viewer_fns = { on_write, on_key, on_pointer, is_full, on_refused,
	on_viewer_ended, on_cut_text, on_text_wanted };

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
	tell(j);
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

static void offer_clipboard(struct join *j)
{
	j->clipboard = viewer_clipboard_new(request_agent(j->req), j->viewer);
	rfb_viewer_set_clipboard(j->viewer, true);
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
	j->viewer = rfb_viewer_new(j->watched->server, &viewer_fns, j);
	LIST_INSERT_HEAD(&agent->joins, j, link);
	if (args->clipboard && !args->window) {
		offer_clipboard(j);
	}
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

/* ---- control ---- */

static void begin_input(struct join *j)
{
	j->input = j->watched->type->input(j->watched->picture);
	j->input->room = on_room;
	j->input->data = j;
	rfb_viewer_set_control(j->viewer, true);
}

/* What it has sent and was not executed yet is not executed any more. */
static void end_input(struct join *j)
{
	struct viewer_input *input = take_ptr(&j->input);
	rfb_viewer_set_control(j->viewer, false);
	input->fns->free(input);
	on_room(j);
}

static void set_control(struct join *j, bool control)
{
	if (control == !j->input) {
		j->use = NOT_USED;
		j->told_us = 0;
		(control ? begin_input : end_input)(j);
	}
}

static struct join *find_join(const struct agent *agent, uint32_t number)
{
	struct join *j = LIST_FIRST(&agent->joins);
	while (j && request_number(j->req) != number) {
		j = LIST_NEXT(j, link);
	}
	return j && !j->watched->over ? j : NULL;
}

static void run_control(struct request *req, const void *data)
{
	const struct msg_control *args = data;
	struct agent *agent = request_agent(req);
	struct join *j, *holder = args->viewer ? find_join(agent, (uint32_t)args->viewer) : NULL;
	LIST_FOREACH(j, &agent->joins, link)
	{
		if (j != holder) {
			set_control(j, false);
		}
	}
	if (holder) {
		set_control(holder, true);
	}
	request_reply(req, NULL, NULL, 0);
}

const struct op op_control = {
	.message = &message_control,
	.run = run_control,
};
