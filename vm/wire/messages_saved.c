#include "vm/wire/messages_saved.h"

#include "vm/wire/message_table.h"

#define HOUR_MS 3600000

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
	FIELD_NUM(RESTORED, frame_id, "The last that is known; later frames have higher ids.",
		.min = 0, .max = COUNT_MAX),
	FIELD_STR(RESTORED, entropy, "base64 of 64 bytes.", REQUIRED, .min = 88, .max = 88),
	FIELD_STR(RESTORED, hostname, "New host name.", .min = 1, .max = 63),
	FIELD_STR(RESTORED, machine_id, "32 hex digits.", .min = 32, .max = 32),
	FIELD_STR(RESTORED, mac, "Like 52:54:00:12:34:56.", .min = 17, .max = 17),
	END,
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

const struct message *const messages_saved[] = { &message_prepare, &message_freeze,
	&message_restored, NULL };
