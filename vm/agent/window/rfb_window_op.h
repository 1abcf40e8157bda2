#ifndef VM_AGENT_WINDOW_RFB_WINDOW_OP_H
#define VM_AGENT_WINDOW_RFB_WINDOW_OP_H

#include "vm/agent/core/op.h"

#include <stdint.h>

/* The rest of a request `rfb` that names a window: answers it when the viewer or the window is
 * gone. */
void rfb_window_join(struct request *req, uint32_t window);

#endif
