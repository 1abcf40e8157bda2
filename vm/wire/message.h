#ifndef VM_WIRE_MESSAGE_H
#define VM_WIRE_MESSAGE_H

#include "base/field.h"
#include "vm/wire/link.h"

/*
 * A message of the link: a row with the tables of its arguments and its answer.  The host, the agent
 * and the fake agent encode and check with the same row, so both ends have the same bounds.  The rows
 * are in messages_NAME.c; vm/wire/messages.h lists the families.
 */

/* Bounds that several families share. */
#define MESSAGE_TEXT_MAX 4000 /* bytes of a sentence, a title */
#define MESSAGE_PATH_MAX 4000
#define MESSAGE_EDGE_MAX 16384 /* pixels */
#define MESSAGE_ROW_SIZE 1024  /* bytes: the struct of any row of an array or a channel fits */

/* One direction of a message. */
struct message_part {
	const struct field *fields;
	size_t size;     /* of the struct with the fields */
	size_t tail_max; /* maximum bytes after the JSON */
};

struct message {
	const char *name, *help;
	struct message_part request; /* or the contents of an event */
	struct message_part answer;  /* not of an event */
	/* Members of arrays and objects in the answer, for decoders and docs/link.md. */
	const struct message_member {
		const char *name;
		const struct field *fields;
	} * members;
	/* Checks what the fields cannot express about an answer; may be NULL. */
	bool (*check)(const void *answer, struct err *err);
	const struct message_talk *talk; /* NULL: not a conversation */
};

/* What one side of a conversation may send between the request and the answer.  NULL-terminated; the
 * number of a channel is its index. */
struct message_speech {
	const char *channels[4];           /* names, for bytes */
	const struct message *messages[4]; /* their `request` */
	/* Of a channel with rows instead of any bytes: one JSON object a line, with these fields. */
	const struct field *rows[4];
};
struct message_talk {
	struct message_speech host, agent;
};

/* ---- messages of a conversation: {"message": name, "args": object} ---- */

json_t *message_speech_encode(const struct message *message, const void *in);
/* NULL: this side may not send it.  *ret_args: the struct of the message, to be freed; it points into
 * msg. */
const struct message *message_speech_decode(const struct message_speech *speaker,
	const struct link_msg *msg, void **ret_args, struct err *err);
/* Whether this side has such a channel. */
bool message_channel(
	const struct message_speech *speaker, unsigned channel, struct err *err) NODISCARD;

json_t *message_encode(const struct message_part *part, const void *in);
/* Like field_decode(); also refuses a tail that is too long. */
bool message_decode(const struct message_part *part, const json_t *json, size_t tail_len, void *out,
	struct err *err) NODISCARD;

#endif
