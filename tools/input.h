#ifndef TOOLS_INPUT_H
#define TOOLS_INPUT_H

#include "base/buf.h"
#include "tools/tool.h"
#include "vm/wire/action.h"

/*
 * Shared by the tools that send input: their arguments (each tool's table contains the rows it
 * accepts), and the execution of one action, whose result is an acknowledgement, a line about what
 * happened, and a frame if requested.
 */
struct input_args {
	const char *sandbox;
	int observe; /* enum observe_mode */
	struct field_ints coordinate, start_coordinate;
	const char *text;
	int scroll_direction; /* enum action_direction */
	int64_t scroll_amount, repeat;
	double duration; /* in seconds */
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

/* Runs one action and answers the call.  ack is copied; the action's strings must live as long as
 * the call. */
void input_run(struct call *call, const struct input_args *args, const struct action *action,
	const char *ack);

int64_t input_ms(double seconds);

/* Refuses a point outside the screen; an absent one is valid. */
bool input_check_point(const char *name, const struct field_ints *at, struct size screen,
	struct err *err) NODISCARD;

/* Appends "The screen changed (frame 42).": the observed change, settling and movement. */
void input_tell_change(struct buf *out, const struct guest_act *res, int mode);

#endif
