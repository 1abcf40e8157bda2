#ifndef TOOLS_DESKTOP_INPUT_IMPL_H
#define TOOLS_DESKTOP_INPUT_IMPL_H

/* What input.c (a call's way to the agent) and input_result.c (its result) share. */

#include "tools/desktop/input.h"

struct input {
	struct call *call;
	struct input_look look;
	const struct input_step *steps;
	const char *const *names;
	size_t n;
	struct action *actions; /* of the steps, in pixels of the frame */
};

/* Whether the tool's points are thousandths of the screen. */
bool input_has_grid(const struct call *call);
/* Which action the error is about; always false. */
bool input_name_action(const struct input *in, size_t step, struct err *err);
/* Answers the call. */
void input_acted(const struct guest_act *res, const struct err *err, void *data);

#endif
