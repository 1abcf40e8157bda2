#ifndef TOOLS_DESKTOP_INPUT_H
#define TOOLS_DESKTOP_INPUT_H

#include "base/buf.h"
#include "tools/call/tool.h"
#include "vm/wire/action.h"

#include <math.h>

/*
 * Tools that send input.  Each has the rows of struct input_args that it accepts, and translates
 * them to one action (tool.step).  input_run() runs one call of such a tool; computer_batch runs
 * several actions in one call.
 */
enum input_observe { INPUT_NONE, INPUT_FRAME, INPUT_SETTLED, INPUT_CHANGED };
extern const char *const input_observe_names[]; /* NULL-terminated, by enum */

struct input_args {
	int action; /* of computer_batch */
	const char *sandbox;
	int observe; /* enum input_observe */
	int64_t since;
	struct field_ints coordinate, start_coordinate;
	int64_t mark; /* instead of a coordinate; 0: none */
	const char *text, *keys;
	int scroll_direction; /* enum action_direction */
	int64_t scroll_amount, repeat;
	double duration; /* in seconds */
};

#define INPUT_OBSERVE(T) FIELD_ONE_OF(T, observe, "See screenshot.", input_observe_names)

#define INPUT_SINCE(T, text) FIELD_NUM(T, since, text, .min = 1, .max = FRAME_ID_MAX)

/* The last rows of every table of input arguments. */
#define INPUT_ENDS(T) \
	INPUT_OBSERVE(T), INPUT_SINCE(T, "Refused if changed since this frame."), CALL_SANDBOX(T), \
	{ \
		0 \
	}

/* What the call returns of the screen. */
struct input_look {
	int observe;
	int64_t since;
};

/* Those with the names of Anthropic's, in the order of tools/list, and all; each is a `struct tool` tool_NAME with a step. */
#define INPUT_TOOLS(X) \
	X(left_click) \
	X(right_click) \
	X(middle_click) \
	X(double_click) \
	X(triple_click) \
	X(mouse_move) \
	X(left_click_drag) \
	X(left_mouse_down) \
	X(left_mouse_up) \
	X(scroll) \
	X(type) \
	X(key) \
	X(hold_key) \
	X(wait)
#define STEP_TOOLS(X) \
	INPUT_TOOLS(X) \
	X(paste)
#define X(id) extern const struct tool tool_##id;
STEP_TOOLS(X)
#undef X

/* The action's strings point into the arguments. */
struct input_step {
	struct action action;
	/* One sentence: "Clicked."; empty: the next step continues what the model calls one action. */
	char ack[ACTION_CHORD_MAX + 40];
	/* Of a scroll: the distance in thousandths of the axis, instead of an amount; 0: none. */
	int64_t thousandths;
	/* How the model calls the point and the text, for errors; NULL: coordinate, text. */
	const char *point_name, *text_name;
};
void input_ack(struct input_step *step, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* tool.run of a tool with a step: an acknowledgement, a line about what happened, and a frame if
 * requested. */
void input_run(struct call *call, const void *args);
/* The same for several steps, with one acknowledgement a line.  The steps live as long as the
 * call.  names: the tool of each step, for errors. */
void input_run_all(struct call *call, const char *sandbox, const struct input_look *look,
	const struct input_step *steps, const char *const *names, size_t n);

void input_observe(struct observe *ret, const struct input_look *look);

/* Wheel clicks for a distance in pixels; at least 1 unless it is 0. */
int64_t input_wheel(int64_t pixels);

static inline int64_t input_ms(double seconds)
{
	return llround(seconds * 1000);
}

/* Appends a line with a window; at: in the frame, shown in the coordinates of the call's tool. */
void input_format_window(
	struct buf *out, const struct call *call, int64_t id, const char *title, struct rect at);

/* Appends " Still moving: [x0, y0, x1, y1]."; nothing if moving is NULL or empty. */
void input_format_moving(struct buf *out, const struct call *call, const json_t *moving);

/* Appends "The screen changed (frame 42).": the observed change, settling and movement. */
void input_format_change(struct buf *out, const struct call *call, const struct guest_act *res,
	const struct input_look *look);

/* Replies with what a tool did: said, and, if look asks for a screenshot, what
 * `format` says of it.  how: of that screenshot. */
typedef void input_format_fn(struct buf *out, const struct call *call, const struct guest_act *res,
	const struct input_look *look);
void input_look_after(struct call *call, const struct buf *said, const struct input_look *look,
	const struct observe *how, input_format_fn *format);

#endif
