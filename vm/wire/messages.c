/* The tables.  A row's bounds are what both ends hold each other to. */
#include "vm/wire/messages.h"

#include "vm/wire/action.h"
#include "vm/wire/frame.h"

#include <assert.h>
#include <string.h>

#define MS_MAX 1e9
#define COUNT_MAX 1e15
#define ID_MAX 4294967295.0 /* X resources, pids, streams */
#define PLACE_MAX 1e6       /* of a window's corner, off the screen included */
#define DAY_MS 86400000
#define HOUR_MS 3600000
#define LAUNCH_MS_MAX 600000

#define END \
	{ \
		.name = NULL, \
	}
/* Where the struct's member cannot have the message's name. */
#define NAMED(key, T, member, text, ...) \
	{ \
		.name = key, .type = FIELD_INT, .offset = FIELD_AT(T, member, int64_t), \
		.help = text, __VA_ARGS__ \
	}
#define REQUIRED .required = true

static const struct field nothing[] = { END };
#define NOTHING \
	{ \
		.fields = nothing \
	}

#define WATCH struct msg_watch
static const struct field watch_fields[] = {
	FIELD_FLAG(WATCH, on, "Whether to tell of screen changes.", REQUIRED),
	END,
};

/* ---- act ---- */

#define ACT struct msg_act
static const struct field act_fields[] = {
	FIELD_JSON(ACT, actions, "What to do, in order: vm/wire/action.h."),
	FIELD_JSON(ACT, observe, "What to look at afterwards."),
	END,
};

#define ANSWER struct msg_act_answer
static const struct field act_answer_fields[] = {
	FIELD_JSON(ANSWER, done, "One for each action that ran to its end, in order.", REQUIRED),
	FIELD_JSON(ANSWER, failed, "The action that did not; later ones were not begun."),
	FIELD_LIST(ANSWER, pointer, "[x, y], afterwards.", 2, REQUIRED),
	FIELD_NUM(ANSWER, frame_id, "Counts screen changes.", REQUIRED, .max = COUNT_MAX),
	FIELD_FLAG(ANSWER, changed,
		"Whether the screen changed between the first input and the answer.", REQUIRED),
	FIELD_FLAG(ANSWER, settled, "The screen was quiet; only with observe \"settled\"."),
	FIELD_FLAG(ANSWER, blank, "observe's window showed one colour only, to the end."),
	FIELD_JSON(ANSWER, moving, "What did not settle: [[x0, y0, x1, y1]]."),
	FIELD_NUM(ANSWER, waited_ms, "Until it settled, or did not.", .max = MS_MAX),
	FIELD_JSON(ANSWER, frame, "What the tail is."),
	END,
};

#define DONE struct msg_done
const struct field msg_done_fields[] = {
	FIELD_NUM(DONE, ms, "It took.", REQUIRED, .max = MS_MAX),
	FIELD_NUM(DONE, chars, "Delivered, of a text.", .max = ACTION_TEXT_MAX),
	FIELD_FLAG(DONE, unfocused, "No window had the keyboard focus when keys were pressed."),
	END,
};

#define FAILED struct msg_failed
const struct field msg_failed_fields[] = {
	FIELD_NUM(FAILED, index, "Which, from 0.", REQUIRED, .max = ACTION_LIST_MAX),
	FIELD_STR(FAILED, kind, "A kind of error.", REQUIRED, .max = 40),
	FIELD_STR(FAILED, text, "Why.", REQUIRED, .max = MESSAGE_TEXT_MAX),
	END,
};

#define FRAME struct msg_frame
const struct field msg_frame_fields[] = {
	FIELD_NUM(FRAME, frame_id, "Counts screen changes.", REQUIRED, .max = COUNT_MAX),
	FIELD_NUM(FRAME, width, "Of the image, in pixels.", REQUIRED, .min = 1,
		.max = MESSAGE_EDGE_MAX),
	FIELD_NUM(FRAME, height, "Of the image, in pixels.", REQUIRED, .min = 1,
		.max = MESSAGE_EDGE_MAX),
	FIELD_ONE_OF(FRAME, format, "Of the image.", observe_format_words, REQUIRED),
	FIELD_NUM(FRAME, quality, "Of a JPEG.", .max = 100),
	FIELD_DEC(FRAME, scale, "Of the frame space.", REQUIRED, .min = 0, .max = MESSAGE_EDGE_MAX),
	FIELD_STR(FRAME, reduced, "A sentence, when it had to shrink.", .max = MESSAGE_TEXT_MAX),
	FIELD_LIST(FRAME, raw,
		"[width, height]: the tail is pixels (vm/picture/pixels.h), of which the host "
		"makes "
		"the image; only if observe asked for it.",
		2),
	END,
};

/* ---- windows and programs ---- */

#define WINDOW struct msg_window
#define PLACE(m, text) FIELD_NUM(WINDOW, m, text, REQUIRED, .min = -PLACE_MAX, .max = PLACE_MAX)
const struct field msg_window_fields[] = {
	FIELD_NUM(WINDOW, id, "The agent's number, given once and never to another window.",
		REQUIRED, .max = ID_MAX),
	FIELD_NUM(WINDOW, pid, "Of its program.", .min = -ID_MAX, .max = ID_MAX),
	FIELD_STR(WINDOW, title, "What it is called.", .max = MESSAGE_TEXT_MAX),
	FIELD_STR(WINDOW, class, "The kind of program.", .max = MESSAGE_TEXT_MAX),
	PLACE(x, "Of its left edge."),
	PLACE(y, "Of its upper edge."),
	FIELD_NUM(WINDOW, width, "In pixels.", REQUIRED, .min = 0, .max = PLACE_MAX),
	FIELD_NUM(WINDOW, height, "In pixels.", REQUIRED, .min = 0, .max = PLACE_MAX),
	FIELD_FLAG(WINDOW, active, "It has the focus."),
	END,
};

#define LAUNCH struct msg_launch
static const struct field launch_fields[] = {
	FIELD_STR(LAUNCH, application,
		"A desktop-file id (with or without .desktop), a program's name or an absolute "
		"path.",
		REQUIRED, .min = 1, .max = MESSAGE_APPLICATION_MAX),
	FIELD_STR(LAUNCH, uri, "What to open with it.", .min = 1, .max = MESSAGE_URI_MAX),
	FIELD_NUM(LAUNCH, timeout_ms, "How long the first window is waited for.", REQUIRED,
		.min = 1, .max = LAUNCH_MS_MAX),
	END,
};

#define LAUNCHED struct msg_launch_answer
static const struct field launch_answer_fields[] = {
	FIELD_NUM(LAUNCHED, pid, "Of the program.", REQUIRED, .max = ID_MAX),
	FIELD_JSON(LAUNCHED, window, "The first that it opened."),
	FIELD_STR(LAUNCHED, note, "Why there is none.", .max = MESSAGE_TEXT_MAX),
	END,
};

#define APPLICATIONS struct msg_applications_answer
static const struct field applications_answer_fields[] = {
	FIELD_JSON(APPLICATIONS, applications, "All, sorted by id.", REQUIRED),
	END,
};

#define APPLICATION struct msg_application
/* As long as the desktop file makes them; the message as a whole is bounded. */
const struct field msg_application_fields[] = {
	FIELD_STR(APPLICATION, id, "Of the desktop file.", REQUIRED),
	FIELD_STR(APPLICATION, name, "For people.", REQUIRED),
	FIELD_STR(APPLICATION, comment, "A line about it."),
	FIELD_STR(APPLICATION, program, "What it runs.", REQUIRED),
	END,
};

#define INFO struct msg_info_answer
static const struct field info_answer_fields[] = {
	FIELD_LIST(INFO, screen, "[width, height] in pixels.", 2, REQUIRED),
	FIELD_LIST(INFO, frame, "[width, height] of the frame space.", 2, REQUIRED),
	FIELD_NUM(INFO, frame_id, "Counts screen changes.", REQUIRED, .max = COUNT_MAX),
	FIELD_NUM(INFO, uptime_ms, "Of the agent.", REQUIRED, .max = COUNT_MAX),
	FIELD_STR(INFO, layout, "Of the keyboard: \"us\" or \"us,de\".", .max = 200),
	FIELD_JSON(INFO, windows, "All of them.", REQUIRED),
	FIELD_NUM(INFO, pid_count, "Processes.", .max = ID_MAX),
	END,
};

/* ---- commands and connections ---- */

#define EXEC struct msg_exec
static const struct field exec_fields[] = {
	FIELD_STR(EXEC, command, "What the shell runs; without it, the tail is that.", .min = 1,
		.max = MESSAGE_COMMAND_MAX),
	FIELD_STR(EXEC, cwd, "The directory to run it in; without it, the home directory.",
		.min = 1, .max = MESSAGE_PATH_MAX),
	FIELD_NUM(EXEC, timeout_ms, "After which it is killed.", REQUIRED, .min = 1, .max = DAY_MS),
	NAMED("stdout", EXEC, output[0], "The number of a stream.", REQUIRED, .min = 1,
		.max = ID_MAX),
	NAMED("stderr", EXEC, output[1], "The number of a stream.", REQUIRED, .min = 1,
		.max = ID_MAX),
	END,
};

#define EXITED struct msg_exec_answer
static const struct field exec_answer_fields[] = {
	FIELD_NUM(EXITED, status, "Of its exit.", .min = 0, .max = 255, .preset = -1),
	FIELD_NUM(EXITED, signal, "That ended it, instead.", .min = 1, .max = 64),
	FIELD_FLAG(EXITED, timed_out, "It was killed at its timeout."),
	FIELD_NUM(EXITED, ms, "It took.", REQUIRED, .max = MS_MAX),
	END,
};

#define RFB struct msg_rfb
static const struct field rfb_fields[] = {
	FIELD_NUM(RFB, stream, "The number of a stream.", REQUIRED, .min = 1, .max = ID_MAX),
	FIELD_NUM(RFB, window, "A window's id; 0: the whole screen.", .max = ID_MAX),
	END,
};

/* ---- a machine that is saved and copied ---- */

#define PREPARE struct msg_prepare
static const struct field prepare_fields[] = {
	FIELD_NUM(PREPARE, window_ms, "How long a program may take to show its window.", REQUIRED,
		.min = 1, .max = HOUR_MS),
	FIELD_NUM(PREPARE, rest_ms, "How long it may take until there is rest.", REQUIRED, .min = 0,
		.max = HOUR_MS),
	FIELD_NUM(PREPARE, warm_rest_ms, "The same, where programs were opened.", REQUIRED,
		.min = 0, .max = HOUR_MS),
	END,
};

static const struct field freeze_fields[] = {
	FIELD_FLAG(struct msg_freeze, raw, "The frame that is made ahead is one of pixels."),
	END,
};

#define RESTORED struct msg_restored
static const struct field restored_fields[] = {
	FIELD_NUM(RESTORED, time_us, "Microseconds since 1970.", REQUIRED, .min = MESSAGE_TIME_MIN,
		.max = MESSAGE_TIME_MAX),
	FIELD_STR(RESTORED, entropy, "base64 of 64 bytes.", REQUIRED, .min = 88, .max = 88),
	FIELD_STR(RESTORED, hostname, "Its new name.", .min = 1, .max = 63),
	FIELD_STR(RESTORED, machine_id, "32 hex digits.", .min = 32, .max = 32),
	FIELD_STR(RESTORED, mac, "Like 52:54:00:12:34:56.", .min = 17, .max = 17),
	END,
};

/* ---- the operations ---- */

#define PART(T, table, ...) \
	{ \
		.fields = table, .size = sizeof(T), __VA_ARGS__ \
	}
#define MEMBERS(...) \
	(const struct message_member[]) \
	{ \
		__VA_ARGS__, \
		{ \
			0 \
		} \
	}

const struct message message_ping = {
	.name = "ping",
	.help = "A sign of life.",
	.request = NOTHING,
	.answer = NOTHING,
};

const struct message message_info = {
	.name = "info",
	.help = "The desktop as it is.",
	.request = NOTHING,
	.answer = PART(INFO, info_answer_fields),
	.members = MEMBERS({ "windows", msg_window_fields }),
};

const struct message message_watch = {
	.name = "watch",
	.help = "Turns the event `screen` on or off.",
	.request = PART(WATCH, watch_fields),
	.answer = NOTHING,
};

const struct message message_act = {
	.name = "act",
	.help = "The list is checked as a whole before the first input event; one that does not "
		"pass is an error and nothing was done. Held keys and buttons are released when a "
		"list fails or is cancelled; a button_down of a list that ran to its end stays "
		"down "
		"until a button_up. Lists with input run one at a time, in the order of arrival, "
		"their observing included; lists without run at once. The tail is the frame's "
		"image.",
	.request = PART(ACT, act_fields),
	.answer = PART(ANSWER, act_answer_fields, .tail_max = FRAME_MAX),
	.members = MEMBERS({ "done", msg_done_fields }, { "failed", msg_failed_fields },
		{ "frame", msg_frame_fields }),
};

const struct message message_launch = {
	.name = "launch",
	.help = "Starts a program and waits for the first window that it opens.",
	.request = PART(LAUNCH, launch_fields),
	.answer = PART(LAUNCHED, launch_answer_fields),
	.members = MEMBERS({ "window", msg_window_fields }),
};

const struct message message_applications = {
	.name = "applications",
	.help = "What the desktop's menu offers.",
	.request = NOTHING,
	.answer = PART(APPLICATIONS, applications_answer_fields),
	.members = MEMBERS({ "applications", msg_application_fields }),
};

const struct message message_exec = {
	.name = "exec",
	.help = "Runs a command in a login shell as the desktop's user; it is killed with all its "
		"children at the timeout and when it is cancelled. The agent ends both streams "
		"before it answers.",
	.request = PART(EXEC, exec_fields, .tail_max = MESSAGE_COMMAND_MAX),
	.answer = PART(EXITED, exec_answer_fields),
};

const struct message message_rfb = {
	.name = "rfb",
	.help = "Joins the stream with the desktop's VNC server (RFB 3.8, no security), which "
		"speaks first. It is answered when that is over, because either end closed; an "
		"error means that it never was. A viewer that reads slowly stalls no other. Of a "
		"window, the agent itself is the server: the window with its menus and dialogs is "
		"all there is to see, and all that input reaches. An error may come at any time "
		"then: not-found when there is no such window or it was closed, state when the X "
		"server is away.",
	.request = PART(RFB, rfb_fields),
	.answer = NOTHING,
};

const struct message message_prepare = {
	.name = "prepare",
	.help = "Before a template is saved: opens what the image lists in /etc/vitrine/warm, a "
		"command a line, each when the one before has its window (an error of kind "
		"timeout: "
		"one has none); then waits until the machine has little to do.",
	.request = PART(PREPARE, prepare_fields),
	.answer = NOTHING,
};

const struct message message_freeze = {
	.name = "freeze",
	.help = "The agent makes the frame that is likely to be asked for next and sends nothing "
		"after this answer until the host sends something, so that no byte is under way "
		"while the machine is saved. Whatever comes next thaws it.",
	.request = PART(struct msg_freeze, freeze_fields),
	.answer = NOTHING,
};

const struct message message_restored = {
	.name = "restored",
	.help = "The host is new: this desktop was cloned or resumed, or the server was restarted. "
		"It is always the first request of a new host end; it may come at a frozen agent "
		"or "
		"after the port was closed and opened. The agent forgets its old link (requests "
		"are "
		"cancelled and not answered, streams closed), sets the clock, feeds the entropy, "
		"takes the new names, checks X server, window manager and a captured frame, and "
		"says "
		"hello, stage and ready as at the start. Names left out stay as they are.",
	.request = PART(RESTORED, restored_fields),
	.answer = NOTHING,
};

const struct message *message_request_at(size_t i)
{
	static const struct message *const all[] = { &message_ping, &message_info, &message_watch,
		&message_act, &message_launch, &message_applications, &message_exec, &message_rfb,
		&message_prepare, &message_freeze, &message_restored };
	return i < sizeof(all) / sizeof(all[0]) ? all[i] : NULL;
}

/* ---- the events ---- */

const char *const message_stages[MESSAGE_STAGES + 1] = { "x-server", "session-bus",
	"window-manager", "panel", "first-frame", NULL };
const char *const message_services[] = { "X server", "window manager", "panel", "session bus",
	NULL };

int message_name_index(const char *const *names, const char *name)
{
	int i = 0;
	while (strcmp(names[i], name) != 0) {
		i++;
		assert(names[i]);
	}
	return i;
}

#define WHY_MAX 1000
#define HELLO struct msg_hello
static const struct field hello_fields[] = {
	FIELD_NUM(HELLO, protocol, "The version of all this.", REQUIRED, .max = 1000000),
	FIELD_STR(HELLO, version, "The agent's.", REQUIRED, .max = 60),
	END,
};

#define STAGE struct msg_stage
#define SINCE "Since the agent's start."
static const struct field stage_fields[] = {
	FIELD_ONE_OF(STAGE, stage, "What came up.", message_stages, REQUIRED),
	FIELD_NUM(STAGE, ms, SINCE, REQUIRED, .max = MS_MAX),
	END,
};

#define READY struct msg_ready
static const struct field ready_fields[] = {
	FIELD_LIST(READY, screen, "[width, height] in pixels.", 2, REQUIRED),
	FIELD_LIST(READY, frame, "[width, height] of the frame space.", 2, REQUIRED),
	FIELD_NUM(READY, ms, SINCE, REQUIRED, .max = MS_MAX),
	END,
};

static const struct field unable_fields[] = {
	FIELD_STR(struct msg_unable, text, "Why.", REQUIRED, .max = MESSAGE_TEXT_MAX),
	END,
};

#define RESTARTED struct msg_restarted
static const struct field restarted_fields[] = {
	FIELD_ONE_OF(RESTARTED, what, "What died and is back.", message_services, REQUIRED),
	FIELD_STR(RESTARTED, why, "Why it died.", .max = WHY_MAX),
	END,
};

#define RESTING struct msg_resting
static const struct field resting_fields[] = {
	FIELD_ONE_OF(RESTING, what, "What died too often.", message_services, REQUIRED),
	FIELD_STR(RESTING, why, "Why it died.", .max = WHY_MAX),
	FIELD_NUM(RESTING, ms, "Until it is started again.", REQUIRED, .max = MS_MAX),
	END,
};

static const struct field screen_fields[] = {
	FIELD_NUM(
		struct msg_screen, frame_id, "Counts screen changes.", REQUIRED, .max = COUNT_MAX),
	END,
};

const struct message message_hello = { "hello", "First of all.", PART(HELLO, hello_fields) };
const struct message message_stage = { "stage", "As it comes up.", PART(STAGE, stage_fields) };
const struct message message_ready = { "ready",
	"Agent, X server, window manager and a captured frame are there; once.",
	PART(READY, ready_fields) };
const struct message message_unable = { "failed", "It will never be ready; the agent then exits.",
	PART(struct msg_unable, unable_fields) };
const struct message message_restarted = { "restarted", "A part of the desktop died and is back.",
	PART(RESTARTED, restarted_fields) };
const struct message message_resting = { "resting",
	"It died too often, and the desktop goes on without it for a while.",
	PART(RESTING, resting_fields) };
const struct message message_screen = { "screen",
	"The screen changed; at most 5 a second, only after `watch`.",
	PART(struct msg_screen, screen_fields) };

const struct message *message_event_at(size_t i)
{
	static const struct message *const all[] = { &message_hello, &message_stage, &message_ready,
		&message_unable, &message_restarted, &message_resting, &message_screen };
	return i < sizeof(all) / sizeof(all[0]) ? all[i] : NULL;
}

/* ---- both directions ---- */

json_t *message_encode(const struct message_part *part, const void *in)
{
	return field_encode(part->fields, in);
}

bool message_decode(const struct message_part *part, const json_t *json, size_t tail_len, void *out,
	struct err *err)
{
	if (tail_len > part->tail_max) {
		return part->tail_max
			       ? err_set(err, ERR_ARGUMENT, "%zu bytes behind it; there may be %zu",
					 tail_len, part->tail_max)
			       : err_set(err, ERR_ARGUMENT, "unexpected payload of %zu bytes",
					 tail_len);
	}
	return field_decode(part->fields, json, out, err);
}
