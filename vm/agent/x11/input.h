#ifndef VM_AGENT_X11_INPUT_H
#define VM_AGENT_X11_INPUT_H

#include "vm/agent/x11/display.h"

/* The fake pointer and keyboard (XTest), with a memory of what is held down, by whomever, so that it
 * can always be let go. */

struct input {
	struct display *display;
	bool keys[256];
	unsigned buttons;    /* bit n: button n is down */
	bool moved;          /* since a list began; then it was sent to target */
	struct point target; /* screen pixels */
	/* When a button or a key last went down; 0: the window manager has caught up with it since.
	 */
	uint64_t button_us, key_us;
	/* When one last went down, and up, as the server did it: the pace of what comes next. */
	uint64_t button_down_us, button_up_us, key_up_us;
	uint64_t
		before_us; /* the press before, if the last may have made a double click of it; or 0 */
	bool key_went_up;        /* since input_sync_keys() */
	int pressed;             /* the button that went down last, no wheel */
	struct point pressed_at; /* where the pointer was sent before, or found */
	/* Presses that it may not have let through yet; of those, the ones after the last move. */
	unsigned presses, presses_here;
};

#define INPUT_BUTTON_MAX 9

/*
 * Programs that look at the state of keys and buttons once a frame (games, pages with
 * requestAnimationFrame()) see a press only if it lasts longer than a frame, and two only if as
 * much lies between them.
 */
#define INPUT_HOLD_MS 20
#define INPUT_REST_MS 20
/* The clock that the X server stamps events with may go in steps as long as this. */
#define INPUT_CLOCK_MS 1
/* Two presses at one place count as a double click for at most this long, in any toolkit. */
#define INPUT_DOUBLE_CLICK_MS 510
/* GTK 3 takes a third press as a triple click for twice as long, from the first press on. */
#define INPUT_TRIPLE_CLICK_MS (2 * INPUT_DOUBLE_CLICK_MS)
#define INPUT_DOUBLE_CLICK_PIXELS 10

void input_move(struct input *in, struct point at); /* screen pixels */
/* X's numbers: 1 left, 2 middle, 3 right, 4 to 7 wheel ...  Waits until the server has done it, but
 * for the wheel. */
void input_button(struct input *in, int button, bool down);
void input_key(struct input *in, KeyCode code, bool down);
/*
 * A release and a press of one key in one millisecond look like a key held down, and LibreOffice
 * drops such pairs when they lie next to each other in its queue.  This puts another event between
 * them, one that means nothing.  focus: None, to be asked for, or the window that has the keyboard.
 */
void input_keep_apart(struct input *in, Window *focus);
/* Waits until the server has done what was sent, so that a pause of keys can begin. */
void input_sync_keys(struct input *in);
void input_release_keys(struct input *in); /* waits likewise */
/* When the button may be pressed or released, or the next key be pressed (loop_now_us()), so that
 * it is neither overlooked nor taken together with an earlier press at the same place, as a double
 * click. */
uint64_t input_press_due(const struct input *in, int button, struct point at);
uint64_t input_release_due(const struct input *in);
uint64_t input_key_due(const struct input *in);
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
