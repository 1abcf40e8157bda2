/* filesystem.Filesystem: the methods with one answer.  All work is done in the sandbox. */
#include "server/e2b/envd/filesystem.h"
#include "base/cleanup.h"
#include "server/e2b/envd/entry.h"
#include "server/e2b/envd/proto.h"
#include "server/e2b/envd/services.h"
#include "vm/guest/files.h"

#include <string.h>

#define LIST_BYTES (16u << 20) /* of an answer */
#define WORK_MS (10 * 60 * 1000)

/* ---- what they share ---- */

struct file_request {
	const char *path, *source, *destination;
	int64_t depth;
};
#define REQUEST struct file_request
#define PATH_OF(m) FIELD_STR(REQUEST, m, "A path.", .max = MESSAGE_FILE_PATH_MAX)
static const struct field request_fields[] = {
	PATH_OF(path),
	PATH_OF(source),
	PATH_OF(destination),
	FIELD_NUM(REQUEST, depth, "Levels of a list.", .max = 4294967295.0),
	{ 0 },
};

const char *filesystem_path(const char *path)
{
	return path && *path ? path : "~";
}

static bool begins_with(const char *path, const char *dir)
{
	size_t len = strlen(dir);
	return strncmp(path, dir, len) == 0 && (path[len] == '/' || !path[len]);
}

bool filesystem_is_far(const char *path)
{
	bool climbs = path && strstr(path, "..");
	return climbs || (path && *path == '/' && !begins_with(path, "/home/user") &&
				 !begins_with(path, "/tmp"));
}

/* rpc->kept owns what it points into. */
static bool read_request(struct rpc *rpc, const json_t *body, struct file_request *ret)
{
	struct err err;
	if (!proto_decode(request_fields, body, &rpc->kept, ret, &err)) {
		rpc_fail_err(rpc, &err);
		return false;
	}
	return true;
}

static void ask(struct rpc *rpc, const struct message *message, const void *args, bool changes,
	rpc_answered_fn *fn)
{
	rpc_ask(rpc,
		&(struct guest_question){
			.message = message,
			.args = args,
			.time_ms = WORK_MS,
			.is_command = changes,
		},
		fn);
}

/* Takes a file of the agent, and replies {"entry"}. */
static void reply_entry(struct rpc *rpc, const json_t *json)
{
	struct msg_file_entry entry;
	struct err err;
	if (guest_file_entry(json, &entry, &err)) {
		rpc_reply(rpc, must(json_pack("{s:o}", "entry", envd_entry(&entry))));
	} else {
		rpc_fail_err(rpc, &err);
	}
}

static void have_entry(struct rpc *rpc, const void *answer, const void *tail, size_t tail_len,
	const struct err *err)
{
	(void)tail, (void)tail_len;
	if (err) {
		rpc_fail_err(rpc, err);
	} else {
		reply_entry(rpc, ((const struct msg_file_answer *)answer)->entry);
	}
}

/* ---- Stat ---- */

static void stat_again(struct rpc *rpc, const char *path)
{
	const struct msg_file_stat args = {
		.path = filesystem_path(path),
		.xattrs = true,
		.user = rpc_user(rpc),
		.privileged = filesystem_is_far(path),
	};
	ask(rpc, &message_file_stat, &args, false, have_entry);
}

static void run_stat(struct rpc *rpc, const json_t *body)
{
	struct file_request request;
	if (read_request(rpc, body, &request)) {
		stat_again(rpc, request.path);
	}
}

/* ---- MakeDir ---- */

static void made(struct rpc *rpc, const void *answer, const void *tail, size_t tail_len,
	const struct err *err)
{
	const struct msg_file_make_directory_answer *dir = answer;
	(void)tail, (void)tail_len;
	if (err && err->kind == ERR_STATE) { /* a file of that name */
		rpc_fail_as(rpc, CONNECT_INVALID_ARGUMENT, err);
	} else if (err) {
		rpc_fail_err(rpc, err);
	} else if (!dir->made) {
		rpc_fail(rpc, CONNECT_ALREADY_EXISTS, "directory already exists");
	} else {
		reply_entry(rpc, dir->entry);
	}
}

static void run_make_dir(struct rpc *rpc, const json_t *body)
{
	struct file_request request;
	if (read_request(rpc, body, &request)) {
		const struct msg_file_make_directory args = {
			.path = filesystem_path(request.path),
			.mode = 0755,
			.parents = true,
			.user = rpc_user(rpc),
			.privileged = filesystem_is_far(request.path),
		};
		ask(rpc, &message_file_make_directory, &args, true, made);
	}
}

/* ---- Move ---- */

/* The answer of the move has no attributes. */
static void moved(struct rpc *rpc, const void *answer, const void *tail, size_t tail_len,
	const struct err *err)
{
	struct file_request request;
	struct err ignored;
	(void)answer, (void)tail, (void)tail_len;
	if (err) {
		return rpc_fail_err(rpc, err);
	}
	(void)!field_decode(request_fields, rpc->kept, &request, &ignored); /* it was before */
	stat_again(rpc, request.destination);
}

static void run_move(struct rpc *rpc, const json_t *body)
{
	struct file_request request;
	if (read_request(rpc, body, &request)) {
		const struct msg_file_move args = {
			.from = filesystem_path(request.source),
			.to = filesystem_path(request.destination),
			.replace = true,
			.user = rpc_user(rpc),
			.privileged = filesystem_is_far(request.source) ||
				      filesystem_is_far(request.destination),
		};
		ask(rpc, &message_file_move, &args, true, moved);
	}
}

/* ---- Remove ---- */

static void run_remove(struct rpc *rpc, const json_t *body)
{
	struct file_request request;
	if (read_request(rpc, body, &request)) {
		const struct msg_file_remove args = {
			.path = filesystem_path(request.path),
			.recursive = true,
			.missing_ok = true,
			.user = rpc_user(rpc),
			.privileged = filesystem_is_far(request.path),
		};
		ask(rpc, &message_file_remove, &args, true, rpc_answer_empty);
	}
}

/* ---- ListDir ---- */

struct listing {
	struct rpc *rpc;
	struct file_rows *rows; /* NULL: over */
	struct buf text;        /* the answer so far */
};

static void free_listing(struct rpc *rpc)
{
	struct listing *list = rpc->data;
	file_rows_close(list->rows);
	buf_done(&list->text);
	free(list);
}

static void on_row(const void *row, void *data)
{
	struct listing *list = data;
	json_auto_t *entry = envd_entry(row);
	auto_free char *text = must(json_dumps(entry, JSON_COMPACT));
	buf_printf(&list->text, "%s%s", list->text.len ? "," : "{\"entries\":[", text);
	if (list->text.len > LIST_BYTES) {
		file_rows_close(take_ptr(&list->rows));
		rpc_fail(list->rpc, CONNECT_RESOURCE_EXHAUSTED,
			"the list has more than %u bytes; list a part of it", LIST_BYTES);
	}
}

static void on_list_end(const void *answer, const struct err *err, void *data)
{
	struct listing *list = data;
	const struct msg_file_list_answer *end = answer;
	list->rows = NULL;
	if (err) {
		rpc_fail_err(list->rpc, err);
	} else if (end->limited) {
		rpc_fail(list->rpc, CONNECT_RESOURCE_EXHAUSTED,
			"there are more than %d entries; list a part of them",
			MESSAGE_FILE_ROWS_MAX);
	} else {
		buf_printf(&list->text, "%s]}", list->text.len ? "" : "{\"entries\":[");
		http_reply(
			list->rpc->r->x, 200, "application/json", list->text.data, list->text.len);
	}
}

static void run_list_dir(struct rpc *rpc, const json_t *body)
{
	static const struct file_rows_handlers handlers = { .row = on_row, .end = on_list_end };
	struct file_request request;
	if (!read_request(rpc, body, &request)) {
		return;
	}
	int64_t depth = request.depth ? request.depth : 1;
	const struct msg_file_list args = {
		.path = filesystem_path(request.path),
		.depth = depth < MESSAGE_FILE_DEPTH_MAX ? depth : MESSAGE_FILE_DEPTH_MAX,
		.limit = MESSAGE_FILE_ROWS_MAX,
		.xattrs = true,
		.user = rpc_user(rpc),
		.privileged = filesystem_is_far(request.path),
	};
	struct listing *list = must(calloc(1, sizeof(*list)));
	list->rpc = rpc;
	rpc->data = list;
	rpc->closed = free_listing;
	list->rows = file_rows_open(
		rpc->guest, &message_file_list, &args, WORK_MS, GUEST_ASKER_AGENT, &handlers, list);
}

const struct rpc_method filesystem_methods[] = {
	{ "/filesystem.Filesystem/Stat", .run = run_stat },
	{ "/filesystem.Filesystem/ListDir", .run = run_list_dir },
	{ "/filesystem.Filesystem/MakeDir", .run = run_make_dir },
	{ "/filesystem.Filesystem/Move", .run = run_move },
	{ "/filesystem.Filesystem/Remove", .run = run_remove },
	{ 0 },
};
