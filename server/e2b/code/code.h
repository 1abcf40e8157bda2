#ifndef SERVER_E2B_CODE_CODE_H
#define SERVER_E2B_CODE_CODE_H

#include "server/e2b/core/request.h"

/* E2B's code interpreter: code with state, in the kernels of vm/guest/code.h. */
void e2b_code_run(struct e2b_request *r);

#endif
