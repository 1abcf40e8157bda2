/*
 * Starts a program and answers with the window that it opens (launch_match.c), as soon as it is
 * complete, or with what happened without one.
 */
#include "vm/agent/process/launch_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "base/plain.h"
#include "base/spawn.h"
#include "vm/agent/process/applications.h"
#include "vm/agent/x11/window_group.h"
#include "vm/wire/messages.h"

#include <glib.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define STRANGER_MS 1000    /* how long to wait for a better match than an unrelated window */
#define HANDED_OVER_MS 2000 /* for a window after the program has exited successfully */
#define PRESENT_MS 1000     /* the same, if a window of that program is already open */
#define BARE_MS 2000        /* how long to wait for a better match than a likely splash screen */
#define COMPLETE_MS 500     /* for title and focus, once the window exists */
#define OUTPUT_SHOWN 300

/* ---- the end ---- */

static void launch_free(struct launch *l)
{
	for (struct launch **at = &l->agent->launches; *at; at = &(*at)->next) {
		if (*at == l) {
			*at = l->next;
			break;
		}
	}
	if (l->display) {
		display_unlisten(l->display, &l->listener);
	}
	if (l->task.pid > 0 && !l->ended) {
		loop_drop(&l->child);
		task_reap(&l->task, l->agent->event);
	}
	loop_drop(&l->child);
	loop_drop(&l->deadline);
	loop_drop(&l->patience);
	loop_drop(&l->look);
	output_drain_release(l->output);
	single_instance_free(l->instance);
	free(l);
}

static void fail(struct launch *l, const struct err *why)
{
	struct request *req = l->req;
	launch_free(l);
	request_fail(req, why);
}

static const char menu_note[] =
	"A menu of another program is open and keeps the keyboard; close it first, with Escape.";

/* A grab can be detected only by trying one, which is done only if a grab is likely. */
static bool menu_is_open(const struct launch *l, Window id)
{
	Display *x = display_x(l->display);
	if (!window_group_has_stranger(l->display, id)) {
		return false;
	}
	int status = XGrabKeyboard(
		x, display_root(l->display), False, GrabModeAsync, GrabModeAsync, CurrentTime);
	if (status == GrabSuccess) {
		XUngrabKeyboard(x, CurrentTime);
	}
	return status == AlreadyGrabbed || status == GrabFrozen;
}

static void reply(struct launch *l, const struct window_info *window, const char *note)
{
	struct request *req = l->req;
	struct agent *agent = l->agent;
	json_t *result = must(json_pack("{s:i}", "pid", (int)l->task.pid));
	if (window) {
		launch_match_claim(l, window->id);
		bool active = windows_active(l->display) == window->id;
		json_object_set_new(result, "window",
			windows_encode(l->display, window, active, agent->frame, agent->screen));
	}
	const char *more = window && menu_is_open(l, window->id) ? menu_note : NULL;
	if (note || more) {
		json_object_set_new(result, "note",
			json_sprintf("%s%s%s", note ? note : "", note && more ? " " : "",
				more ? more : ""));
	}
	launch_free(l);
	request_reply(req, result, NULL, 0);
}

/* ---- when it is ready ---- */

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
		reply(l, &info, NULL);
	} else if (windows_is_minimised(l->display, l->found)) {
		reply(l, &info,
			"The window is minimised and stays invisible until it is clicked in "
			"the panel.");
	}
	return 0;
}

static void advance(struct launch *l);

/* The window found has closed: it was an unusual splash screen. */
static void lose_window(struct launch *l)
{
	launch_match_know(l, l->found);
	l->found = None;
	loop_drop(&l->patience);
	advance(l);
}

static void check_window(struct launch *l)
{
	struct window_info info;
	if (!windows_describe(l->display, l->found, &info)) {
		lose_window(l);
	} else if (info.viewable && info.title[0] && windows_active(l->display) == l->found) {
		reply(l, &info, NULL);
	} else if (!l->patience && (info.viewable || windows_is_minimised(l->display, l->found))) {
		wait_for(l, COMPLETE_MS, on_incomplete);
	}
}

static void settle_for(struct launch *l, Window id)
{
	loop_drop(&l->patience);
	l->found = id;
	windows_watch(l->display, id);
	check_window(l);
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
		reply(l, &info,
			"The window has no frame; if it is a splash screen, the program's own "
			"window comes later.");
		return 0;
	}
	l->bare = None;
	advance(l);
	return 0;
}

/* ---- without a window ---- */

/* "exited with status 3 without having opened a window; its last output was: ..." */
static void describe_end(const struct launch *l, struct buf *out)
{
	auto_free char *output = output_drain_text(l->output);
	size_t len = strlen(output);
	buf_printf(out, "%s without having opened a window%s",
		spawn_describe_end(spawn_wstatus(&l->end)),
		len ? "; its last output was: " : " and wrote nothing");
	if (len) {
		plain_quote(out, len > OUTPUT_SHOWN ? output + len - OUTPUT_SHOWN : output,
			OUTPUT_SHOWN);
	}
}

static void reply_ended(struct launch *l)
{
	auto_buf struct buf note = { 0 };
	buf_printf(&note, "The program ");
	describe_end(l, &note);
	buf_printf(&note, ".");
	reply(l, NULL, buf_text(&note));
}

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
		reply(l, &info,
			"The program was already running and opened no new window; this is the one it "
			"has.");
	} else if (task_is_alive(&l->task)) {
		l->fruitless = true; /* until the deadline */
	} else {
		reply_ended(l);
	}
	return 0;
}

static bool ended_well(const struct launch *l)
{
	return spawn_wstatus(&l->end) == 0;
}

static void program_failed(struct launch *l)
{
	struct err err;
	auto_buf struct buf end = { 0 };
	describe_end(l, &end);
	err_set(&err, ERR_HOST, "the program %s", buf_text(&end));
	fail(l, &err);
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
		reply(l, &info, "The program was already running, and has used this window.");
	} else if (!l->patience && !l->fruitless) {
		wait_for(l, ran ? PRESENT_MS : HANDED_OVER_MS, on_nothing_came);
	}
}

/* May answer, and thereby free, the launch. */
static void advance(struct launch *l)
{
	launch_match_search(l);
	if (l->found) {
		settle_for(l, l->found);
	} else if (l->bare) {
		if (!l->patience) {
			wait_for(l, BARE_MS, on_bare);
		}
	} else if (l->ended && !ended_well(l)) {
		program_failed(l);
	} else if (l->stranger && l->ended && !may_open_its_own(l)) {
		settle_for(l, l->stranger);
	} else if (l->stranger && (l->ended || !l->stranger_is_launched) && !l->patience) {
		wait_for(l, l->ended ? HANDED_OVER_MS : STRANGER_MS, on_no_better);
	} else if (l->ended) {
		advance_without(l);
	}
}

/* ---- events ---- */

static int on_look(sd_event_source *source, void *data)
{
	(void)source;
	struct launch *l = data;
	loop_drop(&l->look);
	if (l->found) {
		check_window(l);
	} else {
		advance(l);
	}
	return 0;
}

/* Deferred: a program that opens hundreds of windows would otherwise cause queries about all of
 * them for each, and block other requests. */
static void on_x_event(const XEvent *event, void *data)
{
	struct launch *l = data;
	/* A property of the root, of the window found, or of an instance's window. */
	bool relevant = event->type == PropertyNotify &&
			(l->ended || event->xproperty.window == display_root(l->display));
	if (event->type == MapNotify && event->xmap.event == display_root(l->display) &&
		event->xmap.override_redirect && l->n_unmanaged < LAUNCH_UNMANAGED_MAX) {
		l->unmanaged[l->n_unmanaged++] = event->xmap.window;
		relevant = true;
	}
	if ((relevant || (l->found && event->xany.window == l->found)) && !l->look) {
		l->look = loop_defer(l->agent->event, on_look, l);
	}
}

static void on_display_closing(const struct err *why, void *data)
{
	(void)why;
	struct launch *l = data;
	struct err err;
	err_set(&err, ERR_STATE,
		"the X server exited before the program had a window; try again in a second");
	fail(l, &err);
}

static int on_end(sd_event_source *source, const siginfo_t *info, void *data)
{
	(void)source;
	struct launch *l = data;
	l->ended = true;
	l->end = *info;
	single_instance_ended(l->instance, l->task.pid);
	if (!l->found) {
		loop_drop(&l->patience);
		advance(l);
	}
	return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct launch *l = data;
	struct window_info info;
	if (l->found && windows_describe(l->display, l->found, &info)) {
		reply(l, &info, "The window was not shown in time.");
		return 0;
	}
	if (l->ended && !task_is_alive(&l->task)) {
		reply_ended(l);
		return 0;
	}
	reply(l, NULL,
		"No window appeared in time; the program is still running, so one may appear: take another look "
		"later.");
	return 0;
}

static void on_cancel(void *data)
{
	struct launch *l = data;
	struct err err;
	if (!l->found) {
		task_kill(&l->task);
	}
	err_set(&err, ERR_CANCELLED, "the launch was cancelled%s",
		l->found ? "; the program is running" : " and the program was killed");
	fail(l, &err);
}

/* ---- start ---- */

static bool spawn(struct launch *l, const struct msg_launch *args, struct err *err)
{
	static unsigned number;
	struct command_line line;
	char startup[sizeof(l->startup_id) + sizeof("DESKTOP_STARTUP_ID=")];
	auto_close int output = -1;
	if (!applications_resolve(args->application, args->uri, &line, err)) {
		return false;
	}
	/* The server's clock is the monotonic one; a window with the time of its request gets the
	 * focus. */
	snprintf(l->startup_id, sizeof(l->startup_id), "vitrine-%d-%u_TIME%" PRIu32, getpid(),
		++number, (uint32_t)(loop_now_us() / 1000));
	snprintf(startup, sizeof(startup), "DESKTOP_STARTUP_ID=%s", l->startup_id);
	l->output = output_drain_open(l->agent->event, &output);
	struct task_how how = { .argv = (const char *const *)line.argv,
		.cwd = line.cwd,
		.out = output,
		.err = output,
		.startup_id = startup };
	l->instance = single_instance_new(l->display, line.argv[0]);
	bool started = l->output && task_start(&how, &l->task, err);
	if (!l->output) {
		err_errno(err, "cannot create a pipe");
	}
	command_line_done(&line);
	return started;
}

static bool start(struct launch *l, const struct msg_launch *args, struct err *err)
{
	if (!l->agent->display) {
		return err_set(
			err, ERR_STATE, "the X server is not running; try again in a second");
	}
	Window ids[WINDOWS_MAX];
	l->display = l->agent->display;
	size_t n = windows_list(l->display, ids);
	for (size_t i = 0; i < n; i++) {
		launch_match_know(l, ids[i]);
	}
	if (!spawn(l, args, err)) {
		return false;
	}
	l->listener = (struct display_listener){
		.event = on_x_event, .closing = on_display_closing, .data = l
	};
	display_listen(l->display, &l->listener);
	sd_event_add_child(l->agent->event, &l->child, l->task.pid, WEXITED, on_end, l);
	l->deadline = loop_after_ms(l->agent->event, (uint64_t)args->timeout_ms, on_deadline, l);
	return true;
}

static void run(struct request *req, const void *args)
{
	struct err err;
	struct launch *l = must(calloc(1, sizeof(*l)));
	l->req = req;
	l->agent = request_agent(req);
	l->next = l->agent->launches;
	l->agent->launches = l;
	if (!start(l, args, &err)) {
		fail(l, &err);
		return;
	}
	request_on_cancel(req, on_cancel, l);
}

const struct op op_launch = {
	.message = &message_launch,
	.run = run,
};
