/* An array of messages (2025-03-26 only).  One array is returned when all of its requests have been
 * answered. */
#include "server/mcp/session.h"

#include "base/cleanup.h"

#define BATCH_MAX 100

struct batch {
	struct conn *conn; /* a reference */
	size_t open;       /* unanswered requests, and one while the array is being read */
	struct buf out;
};

void batch_expect(struct batch *batch)
{
	batch->open++;
}

static void release(struct batch *batch)
{
	if (--batch->open > 0) {
		return;
	}
	if (batch->out.len > 0) {
		buf_append(&batch->out, "]", 1);
		conn_answer(batch->conn, &batch->out);
	}
	conn_unref(batch->conn);
	buf_done(&batch->out);
	free(batch);
}

void batch_add(struct batch *batch, const struct buf *message)
{
	if (message) {
		buf_append(&batch->out, batch->out.len > 0 ? "," : "[", 1);
		buf_append(&batch->out, buf_text(message), message->len);
	}
	release(batch);
}

void batch_take(struct conn *conn, json_t *messages)
{
	size_t n = json_array_size(messages);
	if (n == 0 || n > BATCH_MAX) {
		struct rpc_fault fault;
		rpc_fault(&fault, RPC_INVALID_REQUEST, NULL,
			"a batch must contain 1 to %d messages; this one has %zu", BATCH_MAX, n);
		conn_refuse(conn, NULL, 400, &fault);
		return;
	}
	struct batch *batch = must(calloc(1, sizeof(*batch)));
	batch->conn = conn;
	conn_ref(conn);
	batch->open = 1;
	for (size_t i = 0; i < n; i++) {
		conn_take_one(conn, batch, json_array_get(messages, i));
	}
	release(batch);
}
