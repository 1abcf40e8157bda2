/*
 * Starts a program and answers with the window it opens.  Which window that is, is decided whenever
 * the list of windows changes: one whose process came of ours, or that carries our startup id, is
 * ours; one that belongs to another launch is not; any other new one is kept in mind, for programs
 * that hand over to an instance that runs already and for windows that do not say whose they are.
 */
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/spawn.h"
#include "vm/agent/agent.h"
#include "vm/agent/applications.h"
#include "vm/agent/display.h"
#include "vm/agent/op.h"
#include "vm/agent/sink.h"
#include "vm/agent/task.h"
#include "vm/agent/windows.h"

#include <glib.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define STRANGER_MS 1000    /* how long a better match than somebody else's window is waited for */
#define HANDED_OVER_MS 2000 /* for a window after the program has ended well */
#define PRESENT_MS 300      /* the same, when a window of that program is open already */
#define COMPLETE_MS 500     /* for title and focus, once the window is there */
#define TIMEOUT_MAX 600000

struct args {
	const char *application, *uri;
	int64_t timeout_ms;
};

static const struct field fields[] = {
	FIELD_STR(struct args, application, "a desktop-file id, a program or a path",
		.required = true, .min = 1, .max = 1000),
	FIELD_STR(struct args, uri, "what to open with it", .min = 1, .max = 8000),
	FIELD_NUM(struct args, timeout_ms, "for the first window", .required = true, .min = 1,
		.max = TIMEOUT_MAX),
	{},
};

struct launch {
	struct agent *agent;
	struct launch *next; /* in agent->launches */
	struct request *req;
	struct task task;
	struct sink *output;
	char startup_id[96];
	char *program; /* the file that runs, or NULL */
	sd_event_source *child, *deadline, *patience;
	sd_event_source *look; /* the list of windows has changed: once for all that came in */
	struct display *display;
	struct display_listener listener;
	Window known[WINDOWS_MAX]; /* there before, or looked at and found to be another's */
	size_t n_known;
	Window found, stranger; /* ours; new, and perhaps of an instance that was handed over to */
	bool stranger_is_launched; /* its process came of an earlier launch, which may just go on */
	bool ended, fruitless; /* fruitless: it has ended, but something that came of it runs on */
	siginfo_t end;
};

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
	sink_release(l->output);
	free(l->program);
	free(l);
}

static void fail(struct launch *l, const struct err *why)
{
	struct request *req = l->req;
	launch_free(l);
	request_fail(req, why);
}

static bool is_known(const struct launch *l, Window id)
{
	for (size_t i = 0; i < l->n_known; i++) {
		if (l->known[i] == id) {
			return true;
		}
	}
	return false;
}

static void know(struct launch *l, Window id)
{
	if (l->n_known < WINDOWS_MAX) {
		l->known[l->n_known++] = id;
	}
}

/* A window is the answer to one launch only. */
static void claim(struct launch *l, Window id)
{
	for (struct launch *other = l->agent->launches; other; other = other->next) {
		if (other != l && other->stranger == id) {
			other->stranger = None;
		}
		if (other != l) {
			know(other, id);
		}
	}
}

static void reply(struct launch *l, const struct window_info *window, const char *note)
{
	struct request *req = l->req;
	struct agent *agent = l->agent;
	json_t *result = must(json_pack("{s:i}", "pid", (int)l->task.pid));
	if (window) {
		claim(l, window->id);
		bool active = windows_active(l->display) == window->id;
		json_object_set_new(result, "window",
			windows_encode(l->display, window, active, agent->frame, agent->screen));
	}
	if (note) {
		json_object_set_new(result, "note", json_string(note));
	}
	launch_free(l);
	request_reply(req, result, NULL, 0);
}

/* ---- which window ---- */

static bool is_of(const struct launch *l, const struct window_info *info)
{
	return strcmp(info->startup_id, l->startup_id) == 0 || task_owns(&l->task, info->pid);
}

static bool is_of_another(const struct launch *l, const struct window_info *info)
{
	for (const struct launch *other = l->agent->launches; other; other = other->next) {
		if (other != l && (other->found == info->id || is_of(other, info))) {
			return true;
		}
	}
	return false;
}

static void look_at(struct launch *l, const struct window_info *info)
{
	if (info->type != WINDOW_NORMAL) {
		know(l, info->id);
	} else if (is_of(l, info)) {
		l->found = info->id;
	} else if (is_of_another(l, info)) {
		know(l, info->id);
	} else if (!l->stranger || l->stranger_is_launched) {
		know(l, l->stranger);
		l->stranger = info->id;
		l->stranger_is_launched = task_is_any(info->pid);
	}
}

static void search(struct launch *l)
{
	Window ids[WINDOWS_MAX];
	size_t n = windows_list(l->display, ids);
	for (size_t i = 0; i < n && !l->found; i++) {
		struct window_info info;
		if (!is_known(l, ids[i]) && ids[i] != l->stranger &&
			windows_describe(l->display, ids[i], &info)) {
			look_at(l, &info);
		}
	}
}

/* ---- when it is ready ---- */

static void wait_for(struct launch *l, uint64_t ms, sd_event_time_handler_t fn)
{
	loop_drop(&l->patience);
	l->patience = loop_after_ms(l->agent->event, ms, fn, l);
}

/* A window without a title is one, too, and so is one that does not want the focus. */
static int on_incomplete(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct launch *l = data;
	struct window_info info;
	loop_drop(&l->patience);
	if (windows_describe(l->display, l->found, &info) && info.viewable) {
		reply(l, &info, NULL);
	}
	return 0;
}

static void advance(struct launch *l);

/* What was taken for its window is gone again: a splash screen of an unusual kind. */
static void lose_window(struct launch *l)
{
	know(l, l->found);
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
	} else if (info.viewable && !l->patience) {
		wait_for(l, COMPLETE_MS, on_incomplete);
	}
}

static void settle_for(struct launch *l, Window id)
{
	loop_drop(&l->patience);
	l->found = id;
	XSelectInput(display_x(l->display), id, StructureNotifyMask | PropertyChangeMask);
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

/* ---- without a window ---- */

static bool runs_program(const struct launch *l, pid_t pid)
{
	char path[40], file[PATH_MAX];
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	ssize_t n = pid > 0 ? readlink(path, file, sizeof(file) - 1) : -1;
	file[n > 0 ? n : 0] = '\0';
	return l->program && strcmp(l->program, file) == 0;
}

/* A window of an instance that ran before: the active one if it is one, else the newest. */
static bool find_instance(struct launch *l, struct window_info *ret_info)
{
	Window ids[WINDOWS_MAX], active = windows_active(l->display);
	size_t n = windows_list(l->display, ids);
	bool found = false;
	for (size_t i = 0; i < n; i++) {
		struct window_info info;
		if (windows_describe(l->display, ids[i], &info) && info.type == WINDOW_NORMAL &&
			runs_program(l, info.pid) && !(found && ret_info->id == active)) {
			*ret_info = info;
			found = true;
		}
	}
	return found;
}

static int on_nothing_came(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct launch *l = data;
	struct window_info info;
	loop_drop(&l->patience);
	if (l->stranger) {
		settle_for(l, l->stranger);
	} else if (find_instance(l, &info)) {
		reply(l, &info,
			"The program ran already and opened no new window; this is the one it "
			"has.");
	} else if (task_is_alive(&l->task)) {
		l->fruitless = true; /* until the deadline */
	} else {
		reply(l, NULL, "The program ended without an error and without a window.");
	}
	return 0;
}

static bool ended_well(const struct launch *l)
{
	return l->end.si_code == CLD_EXITED && l->end.si_status == 0;
}

static void program_failed(struct launch *l)
{
	struct err err;
	auto_free char *output = sink_text(l->output);
	size_t len = strlen(output);
	bool exited = l->end.si_code == CLD_EXITED;
	err_set(&err, ERR_HOST, "the program %s before it opened a window%s%s",
		spawn_describe_end(exited ? l->end.si_status << 8 : l->end.si_status & 0x7f),
		len ? "; its last output was: " : " and wrote nothing",
		len > 300 ? output + len - 300 : output);
	fail(l, &err);
}

/* It has ended, but something that came of it runs, and the window there is came of another launch.
 */
static bool may_open_its_own(const struct launch *l)
{
	return l->stranger_is_launched && task_is_alive(&l->task);
}

/* May answer, and so free, the launch. */
static void advance(struct launch *l)
{
	search(l);
	if (l->found) {
		settle_for(l, l->found);
	} else if (l->ended && !ended_well(l)) {
		program_failed(l);
	} else if (l->stranger && l->ended && !may_open_its_own(l)) {
		settle_for(l, l->stranger);
	} else if (l->stranger && (l->ended || !l->stranger_is_launched) && !l->patience) {
		wait_for(l, l->ended ? HANDED_OVER_MS : STRANGER_MS, on_no_better);
	} else if (l->ended && !l->patience && !l->fruitless) {
		struct window_info info;
		wait_for(l, find_instance(l, &info) ? PRESENT_MS : HANDED_OVER_MS, on_nothing_came);
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

/* Not at once: a program that opens windows by the hundred would have us ask about all of them for
 * each, and nobody else be served. */
static void on_x_event(const XEvent *event, void *data)
{
	struct launch *l = data;
	bool root = event->type == PropertyNotify &&
		    event->xproperty.window == display_root(l->display);
	if ((root || (l->found && event->xany.window == l->found)) && !l->look) {
		l->look = loop_defer(l->agent->event, on_look, l);
	}
}

static void on_display_closing(const struct err *why, void *data)
{
	(void)why;
	struct launch *l = data;
	struct err err;
	err_set(&err, ERR_STATE,
		"the X server went away before the program had a window; try again in a second");
	fail(l, &err);
}

static int on_end(sd_event_source *source, const siginfo_t *info, void *data)
{
	(void)source;
	struct launch *l = data;
	l->ended = true;
	l->end = *info;
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
		reply(l, &info, "The window has not been shown in time.");
		return 0;
	}
	reply(l, NULL,
		l->ended ? "No window appeared in time."
			 : "No window appeared in time; the program still runs, so one may come: "
			   "look again later.");
	return 0;
}

static void on_cancel(void *data)
{
	struct launch *l = data;
	struct err err;
	if (!l->found) {
		task_kill(&l->task);
	}
	err_set(&err, ERR_CANCELLED, "the launch was taken back%s",
		l->found ? "; the program runs" : " and the program was ended");
	fail(l, &err);
}

/* ---- the beginning ---- */

static char *realpath_of(const char *program)
{
	g_autofree char *path = g_find_program_in_path(program);
	return path ? realpath(path, NULL) : NULL;
}

static bool spawn(struct launch *l, const struct args *args, struct err *err)
{
	static unsigned number;
	struct command_line line;
	char startup[sizeof(l->startup_id) + sizeof("DESKTOP_STARTUP_ID=")];
	auto_close int output = -1;
	if (!applications_resolve(args->application, args->uri, &line, err)) {
		return false;
	}
	/* The server's clock is the monotonic one; a window that says when it was asked for gets
	 * the focus. */
	snprintf(l->startup_id, sizeof(l->startup_id), "vitrine-%d-%u_TIME%" PRIu32, getpid(),
		++number, (uint32_t)(loop_now_us() / 1000));
	snprintf(startup, sizeof(startup), "DESKTOP_STARTUP_ID=%s", l->startup_id);
	l->output = sink_open(l->agent->event, &output);
	struct task_how how = { .argv = (const char *const *)line.argv,
		.cwd = line.cwd,
		.out = output,
		.err = output,
		.startup_id = startup };
	l->program = realpath_of(line.argv[0]);
	bool started = l->output && task_start(&how, &l->task, err);
	if (!l->output) {
		err_errno(err, "cannot make a pipe");
	}
	command_line_done(&line);
	return started;
}

static bool start(struct launch *l, const struct args *args, struct err *err)
{
	if (!l->agent->display) {
		return err_set(err, ERR_STATE,
			"the X server is not up at the moment; try again in a second");
	}
	l->n_known = windows_list(l->agent->display, l->known);
	if (!spawn(l, args, err)) {
		return false;
	}
	l->listener = (struct display_listener){
		.event = on_x_event, .closing = on_display_closing, .data = l
	};
	l->display = l->agent->display;
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

extern const struct op op_launch;
const struct op op_launch = {
	.name = "launch",
	.fields = fields,
	.args_size = sizeof(struct args),
	.run = run,
};
