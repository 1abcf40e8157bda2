#include "tools/input.h"

#include "base/cleanup.h"
#include "tools/result.h"

/* Looking: screenshot, zoom, wait and cursor_position.  None of them changes the desktop. */

struct look_args {
	const char *sandbox;
	struct field_ints region;
	int format;
	int64_t quality;
	double scale;
};

struct look {
	struct call *call;
	const struct look_args *args;
};

#define LOOK_FORMAT \
	FIELD_ONE_OF(struct look_args, format, "Image format. jpeg is smaller, png is lossless.", \
		observe_format_words), \
		FIELD_NUM(struct look_args, quality, "JPEG quality.", .min = 1, .max = 100, \
			.preset = 80)

/* One observation without an action; replies with the agent's error or with the frame, described by
 * `tell`. */
static void answer(struct look *look, const struct guest_act *res, const struct err *err,
	void (*tell)(struct buf *out, const struct look *look, const struct guest_frame *frame))
{
	if (err || res->failed.kind != ERR_NONE) {
		call_fail(look->call, err ? err : &res->failed);
		return;
	}
	if (!res->frame.bytes) {
		struct err none;
		err_set(&none, ERR_HOST, "the desktop returned no image; try again");
		call_fail(look->call, &none);
		return;
	}
	auto_buf struct buf text = { 0 };
	tell(&text, look, &res->frame);
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

static const struct field screenshot_fields[] = {
	LOOK_FORMAT,
	FIELD_DEC(struct look_args, scale,
		"Scale of the image relative to the screen. Coordinates always refer to scale 1.",
		.min = 0.1, .max = 1, .preset = 1),
	CALL_SANDBOX(struct look_args),
	{ 0 },
};

static void tell_screenshot(
	struct buf *out, const struct look *look, const struct guest_frame *frame)
{
	buf_printf(out, "%lldx%lld, frame %lld.", (long long)frame->width, (long long)frame->height,
		(long long)frame->frame_id);
	result_tell_frame(out, frame, vm_frame(call_vm(look->call)));
}

static void shot(const struct guest_act *res, const struct err *err, void *data)
{
	answer(data, res, err, tell_screenshot);
}

static void begin_screenshot(struct call *call, void *data)
{
	const struct look_args *args = ((struct look *)data)->args;
	struct observe observe;
	observe_init(&observe, OBSERVE_FRAME);
	observe.format = args->format;
	observe.quality = args->quality;
	observe.scale = args->scale;
	call_works(call, guest_act(call_guest(call), NULL, 0, &observe, shot, data));
}

static void run_screenshot(struct call *call, const void *args)
{
	look_start(call, args, begin_screenshot);
}

const struct tool tool_screenshot = {
	.name = "screenshot",
	.title = "Take a screenshot",
	.help = "Returns an image of the whole screen, including the pointer. All tools use the "
		"pixels of this image as coordinates.",
	.toolset = "computer",
	.hints = TOOL_READS_ONLY | TOOL_REPEATABLE | TOOL_ALWAYS_LOAD,
	.order = TOOL_LOOKS,
	.fields = screenshot_fields,
	.args_size = sizeof(struct look_args),
	.run = run_screenshot,
};

/* ---- zoom ---- */

static const struct field zoom_fields[] = {
	FIELD_LIST(struct look_args, region,
		"Region, [x0, y0, x1, y1] in screenshot pixels. x1 and y1 are exclusive.", 4,
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

static void tell_zoom(struct buf *out, const struct look *look, const struct guest_frame *frame)
{
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
		result_tell_note(out, frame->reduced);
	}
}

static void zoomed(const struct guest_act *res, const struct err *err, void *data)
{
	answer(data, res, err, tell_zoom);
}

static void begin_zoom(struct call *call, void *data)
{
	const struct look_args *args = ((struct look *)data)->args;
	struct observe observe;
	struct err err;
	if (!check_region(&args->region, vm_frame(call_vm(call)), &err)) {
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

static void run_wait(struct call *call, const void *data)
{
	const struct input_args *args = data;
	struct action action = { .kind = ACTION_WAIT, .ms = input_ms(args->duration) };
	auto_buf struct buf ack = { 0 };
	buf_printf(&ack, "Waited %.10gs.", args->duration);
	input_run(call, args, &action, buf_text(&ack));
}

const struct tool tool_wait = {
	.name = "wait",
	.title = "Wait",
	.help = "Wait for a number of seconds. To wait until the screen is quiet, pass observe "
		"\"settled\" to an action (or to this tool with duration 0) instead of guessing a "
		"duration.",
	.toolset = "computer",
	.hints = TOOL_READS_ONLY | TOOL_REPEATABLE | TOOL_ALWAYS_LOAD,
	.order = TOOL_IN_TURN,
	.fields = wait_fields,
	.args_size = sizeof(struct input_args),
	.run = run_wait,
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
	json_t *content = json_array();
	result_add_text(content, buf_text(&text));
	call_reply(look->call, content);
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
	.hints = TOOL_READS_ONLY | TOOL_REPEATABLE,
	.order = TOOL_LOOKS,
	.fields = cursor_fields,
	.args_size = sizeof(struct look_args),
	.run = run_cursor_position,
};
