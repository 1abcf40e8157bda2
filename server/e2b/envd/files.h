#ifndef SERVER_E2B_ENVD_FILES_H
#define SERVER_E2B_ENVD_FILES_H

#include "server/e2b/core/request.h"
#include "server/e2b/envd/signature.h"

/* /files: a file as the body of a request or an answer. */

void envd_files_read(struct e2b_request *r);
void envd_files_write(struct e2b_request *r);

/* What the signature of x is about. */
struct envd_signed envd_files_signed(const struct http_exchange *x, const char *access_token);

#endif
