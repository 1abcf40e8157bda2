#include "tools/desktop/programs.h"

#include "base/cleanup.h"
#include "tools/call/result.h"
#include "tools/desktop/input.h"
#include "vm/wire/messages.h"

#include <string.h>

/* Programs: start one and wait for its first window; list the installed ones. */

/* ---- launch ---- */

struct launch_args {
	const char *sandbox;
	int observe;
	int64_t since;
	const char *application, *uri;
	const json_t *arguments, *environment;
};

struct launch {
	struct call *call;
	const struct launch_args *args;
	struct input_look look;
	const char *application;
	const char *const *others; /* to try if there is no such program; NULL: none */
};

/* Large programs (office suites, browsers) take this long for their first window on a busy
 * machine. */
#define LAUNCH_TIMEOUT_MS 20000

/* Programs paint in stages while they start. */
#define LAUNCH_QUIET_MS 400

static const struct field open_fields[] = {
	FIELD_STR(struct launch_args, uri, "File path, directory or URL.", .required = true,
		.min = 1, .max = MESSAGE_URI_MAX),
	INPUT_ENDS(struct launch_args),
};

static const struct field launch_fields[] = {
	FIELD_STR(struct launch_args, application,
		"Application id, program name or absolute path. An unknown name returns the "
		"installed applications.",
		.required = true, .min = 1, .max = MESSAGE_APPLICATION_MAX),
	FIELD_STR(struct launch_args, uri, "File path or URL to open.", .min = 1,
		.max = MESSAGE_URI_MAX),
	FIELD_TEXT_LIST(struct launch_args, arguments, "Further arguments.", MESSAGE_ARGUMENTS_MAX),
	FIELD_STRINGS(struct launch_args, environment, "Further environment variables.",
		MESSAGE_ARGUMENTS_MAX),
	INPUT_ENDS(struct launch_args),
};

static void format_launch(
	struct buf *out, const struct launch *launch, const struct guest_launch *res)
{
	buf_printf(out, "Launched ");
	result_format_name(out, launch->application ? launch->application
				: res->application  ? res->application
						    : "a program");
	buf_printf(out, " (pid %lld).", (long long)res->pid);
	if (res->has_window) {
		const struct guest_window *w = &res->window;
		input_format_window(out, launch->call, w->id, w->title,
			(struct rect){ (int)w->x, (int)w->y, (int)w->width, (int)w->height });
	}
	if (res->note) {
		buf_printf(out, "\n");
		result_format_note(out, res->note);
	}
}

static void launched(const struct guest_launch *res, const struct err *err, void *data);

static void launch_next(struct launch *launch)
{
	struct call *call = launch->call;
	if (launch->others) {
		launch->application = *launch->others++;
	}
	if (!launch->application && launch->others) {
		struct err err;
		err_set(&err, ERR_NOT_FOUND,
			"this desktop has no web browser; microVM images with Chromium or Firefox ESR, "
			"such as 'desktop', have one");
		call_fail(call, &err);
		return;
	}
	const struct guest_program program = { launch->application, launch->args->uri,
		launch->args->arguments, launch->args->environment };
	call_works(
		call, guest_start(call_guest(call), &program, LAUNCH_TIMEOUT_MS, launched, launch));
}

static void launched(const struct guest_launch *res, const struct err *err, void *data)
{
	struct launch *launch = data;
	struct call *call = launch->call;
	auto_buf struct buf text = { 0 };
	if (err && err->kind == ERR_NOT_FOUND && launch->others) {
		launch_next(launch);
		return;
	}
	if (err) {
		json_t *content = json_array();
		result_format_full(&text, err->text, call_vm(call));
		if (text.len) {
			result_add_text(content, buf_text(&text));
		}
		call_fail_with(call, err, content);
		return;
	}
	format_launch(&text, launch, res);
	call_summarize(call, buf_text(&text));
	struct observe observe;
	if (launch->look.observe == INPUT_CHANGED && !launch->look.since) {
		/* An agent of an older image does not say it. */
		launch->look.since = res->from;
		launch->look.observe = res->from ? INPUT_CHANGED : INPUT_SETTLED;
	}
	input_observe(&observe, &launch->look);
	observe.quiet_ms = LAUNCH_QUIET_MS;
	observe.window = res->has_window ? res->window.id : 0;
	input_look_after(call, &text, &launch->look, &observe, input_format_change);
}

static void begin_launch(struct call *call, void *data)
{
	(void)call;
	launch_next(data);
}

void programs_browse(struct call *call, const char *sandbox, const char *url)
{
	static const char *const browsers[] = { "x-www-browser", "chromium", "firefox-esr",
		"firefox", "google-chrome", NULL };
	struct launch_args *args = call_alloc(call, sizeof(*args));
	struct launch *launch = call_alloc(call, sizeof(*launch));
	*args = (struct launch_args){ .sandbox = sandbox, .uri = url };
	*launch = (struct launch){
		.call = call,
		.args = args,
		.look = { INPUT_SETTLED },
		.others = browsers,
	};
	call_start(call, sandbox, begin_launch, launch);
}

static void run_launch(struct call *call, const void *data)
{
	struct launch *launch = call_alloc(call, sizeof(*launch));
	launch->args = data;
	launch->application = launch->args->application;
	launch->call = call;
	launch->look = (struct input_look){ launch->args->observe, launch->args->since };
	call_start(call, launch->args->sandbox, begin_launch, launch);
}

const struct tool tool_launch = {
	.name = "launch",
	.title = "Launch a program",
	.help = "Starts a program and waits for its first window. Returns the window's id, title, "
		"position and size. Prefer it to menus.",
	.toolset = "computer",
	.hints = TOOL_ALWAYS_LOAD,
	.order = TOOL_IN_TURN,
	.fields = launch_fields,
	.args_size = sizeof(struct launch_args),
	.run = run_launch,
};

/* ---- open ---- */

const struct tool tool_open = {
	.name = "open",
	.title = "Open a file or URL",
	.help = "Opens a file, directory or URL with its default application and waits for the window. "
		"Returns which application it is, and the window.",
	.toolset = "computer",
	.hints = TOOL_ALWAYS_LOAD,
	.order = TOOL_IN_TURN,
	.fields = open_fields,
	.args_size = sizeof(struct launch_args),
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

static void format_application(struct buf *out, const json_t *app)
{
	buf_printf(out, "\n");
	result_format_name(out, text_of(app, "id"));
	buf_printf(out, ": ");
	result_format_name(out, text_of(app, "name"));
	if (text_of(app, "comment")[0]) {
		buf_printf(out, " - ");
		result_format_name(out, text_of(app, "comment"));
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
		format_application(&text, json_array_get(apps, i));
	}
	if (i < n) {
		buf_printf(&text, "\n[%zu more not shown]", n - i);
	}
	call_reply_text(call, buf_text(&text));
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
	.help = "Returns the installed desktop applications. launch also starts other programs by "
		"name.",
	.toolset = "computer",
	.hints = TOOL_EXTRA | TOOL_READS_ONLY | TOOL_REPEATABLE,
	.order = TOOL_LOOKS,
	.fields = list_fields,
	.args_size = sizeof(struct list_args),
	.run = run_list_applications,
};
