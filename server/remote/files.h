#ifndef SERVER_REMOTE_FILES_H
#define SERVER_REMOTE_FILES_H

#include "server/remote/place.h"
#include "transport/http/http.h"

/*
 * Answers x, a request for /api/sandboxes/ID/files?path=PATH: GET and HEAD download the file, PUT
 * stores the body, POST also a form (server/transfer).  A paused sandbox is resumed.
 *
 * place, copied, is that of the requester; without an owner and with signed_only, the query must have
 * the signature of tools/system/file_link.h.
 */
void remote_files_run(struct http_exchange *x, const struct remote_place *place, bool signed_only);

#endif
