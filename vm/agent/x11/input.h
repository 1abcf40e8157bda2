#ifndef VM_AGENT_X11_INPUT_H
#define VM_AGENT_X11_INPUT_H

#include "vm/agent/x11/display.h"

/* The simulated pointer and keyboard (XTest), with a record of what is pressed by any user, so that it
 * can be released. */

struct input {
	struct display *display;
	bool keys[256];
	bool held[256];      /* of those: pressed until they are released one by one */
	unsigned buttons;    /* bit n: button n is pressed */
	bool moved;          /* since a list began; target is where it was sent */
	struct point target; /* in screen pixels */
	/* Time of the last press of a button or a key; 0: the window manager has processed it. */
	uint64_t button_us, key_us;
	/* Times of the last press and release, as processed by the server, for the press timing. */
	uint64_t button_down_us, button_up_us, key_up_us;
	uint64_t
		/* the previous press, if the last one may have formed a double click; or 0 */
		before_us;
	bool key_went_up;        /* since input_sync_keys() */
	int pressed;             /* the button pressed last, except the wheel */
	struct point pressed_at; /* pointer position at that time */
	/* Presses that it may have held back; of those, the ones after the last move. */
	unsigned presses, presses_here;
};

#define INPUT_BUTTON_MAX 9

/*
 * Programs that read the state of keys and buttons once per frame (games, pages with
 * requestAnimationFrame()) detect a press only if it lasts longer than a frame, and two only if as
 * much time is between them.
 */
#define INPUT_HOLD_MS 20
#define INPUT_REST_MS 20
/* Resolution of the clock with which the X server stamps events. */
#define INPUT_CLOCK_MS 1
/* Maximum time between two presses of a double click in any toolkit. */
#define INPUT_DOUBLE_CLICK_MS 510
/* GTK 3 accepts a third press as a triple click for twice as long, from the first press on. */
#define INPUT_TRIPLE_CLICK_MS (2 * INPUT_DOUBLE_CLICK_MS)
#define INPUT_DOUBLE_CLICK_PIXELS 10

void input_move(struct input *in, struct point at); /* in screen pixels */
/* X's numbers: 1 left, 2 middle, 3 right, 4 to 7 wheel ...  Waits until the server has processed
 * it, except for the wheel. */
void input_button(struct input *in, int button, bool down);
void input_key(struct input *in, KeyCode code, bool down);
/*
 * A release and a press of one key within a millisecond look like a held key, and LibreOffice drops
 * such pairs if they are adjacent in its queue.  This sends an event without effect between them.
 * focus: the window with the keyboard focus; None: determined and returned.
 */
void input_keep_apart(struct input *in, Window *focus);
/* Waits until the server has processed what was sent, so that a pause between keys can start. */
void input_sync_keys(struct input *in);
void input_release_keys(struct input *in); /* except held ones; waits likewise */
/* A pressed key is held beyond input_release_keys(), or is released. */
void input_hold_key(struct input *in, KeyCode code, bool held);
/* When the button may be pressed or released, or the next key be pressed (loop_now_us()), so that
 * it is neither missed nor combined with an earlier press at the same place into a double click. */
uint64_t input_press_due(const struct input *in, int button, struct point at);
uint64_t input_release_due(const struct input *in);
uint64_t input_key_due(const struct input *in);
void input_release_all_keys(struct input *in); /* including held ones */
void input_release_all(struct input *in);      /* including buttons */

/*
 * Whether the window manager may still have to process presses, so that the focus may still move.
 * Expires after a while.
 */
bool input_wm_behind(const struct input *in, bool by_keys_only);
void input_wm_caught_up(struct input *in);
/* The pointer was found at its target: earlier presses have been processed. */
void input_landed(struct input *in);
/*
 * Whether a press may still wait behind another one that the window manager holds back: a move now
 * would move it, too.
 */
bool input_press_waits(const struct input *in);

/* The pointer position, in screen pixels; waits until the server has processed everything that was
 * sent. */
bool input_pointer(struct input *in, struct point *ret_at, struct err *err) NODISCARD;

#endif
