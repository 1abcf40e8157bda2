#include "vm/guest/files.h"

#define CHANGE_MS 3600000 /* a copy of a large directory */

guest_id guest_file(struct guest *guest, const struct message *message, const void *args,
	guest_answered_fn *fn, void *data)
{
	const struct guest_question question = {
		.message = message,
		.args = args,
		.time_ms = message == &message_file_stat ? 0 : CHANGE_MS,
		.is_command = message != &message_file_stat,
	};
	return guest_ask(guest, &question, fn, data);
}

bool guest_file_entry(const json_t *json, struct msg_file_entry *ret_entry, struct err *err)
{
	return (json_is_object(json) ||
		       err_set(err, ERR_ARGUMENT, "the description of a file is not an object")) &&
	       field_decode(msg_file_entry_fields, json, ret_entry, err);
}

struct conversation *guest_file_read(struct guest *guest, const struct msg_file_read *args,
	const struct conversation_handlers *handlers, void *data)
{
	const struct conversation_how how = { .message = &message_file_read, .args = args };
	return conversation_open(guest, &how, handlers, data);
}

struct conversation *guest_file_write(struct guest *guest, const struct msg_file_write *args,
	const struct conversation_handlers *handlers, void *data)
{
	const struct conversation_how how = {
		.message = &message_file_write, .args = args, .is_command = true
	};
	return conversation_open(guest, &how, handlers, data);
}
