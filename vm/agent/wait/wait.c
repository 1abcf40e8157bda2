/*
 * The operation `wait`: watches for one event, with a deadline.  Each kind (wait.h) receives events
 * and checks its condition from the loop.
 */
#include "vm/agent/wait/wait.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/act/act.h"
#include "vm/agent/act/seat.h"
#include "vm/agent/x11/display.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static const struct wait_kind *const kinds[] = {
	[WAIT_CHANGE] = &wait_change,
	[WAIT_SETTLED] = &wait_settled,
	[WAIT_WINDOW] = &wait_window,
	[WAIT_WINDOW_GONE] = &wait_window_gone,
	[WAIT_PROCESS_EXIT] = &wait_process,
	[WAIT_FILE] = &wait_file,
	[WAIT_PORT] = &wait_port,
	[WAIT_TEXT] = &wait_text,
};

/* ---- ends ---- */

static void wait_free(struct wait *w)
{
	if (w->kind->end) {
		w->kind->end(w);
	}
	loop_drop(&w->deadline);
	loop_drop(&w->due);
	loop_drop(&w->source);
	settle_free(w->settle);
	display_unlisten(w->display, &w->listener);
	if (w->fd >= 0) {
		close(w->fd);
	}
	json_decref(w->match);
	free(w);
}

void wait_fail(struct wait *w, const struct err *why)
{
	struct request *req = w->req;
	wait_free(w);
	request_fail(req, why);
}

static void answer(
	struct wait *w, bool happened, const struct window_info *window, const char *text)
{
	struct request *req = w->req;
	json_auto_t *moving = settle_encode_moving(w->settle, w->agent->frame), *described = NULL,
		    *match = take_ptr(&w->match);
	if (window) {
		bool active = windows_active(w->display) == window->id;
		described = windows_encode(
			w->display, window, active, w->agent->frame, w->agent->screen);
	}
	const struct msg_wait_answer said = {
		.happened = happened,
		.ms = (int64_t)(loop_now_us() - w->start_us) / 1000,
		.from = (int64_t)w->from,
		.frame_id = (int64_t)display_frame_id(w->display),
		.text = text,
		.window = described,
		.match = match,
		.moving = moving,
	};
	wait_free(w);
	request_answer(req, &said);
}

void wait_happened(struct wait *w, const struct window_info *window, const char *format, ...)
{
	char text[MESSAGE_TEXT_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	answer(w, true, window, text);
}

void wait_give_up(struct wait *w)
{
	auto_buf struct buf missing = { 0 };
	w->kind->missing(w, &missing);
	answer(w, false, NULL, buf_text(&missing));
}

/* ---- events ---- */

static int on_due(sd_event_source *source, void *data)
{
	struct wait *w = data;
	(void)source;
	loop_drop(&w->due);
	w->kind->check(w);
	return 0;
}

void wait_due(struct wait *w)
{
	if (!w->due) {
		w->due = loop_defer(w->agent->event, on_due, w);
	}
}

static void on_event(const XEvent *event, void *data)
{
	struct wait *w = data;
	if (w->kind->event && w->kind->event(w, event)) {
		wait_due(w);
	}
}

static void find_area(struct wait *w)
{
	w->area = geometry_region_to_screen(
		&w->args->region, w->agent->frame, display_size(w->display));
}

static void on_damaged(const XRectangle *area, void *data)
{
	struct wait *w = data;
	if (!w->args->region.count) {
		find_area(
			w); /* all of the screen, whatever its size; a region stays where it was */
	}
	if (w->kind->damaged && w->kind->damaged(w, area)) {
		wait_due(w);
	}
}

static void on_closing(const struct err *why, void *data)
{
	struct err away;
	(void)why;
	(void)display_is_restarting(&away);
	wait_fail(data, &away);
}

static void on_cancel(void *data)
{
	struct err why;
	err_set(&why, ERR_CANCELLED, "the wait was cancelled");
	wait_fail(data, &why);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source, (void)usec;
	wait_give_up(data);
	return 0;
}

/* ---- start ---- */

static bool start(struct wait *w, struct err *err)
{
	struct display *d = w->display;
	find_area(w);
	w->start_us = loop_now_us();
	w->from = w->args->since ? (uint64_t)w->args->since : display_frame_id(d);
	w->settle = settle_new(d);
	if (w->args->region.count) {
		settle_within(w->settle, w->area);
	}
	w->listener = (struct display_listener){
		.event = on_event, .damaged = on_damaged, .closing = on_closing, .data = w
	};
	display_listen(d, &w->listener);
	w->deadline = loop_after_ms(w->agent->event, (uint64_t)w->args->timeout_ms, on_deadline, w);
	return !w->kind->begin || w->kind->begin(w, err);
}

static void run(struct request *req, const void *args)
{
	struct agent *agent = request_agent(req);
	struct err err;
	if (!display_refresh(agent->display, &err) || !wait_check(args, agent->frame, &err)) {
		return request_fail(req, &err);
	}
	struct wait *w = must(calloc(1, sizeof(*w)));
	w->req = req;
	w->agent = agent;
	w->display = agent->display;
	w->args = args;
	w->kind = kinds[w->args->until];
	w->fd = w->watch = -1;
	if (!start(w, &err)) {
		return wait_fail(w, &err);
	}
	request_on_cancel(req, on_cancel, w);
	/* At once: a request that follows may already change what is waited for. */
	if (w->kind->check) {
		w->kind->check(w);
	}
}

const struct op op_wait = { .message = &message_wait, .run = run };
