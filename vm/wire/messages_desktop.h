#ifndef VM_WIRE_MESSAGES_DESKTOP_H
#define VM_WIRE_MESSAGES_DESKTOP_H

#include "vm/wire/message.h"

/* The desktop as a whole, and its windows. */
extern const struct message *const messages_desktop[]; /* NULL-terminated */

struct msg_watch {
	bool on;
};
extern const struct message message_watch;

struct msg_info_answer {
	struct field_ints screen, frame;
	int64_t frame_id, uptime_ms, pid_count;
	const char *layout;
	const json_t *windows;
};
extern const struct message message_info;

extern const struct message message_ping;

#endif
