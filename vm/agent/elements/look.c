#include "vm/agent/elements/look.h"

#include "vm/agent/elements/node.h"
#include "vm/wire/messages_elements.h"

#include <stdlib.h>
#include <string.h>

static void on_role(sd_bus_message *answer, void *data)
{
	struct look *look = data;
	look->has_role = answer && sd_bus_message_read(answer, "u", &look->role) > 0;
}

static void on_states(sd_bus_message *answer, void *data)
{
	struct look *look = data;
	look->has_states = calls_read_states(answer, &look->states);
}

static void on_name(sd_bus_message *answer, void *data)
{
	struct look *look = data;
	const char *name;
	if (calls_read_text(answer, &name)) {
		look->name = node_text(name, NODE_NAME_MAX);
	}
}

void look_ask(struct look *look, struct calls *calls, struct bus_ref element)
{
	calls_ask(calls, element, ACCESSIBLE, "GetRole", on_role, look, NULL);
	calls_ask(calls, element, ACCESSIBLE, "GetState", on_states, look, NULL);
	calls_get(calls, element, ACCESSIBLE, "Name", on_name, look);
}

static void on_box(sd_bus_message *answer, void *data)
{
	struct look *look = data;
	look->has_box = calls_read_box(answer, &look->box);
}

void look_ask_box(
	struct look *look, struct calls *calls, struct bus_ref element, uint32_t coordinates)
{
	calls_ask(calls, element, COMPONENT, "GetExtents", on_box, look, "u", coordinates);
}

static void on_interfaces(sd_bus_message *answer, void *data)
{
	struct look *look = data;
	const char *name;
	if (!answer || sd_bus_message_enter_container(answer, 'a', "s") <= 0) {
		return;
	}
	while (sd_bus_message_read(answer, "s", &name) > 0) {
		look->is_number |= strcmp(name, LOOK_NUMBER) == 0;
		look->is_editable |= strcmp(name, LOOK_EDITABLE) == 0;
	}
}

void look_ask_kind(struct look *look, struct calls *calls, struct bus_ref element)
{
	calls_ask(calls, element, ACCESSIBLE, "GetInterfaces", on_interfaces, look, NULL);
}

static void on_text(sd_bus_message *answer, void *data)
{
	struct look *look = data;
	const char *text;
	if (answer && sd_bus_message_read(answer, "s", &text) > 0) {
		look->value = node_text(text, ELEMENT_VALUE_MAX);
	}
}

static void on_number(sd_bus_message *answer, void *data)
{
	struct look *look = data;
	look->value = calls_read_number_text(answer);
}

void look_ask_value(struct look *look, struct calls *calls, struct bus_ref element)
{
	if (look->is_editable) {
		calls_ask(calls, element, "org.a11y.atspi.Text", "GetText", on_text, look, "ii", 0,
			-1);
	} else if (look->is_number) {
		calls_get(calls, element, LOOK_NUMBER, "CurrentValue", on_number, look);
	}
}

void look_done(struct look *look)
{
	free(look->name);
	free(look->value);
}
