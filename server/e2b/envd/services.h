#ifndef SERVER_E2B_ENVD_SERVICES_H
#define SERVER_E2B_ENVD_SERVICES_H

#include "server/e2b/envd/rpc.h"

/* The methods of envd, by file.  Each list ends with a row without a path. */
extern const struct rpc_method process_stream_methods[]; /* Start, Connect */
extern const struct rpc_method process_methods[];
extern const struct rpc_method filesystem_methods[];
extern const struct rpc_method watch_methods[]; /* WatchDir */
extern const struct rpc_method watcher_methods[];

#endif
