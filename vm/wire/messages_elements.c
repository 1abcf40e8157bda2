#include "vm/wire/messages_elements.h"

#include "vm/wire/message_table.h"

#define TREE struct msg_ui_tree
static const struct field ui_tree_fields[] = {
	FIELD_NUM(TREE, window, "A window's id; 0: all windows of the active window's program.",
		.max = ID_MAX),
	FIELD_STR(TREE, filter,
		"`interactive`: elements that can be acted on, if they are on the screen; `all`: all that "
		"are shown; otherwise a part of a name or a role, also of hidden elements.",
		REQUIRED, .min = 1, .max = ELEMENTS_FILTER_MAX),
	FIELD_NUM(TREE, depth, "Levels below a window.", REQUIRED, .min = 1,
		.max = ELEMENTS_LEVELS_MAX),
	FIELD_NUM(TREE, limit, "Number of elements.", REQUIRED, .min = 1, .max = ELEMENTS_MAX),
	FIELD_NUM(TREE, timeout_ms, "Time that the program has.", REQUIRED, .min = 1, .max = 60000),
	END,
};

#define ANSWER struct msg_ui_tree_answer
static const struct field ui_tree_answer_fields[] = {
	FIELD_NUM(ANSWER, tree, "Its number; the last eight are kept.", REQUIRED, .max = ID_MAX),
	FIELD_NUM(ANSWER, frame_id, "Counts screen changes.", REQUIRED, .max = COUNT_MAX),
	FIELD_STR(ANSWER, program, "Name and toolkit of the program.", .max = ELEMENT_TEXT_MAX),
	FIELD_JSON(ANSWER, windows, "Windows with elements.", REQUIRED),
	FIELD_JSON(ANSWER, elements, "In the order of the tree.", REQUIRED),
	FIELD_NUM(ANSWER, found, "Elements that match, including those beyond the limit.", REQUIRED,
		.max = ID_MAX),
	FIELD_FLAG(ANSWER, cut, "The program has more elements than were read."),
	FIELD_STR(ANSWER, note, "What is missing, and why.", .max = MESSAGE_TEXT_MAX),
	END,
};

#define WINDOW struct msg_ui_window
const struct field msg_ui_window_fields[] = {
	FIELD_NUM(WINDOW, id, "0: not managed, such as a menu.", .max = ID_MAX),
	FIELD_STR(WINDOW, role, "Like an element's.", REQUIRED, .max = ELEMENT_TEXT_MAX),
	FIELD_STR(WINDOW, title, "Title.", .max = ELEMENT_TEXT_MAX),
	END,
};

#define ELEMENT struct msg_element
const struct field msg_element_fields[] = {
	FIELD_NUM(ELEMENT, id, "In this tree.", REQUIRED, .min = 1, .max = ELEMENTS_MAX),
	FIELD_NUM(ELEMENT, window, "Index in `windows`.", REQUIRED, .max = ELEMENTS_WINDOWS_MAX),
	FIELD_NUM(ELEMENT, depth, "Elements of the list that contain it.", REQUIRED,
		.max = ELEMENTS_LEVELS_MAX),
	FIELD_STR(ELEMENT, role, "`button`, `check box`, ...", REQUIRED, .max = ELEMENT_TEXT_MAX),
	FIELD_STR(ELEMENT, name, "Its label.", .max = ELEMENT_TEXT_MAX),
	FIELD_STR(ELEMENT, value, "Its text or number.", .max = ELEMENT_TEXT_MAX),
	FIELD_STR(ELEMENT, states, "`checked, focused`.", .max = ELEMENT_TEXT_MAX),
	FIELD_LIST(ELEMENT, box,
		"[x0, y0, x1, y1]: its part on the screen, as the program says; absent: none.", 4),
	END,
};

const struct message message_ui_tree = {
	.name = "ui_tree",
	.help = "Elements of a program. Errors: unsupported (the program or the desktop does not "
		"report elements), timeout (the program does not answer).",
	.request = PART(TREE, ui_tree_fields),
	.answer = PART(ANSWER, ui_tree_answer_fields),
	.members = MEMBERS({ "windows", msg_ui_window_fields }, { "elements", msg_element_fields }),
};

const char *const ui_act_effect_names[] = { "done", "unseen", "refused", NULL };

#define ACT struct msg_ui_act
static const struct field ui_act_fields[] = {
	FIELD_NUM(ACT, tree, "Its number.", REQUIRED, .min = 1, .max = ID_MAX),
	FIELD_NUM(ACT, element, "Its id in this tree.", REQUIRED, .min = 1, .max = ELEMENTS_MAX),
	FIELD_STR(ACT, action, "`click`, `toggle`, `focus`, or a name that the element offers.",
		.min = 1, .max = UI_ACTION_MAX),
	FIELD_STR(ACT, value, "Instead of an action: its new text or number.",
		.max = ELEMENT_VALUE_MAX),
	FIELD_NUM(ACT, timeout_ms, "Time that the program has for each answer.", REQUIRED, .min = 1,
		.max = 60000),
	END,
};

#define ACTED struct msg_ui_act_answer
static const struct field ui_act_answer_fields[] = {
	FIELD_ONE_OF(ACTED, effect,
		"`done`: the element, its value or the screen has changed; `unseen`: nothing has; "
		"`refused`: nothing has, and the program says that it did nothing.",
		ui_act_effect_names, REQUIRED),
	FIELD_STR(ACTED, role, "Of the element.", REQUIRED, .max = ELEMENT_TEXT_MAX),
	FIELD_STR(ACTED, name, "Its label, afterwards.", .max = ELEMENT_TEXT_MAX),
	FIELD_STR(ACTED, action, "The program's name of the action.", .max = ELEMENT_TEXT_MAX),
	FIELD_STR(ACTED, value, "Afterwards.", .max = ELEMENT_TEXT_MAX),
	FIELD_STR(ACTED, states, "Afterwards.", .max = ELEMENT_TEXT_MAX),
	FIELD_FLAG(ACTED, gone, "The element no longer exists."),
	FIELD_FLAG(ACTED, changed, "The screen has changed."),
	FIELD_FLAG(ACTED, unanswered, "The program did not answer in time."),
	END,
};

const struct message message_ui_act = {
	.name = "ui_act",
	.help = "Acts on an element of a tree, as input: it waits for the input lock. Errors: "
		"not-found (the tree is too old, or the element is gone), state (the element has "
		"changed, or is disabled), unsupported (it has no such action, or no value).",
	.request = PART(ACT, ui_act_fields),
	.answer = PART(ACTED, ui_act_answer_fields),
};

const struct message *const messages_elements[] = { &message_ui_tree, &message_ui_act, NULL };
