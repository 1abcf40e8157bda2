/* Rows that an agent streams: lines of JSON, each checked with the table of its channel. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "vm/guest/files.h"

#include <string.h>

struct file_rows {
	struct conversation *conversation; /* NULL: closed, or ended */
	const struct field *fields;
	const struct file_rows_handlers *handlers;
	void *data;
	struct buf rest; /* the beginning of a row */
	bool busy;       /* in a callback, which may close it */
};

static void rows_free(struct file_rows *rows)
{
	buf_done(&rows->rest);
	free(rows);
}

static bool take_row(struct file_rows *rows, const char *line, size_t len, struct err *err)
{
	json_error_t why;
	union {
		int64_t aligned;
		uint8_t bytes[MESSAGE_ROW_SIZE];
	} row;
	json_auto_t *json = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(json)) {
		return err_set(err, ERR_ARGUMENT, "a row must be a JSON object: %s",
			json ? "it is another value" : why.text);
	}
	if (!field_decode(rows->fields, json, &row, err)) {
		return err_while(err, "a row");
	}
	rows->handlers->row(&row, rows->data);
	return true;
}

/* Complete rows of bytes, and the number of bytes of them; stops when it is closed. */
static bool take_rows(
	struct file_rows *rows, const char *bytes, size_t len, size_t *ret_used, struct err *err)
{
	const char *end;
	*ret_used = 0;
	while (rows->conversation && (end = memchr(bytes + *ret_used, '\n', len - *ret_used))) {
		size_t n = (size_t)(end - bytes) - *ret_used;
		if (!take_row(rows, bytes + *ret_used, n, err)) {
			return false;
		}
		*ret_used += n + 1;
	}
	return len - *ret_used <= MESSAGE_FILE_LINE_MAX ||
	       err_set(err, ERR_ARGUMENT, "a row of more than %u bytes", MESSAGE_FILE_LINE_MAX);
}

static bool take(struct file_rows *rows, const void *bytes, size_t len, struct err *err)
{
	size_t used;
	if (!rows->rest.len) { /* without a copy, as a rule */
		if (!take_rows(rows, bytes, len, &used, err)) {
			return false;
		}
		buf_append(&rows->rest, (const char *)bytes + used, len - used);
		return true;
	}
	buf_append(&rows->rest, bytes, len);
	if (!take_rows(rows, (const char *)rows->rest.data, rows->rest.len, &used, err)) {
		return false;
	}
	buf_consume(&rows->rest, used);
	return true;
}

static void on_data(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct file_rows *rows = data;
	struct err err;
	(void)channel;
	rows->busy = true;
	bool ok = take(rows, bytes, len, &err);
	rows->busy = false;
	if (!rows->conversation) {
		rows_free(rows);
	} else if (!ok) {
		conversation_is_bad(c, &err); /* calls on_end() */
	} else {
		conversation_consumed(c, len);
	}
}

static void on_message(struct conversation *c, const struct message *message, const void *args,
	size_t cost, void *data)
{
	struct file_rows *rows = data;
	void (*tell)(void *) =
		message == &message_file_synced ? rows->handlers->synced : rows->handlers->started;
	(void)args;
	conversation_consumed(c, cost);
	if (tell) {
		rows->busy = true;
		tell(rows->data);
		rows->busy = false;
	}
	if (!rows->conversation) {
		rows_free(rows);
	}
}

static void on_end(struct conversation *c, const void *answer, const struct err *err, void *data)
{
	struct file_rows *rows = data;
	struct err cut;
	(void)c;
	rows->conversation = NULL;
	rows->busy = true;
	if (answer && rows->rest.len) {
		err_set(&cut, ERR_HOST, "the agent's last row is not complete");
		answer = NULL;
		err = &cut;
	}
	rows->handlers->end(answer, err, rows->data);
	rows_free(rows);
}

struct file_rows *file_rows_open(struct guest *guest, const struct message *message,
	const void *args, int64_t time_ms, enum guest_asker asker,
	const struct file_rows_handlers *handlers, void *data)
{
	static const struct conversation_handlers talk = {
		.on_data = on_data, .on_message = on_message, .on_end = on_end
	};
	const struct conversation_how how = {
		.message = message,
		.args = args,
		.time_ms = time_ms,
		.is_aside = asker == GUEST_ASKER_VIEWER,
	};
	struct file_rows *rows = must(calloc(1, sizeof(*rows)));
	rows->fields = message->talk->agent.rows[FILE_ROWS];
	rows->handlers = handlers;
	rows->data = data;
	rows->conversation = conversation_open(guest, &how, &talk, rows);
	return rows;
}

void file_rows_close(struct file_rows *rows)
{
	if (!rows || !rows->conversation) {
		return;
	}
	conversation_close(take_ptr(&rows->conversation));
	if (!rows->busy) {
		rows_free(rows);
	}
}

bool file_rows_sync(struct file_rows *rows)
{
	return rows->conversation &&
	       conversation_send(rows->conversation, &message_file_sync, NULL);
}

guest_id file_rows_id(const struct file_rows *rows)
{
	return rows->conversation ? conversation_id(rows->conversation) : 0;
}
