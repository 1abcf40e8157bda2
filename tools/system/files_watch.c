#include "tools/system/files.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "tools/desktop/input.h"

/* file_watch: waits for changes in a directory, and for their end. */

#define QUIET_MS 300 /* without a change, before they are reported */
#define ROWS_MAX 1000
#define TIMEOUT_MAX 3600

struct watch_args {
	const char *sandbox, *path;
	bool recursive;
	double timeout;
};

struct watch {
	struct call *call;
	const struct watch_args *args;
	struct file_rows *rows; /* NULL: it has ended */
	sd_event_source *timer, *quiet;
	struct buf text;
	int64_t changes;
	bool lost;
};

static const struct field fields[] = {
	FIELD_STR(struct watch_args, path, "A directory.", .min = 1, .max = MESSAGE_FILE_PATH_MAX,
		.default_text = "~"),
	FIELD_FLAG(
		struct watch_args, recursive, "Also everything below it.", .default_value = true),
	FIELD_DEC(struct watch_args, timeout, "Seconds to wait for a change.", .min = 0.1,
		.max = TIMEOUT_MAX, .default_value = 60),
	CALL_SANDBOX(struct watch_args),
	{ 0 },
};

static void finish(struct watch *w)
{
	auto_buf struct buf text = { 0 };
	file_rows_close(take_ptr(&w->rows));
	call_works(w->call, 0);
	if (!w->changes && !w->lost) {
		buf_printf(&text, "Nothing changed within %.10g s.", w->args->timeout);
	} else {
		files_format_count(&text, w->changes);
		buf_printf(&text, w->changes == 1 ? " change:" : " changes:");
		buf_append(&text, w->text.data, w->text.len);
	}
	if (w->changes > ROWS_MAX) {
		buf_printf(&text, "\n[%lld more]", (long long)w->changes - ROWS_MAX);
	}
	if (w->lost) {
		buf_printf(&text,
			"\n[some changes were lost, because there were too many: list the "
			"directory]");
	}
	call_reply_text(w->call, buf_text(&text));
}

static int on_time(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source, (void)usec;
	finish(data);
	return 0;
}

static void on_change(const void *row, void *data)
{
	const struct msg_file_change *change = row;
	struct watch *w = data;
	if (change->change == FILE_LOST) {
		w->lost = true;
	} else if (++w->changes <= ROWS_MAX) {
		buf_printf(&w->text, "\n%s ", file_change_names[change->change]);
		files_format_path(&w->text, change->path && *change->path ? change->path : ".");
	}
	loop_drop(&w->quiet);
	w->quiet = loop_after_ms(call_event(w->call), QUIET_MS, on_time, w);
}

static void on_watch_end(const void *answer, const struct err *err, void *data)
{
	struct watch *w = data;
	struct err ended;
	(void)answer;
	w->rows = NULL;
	if (err && !(err->kind == ERR_NOT_FOUND && w->changes)) {
		call_fail(w->call, err);
	} else if (w->changes) {
		finish(w);
	} else {
		err_set(&ended, ERR_HOST, "the watch ended early; try again");
		call_fail(w->call, &ended);
	}
}

static void on_call_end(void *data)
{
	struct watch *w = data;
	file_rows_close(take_ptr(&w->rows));
	loop_drop(&w->timer);
	loop_drop(&w->quiet);
	buf_done(&w->text);
}

static void begin(struct call *call, void *data)
{
	static const struct file_rows_handlers handlers = { .row = on_change, .end = on_watch_end };
	struct watch *w = data;
	const struct msg_file_watch how = { .path = w->args->path,
		.recursive = w->args->recursive };
	buf_append(&w->text, "", 0);
	call_on_end(call, on_call_end, w);
	w->rows = file_rows_open(
		call_guest(call), &message_file_watch, &how, 0, GUEST_ASKER_AGENT, &handlers, w);
	w->timer =
		loop_after_ms(call_event(call), (uint64_t)input_ms(w->args->timeout), on_time, w);
	call_works(call, file_rows_id(w->rows));
}

static void run(struct call *call, const void *args)
{
	struct watch *w = call_alloc(call, sizeof(*w));
	w->call = call;
	w->args = args;
	call_summarize(call, w->args->path);
	call_start(call, w->args->sandbox, begin, w);
}

const struct tool tool_file_watch = {
	.name = "file_watch",
	.title = "Wait for a change of files",
	.help = "Waits until files in a directory are created, written, removed, renamed or get other "
		"permissions. Returns the changes when they pause for 0.3 s, or at the timeout. Later "
		"calls run meanwhile.",
	.toolset = "files",
	.hints = TOOL_EXTRA | TOOL_READS_ONLY | TOOL_TAKES_TIME,
	.order = TOOL_WAITS,
	.fields = fields,
	.args_size = sizeof(struct watch_args),
	.run = run,
};
