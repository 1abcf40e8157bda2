#ifndef VM_AGENT_WINDOW_WINDOW_INPUT_H
#define VM_AGENT_WINDOW_WINDOW_INPUT_H

#include "vm/agent/act/act.h"
#include "vm/agent/window/window_capture.h"

/*
 * What a viewer of one window does with its pointer and keyboard: it reaches that window, its menus
 * and dialogs, and nothing else.  Where another window lies over it, or has the focus, the window
 * is activated, and the input waits for that; when it does not come about, it is dropped.
 */

struct view_input;

struct view_input *view_input_new(struct agent *agent, struct view *view);
/* Releases what is held down.  NULL-safe. */
void view_input_free(struct view_input *in);

/* buttons as RFB has them: bit n is X's button n + 1; at: seen from the window's corner. */
void view_input_pointer(struct view_input *in, struct point at, unsigned buttons);
void view_input_key(struct view_input *in, uint32_t keysym, bool down);
/* Windows have changed places: what waits may pass now. */
void view_input_retry(struct view_input *in);

#endif
