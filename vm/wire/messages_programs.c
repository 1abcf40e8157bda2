#include "vm/wire/messages_programs.h"

#include "vm/wire/message_table.h"
#include "vm/wire/messages_windows.h"

#define DAY_MS 86400000
#define LAUNCH_MS_MAX 600000

#define LAUNCH struct msg_launch
static const struct field launch_fields[] = {
	FIELD_STR(LAUNCH, application,
		"A desktop-file id (with or without .desktop), a program's name or an absolute "
		"path; absent: what opens `uri` by default.",
		.min = 1, .max = MESSAGE_APPLICATION_MAX),
	FIELD_TEXT_LIST(LAUNCH, arguments, "Further arguments.", MESSAGE_ARGUMENTS_MAX),
	FIELD_STRINGS(LAUNCH, environment, "Further variables of its environment.",
		MESSAGE_ARGUMENTS_MAX),
	FIELD_STR(LAUNCH, uri, "File or URL to open with it.", .min = 1, .max = MESSAGE_URI_MAX),
	FIELD_NUM(LAUNCH, timeout_ms, "Maximum time until the first window.", REQUIRED, .min = 1,
		.max = LAUNCH_MS_MAX),
	END,
};

#define LAUNCHED struct msg_launch_answer
static const struct field launch_answer_fields[] = {
	FIELD_NUM(LAUNCHED, pid, "Of the program.", REQUIRED, .max = ID_MAX),
	FIELD_NUM(LAUNCHED, from, "Frame at the start.", .max = COUNT_MAX),
	FIELD_STR(LAUNCHED, application,
		"What opens `uri` by default, if there was no "
		"`application`.",
		.max = MESSAGE_APPLICATION_MAX),
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
	FIELD_NUM(EXITED, status, "Exit status.", .min = 0, .max = 255, .default_value = -1),
	FIELD_NUM(EXITED, signal, "The signal that killed it.", .min = 1, .max = 64),
	FIELD_FLAG(EXITED, timed_out, "It was killed at its timeout."),
	FIELD_NUM(EXITED, ms, "It took.", REQUIRED, .max = MS_MAX),
	END,
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

const struct message *const messages_programs[] = { &message_launch, &message_applications,
	&message_exec, NULL };
