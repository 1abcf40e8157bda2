#ifndef SERVER_E2B_CODE_CODE_H
#define SERVER_E2B_CODE_CODE_H

#include "server/e2b/core/request.h"

/* The code interpreter, at port 49999 of each sandbox. */
void e2b_code_run(struct e2b_request *r);

#endif
