#ifndef SERVER_E2B_ENVD_WATCHER_H
#define SERVER_E2B_ENVD_WATCHER_H

#include "server/e2b/core/request.h"

/* Frees all watchers.  NULL-safe. */
void envd_watchers_free(struct envd_watchers *watchers);

#endif
