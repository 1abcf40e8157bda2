#include "vm/wire/messages_text.h"

#include "vm/wire/action.h"
#include "vm/wire/message_table.h"

const char *const text_source_names[] = { "any", "elements", "picture", NULL };

#define FIND struct msg_find_text
static const struct field find_text_fields[] = {
	FIELD_STR(FIND, text, "Words of one line, in any case.", REQUIRED, .min = 1,
		.max = TEXT_BYTES_MAX),
	FIELD_LIST(FIND, region, "[x0, y0, x1, y1]: only there.", 4),
	FIELD_ONE_OF(FIND, source,
		"`elements`: those of the active window's program whose name has the text; `picture`: "
		"what an OCR program reads; `any`: the picture only if no element is found.",
		text_source_names),
	FIELD_NUM(FIND, elements_ms, "Time that the program with the elements has.", REQUIRED,
		.min = 1, .max = 60000),
	FIELD_NUM(FIND, timeout_ms, "Time that the OCR program has.", REQUIRED, .min = 1,
		.max = MS_MAX),
	END,
};

#define FOUND struct msg_find_text_answer
static const struct field find_text_answer_fields[] = {
	FIELD_NUM(FOUND, frame_id, "The frame that was read.", REQUIRED, .max = FRAME_ID_MAX),
	FIELD_JSON(FOUND, matches, "The best first.", REQUIRED),
	FIELD_FLAG(FOUND, similar, "No text is equal; the matches are similar."),
	FIELD_STR(FOUND, program,
		"The matches are elements of this program; absent: they were read "
		"from the picture.",
		.max = MESSAGE_TEXT_MAX),
	FIELD_STR(FOUND, languages, "In which the picture was read.", .max = TEXT_LANGUAGES_MAX),
	FIELD_NUM(FOUND, words, "Number of words in the picture.", .max = COUNT_MAX),
	FIELD_NUM(FOUND, ms, "It took.", REQUIRED, .max = MS_MAX),
	FIELD_FLAG(FOUND, cached, "The picture had been read before."),
	FIELD_TEXT_LIST(
		FOUND, near, "Without a match, the lines that are most like it.", TEXT_NEAR_MAX),
	END,
};

#define MATCH struct msg_text_match
const struct field msg_text_match_fields[] = {
	FIELD_STR(
		MATCH, text, "The words, or the element's name.", REQUIRED, .max = TEXT_SHOWN_MAX),
	FIELD_STR(MATCH, role, "Of the element.", .max = MESSAGE_TEXT_MAX),
	FIELD_LIST(MATCH, box, "[x0, y0, x1, y1].", 4, REQUIRED),
	FIELD_NUM(MATCH, confidence, "Of the OCR program, 0 to 100; 100 for an element.", REQUIRED,
		.max = 100),
	END,
};

const struct message message_find_text = {
	.name = "find_text",
	.help = "Where a text is on the screen. The OCR program runs only if the region has changed "
		"since it was read. Errors: unsupported (there is no OCR program, or it has no data for the "
		"script of the text).",
	.request = PART(FIND, find_text_fields),
	.answer = PART(FOUND, find_text_answer_fields),
	.members = MEMBERS({ "matches", msg_text_match_fields }),
};

const struct message *const messages_text[] = { &message_find_text, NULL };
