#ifndef VM_WIRE_MESSAGES_ELEMENTS_H
#define VM_WIRE_MESSAGES_ELEMENTS_H

#include "vm/wire/message.h"

/* The elements of programs: buttons, menus, texts (AT-SPI). */
extern const struct message *const messages_elements[]; /* NULL-terminated */

#define ELEMENTS_MAX 500        /* in one tree */
#define ELEMENTS_WINDOWS_MAX 50 /* with them */
#define ELEMENTS_LEVELS_MAX 60
#define ELEMENTS_FILTER_MAX 200  /* bytes */
#define ELEMENT_TEXT_MAX 300     /* bytes of a name, a value, the states */
#define ELEMENT_VALUE_MAX 100000 /* bytes of a value that is set */
#define ELEMENTS_ALL "all"       /* filters */
#define ELEMENTS_ACTIVE "interactive"

struct msg_ui_tree {
	int64_t window, depth, limit, timeout_ms;
	const char *filter;
};
struct msg_ui_tree_answer {
	int64_t tree, frame_id, found;
	const char *program, *note;
	const json_t *windows, *elements;
	bool cut;
};
struct msg_ui_window {
	int64_t id;
	const char *role, *title;
};
struct msg_element {
	int64_t id, window, depth;
	const char *role, *name, *value, *states;
	struct field_ints box;
};
extern const struct message message_ui_tree;

#define UI_ACTION_MAX 40 /* bytes */
enum ui_act_effect {
	UI_ACT_DONE,    /* the element, its value or the screen has changed */
	UI_ACT_UNSEEN,  /* nothing has */
	UI_ACT_REFUSED, /* nothing has, and the program says that it did nothing */
};
extern const char *const ui_act_effect_names[]; /* NULL-terminated, by enum */
struct msg_ui_act {
	int64_t tree, element, timeout_ms;
	const char *action, *value;
};
struct msg_ui_act_answer {
	int effect; /* enum ui_act_effect */
	const char *role, *name, *action, *value, *states;
	bool gone, changed, unanswered;
};
extern const struct message message_ui_act;
extern const struct field msg_ui_window_fields[], msg_element_fields[];

#endif
