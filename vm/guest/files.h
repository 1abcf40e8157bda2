#ifndef VM_GUEST_FILES_H
#define VM_GUEST_FILES_H

#include "vm/guest/ask.h"
#include "vm/guest/conversation.h"
#include "vm/wire/messages_files.h"

/*
 * Files of a sandbox, as its user has them.  Paths and bounds: vm/wire/messages_files.h.  All work is
 * done in the sandbox.  Changes require that the caller may run commands.
 */

/* stat, make_directory, move, copy, remove: message is one of them, args its struct; fn gets the
 * struct of its answer. */
guest_id guest_file(struct guest *guest, const struct message *message, const void *args,
	guest_answered_fn *fn, void *data);
/* The file of an answer or a row; false: the agent has sent something else. */
bool guest_file_entry(
	const json_t *json, struct msg_file_entry *ret_entry, struct err *err) NODISCARD;

/* ---- rows: list, search, watch ---- */

struct file_rows;
struct file_rows_handlers {
	/* The struct of the channel's rows, valid during the callback. */
	void (*row)(const void *row, void *data);
	void (*started)(void *data); /* of a watch: all watches stand.  May be NULL. */
	void (*synced)(void *data);  /* see file_rows_sync().  May be NULL. */
	/* As on_end() of a conversation.  Not called after file_rows_close(). */
	void (*end)(const void *answer, const struct err *err, void *data);
};
/* message: file_list, file_search, file_watch.  time_ms: 0: without limit. */
struct file_rows *file_rows_open(struct guest *guest, const struct message *message,
	const void *args, int64_t time_ms, enum guest_asker asker,
	const struct file_rows_handlers *handlers, void *data);
/* Also allowed in its callbacks, except end().  NULL-safe. */
void file_rows_close(struct file_rows *rows);
/* Of a watch that has started: synced() follows every change that happened before.  False: too many
 * are asked for already. */
bool file_rows_sync(struct file_rows *rows);
guest_id file_rows_id(const struct file_rows *rows); /* for guest_cancel() */

/* ---- bytes: conversations ---- */

/* The agent sends message_file_opened first, then the bytes on channel FILE_BYTES. */
struct conversation *guest_file_read(struct guest *guest, const struct msg_file_read *args,
	const struct conversation_handlers *handlers, void *data);
/*
 * Write to channel FILE_BYTES; conversation_close_write() completes the file, and the answer is a
 * struct msg_file_write_answer.  conversation_close() before the answer abandons it: nothing remains.
 * The agent sends message_file_ready when it is open.
 */
struct conversation *guest_file_write(struct guest *guest, const struct msg_file_write *args,
	const struct conversation_handlers *handlers, void *data);

#endif
