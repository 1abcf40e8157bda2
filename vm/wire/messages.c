/* The message tables.  Both ends enforce the bounds of a row. */
#include "vm/wire/messages.h"

#include "base/cleanup.h"
#include "vm/wire/action.h"
#include "vm/wire/clipboard.h"
#include "vm/wire/frame.h"

#include <assert.h>
#include <string.h>

#define MS_MAX 1e9
#define COUNT_MAX 1e15
#define ID_MAX 4294967295.0 /* X resources, pids, streams */
#define PLACE_MAX 1e6       /* of a window's corner, including positions off the screen */
#define DAY_MS 86400000
#define HOUR_MS 3600000
#define LAUNCH_MS_MAX 600000

#define END \
	{ \
		.name = NULL, \
	}
#define REQUIRED .required = true

static const struct field nothing[] = { END };
#define NOTHING \
	{ \
		.fields = nothing \
	}

#define WATCH struct msg_watch
static const struct field watch_fields[] = {
	FIELD_FLAG(WATCH, on, "Whether to report screen changes.", REQUIRED),
	END,
};

/* ---- act ---- */

#define ACT struct msg_act
static const struct field act_fields[] = {
	FIELD_JSON(ACT, actions, "Actions, in order: see `vm/wire/action.h`."),
	FIELD_JSON(ACT, observe, "What to capture afterwards."),
	END,
};

#define ANSWER struct msg_act_answer
static const struct field act_answer_fields[] = {
	FIELD_JSON(ANSWER, done, "One for each completed action, in order.", REQUIRED),
	FIELD_JSON(ANSWER, failed, "The failed action; later ones were not started."),
	FIELD_LIST(ANSWER, pointer, "[x, y], afterwards.", 2, REQUIRED),
	FIELD_NUM(ANSWER, frame_id, "Counts screen changes.", REQUIRED, .max = COUNT_MAX),
	FIELD_FLAG(ANSWER, changed,
		"Whether the screen changed between the first input and the answer.", REQUIRED),
	FIELD_FLAG(ANSWER, settled, "Whether the screen was quiet; only with observe \"settled\"."),
	FIELD_FLAG(ANSWER, blank, "The window of observe showed one colour only."),
	FIELD_JSON(ANSWER, moving, "Regions that did not settle: [[x0, y0, x1, y1]]."),
	FIELD_NUM(ANSWER, waited_ms, "Time until it settled, or was given up.", .max = MS_MAX),
	FIELD_JSON(ANSWER, frame, "Content of the tail."),
	END,
};

#define DONE struct msg_done
const struct field msg_done_fields[] = {
	FIELD_NUM(DONE, ms, "It took.", REQUIRED, .max = MS_MAX),
	FIELD_NUM(DONE, chars, "Delivered characters of a text.", .max = ACTION_TEXT_MAX),
	FIELD_FLAG(DONE, unfocused, "No window had the keyboard focus when keys were pressed."),
	END,
};

#define FAILED struct msg_failed
const struct field msg_failed_fields[] = {
	FIELD_NUM(FAILED, index, "Index, from 0.", REQUIRED, .max = ACTION_LIST_MAX),
	FIELD_STR(FAILED, kind, "Kind of error.", REQUIRED, .max = 40),
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
	FIELD_STR(FRAME, reduced, "A sentence, if it was reduced.", .max = MESSAGE_TEXT_MAX),
	FIELD_LIST(FRAME, raw,
		"[width, height]: the tail is pixels (`vm/picture/pixels.h`), which the host encodes as "
		"makes "
		"the image; only if observe requested it.",
		2),
	END,
};

/* ---- windows and programs ---- */

#define WINDOW struct msg_window
#define PLACE(m, text) FIELD_NUM(WINDOW, m, text, REQUIRED, .min = -PLACE_MAX, .max = PLACE_MAX)
const struct field msg_window_fields[] = {
	FIELD_NUM(WINDOW, id, "The agent's number, never reused for another window.", REQUIRED,
		.max = ID_MAX),
	FIELD_NUM(WINDOW, pid, "Of its program.", .min = -ID_MAX, .max = ID_MAX),
	FIELD_STR(WINDOW, title, "Title.", .max = MESSAGE_TEXT_MAX),
	FIELD_STR(WINDOW, class, "Class of the program.", .max = MESSAGE_TEXT_MAX),
	PLACE(x, "Of its left edge."),
	PLACE(y, "Of its upper edge."),
	FIELD_NUM(WINDOW, width, "In pixels.", REQUIRED, .min = 0, .max = PLACE_MAX),
	FIELD_NUM(WINDOW, height, "In pixels.", REQUIRED, .min = 0, .max = PLACE_MAX),
	FIELD_FLAG(WINDOW, active, "It has the keyboard focus."),
	END,
};

#define LAUNCH struct msg_launch
static const struct field launch_fields[] = {
	FIELD_STR(LAUNCH, application,
		"A desktop-file id (with or without .desktop), a program's name or an absolute "
		"path.",
		REQUIRED, .min = 1, .max = MESSAGE_APPLICATION_MAX),
	FIELD_STR(LAUNCH, uri, "File or URL to open with it.", .min = 1, .max = MESSAGE_URI_MAX),
	FIELD_NUM(LAUNCH, timeout_ms, "Maximum time until the first window.", REQUIRED, .min = 1,
		.max = LAUNCH_MS_MAX),
	END,
};

#define LAUNCHED struct msg_launch_answer
static const struct field launch_answer_fields[] = {
	FIELD_NUM(LAUNCHED, pid, "Of the program.", REQUIRED, .max = ID_MAX),
	FIELD_JSON(LAUNCHED, window, "The first window it opened."),
	FIELD_STR(LAUNCHED, note, "Why there is none.", .max = MESSAGE_TEXT_MAX),
	END,
};

#define APPLICATIONS struct msg_applications_answer
static const struct field applications_answer_fields[] = {
	FIELD_JSON(APPLICATIONS, applications, "All, sorted by id.", REQUIRED),
	END,
};

#define APPLICATION struct msg_application
/* As long as the desktop file permits; the message as a whole is bounded. */
const struct field msg_application_fields[] = {
	FIELD_STR(APPLICATION, id, "Of the desktop file.", REQUIRED),
	FIELD_STR(APPLICATION, name, "For people.", REQUIRED),
	FIELD_STR(APPLICATION, comment, "One-line description."),
	FIELD_STR(APPLICATION, program, "Command that it runs.", REQUIRED),
	END,
};

#define INFO struct msg_info_answer
static const struct field info_answer_fields[] = {
	FIELD_LIST(INFO, screen, "[width, height] in pixels.", 2, REQUIRED),
	FIELD_LIST(INFO, frame, "[width, height] of the frame space.", 2, REQUIRED),
	FIELD_NUM(INFO, frame_id, "Counts screen changes.", REQUIRED, .max = COUNT_MAX),
	FIELD_NUM(INFO, uptime_ms, "Of the agent.", REQUIRED, .max = COUNT_MAX),
	FIELD_STR(INFO, layout, "Of the keyboard: \"us\" or \"us,de\".", .max = 200),
	FIELD_JSON(INFO, windows, "All windows.", REQUIRED),
	FIELD_NUM(INFO, pid_count, "Processes.", .max = ID_MAX),
	END,
};

/* ---- commands and connections ---- */

#define EXEC struct msg_exec
static const struct field exec_fields[] = {
	FIELD_STR(EXEC, command, "Command for the shell; if absent, it is the tail.", .min = 1,
		.max = MESSAGE_COMMAND_MAX),
	FIELD_STR(EXEC, cwd, "Working directory; default: the home directory.", .min = 1,
		.max = MESSAGE_PATH_MAX),
	FIELD_NUM(EXEC, timeout_ms, "Time after which it is killed.", REQUIRED, .min = 1,
		.max = DAY_MS),
	FIELD_FLAG(EXEC, input, "Its stdin is the channel `stdin`; otherwise it is empty."),
	FIELD_FLAG(EXEC, announce, "Request the message `started`."),
	END,
};

#define STARTED struct msg_started
static const struct field started_fields[] = {
	FIELD_NUM(STARTED, pid, "Of the shell.", REQUIRED, .min = 1, .max = ID_MAX),
	END,
};

#define SIGNAL struct msg_signal
static const struct field signal_fields[] = {
	FIELD_NUM(SIGNAL, signal, "Its number.", REQUIRED, .min = 1, .max = 64),
	END,
};

#define EXITED struct msg_exec_answer
static const struct field exec_answer_fields[] = {
	FIELD_NUM(EXITED, status, "Exit status.", .min = 0, .max = 255, .preset = -1),
	FIELD_NUM(EXITED, signal, "The signal that killed it.", .min = 1, .max = 64),
	FIELD_FLAG(EXITED, timed_out, "It was killed at its timeout."),
	FIELD_NUM(EXITED, ms, "It took.", REQUIRED, .max = MS_MAX),
	END,
};

/* ---- the clipboard ---- */

static const struct field clipboard_get_fields[] = {
	FIELD_JSON(struct msg_clipboard_get, types,
		"Types of content (\"text/plain\", \"image/png\"), the most wanted first.",
		REQUIRED),
	END,
};

#define COPIED struct msg_clipboard_get_answer
static const struct field clipboard_get_answer_fields[] = {
	FIELD_ONE_OF(COPIED, type, "Of the content, which is the tail.", clipboard_type_words,
		.preset = -1),
	FIELD_ONE_OF(
		COPIED, absent, "Why there is no content.", clipboard_absence_words, .preset = -1),
	END,
};

static const struct field clipboard_set_fields[] = {
	FIELD_ONE_OF(struct msg_clipboard_set, type, "Of the content, which is the tail.",
		clipboard_type_words, REQUIRED),
	END,
};

#define RFB struct msg_rfb
static const struct field rfb_fields[] = {
	FIELD_NUM(RFB, window, "A window's id; 0: the whole screen.", .max = ID_MAX),
	END,
};

/* ---- saved and copied VMs ---- */

#define PREPARE struct msg_prepare
static const struct field prepare_fields[] = {
	FIELD_NUM(PREPARE, window_ms, "Maximum time until a program shows its window.", REQUIRED,
		.min = 1, .max = HOUR_MS),
	FIELD_NUM(PREPARE, rest_ms, "Maximum time until the VM is idle.", REQUIRED, .min = 0,
		.max = HOUR_MS),
	FIELD_NUM(PREPARE, warm_rest_ms, "The same, if programs were started.", REQUIRED, .min = 0,
		.max = HOUR_MS),
	END,
};

static const struct field freeze_fields[] = {
	FIELD_FLAG(struct msg_freeze, raw, "The frame captured in advance is pixels."),
	END,
};

#define RESTORED struct msg_restored
static const struct field restored_fields[] = {
	FIELD_NUM(RESTORED, time_us, "Microseconds since 1970.", REQUIRED, .min = MESSAGE_TIME_MIN,
		.max = MESSAGE_TIME_MAX),
	FIELD_STR(RESTORED, entropy, "base64 of 64 bytes.", REQUIRED, .min = 88, .max = 88),
	FIELD_STR(RESTORED, hostname, "New host name.", .min = 1, .max = 63),
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
	.help = "Round trip.",
	.request = NOTHING,
	.answer = NOTHING,
};

const struct message message_info = {
	.name = "info",
	.help = "State of the desktop.",
	.request = NOTHING,
	.answer = PART(INFO, info_answer_fields),
	.members = MEMBERS({ "windows", msg_window_fields }),
};

const struct message message_watch = {
	.name = "watch",
	.help = "Enables or disables the event `screen`.",
	.request = PART(WATCH, watch_fields),
	.answer = NOTHING,
};

const struct message message_act = {
	.name = "act",
	.help = "The agent checks the complete list before the first input event; an invalid list "
		"is an error and has no effect. Held keys and buttons are released if a "
		"list fails or is cancelled; a button_down of a completed list lasts "
		"until a button_up. Lists with input run one at a time, in the order of arrival, "
		"including their observation; lists without input run immediately. The tail is the frame's "
		"image.",
	.request = PART(ACT, act_fields),
	.answer = PART(ANSWER, act_answer_fields, .tail_max = FRAME_MAX),
	.members = MEMBERS({ "done", msg_done_fields }, { "failed", msg_failed_fields },
		{ "frame", msg_frame_fields }),
};

const struct message message_launch = {
	.name = "launch",
	.help = "Starts a program and waits for its first window.",
	.request = PART(LAUNCH, launch_fields),
	.answer = PART(LAUNCHED, launch_answer_fields),
	.members = MEMBERS({ "window", msg_window_fields }),
};

const struct message message_applications = {
	.name = "applications",
	.help = "Applications of the desktop's menu.",
	.request = NOTHING,
	.answer = PART(APPLICATIONS, applications_answer_fields),
	.members = MEMBERS({ "applications", msg_application_fields }),
};

const struct message message_started = {
	.name = "started",
	.help = "The shell runs.",
	.request = PART(STARTED, started_fields),
};

const struct message message_signal = {
	.name = "signal",
	.help = "Sends a signal to the shell's process group.",
	.request = PART(SIGNAL, signal_fields),
};

static bool check_exec(const void *answer, struct err *err)
{
	const EXITED *end = answer;
	return (end->status < 0) != (end->signal == 0) ||
	       err_set(err, ERR_ARGUMENT, "either 'status' or 'signal' is required");
}

static const struct message_talk exec_talk = {
	.host = { { "stdin" }, { &message_signal } },
	.agent = { { "stdout", "stderr" }, { &message_started } },
};

const struct message message_exec = {
	.name = "exec",
	.help = "Runs a command in a login shell as the desktop's user; it is killed with all its "
		"children at the timeout and when it is cancelled. Its stdin closes "
		"when the server ends its direction.",
	.request = PART(EXEC, exec_fields, .tail_max = MESSAGE_COMMAND_MAX),
	.answer = PART(EXITED, exec_answer_fields),
	.check = check_exec,
	.talk = &exec_talk,
};

static const struct message_talk rfb_talk = {
	.host = { { "RFB" } },
	.agent = { { "RFB" } },
};

const struct message message_clipboard_get = {
	.name = "clipboard_get",
	.help = "What is on the clipboard now, in the first of the types that its owner offers. The "
		"owner is asked now, so it does not matter when the content was copied. Text is "
		"UTF-8. Content that is marked as a password is not returned. Errors: timeout (the "
		"owner does not answer), limit (the content is too large, or too many such requests "
		"are open).",
	.request = PART(struct msg_clipboard_get, clipboard_get_fields),
	.answer = PART(COPIED, clipboard_get_answer_fields, .tail_max = CLIPBOARD_MAX),
};

const struct message message_clipboard_set = {
	.name = "clipboard_set",
	.help = "Puts content on the clipboard, where it stays until something else is copied. It "
		"is answered when programs can paste it.",
	.request = PART(struct msg_clipboard_set, clipboard_set_fields, .tail_max = CLIPBOARD_MAX),
	.answer = NOTHING,
};

const struct message message_rfb = {
	.name = "rfb",
	.help = "Connects a viewer to the desktop, or to a window with its menus and dialogs. The "
		"agent is the RFB server (3.8, no security) and speaks first. It is answered when "
		"either side closes the connection. An error may come at any time: not-found if "
		"there is no such window or it was closed, state if the X server is being "
		"restarted. A slow viewer delays no other.",
	.request = PART(RFB, rfb_fields),
	.answer = NOTHING,
	.talk = &rfb_talk,
};

const struct message message_prepare = {
	.name = "prepare",
	.help = "Before a template is saved: starts the commands that the image lists in /etc/vitrine/warm, one "
		"per line, each when the previous one has its window (an error of kind "
		"timeout: one has none); then waits until the VM is idle.",
	.request = PART(PREPARE, prepare_fields),
	.answer = NOTHING,
};

const struct message message_freeze = {
	.name = "freeze",
	.help = "The agent captures the frame that is likely to be requested next and sends nothing "
		"after this answer until the host sends something, so that no byte is in transit "
		"while the VM is saved. The next message thaws it.",
	.request = PART(struct msg_freeze, freeze_fields),
	.answer = NOTHING,
};

const struct message message_restored = {
	.name = "restored",
	.help = "The host is new: this desktop was cloned or resumed, or the server was restarted. "
		"It is always the first request of a new host; it may be sent to a frozen agent "
		"or "
		"after the port was closed and opened. The agent drops its old link (requests are "
		"cancelled and not answered), sets the clock, feeds the entropy, "
		"takes the new names, checks X server, window manager and a captured frame, and "
		"says "
		"hello, stage and ready as at the start. Names that are absent are not changed.",
	.request = PART(RESTORED, restored_fields),
	.answer = NOTHING,
};

const struct message *message_request_at(size_t i)
{
	static const struct message *const all[] = { &message_ping, &message_info, &message_watch,
		&message_act, &message_launch, &message_applications, &message_exec,
		&message_clipboard_get, &message_clipboard_set, &message_rfb, &message_prepare,
		&message_freeze, &message_restored };
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
	FIELD_NUM(HELLO, protocol, "Version of this protocol.", REQUIRED, .max = 1000000),
	FIELD_STR(HELLO, version, "The agent's.", REQUIRED, .max = 60),
	END,
};

#define STAGE struct msg_stage
#define SINCE "Since the agent's start."
static const struct field stage_fields[] = {
	FIELD_ONE_OF(STAGE, stage, "What has started.", message_stages, REQUIRED),
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
	FIELD_ONE_OF(RESTARTED, what, "What exited and was restarted.", message_services, REQUIRED),
	FIELD_STR(RESTARTED, why, "Why it exited.", .max = WHY_MAX),
	END,
};

#define RESTING struct msg_resting
static const struct field resting_fields[] = {
	FIELD_ONE_OF(RESTING, what, "What exited too often.", message_services, REQUIRED),
	FIELD_STR(RESTING, why, "Why it exited.", .max = WHY_MAX),
	FIELD_NUM(RESTING, ms, "Time until it is restarted.", REQUIRED, .max = MS_MAX),
	END,
};

static const struct field screen_fields[] = {
	FIELD_NUM(
		struct msg_screen, frame_id, "Counts screen changes.", REQUIRED, .max = COUNT_MAX),
	END,
};

const struct message message_hello = { "hello", "First event.", PART(HELLO, hello_fields) };
const struct message message_stage = { "stage", "A part of the desktop has started.",
	PART(STAGE, stage_fields) };
const struct message message_ready = { "ready",
	"Agent, X server, window manager and a captured frame are available; once.",
	PART(READY, ready_fields) };
const struct message message_unable = { "failed",
	"The desktop cannot become ready; the agent then exits.",
	PART(struct msg_unable, unable_fields) };
const struct message message_restarted = { "restarted",
	"A part of the desktop exited and was restarted.", PART(RESTARTED, restarted_fields) };
const struct message message_resting = { "resting",
	"A part of the desktop exited too often. It is restarted after a delay.",
	PART(RESTING, resting_fields) };
const struct message message_screen = { "screen",
	"The screen changed; at most 5 times a second, only after `watch`.",
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
			       ? err_set(err, ERR_ARGUMENT,
					 "unexpected payload of %zu bytes; the maximum is %zu",
					 tail_len, part->tail_max)
			       : err_set(err, ERR_ARGUMENT, "unexpected payload of %zu bytes",
					 tail_len);
	}
	return field_decode(part->fields, json, out, err);
}

/* ---- conversations ---- */

json_t *message_say(const struct message *message, const void *in)
{
	return must(json_pack("{s:s, s:o}", "message", message->name, "args",
		message_encode(&message->request, in)));
}

const struct message *message_hear(const struct message_speech *speaker, const struct link_msg *msg,
	void **ret_args, struct err *err)
{
	const char *name = json_string_value(json_object_get(msg->json, "message"));
	const struct message *const *at = speaker->messages;
	while (*at && (!name || strcmp((*at)->name, name) != 0)) {
		at++;
	}
	if (!*at || json_object_size(msg->json) != 2) {
		err_set(err, ERR_ARGUMENT, "unknown message '%.40s'", name ? name : "");
		return NULL;
	}
	const struct message_part *part = &(*at)->request;
	auto_free void *args = must(calloc(1, part->size ? part->size : 1));
	if (!message_decode(part, json_object_get(msg->json, "args"), msg->tail_len, args, err)) {
		err_while(err, "the message '%s'", name);
		return NULL;
	}
	*ret_args = take_ptr(&args);
	return *at;
}

bool message_channel(const struct message_speech *speaker, unsigned channel, struct err *err)
{
	for (unsigned i = 0; speaker->channels[i]; i++) {
		if (i == channel) {
			return true;
		}
	}
	return err_set(err, ERR_ARGUMENT, "data on the unknown channel %u", channel);
}
