#ifndef VM_AGENT_STREAM_WINDOW_INPUT_H
#define VM_AGENT_STREAM_WINDOW_INPUT_H

#include "vm/agent/act/act.h"
#include "vm/agent/stream/window_capture.h"

/*
 * What a viewer of one window does with its pointer and keyboard: it reaches that window, its menus
 * and dialogs, and nothing else.  Where another window lies over it, or has the focus, the window
 * is activated, and the input waits for that; when it does not come about, it is dropped.
 */

struct window_input;

struct window_input *window_input_new(struct agent *agent, struct window_capture *capture);
/* Releases what is held down.  NULL-safe. */
void window_input_free(struct window_input *in);

/* buttons as RFB has them: bit n is X's button n + 1; at: seen from the window's corner. */
void window_input_pointer(struct window_input *in, struct point at, unsigned buttons);
void window_input_key(struct window_input *in, uint32_t keysym, bool down);
/* Windows have changed places: what waits may pass now. */
void window_input_retry(struct window_input *in);

#endif
