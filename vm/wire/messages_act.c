#include "vm/wire/messages_act.h"

#include "vm/wire/action.h"
#include "vm/wire/frame.h"
#include "vm/wire/message_table.h"
#include "vm/wire/messages_elements.h"

#define ACT struct msg_act
static const struct field act_fields[] = {
	FIELD_JSON(ACT, actions, "Actions, in order: see `vm/wire/action.h`."),
	FIELD_JSON(ACT, observe, "What to capture afterwards."),
	END,
};

#define ANSWER struct msg_act_answer
static const struct field act_answer_fields[] = {
	FIELD_JSON(ANSWER, done, "One for each completed action, in order.", REQUIRED),
	FIELD_JSON(ANSWER, failed, "The failed action; later ones were not started."),
	FIELD_LIST(ANSWER, pointer, "[x, y], afterwards.", 2, REQUIRED),
	FIELD_NUM(ANSWER, frame_id, "Counts screen changes.", REQUIRED, .max = COUNT_MAX),
	FIELD_FLAG(ANSWER, changed,
		"Whether the screen changed since observe's `since`, or since the first input.",
		REQUIRED),
	FIELD_FLAG(ANSWER, settled, "Whether the screen was quiet; only with observe \"settled\"."),
	FIELD_FLAG(ANSWER, blank, "The window of observe showed one colour only."),
	FIELD_JSON(ANSWER, moving, "Regions that did not settle: [[x0, y0, x1, y1]]."),
	FIELD_NUM(ANSWER, waited_ms, "Time until it settled, or was given up.", .max = MS_MAX),
	FIELD_JSON(
		ANSWER, marks, "Elements with a number in the image, in the order of their tree."),
	FIELD_NUM(ANSWER, marks_found, "Elements that could have one.", .max = ID_MAX),
	FIELD_STR(ANSWER, marks_note, "Why there are no marks, or which are missing.",
		.max = MESSAGE_TEXT_MAX),
	FIELD_JSON(ANSWER, frame, "Content of the tail."),
	END,
};

#define DONE struct msg_done
const struct field msg_done_fields[] = {
	FIELD_NUM(DONE, ms, "It took.", REQUIRED, .max = MS_MAX),
	FIELD_NUM(DONE, chars, "Delivered characters of a text.", .max = ACTION_TEXT_MAX),
	FIELD_FLAG(DONE, unfocused, "No window had the keyboard focus when keys were pressed."),
	FIELD_STR(DONE, note, "Of a paste: why the previous clipboard content was not restored.",
		.max = MESSAGE_TEXT_MAX),
	END,
};

#define FAILED struct msg_failed
const struct field msg_failed_fields[] = {
	FIELD_NUM(FAILED, index, "Index, from 0.", REQUIRED, .max = ACTION_LIST_MAX),
	FIELD_STR(FAILED, kind, "Kind of error.", REQUIRED, .max = 40),
	FIELD_STR(FAILED, text, "Why.", REQUIRED, .max = MESSAGE_TEXT_MAX),
	END,
};

#define FRAME struct msg_frame
const struct field msg_frame_fields[] = {
	FIELD_NUM(FRAME, frame_id, "Counts screen changes.", REQUIRED, .max = COUNT_MAX),
	FIELD_NUM(FRAME, width, "Of the image, in pixels.", REQUIRED, .min = 1,
		.max = MESSAGE_EDGE_MAX),
	FIELD_NUM(FRAME, height, "Of the image, in pixels.", REQUIRED, .min = 1,
		.max = MESSAGE_EDGE_MAX),
	FIELD_ONE_OF(FRAME, format, "Of the image.", observe_format_names, REQUIRED),
	FIELD_NUM(FRAME, quality, "Of a JPEG.", .max = 100),
	FIELD_DEC(FRAME, scale, "Of the frame space.", REQUIRED, .min = 0, .max = MESSAGE_EDGE_MAX),
	FIELD_LIST(FRAME, region, "[x0, y0, x1, y1] of the frame space: only this part.", 4),
	FIELD_LIST(FRAME, aside,
		"Of a region that changed: what of a panel changed, too, but is not in the image.",
		4),
	FIELD_LIST(FRAME, place,
		"Of a window: where its picture is, [x0, y0, x1, y1] of the frame space, of which "
		"parts may be outside.",
		4),
	FIELD_FLAG(FRAME, covered, "Other windows lie over it on the screen."),
	FIELD_FLAG(FRAME, partial, "Its program did not paint all of it in time."),
	FIELD_STR(FRAME, title, "Its title.", .max = MESSAGE_TEXT_MAX),
	FIELD_STR(FRAME, reduced, "A sentence, if it was reduced.", .max = MESSAGE_TEXT_MAX),
	FIELD_LIST(FRAME, raw,
		"[width, height]: the tail is pixels (`vm/picture/pixels.h`), which the host encodes as "
		"makes "
		"the image; only if observe requested it.",
		2),
	END,
};

#define MARK struct msg_mark
const struct field msg_mark_fields[] = {
	FIELD_NUM(MARK, mark, "Its number.", REQUIRED, .min = 1, .max = MARKS_MAX),
	FIELD_STR(MARK, role, "`button`, `check box`, ...", REQUIRED, .max = ELEMENT_TEXT_MAX),
	FIELD_STR(MARK, name, "Its label.", .max = ELEMENT_TEXT_MAX),
	FIELD_STR(MARK, value, "Its text or number.", .max = ELEMENT_TEXT_MAX),
	FIELD_STR(MARK, states, "`checked, focused`.", .max = ELEMENT_TEXT_MAX),
	END,
};

const struct message message_act = {
	.name = "act",
	.help = "The agent checks the complete list before the first input event; an invalid list "
		"is an error and has no effect. Held keys and buttons are released if a "
		"list fails or is cancelled; a button_down of a completed list lasts "
		"until a button_up. Lists with input run one at a time, in the order of arrival, "
		"including their observation; lists without input run immediately. The elements of marks "
		"must be what and where they were. The tail is the frame's "
		"image.",
	.request = PART(ACT, act_fields),
	.answer = PART(ANSWER, act_answer_fields, .tail_max = FRAME_MAX),
	.members = MEMBERS({ "done", msg_done_fields }, { "failed", msg_failed_fields },
		{ "frame", msg_frame_fields }, { "marks", msg_mark_fields }),
};

const struct message *const messages_act[] = { &message_act, NULL };
