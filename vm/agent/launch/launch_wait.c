/*
 * Decides when a launch is complete: its window is shown, there is no better match, or the program
 * has ended without one.
 */
#include "vm/agent/launch/launch_impl.h"

#include "base/loop.h"
#include "base/spawn.h"

#define STRANGER_MS 1000    /* how long to wait for a better match than an unrelated window */
#define HANDED_OVER_MS 2000 /* for a window after the program has exited successfully */
#define PRESENT_MS 1000     /* the same, if a window of that program is already open */
#define BARE_MS 2000        /* how long to wait for a better match than a likely splash screen */
#define COMPLETE_MS 500     /* for title and focus, once the window exists */

/* ---- with a window ---- */

static void wait_for(struct launch *l, uint64_t ms, sd_event_time_handler_t fn)
{
	loop_drop(&l->patience);
	l->patience = loop_after_ms(l->agent->event, ms, fn, l);
}

/* Complete without a title or focus, which not every window has. */
static int on_incomplete(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct launch *l = data;
	struct window_info info;
	loop_drop(&l->patience);
	if (!windows_describe(l->display, l->found, &info)) {
		return 0;
	}
	if (info.viewable) {
		launch_reply(l, &info, NULL);
	} else if (windows_is_minimised(l->display, l->found)) {
		launch_reply(l, &info,
			"The window is minimised and stays invisible until it is clicked in "
			"the panel.");
	}
	return 0;
}

/* The window found has closed: it was an unusual splash screen. */
static void lose_window(struct launch *l)
{
	launch_match_know(l, l->found);
	l->found = None;
	loop_drop(&l->patience);
	launch_advance(l);
}

void launch_check(struct launch *l)
{
	struct window_info info;
	if (!windows_describe(l->display, l->found, &info)) {
		lose_window(l);
	} else if (info.viewable && info.title[0] && windows_active(l->display) == l->found) {
		launch_reply(l, &info, NULL);
	} else if (!l->patience && (info.viewable || windows_is_minimised(l->display, l->found))) {
		wait_for(l, COMPLETE_MS, on_incomplete);
	}
}

static void settle_for(struct launch *l, Window id)
{
	loop_drop(&l->patience);
	l->found = id;
	windows_watch(l->display, id);
	launch_check(l);
}

static int on_no_better(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct launch *l = data;
	settle_for(l, l->stranger);
	return 0;
}

/* There is no better match. */
static int on_bare(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct launch *l = data;
	struct window_info info;
	loop_drop(&l->patience);
	if (windows_describe(l->display, l->bare, &info) && info.viewable) {
		launch_reply(l, &info,
			"The window has no frame; if it is a splash screen, the program's own "
			"window comes later.");
		return 0;
	}
	l->bare = None;
	launch_advance(l);
	return 0;
}

/* ---- without a window ---- */

static int on_nothing_came(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct launch *l = data;
	struct window_info info;
	bool used;
	loop_drop(&l->patience);
	if (l->stranger) {
		settle_for(l, l->stranger);
	} else if (single_instance_find(l->instance, &info, &used)) {
		launch_reply(l, &info,
			"The program was already running and opened no new window; this is the one it "
			"has.");
	} else if (task_is_alive(&l->task)) {
		l->fruitless = true; /* until the deadline */
	} else {
		launch_reply_ended(l);
	}
	return 0;
}

static bool ended_well(const struct launch *l)
{
	return spawn_wstatus(&l->end) == 0;
}

/* It has exited, but a descendant is running, and the window found belongs to another launch. */
static bool may_open_its_own(const struct launch *l)
{
	return l->stranger_is_launched && task_is_alive(&l->task);
}

/* It has passed its work to a running instance, or may still do so. */
static void advance_without(struct launch *l)
{
	struct window_info info;
	bool used = false, ran = single_instance_find(l->instance, &info, &used);
	if (used) {
		launch_reply(
			l, &info, "The program was already running, and has used this window.");
	} else if (!l->patience && !l->fruitless) {
		wait_for(l, ran ? PRESENT_MS : HANDED_OVER_MS, on_nothing_came);
	}
}

void launch_advance(struct launch *l)
{
	launch_match_search(l);
	if (l->found) {
		settle_for(l, l->found);
	} else if (l->bare) {
		if (!l->patience) {
			wait_for(l, BARE_MS, on_bare);
		}
	} else if (l->ended && !ended_well(l)) {
		launch_fail_ended(l);
	} else if (l->stranger && l->ended && !may_open_its_own(l)) {
		settle_for(l, l->stranger);
	} else if (l->stranger && (l->ended || !l->stranger_is_launched) && !l->patience) {
		wait_for(l, l->ended ? HANDED_OVER_MS : STRANGER_MS, on_no_better);
	} else if (l->ended) {
		advance_without(l);
	}
}
