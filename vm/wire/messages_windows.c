#include "vm/wire/messages_windows.h"

#include "vm/wire/message_table.h"

#define PLACE_MAX 1e6 /* of a window's corner, including positions off the screen */

const char *const window_state_names[] = { "normal", "minimized", "maximized", "fullscreen", NULL };
const char *const window_verb_names[] = { "focus", "set", "close", NULL };

#define WINDOW struct msg_window
#define PLACE(m, text) FIELD_NUM(WINDOW, m, text, REQUIRED, .min = -PLACE_MAX, .max = PLACE_MAX)
const struct field msg_window_fields[] = {
	FIELD_NUM(WINDOW, id, "The agent's number, never reused for another window.", REQUIRED,
		.max = ID_MAX),
	FIELD_NUM(WINDOW, xid, "In X; it may be that of another window later.", .max = ID_MAX),
	FIELD_NUM(WINDOW, pid, "Of its program.", .min = -ID_MAX, .max = ID_MAX),
	FIELD_STR(WINDOW, title, "Title.", .max = MESSAGE_TEXT_MAX),
	FIELD_STR(WINDOW, class, "Class of the program.", .max = MESSAGE_TEXT_MAX),
	PLACE(x, "Of its left edge."),
	PLACE(y, "Of its upper edge."),
	FIELD_NUM(WINDOW, width, "In pixels.", REQUIRED, .min = 0, .max = PLACE_MAX),
	FIELD_NUM(WINDOW, height, "In pixels.", REQUIRED, .min = 0, .max = PLACE_MAX),
	FIELD_NUM(WINDOW, desktop, "Its workspace, from 0; -1: all.", .min = -1, .max = ID_MAX),
	FIELD_ONE_OF(WINDOW, state, "Shown, or how.", window_state_names),
	FIELD_FLAG(WINDOW, active, "It has the keyboard focus."),
	END,
};

static const struct field windows_answer_fields[] = {
	FIELD_JSON(struct msg_windows_answer, windows, "All, the uppermost first.", REQUIRED),
	END,
};

#define CHANGE struct msg_window_change
static const struct field change_fields[] = {
	FIELD_NUM(CHANGE, window, "Its id.", REQUIRED, .min = 1, .max = ID_MAX),
	FIELD_ONE_OF(CHANGE, verb, "What is done.", window_verb_names, REQUIRED),
	FIELD_ONE_OF(CHANGE, state, "Set: its new state.", window_state_names, .default_value = -1),
	FIELD_LIST(CHANGE, place, "Set: [x, y] of its upper left corner, without the frame.", 2),
	FIELD_LIST(CHANGE, size, "Set: [width, height], without the frame.", 2),
	END,
};

#define CHANGED struct msg_window_change_answer
static const struct field change_answer_fields[] = {
	FIELD_JSON(CHANGED, window, "The window as it is now; absent: it was closed."),
	FIELD_FLAG(CHANGED, done, "It is in the requested state; a place or size may differ."),
	FIELD_JSON(CHANGED, opened, "Windows that opened during the change.", REQUIRED),
	END,
};

const struct message message_windows = {
	.name = "windows",
	.help = "The windows, in stacking order; without panels.",
	.request = NOTHING,
	.answer = PART(struct msg_windows_answer, windows_answer_fields),
	.members = MEMBERS({ "windows", msg_window_fields }),
};

const struct message message_window_change = {
	.name = "window_change",
	.help = "Asks the window manager to focus, place or close a window. It is answered when the "
		"window manager has answered and the window is as requested, or when it does not get "
		"there in time. A program may ask its user before it closes a window. Errors: "
		"not-found (there is no such window), state (there is no window manager; a place or "
		"a size of a window that is not in the state normal).",
	.request = PART(CHANGE, change_fields),
	.answer = PART(CHANGED, change_answer_fields),
	.members = MEMBERS({ "window", msg_window_fields }, { "opened", msg_window_fields }),
};

const struct message *const messages_windows[] = { &message_windows, &message_window_change, NULL };
