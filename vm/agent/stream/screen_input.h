#ifndef VM_AGENT_STREAM_SCREEN_INPUT_H
#define VM_AGENT_STREAM_SCREEN_INPUT_H

#include "vm/agent/stream/watched.h"

/* What a viewer of the desktop does with its pointer and keyboard.  display: where it is found as
 * long as it is open, then NULL. */
struct viewer_input *screen_input_new(struct agent *agent, struct display *const *display);

#endif
