#ifndef VM_WIRE_MESSAGES_EVENTS_H
#define VM_WIRE_MESSAGES_EVENTS_H

#include "vm/wire/message.h"

/* What the agent reports unasked. */
extern const struct message *const messages_events[]; /* NULL-terminated */

/* What starts before a desktop is ready; what may exit and is restarted.  NULL-terminated. */
#define MESSAGE_STAGES 6
extern const char *const message_stages[MESSAGE_STAGES + 1], *const message_services[];
/* The index of name in one of these lists, which must contain it. */
int message_name_index(const char *const *names, const char *name);

struct msg_hello {
	int64_t protocol;
	const char *version;
};
struct msg_stage {
	int stage; /* of message_stages */
	int64_t ms;
};
struct msg_ready {
	struct field_ints screen, frame;
	int64_t scale, ms;
};
struct msg_unable {
	const char *text;
};
struct msg_restarted {
	int what; /* of message_services */
	const char *why;
};
struct msg_resting {
	int what;
	const char *why;
	int64_t ms;
};
struct msg_screen {
	int64_t frame_id;
};
extern const struct message message_hello, message_stage, message_ready, message_unable,
	message_restarted, message_resting, message_screen, message_resized;

#endif
