#ifndef SERVER_REMOTE_REMOTE_H
#define SERVER_REMOTE_REMOTE_H

#include "server/config/config.h"
#include "transport/http/http.h"
#include "vm/core/vm.h"

/*
 * Operations on sandboxes for programs without MCP, such as `vitrine exec`:
 *
 *   GET /api/sandboxes          the sandboxes, as JSON
 *   GET /api/sandboxes/ID/talk  a WebSocket with one operation of the agent (server/remote/frame.h)
 *   /api/sandboxes/ID/files     a file, to download and upload (server/remote/files.h)
 *
 * They are served to principals with a token on the HTTP listener, and to the server's own user, for
 * all sandboxes, on a unix socket in the state directory.
 */
struct remote;

/* Also opens the socket STATE/servers/PID.sock; a failure is logged, because MCP does not need it. */
struct remote *remote_new(sd_event *event, const struct config *config, struct vm_pool *vms);
void remote_free(struct remote *remote); /* NULL-safe; before the pool */
/* Serves them on this listener, too. */
void remote_use(struct remote *remote, struct http *http);
/* Only signed URLs of files, on a listener without tokens. */
void remote_use_signed(struct remote *remote, struct http *http);

#endif
