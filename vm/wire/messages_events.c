#include "vm/wire/messages_events.h"

#include "vm/wire/geometry.h"
#include "vm/wire/message_table.h"
#include "vm/wire/messages_desktop.h"
#include <assert.h>
#include <string.h>

const char *const message_stages[MESSAGE_STAGES + 1] = { "x-server", "session-bus",
	"accessibility-bus", "window-manager", "panel", "first-frame", NULL };
const char *const message_services[] = { "X server", "window manager", "panel", "session bus",
	"accessibility bus", NULL };

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
	MESSAGE_SCALE(READY),
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
const struct message message_resized = { "resized",
	"The display has another size or scale, by `display_set` or by a program of the desktop; before any "
	"answer that refers to the new size.",
	PART(struct msg_display, msg_display_fields) };

const struct message *const messages_events[] = { &message_hello, &message_stage, &message_ready,
	&message_unable, &message_restarted, &message_resting, &message_screen, &message_resized,
	NULL };
