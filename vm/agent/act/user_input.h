#ifndef VM_AGENT_ACT_USER_INPUT_H
#define VM_AGENT_ACT_USER_INPUT_H

#include "vm/agent/core/agent.h"

#include <stdint.h>

/*
 * Keyboard and pointer of one viewer, on the seat that the agent's actions use (seat.h).
 *
 * If the queue is empty, an event is sent to the X server before the call returns, without a delay.
 * A character outside the layout gets a spare keycode.  Its event waits until the focused program
 * can read the new map; later events are queued after it, in order.
 *
 * A character arrives as the keysym names it, whatever the Shift, AltGr and lock state of the
 * desktop: other modifiers are changed during the press (keymap_way.h).  Caps_Lock and Num_Lock are
 * ordinary keys.
 *
 * These events are dropped, each with a line in the log:
 * - the whole queue, when it has USER_INPUT_QUEUE events: read nothing from the viewer while
 *   user_input_is_full();
 * - key presses and clicks that wait for a program that has read none of its keys for 5 seconds;
 * - a character that the focused program would mistake for another (vm/agent/x11/program.h), or that
 *   no spare keycode can have;
 * - keysyms that are commands to the X server, such as Terminate_Server, and have no key;
 * - all events while no X server runs; the held keys and buttons are then forgotten.
 */

struct user_input;

#define USER_INPUT_QUEUE 2048 /* length of the queue in events: about 1,000 characters */

struct user_event {
	bool is_key, down;
	uint32_t keysym;
	struct point at; /* as the viewer sent it; after the gate, screen pixels */
	unsigned buttons;
};

enum user_input_verdict {
	USER_INPUT_PASS,
	USER_INPUT_WAIT, /* until user_input_retry() */
	USER_INPUT_DROP,
};

/*
 * Whether the next event may pass now.  Called while the X server is grabbed, so its result is still
 * valid when the event is sent.  It may change event->at.  Of the functions below, it may call
 * user_input_buttons() only.
 */
typedef enum user_input_verdict user_input_filter_fn(struct user_event *event, void *data);

/* gate NULL: all events pass, and points are screen pixels. */
struct user_input *user_input_new(struct agent *agent, user_input_filter_fn *filter, void *data);
void user_input_free(struct user_input *in); /* releases held keys and buttons; NULL-safe */

/* An RFB KeyEvent: a press of a key that is down is a repeat. */
void user_input_key(struct user_input *in, uint32_t keysym, bool down);
/* An RFB PointerEvent: bit n is X's button n + 1.  Successive queued moves become one. */
void user_input_pointer(struct user_input *in, struct point at, unsigned buttons);

/* Releases all held keys and buttons, and empties the queue. */
void user_input_release(struct user_input *in);
/* Calls the gate again. */
void user_input_retry(struct user_input *in);
/* Removes all events from the queue except releases. */
void user_input_forget_presses(struct user_input *in);

/* Whether the caller should send no more events: the queue is three quarters full. */
bool user_input_is_full(struct user_input *in);
/* fn is called from the loop when the queue is shorter again, after user_input_is_full() was true. */
void user_input_on_room(struct user_input *in, void (*fn)(void *data), void *data);
bool user_input_is_waiting(const struct user_input *in);  /* the queue is not empty */
unsigned user_input_buttons(const struct user_input *in); /* held buttons, as in RFB */

#endif
