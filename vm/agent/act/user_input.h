#ifndef VM_AGENT_ACT_USER_INPUT_H
#define VM_AGENT_ACT_USER_INPUT_H

#include "vm/agent/core/agent.h"

#include <stdint.h>

/*
 * One viewer's keyboard and pointer, on the seat that the agent's actions use (seat.h).
 *
 * Each event is sent to the X server before the call returns, without a pause, as long as nothing
 * waits before it.  What the layout has not is given to a spare key, whose event waits until the
 * focused program can know of it; later events wait behind it, in order.
 *
 * A character arrives as the keysym says, whatever Shift, AltGr and the locks of the desktop are
 * like: modifiers that do not fit are changed for the moment of the press (keymap_way.h).
 * Caps_Lock and Num_Lock are keys like others.
 *
 * What is not sent, always with a line in the log:
 * - all that waits, when USER_INPUT_QUEUE events do: read no more of the viewer while
 *   user_input_is_full();
 * - key presses and clicks that wait for a program that reads none of its keys for 5 seconds;
 * - a character that the focused program would take for another (vm/agent/x11/program.h), or that
 *   no spare key can have;
 * - keysyms that are commands to the X server, such as Terminate_Server, without a key of their own;
 * - everything while the X server is away.  What was held down is forgotten then.
 */

struct user_input;

#define USER_INPUT_QUEUE 2048 /* events that may wait: a text of some 1,000 characters */

struct user_event {
	bool is_key, down;
	uint32_t keysym;
	struct point at; /* as the viewer sent it; screen pixels once it has passed */
	unsigned buttons;
};

enum user_input_verdict {
	USER_INPUT_PASS,
	USER_INPUT_WAIT, /* until user_input_retry() */
	USER_INPUT_DROP,
};

/*
 * Whether the next event may pass now.  Called while the X server is held still for everybody else,
 * so what it finds is true when the event is sent.  May change event->at.  It must not call
 * functions of the user_input but user_input_buttons().
 */
typedef enum user_input_verdict user_input_gate_fn(struct user_event *event, void *data);

/* gate NULL: everything passes, and points are screen pixels. */
struct user_input *user_input_new(struct agent *agent, user_input_gate_fn *gate, void *data);
void user_input_free(struct user_input *in); /* releases what it holds down.  NULL-safe */

/* An RFB KeyEvent: a press of a key that is down is a repeat. */
void user_input_key(struct user_input *in, uint32_t keysym, bool down);
/* An RFB PointerEvent: bit n is X's button n + 1.  Of moves that wait the last one counts. */
void user_input_pointer(struct user_input *in, struct point at, unsigned buttons);

/* Releases all that is held down, and forgets what waits. */
void user_input_release(struct user_input *in);
/* Asks the gate again. */
void user_input_retry(struct user_input *in);
/* Forgets what waits but releases. */
void user_input_forget_presses(struct user_input *in);

/* So many events wait that no more should come. */
bool user_input_is_full(struct user_input *in);
/* fn is called, from the loop, when it is full no more after somebody was told so. */
void user_input_on_room(struct user_input *in, void (*fn)(void *data), void *data);
bool user_input_is_waiting(const struct user_input *in);  /* any event is */
unsigned user_input_buttons(const struct user_input *in); /* that are held, as RFB has them */

#endif
