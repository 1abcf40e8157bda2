#include "vm/wire/messages_stream.h"

#include "vm/wire/message_table.h"

#define RFB struct msg_rfb
static const struct field rfb_fields[] = {
	FIELD_NUM(RFB, window, "A window's id; 0: the whole screen.", .max = ID_MAX),
	FIELD_FLAG(RFB, clipboard,
		"While the viewer has control, it is offered the texts that are copied."),
	END,
};

static const struct field used_fields[] = {
	FIELD_FLAG(struct msg_used, refused, "It was a press, without control: it had no effect."),
	END,
};

static const struct field control_fields[] = {
	FIELD_NUM(struct msg_control, viewer, "The number of its request `rfb`; 0: no viewer.",
		REQUIRED, .min = 0, .max = ID_MAX),
	END,
};

#define SOUND struct msg_sound
static const struct field sound_fields[] = {
	FIELD_NUM(SOUND, rate, "Samples per second of each channel.", REQUIRED, .min = 8000,
		.max = SOUND_RATE_MAX),
	FIELD_NUM(SOUND, channels, "1: both channels of the desktop are mixed.", REQUIRED, .min = 1,
		.max = SOUND_CHANNELS_MAX),
	FIELD_FLAG(SOUND, live,
		"For listeners: chunks of silence are left out, except the first chunk, and chunks "
		"that the host has no credit for are lost."),
	END,
};

static const struct message_talk rfb_talk = {
	.host = { { "RFB" } },
	.agent = { { "RFB" }, { &message_used } },
};

const struct message message_used = {
	.name = "used",
	.help = "The viewer has used its keyboard, pointer or clipboard. Sent at most ten times a "
		"second.",
	.request = PART(struct msg_used, used_fields),
};

const struct message message_rfb = {
	.name = "rfb",
	.help = "Connects a viewer to the desktop, or to a window with its menus and dialogs. The "
		"agent is the RFB server (3.8, no security) and speaks first. It is answered when "
		"either side closes the connection. An error may come at any time: not-found if "
		"there is no such window or it was closed, state if the X server is being "
		"restarted; argument if the viewer broke the protocol. A slow viewer delays "
		"no other. A viewer has no control at first: its input has no effect, and it is "
		"sent nothing of the clipboard.",
	.request = PART(RFB, rfb_fields),
	.answer = NOTHING,
	.talk = &rfb_talk,
};

const struct message message_control = {
	.name = "control",
	.help = "Gives control to one viewer, and takes it from all others. Takes effect at once: of "
		"the input of others nothing is executed after it, whenever it was sent, and the "
		"keys and buttons that they hold are released. Control ends with the viewer.",
	.request = PART(struct msg_control, control_fields),
	.answer = NOTHING,
};

static const struct message_talk sound_talk = {
	.agent = { { "samples" } },
};

const struct message message_sound = {
	.name = "sound",
	.help = "What the desktop plays, in chunks of 20 ms of signed 16-bit samples, little-endian, "
		"channels interleaved. It lasts until the host closes it. An error may come at any "
		"time: unsupported if no sound server is installed, state if it has ended.",
	.request = PART(SOUND, sound_fields),
	.answer = NOTHING,
	.talk = &sound_talk,
};

const struct message *const messages_stream[] = { &message_rfb, &message_control, &message_sound,
	NULL };
