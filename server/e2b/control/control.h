#ifndef SERVER_E2B_CONTROL_CONTROL_H
#define SERVER_E2B_CONTROL_CONTROL_H

#include "server/e2b/core/request.h"

/* The control plane: sandboxes, snapshots, templates, metrics, logs.  The request has no sandbox yet. */
void e2b_control_run(struct e2b_request *r);

#endif
