#ifndef VM_AGENT_ELEMENTS_READ_H
#define VM_AGENT_ELEMENTS_READ_H

#include "vm/agent/core/agent.h"
#include "vm/agent/elements/elements.h"
#include "vm/agent/elements/target.h"
#include "vm/agent/elements/walk.h"
#include "vm/agent/x11/window_group.h"
#include "vm/wire/messages_elements.h"

/* Reads the elements of one program, in steps; each step asks all it can at once. */
struct read;

#define READ_WINDOWS_MAX ELEMENTS_WINDOWS_MAX

/* From what a program says to pixels of the screen: times percent, then moved by shift. */
struct read_map {
	int percent;
	struct point shift;
};

#define READ_POPUPS_MAX 8
struct read_popups {
	struct window_popup all[READ_POPUPS_MAX];
	size_t n;
};

struct read_window {
	struct node *node;
	const struct target_window *on_screen; /* NULL: not a managed window */
	struct read_map map;                   /* from the boxes of its elements to the screen */
	const struct read_popups *popups; /* whose elements have boxes relative to them; or NULL */
	bool wanted;
};

struct read_result {
	char program[ELEMENT_TEXT_MAX];
	const struct target *target;
	const struct walk *walk;
	struct read_window *windows;
	size_t n_windows;
	struct node **listed; /* elements that match, in order, at most args->limit */
	size_t n_listed;
	size_t found;   /* all that match */
	bool in_window; /* the program's places are relative to its windows */
	bool late;      /* the time was over, or calls were not answered */
};

/* result: NULL with an error.  Everything in it is freed after the callback. */
typedef void read_fn(const struct read_result *result, const struct err *err, void *data);
/* args: borrowed until the callback, which is called from the loop. */
struct read *read_new(struct agent *agent, const struct target *target,
	const struct msg_ui_tree *args, read_fn *fn, void *data);
void read_free(struct read *read); /* without a callback; NULL-safe */

/* The window that a node is in. */
const struct read_window *read_window_of(
	const struct read_window *windows, const struct node *node);
struct rect read_scaled(struct rect box, int percent); /* bounded */
/* The part of a box that is on the screen.  False: none is. */
bool read_place(struct rect box, struct read_map map, struct size screen, struct rect *ret);
/* How many percent of what the program says its windows are, which are shown at `scale`. */
int read_percent(
	const struct target *target, const struct read_window *windows, size_t n, int scale);
/* The popup that an element is in. */
struct read_popup {
	Window id;
	struct point origin; /* of the popup, in places that the program says */
	struct rect rect;
};
bool read_popup_of(
	const struct node *node, const struct read_window *window, struct read_popup *ret);
struct point read_popup_shift(struct point origin, struct rect popup);
/* The element's part on the screen.  False: nothing of it is there, or it is not where its window
 * is. */
bool read_box(const struct node *node, const struct read_window *window, struct size screen,
	struct rect *ret);

#endif
