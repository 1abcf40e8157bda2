#ifndef SERVER_E2B_ENVD_WATCH_H
#define SERVER_E2B_ENVD_WATCH_H

#include "server/e2b/core/request.h"
#include "vm/wire/messages_files.h"

/* What WatchDir and the watchers share. */

struct watch_request {
	const char *path;
	bool recursive, include_entry, allow_network_mounts;
};
extern const struct field watch_request_fields[];

/* A FilesystemEvent; NULL: nothing that envd reports. */
json_t *watch_event(const struct msg_file_change *change);

#endif
