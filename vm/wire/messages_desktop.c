#include "vm/wire/messages_desktop.h"

#include "vm/wire/geometry.h"
#include "vm/wire/message_table.h"
#include "vm/wire/messages_windows.h"

#define WATCH struct msg_watch
static const struct field watch_fields[] = {
	FIELD_FLAG(WATCH, on, "Whether to report screen changes.", REQUIRED),
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

static const struct field usage_fields[] = {
	FIELD_FLAG(struct msg_usage, processes,
		"Only of its processes: a namespace shares its kernel with the host."),
	END,
};

#define USAGE(m, text) FIELD_NUM(struct msg_usage_answer, m, text, REQUIRED, .max = COUNT_MAX)
static const struct field usage_answer_fields[] = {
	USAGE(cpus, "CPUs."),
	USAGE(cpu_ms, "Time of all CPUs in use since the boot; never less than before."),
	USAGE(memory_total, "In bytes."),
	USAGE(memory_used, "Of programs, in bytes."),
	USAGE(memory_cache, "Of files, in bytes."),
	USAGE(disk_total, "Of the home directory's file system, in bytes."),
	USAGE(disk_used, "In bytes."),
	END,
};

#define CHANGE(m, text, least, most) \
	FIELD_NUM(struct msg_display_set, m, text, .min = least, .max = most)
static const struct field display_set_fields[] = {
	CHANGE(width, "In pixels, with `height`.", SCREEN_WIDTH_MIN, SCREEN_WIDTH_MAX),
	CHANGE(height, "In pixels, with `width`.", SCREEN_HEIGHT_MIN, SCREEN_HEIGHT_MAX),
	CHANGE(scale, "How large programs draw, in percent.", SCALE_MIN, SCALE_MAX),
	END,
};

#define DISPLAY struct msg_display
const struct field msg_display_fields[] = {
	FIELD_LIST(DISPLAY, screen, "[width, height] in pixels.", 2, REQUIRED),
	FIELD_LIST(DISPLAY, frame, "[width, height] of the frame space.", 2, REQUIRED),
	MESSAGE_SCALE(DISPLAY),
	END,
};

bool msg_display_set_check(const struct msg_display_set *args, struct err *err)
{
	if (!args->width != !args->height) {
		return err_set(err, ERR_ARGUMENT, "'width' and 'height' must be given together");
	}
	return args->width || args->scale ||
	       err_set(err, ERR_ARGUMENT,
		       "nothing to set: give 'width' and 'height', or 'scale', or all three");
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

const struct message message_usage = {
	.name = "usage",
	.help = "What the sandbox uses.",
	.request = PART(struct msg_usage, usage_fields),
	.answer = PART(struct msg_usage_answer, usage_answer_fields),
};

const struct message message_watch = {
	.name = "watch",
	.help = "Enables or disables the event `screen`.",
	.request = PART(WATCH, watch_fields),
	.answer = NOTHING,
};

const struct message message_display_set = {
	.name = "display_set",
	.help = "Resizes the display, or scales its programs, in turn with lists with input. It is answered when the window "
		"manager knows the new size. Lists that were sent before and did not run yet are refused if they "
		"have coordinates. Errors: state (the X server does not take this size).",
	.request = PART(struct msg_display_set, display_set_fields),
	.answer = PART(DISPLAY, msg_display_fields),
};

const struct message *const messages_desktop[] = { &message_ping, &message_info, &message_usage,
	&message_watch, &message_display_set, NULL };
