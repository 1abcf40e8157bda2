#ifndef VM_AGENT_ELEMENTS_LOOK_H
#define VM_AGENT_ELEMENTS_LOOK_H

#include "vm/agent/elements/calls.h"

/* What an element is at one moment, as its program says. */
struct look {
	bool has_role, has_states;
	uint32_t role;
	uint64_t states;
	char *name, *value;
	bool is_editable, is_number; /* its interfaces */
	bool has_box;
	struct rect box; /* as the program says */
};

#define LOOK_EDITABLE "org.a11y.atspi.EditableText"
#define LOOK_NUMBER "org.a11y.atspi.Value"

/* All of these only ask; the look is complete when the calls have ended. */
void look_ask(struct look *look, struct calls *calls, struct bus_ref element);
/* Its box; coordinates: IN_SCREEN or IN_WINDOW. */
void look_ask_box(
	struct look *look, struct calls *calls, struct bus_ref element, uint32_t coordinates);
/* Its interfaces. */
void look_ask_kind(struct look *look, struct calls *calls, struct bus_ref element);
/* Of what it has by its interfaces, which must be known. */
void look_ask_value(struct look *look, struct calls *calls, struct bus_ref element);
void look_done(struct look *look);

#endif
