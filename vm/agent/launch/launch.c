/*
 * Starts a program and answers with the window that it opens (launch_match.c), as soon as it is
 * complete, or with what happened without one (launch_wait.c).
 */
#include "vm/agent/launch/launch_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "base/plain.h"
#include "base/spawn.h"
#include "vm/agent/launch/applications.h"
#include "vm/agent/launch/default_application.h"
#include "vm/agent/process/environment.h"
#include "vm/agent/x11/window_group.h"
#include "vm/wire/messages.h"

#include <glib.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

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
	g_free(l->chosen);
	free(l);
}

void launch_fail(struct launch *l, const struct err *why)
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

void launch_reply(struct launch *l, const struct window_info *window, const char *note)
{
	struct request *req = l->req;
	struct agent *agent = l->agent;
	char text[MESSAGE_TEXT_MAX] = "";
	json_auto_t *described = NULL;
	if (window) {
		launch_match_claim(l, window->id);
		bool active = windows_active(l->display) == window->id;
		described = windows_encode(l->display, window, active, agent->frame, agent->screen);
	}
	const char *more = window && menu_is_open(l, window->id) ? menu_note : NULL;
	snprintf(text, sizeof(text), "%s%s%s", note ? note : "", note && more ? " " : "",
		more ? more : "");
	g_autofree char *chosen = take_ptr(&l->chosen);
	const struct msg_launch_answer answer = { .pid = l->task.pid,
		.from = (int64_t)l->from,
		.application = chosen,
		.window = described,
		.note = *text ? text : NULL };
	launch_free(l);
	request_answer(req, &answer);
}

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

void launch_reply_ended(struct launch *l)
{
	auto_buf struct buf note = { 0 };
	buf_printf(&note, "The program ");
	describe_end(l, &note);
	buf_printf(&note, ".");
	launch_reply(l, NULL, buf_text(&note));
}

void launch_fail_ended(struct launch *l)
{
	struct err err;
	auto_buf struct buf end = { 0 };
	describe_end(l, &end);
	err_set(&err, ERR_HOST, "the program %s", buf_text(&end));
	launch_fail(l, &err);
}

/* ---- events ---- */

static int on_look(sd_event_source *source, void *data)
{
	(void)source;
	struct launch *l = data;
	loop_drop(&l->look);
	if (l->found) {
		launch_check(l);
	} else {
		launch_advance(l);
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
	launch_fail(l, &err);
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
		launch_advance(l);
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
		launch_reply(l, &info, "The window was not shown in time.");
		return 0;
	}
	if (l->ended && !task_is_alive(&l->task)) {
		launch_reply_ended(l);
		return 0;
	}
	launch_reply(l, NULL,
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
	launch_fail(l, &err);
}

/* ---- start ---- */

/* Of the desktop's defaults, if the request names none.  False: nothing opens it. */
static bool find_application(
	struct launch *l, const struct msg_launch *args, const char **ret, struct err *err)
{
	*ret = args->application;
	if (!*ret && !args->uri) {
		return err_set(err, ERR_ARGUMENT, "'application' or 'uri' is required");
	}
	if (!*ret) {
		*ret = l->chosen = default_application(args->uri, err);
	}
	return *ret;
}

static void add_arguments(struct command_line *line, const json_t *arguments)
{
	size_t n = g_strv_length(line->argv), more = json_array_size(arguments);
	line->argv = g_renew(char *, line->argv, n + more + 1);
	for (size_t i = 0; i < more; i++) {
		line->argv[n + i] = g_strdup(json_string_value(json_array_get(arguments, i)));
	}
	line->argv[n + more] = NULL;
}

/* The server's clock is the monotonic one; a window with the time of its request gets the focus. */
static void name_startup(struct launch *l)
{
	static unsigned number;
	snprintf(l->startup_id, sizeof(l->startup_id), "vitrine-%d-%u_TIME%" PRIu32, getpid(),
		++number, (uint32_t)(loop_now_us() / 1000));
}

static bool spawn(struct launch *l, const struct msg_launch *args, struct err *err)
{
	struct command_line line;
	const char *application;
	auto_close int output = -1;
	name_startup(l);
	g_autofree char *startup = g_strconcat("DESKTOP_STARTUP_ID=", l->startup_id, NULL);
	g_auto(GStrv) environment = environment_list(startup, args->environment, err);
	if (!environment || !find_application(l, args, &application, err) ||
		!applications_resolve(application, args->uri, &line, err)) {
		return false;
	}
	add_arguments(&line, args->arguments);
	l->output = output_drain_open(l->agent->event, &output);
	struct task_how how = { .argv = (const char *const *)line.argv,
		.cwd = line.cwd,
		.out = output,
		.err = output,
		.more = (const char *const *)environment,
		.n_more = g_strv_length(environment) };
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
	display_catch_up(l->display);
	l->from = display_frame_id(l->display);
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
		launch_fail(l, &err);
		return;
	}
	request_on_cancel(req, on_cancel, l);
}

const struct op op_launch = {
	.message = &message_launch,
	.run = run,
};
