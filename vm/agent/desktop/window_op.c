/*
 * The operations `windows` and `window_change`.  A change is a request to the window manager.  When
 * it has read that and its answer (client_sync), the window's properties tell what came of it; what
 * is not there by then is waited for, by events.
 */
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/core/op.h"
#include "vm/agent/x11/client_sync.h"
#include "vm/agent/x11/display.h"
#include "vm/agent/x11/window_group.h"
#include "vm/agent/x11/window_state.h"

#define SIZE_MS 1500 /* for another size, which the program may refuse */
#define LATE_MS 5000 /* for everything else, on a busy machine */

static json_t *encode(struct agent *agent, const struct window_info *info)
{
	struct display *d = agent->display;
	return windows_encode(d, info, windows_active(d) == info->id, agent->frame, agent->screen);
}

/* ---- windows ---- */

static void run_windows(struct request *req, const void *args)
{
	struct agent *agent = request_agent(req);
	struct err err;
	(void)args;
	if (!display_is_up(agent->display, &err)) {
		request_fail(req, &err);
		return;
	}
	Window ids[WINDOWS_MAX];
	size_t n = windows_stack(agent->display, ids);
	json_auto_t *all = must(json_array());
	for (size_t i = 0; i < n; i++) {
		struct window_info info;
		if (windows_describe(agent->display, ids[i], &info) && info.type != WINDOW_DOCK) {
			json_array_append_new(all, encode(agent, &info));
		}
	}
	request_answer(req, &(struct msg_windows_answer){ all });
}

const struct op op_windows = { .message = &message_windows, .run = run_windows };

/* ---- window_change ---- */

struct change {
	struct request *req;
	struct agent *agent;
	struct display *display;
	struct display_listener listener;
	struct msg_window_change args;
	Window id;
	struct size was, wanted;    /* its size, and the requested one */
	Window before[WINDOWS_MAX]; /* the windows at the start */
	size_t n_before;
	struct client_sync *sync; /* the window manager has not answered */
	sd_event_source *timer, *check;
	bool gone, size_is_late;
};

static void change_free(struct change *c)
{
	loop_drop(&c->timer);
	loop_drop(&c->check);
	client_sync_free(c->sync);
	display_unlisten(c->display, &c->listener);
	free(c);
}

static void fail(struct change *c, const struct err *why)
{
	struct request *req = c->req;
	change_free(c);
	request_fail(req, why);
}

static void on_cancel(void *data)
{
	struct err err;
	err_set(&err, ERR_CANCELLED, "cancelled; the window manager has been asked");
	fail(data, &err);
}

static void on_closing(const struct err *why, void *data)
{
	struct err err;
	(void)why;
	(void)display_is_restarting(&err);
	fail(data, &err);
}

static bool holds(const Window *ids, size_t n, Window id)
{
	for (size_t i = 0; i < n; i++) {
		if (ids[i] == id) {
			return true;
		}
	}
	return false;
}

/* The windows that opened since the start; ret_asks: one of them is the same program's. */
static json_t *opened(struct change *c, bool *ret_asks)
{
	Window ids[WINDOWS_MAX];
	size_t n = windows_list(c->display, ids);
	json_t *list = must(json_array());
	*ret_asks = false;
	for (size_t i = 0; i < n; i++) {
		struct window_info info;
		if (!holds(c->before, c->n_before, ids[i]) &&
			windows_describe(c->display, ids[i], &info) && info.viewable) {
			*ret_asks |= window_group_same_client(c->display, ids[i], c->id);
			json_array_append_new(list, encode(c->agent, &info));
		}
	}
	return list;
}

static bool is_done(const struct change *c, const struct window_info *now)
{
	switch ((enum window_verb)c->args.verb) {
	case WINDOW_FOCUS:
		return windows_active(c->display) == c->id && now->state != WINDOW_MINIMIZED;
	case WINDOW_SET:
		/* openbox says "hidden" before it unmaps; a request to map it again would be lost */
		return c->args.state < 0 ||
		       (now->state == c->args.state &&
			       !(now->viewable && now->state == WINDOW_MINIMIZED));
	default:
		return false;
	}
}

/* A program with a grid (a terminal) takes another size than requested, after some time. */
static bool is_sized(const struct change *c, const struct window_info *now)
{
	return !c->args.size.count ||
	       (now->width == c->wanted.width && now->height == c->wanted.height) ||
	       now->width != c->was.width || now->height != c->was.height;
}

/* Whether it is as requested; else nothing, unless it is the last time. */
static void answer(struct change *c, bool last)
{
	struct window_info now;
	Window ids[WINDOWS_MAX];
	bool asks;
	size_t n = windows_list(c->display, ids);
	c->gone = c->gone || !holds(ids, n, c->id) || !windows_describe(c->display, c->id, &now);
	bool done = c->gone ? c->args.verb == WINDOW_CLOSE : is_done(c, &now);
	bool complete = done && (c->gone || c->size_is_late || is_sized(c, &now));
	json_auto_t *others = opened(c, &asks);
	if (!complete && !last && !c->gone && !(c->args.verb == WINDOW_CLOSE && asks)) {
		return;
	}
	json_auto_t *window = c->gone ? NULL : encode(c->agent, &now);
	struct request *req = c->req;
	change_free(c);
	request_answer(req, &(struct msg_window_change_answer){ window, others, done });
}

static int on_check(sd_event_source *source, void *data)
{
	struct change *c = data;
	(void)source;
	loop_drop(&c->check);
	answer(c, false);
	return 0;
}

static void check_soon(struct change *c)
{
	if (!c->check && !c->sync) {
		c->check = loop_defer(c->agent->event, on_check, c);
	}
}

static void on_event(const XEvent *event, void *data)
{
	struct change *c = data;
	if (event->type == DestroyNotify && event->xdestroywindow.window == c->id) {
		c->gone = true;
	}
	if (event->type == PropertyNotify || event->type == DestroyNotify ||
		event->type == UnmapNotify || event->type == MapNotify ||
		event->type == ConfigureNotify) {
		check_soon(c);
	}
}

static void on_wm(enum client_sync_answer how, void *data)
{
	struct change *c = data;
	(void)how;
	client_sync_free(take_ptr(&c->sync));
	check_soon(c);
}

static int on_late(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source, (void)usec;
	struct change *c = data;
	if (c->size_is_late) {
		answer(c, true);
		return 0;
	}
	c->size_is_late = true;
	loop_drop(&c->timer);
	c->timer = loop_after_ms(c->agent->event, LATE_MS - SIZE_MS, on_late, c);
	check_soon(c);
	return 0;
}

static bool check_place(struct change *c, const struct window_info *now, struct err *err)
{
	int state = c->args.state < 0 ? now->state : c->args.state;
	bool places = c->args.place.count || c->args.size.count;
	return !places || state == WINDOW_PLAIN ||
	       err_set(err, ERR_STATE,
		       "a window in the state %s has no place or size of its own; pass the state "
		       "normal",
		       window_state_names[state]);
}

static void ask_place(struct change *c)
{
	struct size frame = c->agent->frame, screen = c->agent->screen;
	const struct field_ints *place = &c->args.place, *size = &c->args.size;
	struct point at = { (int)place->at[0], (int)place->at[1] };
	c->wanted = (struct size){ (int)(size->at[0] * screen.width / frame.width),
		(int)(size->at[1] * screen.height / frame.height) };
	at = geometry_to_screen(at, frame, screen);
	if (place->count || size->count) {
		window_ask_place(c->display, c->id, place->count ? &at : NULL,
			size->count ? &c->wanted : NULL);
	}
}

static void ask(struct change *c, const struct window_info *now)
{
	switch ((enum window_verb)c->args.verb) {
	case WINDOW_FOCUS:
		window_ask_focus(c->display, c->id);
		break;
	case WINDOW_SET:
		if (c->args.state >= 0 && c->args.state != now->state) {
			window_ask_state(c->display, c->id, (enum window_state)c->args.state);
		}
		ask_place(c);
		break;
	case WINDOW_CLOSE:
		window_ask_close(c->display, c->id);
		break;
	}
}

static bool check(struct change *c, struct window_info *ret_now, struct err *err)
{
	if (!windows_describe(c->display, c->id, ret_now)) {
		return err_set(err, ERR_NOT_FOUND, "the window %lld was closed",
			(long long)c->args.window);
	}
	return check_place(c, ret_now, err) &&
	       (windows_are_managed(c->display) ||
		       err_set(err, ERR_STATE,
			       "the window manager is being restarted; try again in a second"));
}

static void start(struct change *c)
{
	struct window_info now;
	struct err err, ignored;
	c->listener =
		(struct display_listener){ .event = on_event, .closing = on_closing, .data = c };
	display_listen(c->display, &c->listener);
	if (!check(c, &now, &err)) {
		fail(c, &err);
		return;
	}
	c->was = (struct size){ now.width, now.height };
	c->n_before = windows_list(c->display, c->before);
	windows_watch(c->display, c->id);
	display_trap(c->display);
	ask(c, &now);
	(void)!display_untrap(c->display, &ignored); /* closed meanwhile: found out below */
	c->timer = loop_after_ms(c->agent->event, SIZE_MS, on_late, c);
	request_on_cancel(c->req, on_cancel, c);
	c->sync = client_sync_window_manager(c->display, on_wm, c);
	check_soon(c);
}

static void run_change(struct request *req, const void *data)
{
	const struct msg_window_change *args = data;
	struct agent *agent = request_agent(req);
	struct err err;
	if (!display_is_up(agent->display, &err)) {
		request_fail(req, &err);
		return;
	}
	Window id = windows_find(agent->display, (uint32_t)args->window);
	if (!id) {
		err_set(&err, ERR_NOT_FOUND,
			"there is no window %lld: it was closed, or the id is wrong; window_list "
			"returns the windows",
			(long long)args->window);
		request_fail(req, &err);
		return;
	}
	struct change *c = must(calloc(1, sizeof(*c)));
	*c = (struct change){
		.req = req, .agent = agent, .display = agent->display, .args = *args, .id = id
	};
	start(c);
}

const struct op op_window_change = { .message = &message_window_change, .run = run_change };
