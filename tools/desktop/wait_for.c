#include "base/cleanup.h"
#include "tools/call/result.h"
#include "tools/desktop/input.h"
#include "tools/desktop/text.h"
#include "vm/wire/messages.h"

#include <string.h>

/* wait_for: waits for an event of the desktop, and then looks at the screen if requested. */

#define TIMEOUT_DEFAULT 10

struct wait_args {
	const char *sandbox, *title, *class, *path, *text;
	int until, observe;
	struct field_ints region;
	int64_t window, pid, port, since;
	double timeout;
};

struct wait_call {
	struct call *call;
	const struct wait_args *args;
	struct input_look look;
};

#define ARGS struct wait_args
static const struct field fields[] = {
	FIELD_ONE_OF(ARGS, until, "file: until it exists and is written.", wait_until_names,
		.required = true),
	FIELD_LIST(ARGS, region, "[x0, y0, x1, y1]: change, settled, text only there.", 4),
	FIELD_STR(ARGS, title, "window, window_gone: part of the title.", .min = 1,
		.max = MESSAGE_TEXT_MAX),
	FIELD_STR(ARGS, class, "The same: its class.", .min = 1, .max = MESSAGE_TEXT_MAX),
	FIELD_NUM(ARGS, window, "window_gone: its id.", .min = 1, .max = UINT32_MAX),
	FIELD_NUM(ARGS, pid, "A process, or the one of a window.", .min = 1, .max = UINT32_MAX),
	FIELD_STR(ARGS, path, "Absolute, or from the home directory.", .min = 1,
		.max = MESSAGE_PATH_MAX),
	FIELD_STR(ARGS, text, "See find_text.", .min = 1, .max = TEXT_BYTES_MAX),
	FIELD_NUM(ARGS, port, "A TCP port.", .min = 1, .max = 65535),
	FIELD_DEC(ARGS, timeout, "In seconds.", .min = 0, .max = WAIT_SECONDS_MAX,
		.default_value = TIMEOUT_DEFAULT),
	INPUT_OBSERVE(ARGS),
	INPUT_SINCE(ARGS, "Frame you have seen: for change, and observe changed."),
	CALL_SANDBOX(ARGS),
	{ 0 },
};

static void format_window(struct buf *out, const struct call *call, const json_t *json)
{
	struct msg_window w = { 0 };
	struct err ignored;
	if (!json || !field_decode(msg_window_fields, json, &w, &ignored)) {
		return;
	}
	input_format_window(out, call, w.id, w.title,
		(struct rect){ (int)w.x, (int)w.y, (int)w.width, (int)w.height });
}

static void format(struct buf *out, const struct wait_call *wait, const struct msg_wait_answer *res)
{
	result_format_note(out, res->text);
	buf_printf(out, " %s %lld ms.", res->happened ? "It took" : "Gave up after",
		(long long)res->ms);
	input_format_moving(out, wait->call, res->moving);
	format_window(out, wait->call, res->window);
	if (res->match) {
		text_format_match(out, res->match);
	}
}

static int64_t since(const struct wait_args *args, const struct msg_wait_answer *res)
{
	return args->since ? args->since : res->from;
}

static void waited(const json_t *result, const struct err *err, void *data)
{
	struct wait_call *wait = data;
	struct msg_wait_answer res;
	struct err ignored;
	auto_buf struct buf text = { 0 };
	if (err) {
		call_fail(wait->call, err);
		return;
	}
	(void)!field_decode(message_wait.answer.fields, result, &res, &ignored); /* was checked */
	format(&text, wait, &res);
	bool quiet = wait->args->until == WAIT_SETTLED && res.happened;
	struct observe observe;
	wait->look = (struct input_look){ wait->args->observe,
		wait->args->observe == INPUT_CHANGED ? since(wait->args, &res) : 0 };
	input_observe(&observe, &wait->look);
	if (quiet) {
		observe.mode = OBSERVE_FRAME;
		wait->look.observe = INPUT_FRAME;
	}
	input_look_after(wait->call, &text, &wait->look, &observe, input_format_change);
}

/* Only the image afterwards needs the frame. */
static bool looks_since(const struct wait_args *args)
{
	return args->until != WAIT_CHANGE && args->observe == INPUT_CHANGED;
}

static void begin(struct call *call, void *data)
{
	struct wait_call *wait = data;
	const struct wait_args *args = wait->args;
	const struct msg_wait message = {
		.until = args->until,
		.region = args->region,
		.title = args->title,
		.class = args->class,
		.path = args->path,
		.text = args->text,
		.window = args->window,
		.pid = args->pid,
		.port = args->port,
		.since = looks_since(args) ? 0 : args->since,
		.timeout_ms = input_ms(args->timeout),
	};
	struct err err;
	if (args->region.count && !vm_frame_is_known(call_vm(call), &err)) {
		call_fail(call, &err);
		return;
	}
	call_works(call, guest_wait(call_guest(call), &message, waited, wait));
}

static void run(struct call *call, const void *data)
{
	struct wait_call *wait = call_alloc(call, sizeof(*wait));
	wait->args = data;
	wait->call = call;
	call_start(call, wait->args->sandbox, begin, wait);
}

const struct tool tool_wait_for = {
	.name = "wait_for",
	.title = "Wait for an event",
	.help = "Waits for an event of the desktop, unless it is so already. Returns what happened, "
		"how long it took and what still moves, or what is missing at the timeout. Prefer "
		"it to wait.",
	.toolset = "computer",
	.hints = TOOL_READS_ONLY | TOOL_REPEATABLE | TOOL_ALWAYS_LOAD,
	.order = TOOL_IN_TURN,
	.fields = fields,
	.args_size = sizeof(struct wait_args),
	.run = run,
};
