#include "vm/wire/messages_programs.h"

#include "vm/wire/message_table.h"
#include "vm/wire/messages_windows.h"

#define LAUNCH_MS_MAX 600000

#define LAUNCH struct msg_launch
static const struct field launch_fields[] = {
	FIELD_STR(LAUNCH, application,
		"A desktop-file id (with or without .desktop), a program's name or an absolute "
		"path; absent: what opens `uri` by default.",
		.min = 1, .max = MESSAGE_APPLICATION_MAX),
	FIELD_TEXT_LIST(LAUNCH, arguments, "Further arguments.", MESSAGE_ARGUMENTS_MAX),
	FIELD_JSON(LAUNCH, environment, "An object: further variables."),
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

const struct message *const messages_programs[] = { &message_launch, &message_applications, NULL };
