#ifndef VM_AGENT_ELEMENTS_ROLE_H
#define VM_AGENT_ELEMENTS_ROLE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* Roles and states of AT-SPI, by their numbers in its protocol. */

enum role {
	ROLE_CHECK_BOX = 7,
	ROLE_COMBO_BOX = 11,
	ROLE_DIALOG = 16,
	ROLE_FRAME = 23,
	ROLE_ICON = 26,
	ROLE_LABEL = 29,
	ROLE_LIST_ITEM = 32,
	ROLE_MENU = 33,
	ROLE_PASSWORD_TEXT = 40,
	ROLE_POPUP_MENU = 41,
	ROLE_TOOL_TIP = 64,
	ROLE_WINDOW = 69,
	ROLE_APPLICATION = 75,
	ROLE_TREE_ITEM = 91,
};

enum state {
	STATE_ACTIVE = 1,
	STATE_EDITABLE = 7,
	STATE_ENABLED = 8,
	STATE_FOCUSABLE = 11,
	STATE_SENSITIVE = 24,
	STATE_SHOWING = 25,
	STATE_VISIBLE = 30,
	STATE_MANAGES_DESCENDANTS = 31,
};

/* What a role's value is. */
enum role_value { VALUE_NONE, VALUE_TEXT, VALUE_NUMBER };

/* "push button"; "unknown" for a number that AT-SPI does not have. */
const char *role_name(uint32_t role);
enum role_value role_value(uint32_t role, uint64_t states);
/* Whether a person would act on it. */
bool role_is_interactive(uint32_t role, uint64_t states);

static inline bool state_has(uint64_t states, enum state state)
{
	return states >> state & 1;
}

/* "checked, focused": those that are worth telling; "" if none is. */
void state_format(struct buf *out, uint32_t role, uint64_t states);

#endif
