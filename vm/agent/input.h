#ifndef VM_AGENT_INPUT_H
#define VM_AGENT_INPUT_H

#include "vm/agent/display.h"

/* The fake pointer and keyboard (XTest), with a memory of what is held down, so that it can always
 * be let go. */

struct input {
	struct display *display;
	bool keys[256];
	unsigned buttons;    /* bit n: button n is down */
	bool moved;          /* since a list began; then it was sent to target */
	struct point target; /* screen pixels */
	/* When a button or a key last went down; 0: the window manager has caught up with it since.
	 */
	uint64_t button_us, key_us;
	/* Presses that it may not have let through yet; of those, the ones after the last move. */
	unsigned presses, presses_here;
};

#define INPUT_BUTTON_MAX 9

void input_move(struct input *in, struct point at); /* screen pixels */
void input_button(struct input *in, int button,
	bool down); /* X's numbers: 1 left, 2 middle, 3 right, 4 to 7 wheel ... */
void input_key(struct input *in, KeyCode code, bool down);
void input_release_keys(struct input *in);
void input_release_all(struct input *in); /* buttons too */

/*
 * Whether the window manager may have yet to act on what was pressed, so that the focus may still
 * move.  Forgets after a while by itself.
 */
bool input_wm_behind(const struct input *in, bool by_keys_only);
void input_wm_caught_up(struct input *in);
/* The pointer was found at its target: what was pressed before it went there has come through. */
void input_landed(struct input *in);
/*
 * Whether a press may still wait behind another that the window manager holds back: a move now
 * would take it along, to where the pointer goes.
 */
bool input_press_waits(const struct input *in);

/* Where the pointer is, in screen pixels; waits until the server has done all that was sent. */
bool input_pointer(struct input *in, struct point *ret_at, struct err *err) NODISCARD;

#endif
