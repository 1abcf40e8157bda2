/*
 * A capture that ends with its first whole picture.  What is visible is there at once.  What other
 * windows cover is there when the program has read its events (client_sync) and paints no more: a
 * server that paints the background makes a window complete before its program has begun.
 */
#include "vm/agent/window/window_shot.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/window/window_capture.h"
#include "vm/agent/x11/client_sync.h"
#include "vm/agent/x11/cursor.h"
#include "vm/agent/x11/windows.h"
#include "vm/wire/messages_windows.h"

#include <stdio.h>

#define PATIENCE_MS 1500 /* in addition to the quiet time */

struct window_shot {
	struct display *display;
	struct window_capture *capture;
	struct client_sync *sync; /* the program has not answered */
	sd_event_source *quiet, *patience;
	uint64_t quiet_ms; /* 0: it is whole */
	struct window_picture picture;
	window_shot_fn *fn;
	void *data;
};

/* ---- the end ---- */

static void stop_waiting(struct window_shot *s)
{
	client_sync_free(take_ptr(&s->sync));
	loop_drop(&s->quiet);
	loop_drop(&s->patience);
}

static void paint_pointer(struct window_shot *s)
{
	Window root, child;
	int x, y, inside_x, inside_y;
	unsigned mask;
	struct cursor *cursor = cursor_new(s->display);
	const struct cursor_image *image = cursor_image(cursor);
	if (image &&
		XQueryPointer(display_x(s->display), display_root(s->display), &root, &child, &x,
			&y, &inside_x, &inside_y, &mask) &&
		window_capture_owns(s->capture, child)) {
		struct point at = { x - s->picture.place.x, y - s->picture.place.y };
		cursor_image_paint(image, at, &s->picture.image);
	}
	cursor_free(cursor);
}

static void finish(struct window_shot *s)
{
	stop_waiting(s);
	window_capture_refresh(s->capture);
	s->picture.image = *window_capture_picture(s->capture);
	s->picture.place = window_capture_place(s->capture);
	s->picture.covered = window_capture_is_covered(s->capture);
	s->picture.partial = !window_capture_is_whole(s->capture);
	paint_pointer(s);
	s->fn(&s->picture, NULL, s->data);
}

static int on_time(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source, (void)usec;
	finish(data);
	return 0;
}

/* ---- while it waits ---- */

static void wait_for_quiet(struct window_shot *s)
{
	loop_drop(&s->quiet);
	s->quiet = loop_after_ms(display_loop(s->display), s->quiet_ms, on_time, s);
}

static void on_changed(void *data)
{
	struct window_shot *s = data;
	window_capture_refresh(s->capture);
	if (s->quiet) {
		wait_for_quiet(s);
	}
}

static void on_restacked(void *data)
{
	(void)data;
}

static void on_ended(const struct err *why, void *data)
{
	struct window_shot *s = data;
	stop_waiting(s);
	window_capture_free(take_ptr(&s->capture));
	s->fn(NULL, why, s->data);
}

static const struct window_capture_handlers handlers = {
	.changed = on_changed,
	.restacked = on_restacked,
	.ended = on_ended,
};

static void on_answer(enum client_sync_answer answer, void *data)
{
	struct window_shot *s = data;
	(void)answer;
	client_sync_free(take_ptr(&s->sync));
	wait_for_quiet(s);
}

/* ---- the start ---- */

static bool check_shown(const struct window_info *info, uint32_t number, struct err *err)
{
	if (info->state == WINDOW_MINIMIZED) {
		return err_set(err, ERR_STATE,
			"window %u is minimized and has no picture; window_focus, or window_set with "
			"the state normal, restores it",
			number);
	}
	return info->viewable ||
	       err_set(err, ERR_STATE,
		       "window %u is not shown (it may be on another workspace) and has no "
		       "picture; window_focus shows it",
		       number);
}

static Window find(struct display *d, uint32_t number, char title[256], struct err *err)
{
	struct window_info info;
	Window id = windows_find(d, number);
	if (!id || !windows_describe(d, id, &info)) {
		err_set(err, ERR_NOT_FOUND,
			"there is no window %u: it was closed, or the id is wrong; window_list "
			"returns the windows",
			number);
		return None;
	}
	snprintf(title, 256, "%s", info.title);
	return check_shown(&info, number, err) ? id : None;
}

/* From the loop in any case. */
static void start(struct window_shot *s, Window id, uint64_t quiet_ms)
{
	sd_event *event = display_loop(s->display);
	window_capture_refresh(s->capture);
	if (window_capture_is_whole(s->capture)) {
		wait_for_quiet(s);
		return;
	}
	s->patience = loop_after_ms(event, PATIENCE_MS + quiet_ms, on_time, s);
	s->sync = client_sync_window(s->display, id, PATIENCE_MS, on_answer, s);
	s->quiet_ms = s->sync ? quiet_ms / 2 : quiet_ms;
	if (!s->sync) {
		wait_for_quiet(s);
	}
}

struct window_shot *window_shot_new(struct display *d, uint32_t number, uint64_t quiet_ms,
	window_shot_fn *fn, void *data, struct err *err)
{
	struct window_shot *s = must(calloc(1, sizeof(*s)));
	*s = (struct window_shot){ .display = d, .fn = fn, .data = data };
	Window id = find(d, number, s->picture.title, err);
	s->capture = id ? window_capture_new(d, id, &handlers, s, err) : NULL;
	if (!s->capture) {
		free(s);
		return NULL;
	}
	start(s, id, quiet_ms);
	return s;
}

void window_shot_free(struct window_shot *s)
{
	if (s) {
		stop_waiting(s);
		window_capture_free(s->capture);
		free(s);
	}
}
