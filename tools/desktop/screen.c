#include "tools/desktop/input.h"

#include "base/cleanup.h"
#include "tools/call/result.h"
#include "vm/wire/messages.h"

/* Looking: screenshot, zoom, wait and cursor_position.  None of them changes the desktop. */

struct look_args {
	const char *sandbox;
	struct field_ints region;
	int format, observe;
	int64_t quality, since, window;
	double scale;
	bool marks;
};

#define MARKS_MS 3000
#define MARKS_BYTES_MAX 12000

enum look_observe { LOOK_FRAME, LOOK_SETTLED, LOOK_CHANGED };

struct look {
	struct call *call;
	const struct look_args *args;
};

#define LOOK_FORMAT \
	FIELD_ONE_OF( \
		struct look_args, format, "jpeg is smaller, png lossless.", observe_format_names), \
		FIELD_NUM(struct look_args, quality, "JPEG quality.", .min = 1, .max = 100, \
			.default_value = 80)

/* One observation without an action; replies with the agent's error or with the frame, described by
 * `tell`. */
static void answer(struct look *look, const struct guest_act *res, const struct err *err,
	void (*format)(struct buf *out, const struct look *look, const struct guest_act *res))
{
	if (err || res->failed.kind != ERR_NONE) {
		call_fail(look->call, err ? err : &res->failed);
		return;
	}
	bool unchanged =
		!res->changed && (look->args->since || look->args->observe == LOOK_CHANGED);
	if (!res->frame.bytes && !unchanged) {
		struct err none;
		err_set(&none, ERR_HOST, "the desktop returned no image; try again");
		call_fail(look->call, &none);
		return;
	}
	auto_buf struct buf text = { 0 };
	format(&text, look, res);
	json_t *content = json_array();
	result_add_frame(content, &res->frame);
	result_add_text(content, buf_text(&text));
	call_reply(look->call, content);
}

static void look_start(struct call *call, const struct look_args *args, call_begin_fn *begin)
{
	struct look *look = call_alloc(call, sizeof(*look));
	look->args = args;
	look->call = call;
	call_start(call, args->sandbox, begin, look);
}

/* ---- screenshot ---- */

static const char *const look_observe_names[] = { "frame", "settled", "changed", NULL };

static const struct field screenshot_fields[] = {
	FIELD_ONE_OF(struct look_args, observe,
		"frame = at once; settled = when the screen is quiet (5 s at most); changed = only "
		"what has changed since 'since'.",
		look_observe_names),
	INPUT_SINCE(
		struct look_args, "Frame you have seen: no image if nothing has changed since."),
	FIELD_NUM(struct look_args, window, "Only this window, whole even where others cover it.",
		.min = 1, .max = UINT32_MAX),
	FIELD_FLAG(struct look_args, marks,
		"Number the elements that can be clicked, for 'mark' of other tools."),
	LOOK_FORMAT,
	FIELD_DEC(struct look_args, scale,
		"Scale of the image. Coordinates always refer to scale 1.", .min = 0.1, .max = 1,
		.default_value = 1),
	CALL_SANDBOX(struct look_args),
	{ 0 },
};

/* How to act on what is seen. */
static void format_place(struct buf *out, const struct rect *at, double scale, struct size screen)
{
	buf_printf(out,
		"\nIt is at (%d, %d) on the %dx%d screen. Coordinates refer to the screen: ", at->x,
		at->y, screen.width, screen.height);
	if (scale != 1) {
		buf_printf(out, "divide those of the image by %.4g, then ", scale);
	}
	buf_printf(
		out, "add (%d, %d)%s.", at->x, at->y, scale != 1 ? "" : " to those of the image");
	if (at->x < 0 || at->y < 0 || at->x + at->width > screen.width ||
		at->y + at->height > screen.height) {
		buf_printf(out, " A part of it is outside the screen; window_set moves it.");
	}
}

static void format_window(struct buf *out, const struct look *look, const struct guest_frame *frame)
{
	buf_printf(out, "Window %lld ", (long long)look->args->window);
	result_quote_name(out, frame->title ? frame->title : "");
	buf_printf(out, ": %lldx%lld, frame %lld.", (long long)frame->width,
		(long long)frame->height, (long long)frame->frame_id);
	format_place(out, &frame->place, frame->scale, vm_frame(call_vm(look->call)));
	if (frame->covered) {
		buf_printf(out, "\nOther windows cover a part of it: call window_focus before you "
				"act on it.");
	}
	if (frame->partial) {
		buf_printf(out, "\nIts program has not painted all of it; that part is grey.");
	}
	if (frame->reduced && frame->reduced[0]) {
		buf_printf(out, "\n");
		result_format_note(out, frame->reduced);
	}
}

static void format_mark(struct buf *out, const struct msg_mark *mark)
{
	buf_printf(out, "\n%lld ", (long long)mark->mark);
	result_format_element(out, mark->role, mark->name, mark->value);
	if (mark->states) {
		buf_printf(out, " ");
		result_format_name(out, mark->states);
	}
}

/* The note is the reason if there are none. */
static void format_marks(struct buf *out, const struct guest_act *res)
{
	size_t i, n = 0, start = out->len;
	json_t *row;
	buf_printf(out, json_array_size(res->marks) ? "\nMarks:" : "\nNo marks:");
	json_array_foreach(res->marks, i, row)
	{
		struct msg_mark mark = { 0 };
		struct err ignored; /* the row was checked */
		if (out->len - start < MARKS_BYTES_MAX &&
			field_decode(msg_mark_fields, row, &mark, &ignored)) {
			format_mark(out, &mark);
			n++;
		}
	}
	if ((int64_t)n < res->marks_found) {
		buf_printf(out, "\n[%lld more elements: use ui_tree with a filter]",
			(long long)res->marks_found - (long long)n);
	}
	if (res->marks_note) {
		buf_printf(out, n ? "\n" : " ");
		result_format_note(out, res->marks_note);
	}
}

static void format_screenshot(struct buf *out, const struct look *look, const struct guest_act *res)
{
	const struct guest_frame *frame = &res->frame;
	if (!frame->bytes) {
		input_format_change(out, look->call, res,
			&(struct input_look){ INPUT_FRAME, look->args->since });
		return;
	}
	if (frame->place.width) {
		format_window(out, look, frame);
	} else {
		buf_printf(out, "%lldx%lld, frame %lld.", (long long)frame->width,
			(long long)frame->height, (long long)frame->frame_id);
		result_format_frame(out, frame, vm_frame(call_vm(look->call)));
	}
	if (look->args->marks) {
		format_marks(out, res);
	}
}

static void shot(const struct guest_act *res, const struct err *err, void *data)
{
	answer(data, res, err, format_screenshot);
}

static void begin_screenshot(struct call *call, void *data)
{
	const struct look_args *args = ((struct look *)data)->args;
	struct observe observe;
	observe_init(&observe, args->observe == LOOK_SETTLED ? OBSERVE_SETTLED : OBSERVE_FRAME);
	observe.since = args->since;
	observe.only_changes = args->observe == LOOK_CHANGED;
	observe.format = args->format;
	observe.quality = args->quality;
	observe.scale = args->scale;
	observe.of_window = args->window;
	observe.marks_ms = args->marks ? MARKS_MS : 0;
	call_works(call, guest_act(call_guest(call), NULL, 0, &observe, shot, data));
}

static bool check_screenshot(const struct look_args *args, struct err *err)
{
	bool changed = args->observe == LOOK_CHANGED;
	if (args->window && (changed || args->since)) {
		return err_set(err, ERR_ARGUMENT,
			"'since' and observe \"changed\" refer to the screen; they cannot be "
			"combined with 'window'");
	}
	if (args->marks && changed) {
		return err_set(
			err, ERR_ARGUMENT, "'marks' cannot be combined with observe \"changed\"");
	}
	return !changed || args->since ||
	       err_set(err, ERR_ARGUMENT,
		       "observe \"changed\" requires 'since', the id of a frame that you have seen");
}

static void run_screenshot(struct call *call, const void *data)
{
	const struct look_args *args = data;
	struct err err;
	if (check_screenshot(args, &err)) {
		look_start(call, args, begin_screenshot);
	} else {
		call_fail(call, &err);
	}
}

const struct tool tool_screenshot = {
	.name = "screenshot",
	.title = "Take a screenshot",
	.help = "Returns an image of the whole screen, including the pointer. Its pixels are the "
		"coordinates of all tools. After an action, prefer its 'observe'.",
	.toolset = "computer",
	.hints = TOOL_READS_ONLY | TOOL_REPEATABLE | TOOL_ALWAYS_LOAD,
	.order = TOOL_LOOKS,
	.fields = screenshot_fields,
	.args_size = sizeof(struct look_args),
	.run = run_screenshot,
};

/* ---- zoom ---- */

static const struct field zoom_fields[] = {
	FIELD_LIST(struct look_args, region, "[x0, y0, x1, y1]; x1 and y1 are exclusive.", 4,
		.required = true),
	LOOK_FORMAT,
	CALL_SANDBOX(struct look_args),
	{ 0 },
};

static bool check_region(const struct field_ints *region, struct size screen, struct err *err)
{
	const int64_t *r = region->at;
	if (r[0] >= 0 && r[1] >= 0 && r[0] < r[2] && r[1] < r[3] && r[2] <= screen.width &&
		r[3] <= screen.height) {
		return true;
	}
	return err_set(err, ERR_ARGUMENT,
		"'region' must be [x0, y0, x1, y1] on the %dx%d screen, with x0 < x1 and y0 < y1; "
		"got [%lld, %lld, %lld, %lld]",
		screen.width, screen.height, (long long)r[0], (long long)r[1], (long long)r[2],
		(long long)r[3]);
}

static void format_zoom(struct buf *out, const struct look *look, const struct guest_act *res)
{
	const struct guest_frame *frame = &res->frame;
	const int64_t *r = look->args->region.at;
	struct size screen = vm_frame(call_vm(look->call));
	buf_printf(out,
		"Region [%lld, %lld, %lld, %lld], enlarged %.4g times to %lldx%lld, frame %lld.\n"
		"Coordinates of other tools still refer to the %dx%d screen.",
		(long long)r[0], (long long)r[1], (long long)r[2], (long long)r[3],
		(double)frame->width / (double)(r[2] - r[0]), (long long)frame->width,
		(long long)frame->height, (long long)frame->frame_id, screen.width, screen.height);
	if (frame->reduced && frame->reduced[0]) {
		buf_printf(out, "\n");
		result_format_note(out, frame->reduced);
	}
}

static void zoomed(const struct guest_act *res, const struct err *err, void *data)
{
	answer(data, res, err, format_zoom);
}

static void begin_zoom(struct call *call, void *data)
{
	const struct look_args *args = ((struct look *)data)->args;
	struct observe observe;
	struct err err;
	if (!vm_frame_is_known(call_vm(call), &err) ||
		!check_region(&args->region, vm_frame(call_vm(call)), &err)) {
		call_fail(call, &err);
		return;
	}
	observe_init(&observe, OBSERVE_FRAME);
	observe.format = args->format;
	observe.quality = args->quality;
	observe.region = args->region;
	observe.fill = true;
	call_works(call, guest_act(call_guest(call), NULL, 0, &observe, zoomed, data));
}

static void run_zoom(struct call *call, const void *args)
{
	look_start(call, args, begin_zoom);
}

const struct tool tool_zoom = {
	.name = "zoom",
	.title = "Zoom in",
	.help = "Returns an enlarged image of one region, to read small text or to find exact "
		"coordinates.",
	.toolset = "computer",
	.hints = TOOL_READS_ONLY | TOOL_REPEATABLE | TOOL_ALWAYS_LOAD,
	.order = TOOL_LOOKS,
	.fields = zoom_fields,
	.args_size = sizeof(struct look_args),
	.run = run_zoom,
};

/* ---- wait ---- */

static const struct field wait_fields[] = {
	FIELD_DEC(struct input_args, duration, "Duration in seconds.", .required = true, .min = 0,
		.max = ACTION_MS_MAX / 1000.0),
	INPUT_ENDS(struct input_args),
};

static void step_wait(const struct input_args *args, struct input_step *ret)
{
	ret->action = (struct action){ .kind = ACTION_WAIT, .ms = input_ms(args->duration) };
	input_ack(ret, "Waited %.10gs.", args->duration);
}

const struct tool tool_wait = {
	.name = "wait",
	.title = "Wait",
	.help = "Waits for some seconds. Returns whether the screen changed. Prefer wait_for, "
		"or observe \"settled\" in an action.",
	.toolset = "computer",
	.hints = TOOL_EXTRA | TOOL_READS_ONLY | TOOL_REPEATABLE,
	.order = TOOL_IN_TURN,
	.fields = wait_fields,
	.args_size = sizeof(struct input_args),
	.step = step_wait,
	.run = input_run,
};

/* ---- cursor_position ---- */

static const struct field cursor_fields[] = { CALL_SANDBOX(struct look_args), { 0 } };

static void found(const struct guest_act *res, const struct err *err, void *data)
{
	struct look *look = data;
	if (err || res->failed.kind != ERR_NONE) {
		call_fail(look->call, err ? err : &res->failed);
		return;
	}
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "X=%d,Y=%d", res->pointer.x, res->pointer.y);
	call_reply_text(look->call, buf_text(&text));
}

static void begin_cursor_position(struct call *call, void *data)
{
	struct observe observe;
	observe_init(&observe, OBSERVE_NONE);
	call_works(call, guest_act(call_guest(call), NULL, 0, &observe, found, data));
}

static void run_cursor_position(struct call *call, const void *args)
{
	look_start(call, args, begin_cursor_position);
}

const struct tool tool_cursor_position = {
	.name = "cursor_position",
	.title = "Get the pointer position",
	.help = "Returns the pointer position in screenshot pixels.",
	.toolset = "computer",
	.hints = TOOL_EXTRA | TOOL_READS_ONLY | TOOL_REPEATABLE,
	.order = TOOL_LOOKS,
	.fields = cursor_fields,
	.args_size = sizeof(struct look_args),
	.run = run_cursor_position,
};
