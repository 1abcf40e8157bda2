#include "tools/input.h"

#include "base/cleanup.h"
#include "tools/result.h"
#include "vm/wire/messages.h"

#include <string.h>

/* Programs: start one and wait for its first window; list the installed ones. */

/* ---- launch ---- */

struct launch_args {
	const char *sandbox;
	int observe;
	const char *application, *uri;
};

struct launch {
	struct call *call;
	const struct launch_args *args;
	char *said; /* about the launch, while the frame is pending */
};

/* Large programs (office suites, browsers) take this long for their first window on a busy
 * machine. */
#define LAUNCH_TIMEOUT_MS 20000

/* Programs paint in stages while they start. */
#define LAUNCH_QUIET_MS 400

static const struct field launch_fields[] = {
	FIELD_STR(struct launch_args, application,
		"Program to start: an application id from list_applications, a program name or "
		"an absolute path.",
		.required = true, .min = 1, .max = MESSAGE_APPLICATION_MAX),
	FIELD_STR(struct launch_args, uri, "File path or URL that the program opens.", .min = 1,
		.max = MESSAGE_URI_MAX),
	INPUT_ENDS(struct launch_args),
};

static void tell_launch(struct buf *out, const char *application, const struct guest_launch *res)
{
	buf_printf(out, "Launched ");
	result_tell_name(out, application);
	buf_printf(out, " (pid %lld).", (long long)res->pid);
	if (res->has_window) {
		const struct guest_window *w = &res->window;
		buf_printf(out, "\nWindow %lld ", (long long)w->id);
		result_quote_name(out, w->title ? w->title : "");
		buf_printf(out, " at (%lld, %lld), %lldx%lld.", (long long)w->x, (long long)w->y,
			(long long)w->width, (long long)w->height);
	}
	if (res->note) {
		buf_printf(out, "\n");
		result_tell_note(out, res->note);
	}
}

static void reply_launch(struct launch *launch, const char *more, const struct guest_frame *frame)
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "%s%s%s", launch->said, *more ? "\n" : "", more);
	json_t *content = json_array();
	if (frame) {
		result_tell_frame(&text, frame, vm_frame(call_vm(launch->call)));
	}
	result_add_text(content, buf_text(&text));
	if (frame) {
		result_add_frame(content, frame);
	}
	call_reply(launch->call, content);
}

/* If the screenshot fails, the program runs anyway. */
static void observed(const struct guest_act *res, const struct err *err, void *data)
{
	struct launch *launch = data;
	const struct err *why = err ? err : &res->failed;
	if (why->kind != ERR_NONE) {
		struct err told;
		err_set(&told, why->kind,
			"%.200s\n"
			"No screenshot could be taken: %.160s",
			launch->said, why->text);
		call_fail(launch->call, &told);
		return;
	}
	auto_buf struct buf change = { 0 };
	input_tell_change(&change, res, launch->args->observe);
	reply_launch(launch, buf_text(&change), &res->frame);
}

static void launched(const struct guest_launch *res, const struct err *err, void *data)
{
	struct launch *launch = data;
	struct call *call = launch->call;
	auto_buf struct buf text = { 0 };
	if (err) {
		json_t *content = json_array();
		result_tell_full(&text, err->text, call_vm(call));
		if (text.len) {
			result_add_text(content, buf_text(&text));
		}
		call_fail_with(call, err, content);
		return;
	}
	tell_launch(&text, launch->args->application, res);
	launch->said = call_alloc(call, text.len + 1);
	memcpy(launch->said, buf_text(&text), text.len);
	call_summarize(call, launch->said);
	if (launch->args->observe == OBSERVE_NONE) {
		reply_launch(launch, "", NULL);
		return;
	}
	struct observe observe;
	observe_init(&observe, launch->args->observe);
	observe.quiet_ms = LAUNCH_QUIET_MS;
	observe.window = res->has_window ? res->window.id : 0;
	call_works(call, guest_act(call_guest(call), NULL, 0, &observe, observed, launch));
}

static void begin_launch(struct call *call, void *data)
{
	struct launch *launch = data;
	call_works(call, guest_launch(call_guest(call), launch->args->application,
				 launch->args->uri, LAUNCH_TIMEOUT_MS, launched, launch));
}

static void run_launch(struct call *call, const void *data)
{
	struct launch *launch = call_alloc(call, sizeof(*launch));
	launch->args = data;
	launch->call = call;
	call_start(call, launch->args->sandbox, begin_launch, launch);
}

/* Models try to pass a command line. */
static void advise_launch(const json_t *args, struct err *err)
{
	bool args_given = json_object_get(args, "args");
	if (args_given || json_object_get(args, "arguments")) {
		err_set(err, ERR_ARGUMENT,
			"unknown argument '%s': launch starts a program without arguments. Pass "
			"a file or URL to open as 'uri'. For a command line, use "
			"run_command with '&' at the end",
			args_given ? "args" : "arguments");
	}
}

const struct tool tool_launch = {
	.name = "launch",
	.title = "Launch a program",
	.help = "Start a program and wait until its first window is open. Returns the window's "
		"position and size.",
	.toolset = "computer",
	.hints = TOOL_ALWAYS_LOAD,
	.order = TOOL_IN_TURN,
	.fields = launch_fields,
	.args_size = sizeof(struct launch_args),
	.advise = advise_launch,
	.run = run_launch,
};

/* ---- list_applications ---- */

struct list_args {
	const char *sandbox;
};

static const struct field list_fields[] = { CALL_SANDBOX(struct list_args), { 0 } };

#define LIST_MAX_BYTES 40000 /* clients hide longer results from the model */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static void tell_application(struct buf *out, const json_t *app)
{
	buf_printf(out, "\n");
	result_tell_name(out, text_of(app, "id"));
	buf_printf(out, ": ");
	result_tell_name(out, text_of(app, "name"));
	if (text_of(app, "comment")[0]) {
		buf_printf(out, " - ");
		result_tell_name(out, text_of(app, "comment"));
	}
}

static void listed(const json_t *result, const struct err *err, void *data)
{
	struct call *call = data;
	if (err) {
		call_fail(call, err);
		return;
	}
	const json_t *apps = json_object_get(result, "applications");
	size_t n = json_array_size(apps), i = 0;
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "%zu application%s. Pass the id before the colon to launch.", n,
		n == 1 ? "" : "s");
	for (; i < n && text.len < LIST_MAX_BYTES; i++) {
		tell_application(&text, json_array_get(apps, i));
	}
	if (i < n) {
		buf_printf(&text, "\n[%zu more not shown]", n - i);
	}
	json_t *content = json_array();
	result_add_text(content, buf_text(&text));
	call_reply(call, content);
}

static void begin_list(struct call *call, void *data)
{
	(void)data;
	call_works(call, guest_applications(call_guest(call), listed, call));
}

static void run_list_applications(struct call *call, const void *data)
{
	const struct list_args *args = data;
	call_start(call, args->sandbox, begin_list, NULL);
}

const struct tool tool_list_applications = {
	.name = "list_applications",
	.title = "List applications",
	.help = "List the installed desktop applications. launch also starts other programs by "
		"name.",
	.toolset = "computer",
	.hints = TOOL_READS_ONLY | TOOL_REPEATABLE,
	.order = TOOL_LOOKS,
	.fields = list_fields,
	.args_size = sizeof(struct list_args),
	.run = run_list_applications,
};
