#ifndef TOOLS_INPUT_H
#define TOOLS_INPUT_H

#include "base/buf.h"
#include "tools/tool.h"
#include "vm/wire/action.h"

/*
 * What the tools that act on the desktop share: their arguments (each tool's table has the rows it
 * takes), and the way of one action to the agent and back as an acknowledgement, one line about
 * what happened, and a frame when asked for.
 */
struct input_args {
	const char *sandbox;
	int observe; /* enum observe_mode */
	struct field_ints coordinate, start_coordinate;
	const char *text;
	int scroll_direction; /* enum action_direction */
	int64_t scroll_amount, repeat;
	double duration; /* seconds */
};

#define INPUT_OBSERVE(T) \
	FIELD_ONE_OF(T, observe, \
		"What to return: none = text only; frame = also a screenshot, taken immediately; " \
		"settled = also a screenshot, taken when the screen is quiet, after at most 5 s.", \
		observe_mode_words)

/* The last rows of every table of input arguments. */
#define INPUT_ENDS(T) \
	INPUT_OBSERVE(T), CALL_SANDBOX(T), \
	{ \
		0 \
	}

/* Carries out one action and answers the call.  ack is copied; the action's strings live as long as
 * the call. */
void input_run(struct call *call, const struct input_args *args, const struct action *action,
	const char *ack);

int64_t input_ms(double seconds);

/* Refuses a point outside the screen; an absent one is fine. */
bool input_check_point(const char *name, const struct field_ints *at, struct size screen,
	struct err *err) NODISCARD;

/* "The screen changed (frame 42).": what an observation says about change, settling and movement.
 */
void input_tell_change(struct buf *out, const struct guest_act *res, int mode);

#endif
