#ifndef VM_WIRE_MESSAGES_STREAM_H
#define VM_WIRE_MESSAGES_STREAM_H

#include "vm/wire/message.h"

/* What viewers see and hear, and which of them has control. */
extern const struct message *const messages_stream[]; /* NULL-terminated */

struct msg_rfb {
	int64_t window;
	bool clipboard;
};
struct msg_used {
	bool refused;
};
extern const struct message message_rfb, message_used;

struct msg_control {
	int64_t viewer;
};
extern const struct message message_control;

#define SOUND_CHUNKS 50 /* per second */
#define SOUND_RATE_MAX 48000
#define SOUND_CHANNELS_MAX 2
struct msg_sound {
	int64_t rate, channels;
	bool live;
};
extern const struct message message_sound;

#endif
