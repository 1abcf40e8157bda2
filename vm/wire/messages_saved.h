#ifndef VM_WIRE_MESSAGES_SAVED_H
#define VM_WIRE_MESSAGES_SAVED_H

#include "vm/wire/message.h"

/* VMs that are saved, cloned and restored. */
extern const struct message *const messages_saved[]; /* NULL-terminated */

struct msg_prepare {
	int64_t window_ms, rest_ms, warm_rest_ms;
};
extern const struct message message_prepare;

struct msg_freeze {
	bool raw;
};
extern const struct message message_freeze;

#define MESSAGE_TIME_MIN 1577836800000000  /* the year 2020, in µs */
#define MESSAGE_TIME_MAX 16725225600000000 /* the year 2500 */
struct msg_restored {
	int64_t time_us, frame_id;
	const char *entropy, *hostname, *machine_id, *mac;
};
extern const struct message message_restored;

#endif
