#include "vm/wire/messages_clipboard.h"

#include "vm/wire/clipboard.h"
#include "vm/wire/message_table.h"

static const struct field clipboard_get_fields[] = {
	FIELD_JSON(struct msg_clipboard_get, types,
		"Types of content (\"text/plain\", \"image/png\"), the most wanted first.",
		REQUIRED),
	END,
};

#define COPIED struct msg_clipboard_get_answer
static const struct field clipboard_get_answer_fields[] = {
	FIELD_ONE_OF(COPIED, type, "Of the content, which is the tail.", clipboard_type_names,
		.default_value = -1),
	FIELD_ONE_OF(COPIED, absent, "Why there is no content.", clipboard_absence_names,
		.default_value = -1),
	END,
};

static const struct field clipboard_set_fields[] = {
	FIELD_ONE_OF(struct msg_clipboard_set, type, "Of the content, which is the tail.",
		clipboard_type_names, REQUIRED),
	FIELD_STR(struct msg_clipboard_set, plain,
		"For programs that do not take HTML: the content as plain text.",
		.max = CLIPBOARD_PLAIN_MAX),
	END,
};

const struct message message_clipboard_get = {
	.name = "clipboard_get",
	.help = "What is on the clipboard now, in the first of the types that its owner offers. The "
		"owner is asked now, so it does not matter when the content was copied. Text is "
		"UTF-8. Content that is marked as a password is not returned. Errors: timeout (the "
		"owner does not answer), limit (the content is too large, or too many such requests "
		"are open).",
	.request = PART(struct msg_clipboard_get, clipboard_get_fields),
	.answer = PART(COPIED, clipboard_get_answer_fields, .tail_max = CLIPBOARD_MAX),
};

const struct message message_clipboard_set = {
	.name = "clipboard_set",
	.help = "Puts content on the clipboard, where it stays until something else is copied. It "
		"is answered when programs can paste it.",
	.request = PART(struct msg_clipboard_set, clipboard_set_fields, .tail_max = CLIPBOARD_MAX),
	.answer = NOTHING,
};

const struct message *const messages_clipboard[] = { &message_clipboard_get, &message_clipboard_set,
	NULL };
