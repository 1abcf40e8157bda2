#ifndef VM_AGENT_STREAM_SCREEN_INPUT_H
#define VM_AGENT_STREAM_SCREEN_INPUT_H

#include "vm/agent/stream/watched.h"

/* The pointer and keyboard of a viewer of the desktop. */
struct viewer_input *screen_input_new(struct agent *agent);

#endif
