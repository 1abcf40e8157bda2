#ifndef SERVER_TRANSFER_STATUS_H
#define SERVER_TRANSFER_STATUS_H

#include "transport/http/http.h"

/* Answers x, whose transfer has failed. */
typedef void transfer_failed_fn(
	struct http_exchange *x, int status, const struct err *err, void *data);

/* The HTTP status for an error of a file operation: 404, 403 (permissions), 400 (a directory), 507
 * (the disk is full), 502 (the sandbox has ended), ... */
int transfer_status(const struct err *err);

#endif
