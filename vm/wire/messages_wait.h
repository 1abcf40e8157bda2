#ifndef VM_WIRE_MESSAGES_WAIT_H
#define VM_WIRE_MESSAGES_WAIT_H

#include "vm/wire/geometry.h"
#include "vm/wire/message.h"

/* Waiting for an event of the desktop. */
extern const struct message *const messages_wait[]; /* NULL-terminated */

enum wait_until {
	WAIT_CHANGE,
	WAIT_SETTLED,
	WAIT_WINDOW,
	WAIT_WINDOW_GONE,
	WAIT_PROCESS_EXIT,
	WAIT_FILE,
	WAIT_PORT,
	WAIT_TEXT,
};
extern const char *const wait_until_names[]; /* NULL-terminated, by enum */

#define WAIT_SECONDS_MAX 300
#define WAIT_MOVING_MAX 32 /* regions */

struct msg_wait {
	int until; /* enum wait_until */
	struct field_ints region;
	const char *title, *class, *path, *text;
	int64_t window, pid, port, since, timeout_ms, quiet_ms, elements_ms;
};
struct msg_wait_answer {
	bool happened;
	int64_t ms, from, frame_id;
	const char *text;
	const json_t *window, *match, *moving;
};
extern const struct message message_wait;

/* Whether the arguments are those of `until`, and the region is inside the frame. */
bool wait_check(const struct msg_wait *wait, struct size frame, struct err *err) NODISCARD;

#endif
