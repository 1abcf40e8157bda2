#ifndef VM_AGENT_WINDOW_RFB_WINDOW_OP_H
#define VM_AGENT_WINDOW_RFB_WINDOW_OP_H

#include "vm/agent/core/op.h"

#include <stdint.h>

/* The part of the operation `rfb` for a window: answers when the viewer or the window has
 * closed. */
void rfb_window_join(struct request *req, uint32_t stream, uint32_t window);

#endif
