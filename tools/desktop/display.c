#include "tools/desktop/input.h"

#include "base/cleanup.h"
#include "vm/wire/messages.h"

/* The size of the display, and the scale of its programs. */

struct display_args {
	const char *sandbox;
	int64_t width, height, scale;
	int observe;
};

struct display_call {
	struct call *call;
	const struct display_args *args;
};

#define CHANGE(m, text, least, most) \
	FIELD_NUM(struct display_args, m, text, .min = least, .max = most)

static const struct field fields[] = {
	CHANGE(width, "Width in pixels, with height.", SCREEN_WIDTH_MIN, SCREEN_WIDTH_MAX),
	CHANGE(height, "Height in pixels, with width.", SCREEN_HEIGHT_MIN, SCREEN_HEIGHT_MAX),
	CHANGE(scale, "Scale of text and controls in percent: 100, 125, 150, 200.", SCALE_MIN,
		SCALE_MAX),
	INPUT_OBSERVE(struct display_args),
	CALL_SANDBOX(struct display_args),
	{ 0 },
};

/* That the screen has changed is known. */
static void format_look(struct buf *out, const struct call *call, const struct guest_act *res,
	const struct input_look *look)
{
	(void)call;
	(void)look;
	buf_printf(out, "Frame %lld.", (long long)res->frame_id);
}

static void resized(const json_t *result, const struct err *err, void *data)
{
	struct display_call *d = data;
	struct call *call = d->call;
	(void)result;
	if (err) {
		call_fail(call, err);
		return;
	}
	const struct input_look look = { d->args->observe, 0 };
	struct size screen = vm_screen(call_vm(call)), frame = vm_frame(call_vm(call));
	auto_buf struct buf text = { 0 };
	struct observe how;
	vm_frame_told(call_vm(call));
	buf_printf(&text, "The display has %dx%d pixels.", screen.width, screen.height);
	if (d->args->scale) {
		buf_printf(&text, " The scale is %lld %%.", (long long)d->args->scale);
	}
	if (!size_equal(screen, frame)) {
		buf_printf(&text, " Coordinates refer to %dx%d, the size of its screenshots.",
			frame.width, frame.height);
	}
	input_observe(&how, &look);
	input_look_after(call, &text, &look, &how, format_look);
}

static void begin(struct call *call, void *data)
{
	struct display_call *d = data;
	const struct msg_display_set args = { d->args->width, d->args->height, d->args->scale };
	call_works(call, guest_display_set(call_guest(call), &args, resized, d));
}

static void run(struct call *call, const void *data)
{
	struct display_call *d = call_alloc(call, sizeof(*d));
	const struct display_args *args = data;
	const struct msg_display_set change = { args->width, args->height, args->scale };
	struct err err;
	if (!msg_display_set_check(&change, &err)) {
		call_fail(call, &err);
		return;
	}
	*d = (struct display_call){ call, data };
	call_start(call, d->args->sandbox, begin, d);
}

const struct tool tool_display_set = {
	.name = "display_set",
	.title = "Resize or scale the display",
	.help = "Gives the desktop another size, at once and for its running programs, or another scale: GTK "
		"programs and Firefox follow at once, others when they are launched again. Coordinates and "
		"frames of screenshots before a new size are no longer valid. Returns the new size.",
	.toolset = "computer",
	.hints = TOOL_EXTRA | TOOL_REPEATABLE,
	.order = TOOL_IN_TURN,
	.fields = fields,
	.args_size = sizeof(struct display_args),
	.run = run,
};
