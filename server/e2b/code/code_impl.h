#ifndef SERVER_E2B_CODE_CODE_IMPL_H
#define SERVER_E2B_CODE_CODE_IMPL_H

/* Shared by the files of this folder: a request of the interpreter is a row in code.c. */

#include "server/e2b/core/request.h"
#include "vm/guest/code.h"

/* id: of the context in the path; "": none.  Valid until the request has closed. */
void e2b_code_execute(struct e2b_request *r, const char *id);
void e2b_code_list(struct e2b_request *r, const char *id);
void e2b_code_create(struct e2b_request *r, const char *id);
void e2b_code_remove(struct e2b_request *r, const char *id);
void e2b_code_restart(struct e2b_request *r, const char *id);

/* A line of the answer to /execute.  Escaped, because E2B's client decodes each chunk by itself. */
json_t *e2b_code_result(const struct code_result *result);
json_t *e2b_code_stream(const struct code_stream *stream);
json_t *e2b_code_error(const struct code_error *error);

/* With the status that E2B's clients recognize. */
void e2b_code_refuse(struct e2b_request *r, const struct err *err);

#endif
