// USES wire
/*
 * JSON as each message of the link: the name is the first line.  It is read as the agent reads
 * requests, as the host reads answers, and as either reads what the other says in a conversation.
 * What is accepted must be written back to something that is accepted; a refusal must have a
 * sentence.
 */
#include "base/cleanup.h"
#include "vm/wire/messages.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void check_sentence(const struct err *err)
{
	json_auto_t *text = json_string(err->text); /* NULL when it is not UTF-8 */
	check(err->kind != ERR_NONE && err->text[0] && text);
}

static void try_fields(const struct field *fields, size_t size, const json_t *json)
{
	struct err err;
	auto_free void *out = must(calloc(1, size ? size : 1));
	if (!field_decode(fields, json, out, &err)) {
		check_sentence(&err);
		return;
	}
	json_auto_t *again = field_encode(fields, out);
	check(field_decode(fields, again, out, &err));
}

static void try_speech(const struct message_speech *speech, const json_t *json)
{
	struct err err;
	auto_free void *args = NULL;
	const struct link_msg msg = { .json = json };
	if (!message_speech_decode(speech, &msg, &args, &err)) {
		check_sentence(&err);
	}
	for (size_t i = 0; speech->channels[i]; i++) {
		if (speech->rows[i]) {
			try_fields(speech->rows[i], 1024, json);
		}
	}
}

static void try_answer(const struct message *m, const json_t *json)
{
	struct err err;
	auto_free void *answer = must(calloc(1, m->answer.size ? m->answer.size : 1));
	if (message_decode(&m->answer, json, 0, answer, &err) && m->check &&
		!m->check(answer, &err)) {
		check_sentence(&err);
	}
	for (const struct message_member *member = m->members; member && member->name; member++) {
		try_fields(member->fields, 1024, json);
	}
}

static const struct message *find(const char *name, size_t len)
{
	const struct message *m;
	for (size_t i = 0; (m = message_request_at(i)); i++) {
		if (strlen(m->name) == len && memcmp(m->name, name, len) == 0) {
			return m;
		}
	}
	for (size_t i = 0; (m = message_event_at(i)); i++) {
		if (strlen(m->name) == len && memcmp(m->name, name, len) == 0) {
			return m;
		}
	}
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const uint8_t *end = memchr(bytes, '\n', len);
	size_t n = end ? (size_t)(end - bytes) : 0;
	const struct message *m = find((const char *)bytes, n);
	if (!m) {
		return 0;
	}
	json_auto_t *json = json_loadb(
		(const char *)end + 1, len - n - 1, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	if (!json) {
		return 0;
	}
	try_fields(m->request.fields, m->request.size, json);
	if (m->answer.fields) {
		try_answer(m, json);
	}
	if (m->talk) {
		try_speech(&m->talk->host, json);
		try_speech(&m->talk->agent, json);
	}
	return 0;
}
