/* Operations on the processes of `exec`: list, signal, resize. */
#include "vm/agent/process/process_op.h"

#include "base/cleanup.h"

struct process *process_op_find(struct request *req, int64_t pid, const char *tag)
{
	struct err err;
	struct process *p = process_find(request_agent(req), pid, tag, &err);
	if (!p) {
		request_fail(req, &err);
	}
	return p;
}

void process_op_finish(struct request *req, bool good, const struct err *err)
{
	if (good) {
		request_answer(req, NULL);
	} else {
		request_fail(req, err);
	}
}

/* ---- list ---- */

#define LIST_BYTES (768u << 10) /* of the answer, which may have 1 MiB */

static void processes(struct request *req, const void *data)
{
	static const struct message_part row = { .fields = msg_process_row_fields };
	const struct msg_processes *args = data;
	json_auto_t *list = json_array();
	struct process *p;
	size_t bytes = 0;
	for (p = process_next(request_agent(req), NULL); p && bytes < LIST_BYTES;
		p = process_next(request_agent(req), p)) {
		struct msg_process_row described;
		process_describe(p, &described);
		described.note = args->notes ? described.note : NULL;
		json_t *encoded = must(message_encode(&row, &described));
		bytes += json_dumpb(encoded, NULL, 0, JSON_COMPACT);
		json_array_append_new(list, encoded);
	}
	request_answer(req, &(struct msg_processes_answer){ list });
}

const struct op op_processes = {
	.message = &message_processes,
	.run = processes,
};

/* ---- signals and terminals ---- */

static void send_signal(struct request *req, const void *data)
{
	const struct msg_process_signal *args = data;
	struct process *p = process_op_find(req, args->pid, args->tag);
	struct err err;
	if (p && args->tree && !process_is_over(p)) {
		process_kill(p);
		request_answer(req, NULL);
	} else if (p) {
		process_op_finish(req, process_signal(p, (int)args->signal, &err), &err);
	}
}

const struct op op_process_signal = {
	.message = &message_process_signal,
	.run = send_signal,
};

static void resize(struct request *req, const void *data)
{
	const struct msg_process_resize *args = data;
	struct process *p = process_op_find(req, args->pid, args->tag);
	struct err err;
	if (p) {
		process_op_finish(
			req, process_resize(p, (int)args->columns, (int)args->rows, &err), &err);
	}
}

const struct op op_process_resize = {
	.message = &message_process_resize,
	.run = resize,
};
