/* The table of operations; a new one is a row.  A request of the host runs one of them. */
#include "vm/agent/main/ops.h"

#include "base/nearest.h"
#include "vm/agent/core/request.h"
#include "vm/agent/main/agent.h"

#include <string.h>

#define OPS(X) \
	X(act) \
	X(applications) \
	X(attach) \
	X(clipboard_get) \
	X(clipboard_set) \
	X(control) \
	X(display_set) \
	X(exec) \
	X(file_copy) \
	X(file_list) \
	X(file_make_directory) \
	X(file_move) \
	X(file_read) \
	X(file_remove) \
	X(file_search) \
	X(file_stat) \
	X(file_watch) \
	X(file_write) \
	X(find_text) \
	X(freeze) \
	X(info) \
	X(launch) \
	X(ping) \
	X(port_connect) \
	X(prepare) \
	X(process_input) \
	X(process_output) \
	X(process_resize) \
	X(process_screen) \
	X(process_signal) \
	X(processes) \
	X(restored) \
	X(rfb) \
	X(sound) \
	X(ui_act) \
	X(ui_tree) \
	X(usage) \
	X(wait) \
	X(watch) \
	X(window_change) \
	X(windows)

#define X(id) extern const struct op op_##id;
OPS(X)
#undef X

static const struct op *const ops[] = {
#define X(id) &op_##id,
	OPS(X)
#undef X
};

#define N_OPS (sizeof(ops) / sizeof(*ops))

const struct op *ops_find(const char *name, struct err *err)
{
	const char *names[N_OPS + 1] = { 0 };
	for (size_t i = 0; i < N_OPS; i++) {
		if (strcmp(ops[i]->message->name, name) == 0) {
			return ops[i];
		}
		names[i] = ops[i]->message->name;
	}
	const char *near = nearest_name(name, names);
	err_set(err, ERR_UNSUPPORTED, "unknown operation '%.40s'%s%s", name,
		near ? "; the nearest is " : "", near ? near : "");
	return NULL;
}

void ops_request(struct link *link, uint32_t id, const struct link_msg *msg, void *data)
{
	struct agent_main *agent = data;
	const char *op = json_string_value(json_object_get(msg->json, "op")); /* link.c checks it */
	struct err err;
	if (strcmp(op, OPS_RESTORED) == 0 && agent->port_fd >= 0) {
		agent_forget_host(agent);
	} else if (!agent->greeted && !agent->restored) {
		err_set(&err, ERR_STATE, "the first request of a new host must be 'restored'");
		link_reply_err(link, id, &err);
		return;
	}
	const struct op *found = ops_find(op, &err);
	if (found) {
		request_run(&agent->shared, id, msg, found);
	} else {
		link_reply_err(link, id, &err);
	}
}
