#ifndef VM_AGENT_STREAM_WINDOW_INPUT_H
#define VM_AGENT_STREAM_WINDOW_INPUT_H

#include "vm/agent/act/act.h"
#include "vm/agent/window/window_capture.h"

/*
 * Input of a viewer of one window: it reaches that window, its menus and dialogs, and no others.
 * If another window covers it or has the focus, the window is activated and the input waits; if the
 * activation fails, it is dropped.
 */

struct window_input;

struct window_input *window_input_new(struct agent *agent, struct window_capture *capture);
/* Releases pressed keys and buttons.  NULL-safe. */
void window_input_free(struct window_input *in);

/* buttons as in RFB: bit n is X's button n + 1; at: relative to the window's corner. */
void window_input_pointer(struct window_input *in, struct point at, unsigned buttons);
void window_input_key(struct window_input *in, uint32_t keysym, bool down);
/* The stacking order has changed: waiting input may pass now. */
void window_input_retry(struct window_input *in);
bool window_input_is_full(struct window_input *in);
/* fn: there is room again.  From the loop. */
void window_input_on_room(struct window_input *in, void (*fn)(void *data), void *data);

#endif
