#ifndef VM_WIRE_MESSAGES_WINDOWS_H
#define VM_WIRE_MESSAGES_WINDOWS_H

#include "vm/wire/message.h"

/* The windows of the desktop, and what is done to one. */
extern const struct message *const messages_windows[]; /* NULL-terminated */

#define MESSAGE_WINDOWS_MAX 1000

enum window_state { WINDOW_PLAIN, WINDOW_MINIMIZED, WINDOW_MAXIMIZED, WINDOW_FULLSCREEN };
extern const char *const window_state_names[]; /* NULL-terminated, by enum */

struct msg_window {
	int64_t id, xid, pid, x, y, width, height;
	int64_t desktop; /* from 0; -1: all */
	int state;       /* enum window_state */
	const char *title, *class;
	bool active;
};
extern const struct field msg_window_fields[];

struct msg_windows_answer {
	const json_t *windows;
};
extern const struct message message_windows;

enum window_verb { WINDOW_FOCUS, WINDOW_SET, WINDOW_CLOSE };
extern const char *const window_verb_names[];

struct msg_window_change {
	int64_t window;
	int verb;                      /* enum window_verb */
	int state;                     /* of WINDOW_SET; -1: as it is */
	struct field_ints place, size; /* of WINDOW_SET: [x, y], [width, height] */
};
struct msg_window_change_answer {
	const json_t *window, *opened;
	bool done;
};
extern const struct message message_window_change;

#endif
