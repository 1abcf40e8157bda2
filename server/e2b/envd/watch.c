/* filesystem.Filesystem: WatchDir, a stream of the changes in a directory. */
#include "server/e2b/envd/watch.h"

#include "base/cleanup.h"
#include "server/e2b/envd/entry.h"
#include "server/e2b/envd/filesystem.h"
#include "server/e2b/envd/proto.h"
#include "server/e2b/envd/services.h"
#include "vm/guest/files.h"

#define UNREAD_MAX (4u << 20) /* bytes of changes that a client has not read */

/* ---- events ---- */

#define REQUEST struct watch_request
const struct field watch_request_fields[] = {
	FIELD_STR(REQUEST, path, "A directory.", .max = MESSAGE_FILE_PATH_MAX),
	FIELD_FLAG(REQUEST, recursive, "Also what is below it."),
	FIELD_FLAG(REQUEST, include_entry, "With the files."),
	FIELD_FLAG(REQUEST, allow_network_mounts, "It makes no difference here."),
	{ 0 },
};

/* Changes of the directory itself have no name. */
json_t *watch_event(const struct msg_file_change *change)
{
	static const char *const types[] = {
		[FILE_CREATED] = "EVENT_TYPE_CREATE",
		[FILE_WRITTEN] = "EVENT_TYPE_WRITE",
		[FILE_REMOVED] = "EVENT_TYPE_REMOVE",
		[FILE_RENAMED] = "EVENT_TYPE_RENAME",
		[FILE_CHMODDED] = "EVENT_TYPE_CHMOD",
		[FILE_LOST] = NULL,
	};
	struct msg_file_entry entry;
	struct err ignored;
	if (!types[change->change] || !change->path) {
		return NULL;
	}
	bool has_entry = change->entry && guest_file_entry(change->entry, &entry, &ignored);
	return must(json_pack("{s:s, s:s, s:o*}", "name", change->path, "type",
		types[change->change], "entry", has_entry ? envd_entry(&entry) : NULL));
}

/* ---- WatchDir ---- */

struct watching {
	struct rpc *rpc;
	struct file_rows *rows; /* NULL: over */
};

static void stop(struct watching *w, enum connect_code code, const char *why)
{
	file_rows_close(take_ptr(&w->rows));
	rpc_fail(w->rpc, code, "%s", why);
}

static void on_row(const void *row, void *data)
{
	struct watching *w = data;
	const struct msg_file_change *change = row;
	json_t *event = watch_event(change);
	if (event) {
		rpc_say(w->rpc, must(json_pack("{s:o}", "filesystem", event)));
	}
	if (change->change == FILE_LOST) {
		stop(w, CONNECT_INTERNAL, "changes were lost, because there were too many at once");
	} else if (rpc_pending(w->rpc) > UNREAD_MAX) {
		stop(w, CONNECT_RESOURCE_EXHAUSTED, "the client does not read the changes");
	}
}

static void on_started(void *data)
{
	struct watching *w = data;
	rpc_stream_begin(w->rpc);
	rpc_say(w->rpc, must(json_pack("{s:{}}", "start")));
}

static void on_end(const void *answer, const struct err *err, void *data)
{
	struct watching *w = data;
	(void)answer;
	w->rows = NULL;
	if (err) {
		rpc_fail_err(w->rpc, err);
	} else {
		rpc_end(w->rpc);
	}
}

static void on_closed(struct rpc *rpc)
{
	struct watching *w = rpc->data;
	file_rows_close(w->rows);
	free(w);
}

static void on_late(struct rpc *rpc)
{
	stop(rpc->data, CONNECT_DEADLINE_EXCEEDED, "context deadline exceeded");
}

static void run_watch_dir(struct rpc *rpc, const json_t *body)
{
	static const struct file_rows_handlers handlers = {
		.row = on_row, .started = on_started, .end = on_end
	};
	struct watch_request request;
	struct err err;
	if (!proto_decode(watch_request_fields, body, &rpc->kept, &request, &err)) {
		return rpc_fail_err(rpc, &err);
	}
	const struct msg_file_watch args = {
		.path = filesystem_path(request.path),
		.recursive = request.recursive,
		.entries = request.include_entry,
		.xattrs = request.include_entry,
		.user = rpc_user(rpc),
		.privileged = filesystem_is_far(request.path),
	};
	struct watching *w = must(calloc(1, sizeof(*w)));
	w->rpc = rpc;
	rpc->data = w;
	rpc->closed = on_closed;
	rpc->late = on_late;
	w->rows = file_rows_open(
		rpc->guest, &message_file_watch, &args, 0, GUEST_ASKER_AGENT, &handlers, w);
}

const struct rpc_method watch_methods[] = {
	{ "/filesystem.Filesystem/WatchDir", true, "{\"keepalive\":{}}", run_watch_dir },
	{ 0 },
};
