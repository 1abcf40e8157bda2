#include "vm/wire/message.h"

#include "base/cleanup.h"

#include <string.h>

json_t *message_encode(const struct message_part *part, const void *in)
{
	return field_encode(part->fields, in);
}

bool message_decode(const struct message_part *part, const json_t *json, size_t tail_len, void *out,
	struct err *err)
{
	if (tail_len > part->tail_max) {
		return part->tail_max
			       ? err_set(err, ERR_ARGUMENT,
					 "unexpected payload of %zu bytes; the maximum is %zu",
					 tail_len, part->tail_max)
			       : err_set(err, ERR_ARGUMENT, "unexpected payload of %zu bytes",
					 tail_len);
	}
	return field_decode(part->fields, json, out, err);
}

/* ---- conversations ---- */

json_t *message_speech_encode(const struct message *message, const void *in)
{
	return must(json_pack("{s:s, s:o}", "message", message->name, "args",
		message_encode(&message->request, in)));
}

const struct message *message_speech_decode(const struct message_speech *speaker,
	const struct link_msg *msg, void **ret_args, struct err *err)
{
	const char *name = json_string_value(json_object_get(msg->json, "message"));
	const struct message *const *at = speaker->messages;
	while (*at && (!name || strcmp((*at)->name, name) != 0)) {
		at++;
	}
	if (!*at || json_object_size(msg->json) != 2) {
		err_set(err, ERR_ARGUMENT, "unknown message '%.40s'", name ? name : "");
		return NULL;
	}
	const struct message_part *part = &(*at)->request;
	auto_free void *args = must(calloc(1, part->size ? part->size : 1));
	if (!message_decode(part, json_object_get(msg->json, "args"), msg->tail_len, args, err)) {
		err_while(err, "the message '%s'", name);
		return NULL;
	}
	*ret_args = take_ptr(&args);
	return *at;
}

bool message_channel(const struct message_speech *speaker, unsigned channel, struct err *err)
{
	for (unsigned i = 0; speaker->channels[i]; i++) {
		if (i == channel) {
			return true;
		}
	}
	return err_set(err, ERR_ARGUMENT, "data on the unknown channel %u", channel);
}
