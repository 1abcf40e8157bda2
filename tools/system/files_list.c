#include "tools/system/files.h"

#include "base/cleanup.h"

#include <string.h>

/* file_list and file_stat. */

#define LIST_MS 120000

/* ---- file_list ---- */

struct list_args {
	const char *sandbox, *path;
	int64_t depth, limit;
};

struct list {
	struct call *call;
	const struct list_args *args;
	struct file_rows *rows; /* NULL: it has ended */
	struct buf text;
	int64_t entries, shown;
	char *top; /* the directory, as the agent names it */
};

static const struct field list_fields[] = {
	FIELD_STR(struct list_args, path, "A directory.", .min = 1, .max = MESSAGE_FILE_PATH_MAX,
		.default_text = "~"),
	FIELD_NUM(struct list_args, depth, "Levels of directories.", .min = 1,
		.max = MESSAGE_FILE_DEPTH_MAX, .default_value = 1),
	FIELD_NUM(struct list_args, limit, "Maximum number of entries.", .min = 1, .max = 10000,
		.default_value = 1000),
	CALL_SANDBOX(struct list_args),
	{ 0 },
};

static void on_entry(const void *row, void *data)
{
	const struct msg_file_entry *entry = row;
	struct list *list = data;
	if (!list->top) {
		size_t len =
			(size_t)(strrchr(entry->path, '/') ? strrchr(entry->path, '/') - entry->path
							   : 0);
		list->top = must(strndup(entry->path, len));
	}
	list->entries++;
	if (list->text.len < FILES_TEXT_MAX) {
		buf_append(&list->text, "\n", 1);
		files_format_entry(&list->text, entry, files_below(entry->path, list->top));
		list->shown++;
	}
}

static void format_list(
	struct buf *out, const struct list *list, const struct msg_file_list_answer *said)
{
	files_format_path(out, list->top ? (*list->top ? list->top : "/") : list->args->path);
	buf_printf(out, ": ");
	files_format_count(out, said->entries);
	if (said->total > said->entries) {
		buf_printf(out, " of ");
		files_format_count(out, said->total);
	}
	buf_printf(out, said->entries == 1 && said->total <= 1 ? " entry" : " entries");
	buf_append(out, list->text.data, list->text.len);
	if (list->shown < list->entries) {
		buf_printf(out, "\n[%lld more are not shown]",
			(long long)(list->entries - list->shown));
	}
	if (said->limited) {
		buf_printf(out, "\n[there are more: the limit was reached]");
	}
	files_format_skipped(out, said->skipped, said->note);
}

static void on_list_end(const void *answer, const struct err *err, void *data)
{
	struct list *list = data;
	list->rows = NULL;
	if (err) {
		call_fail(list->call, err);
		return;
	}
	auto_buf struct buf text = { 0 };
	format_list(&text, list, answer);
	call_reply_text(list->call, buf_text(&text));
}

static void on_list_over(void *data)
{
	struct list *list = data;
	file_rows_close(take_ptr(&list->rows));
	buf_done(&list->text);
	free(list->top);
}

static void begin_list(struct call *call, void *data)
{
	static const struct file_rows_handlers handlers = { .row = on_entry, .end = on_list_end };
	struct list *list = data;
	const struct msg_file_list how = {
		.path = list->args->path, .depth = list->args->depth, .limit = list->args->limit
	};
	buf_append(&list->text, "", 0);
	call_on_end(call, on_list_over, list);
	list->rows = file_rows_open(call_guest(call), &message_file_list, &how, LIST_MS,
		GUEST_ASKER_AGENT, &handlers, list);
	call_works(call, file_rows_id(list->rows));
}

static void run_list(struct call *call, const void *args)
{
	struct list *list = call_alloc(call, sizeof(*list));
	list->call = call;
	list->args = args;
	call_summarize(call, list->args->path);
	call_start(call, list->args->sandbox, begin_list, list);
}

const struct tool tool_file_list = {
	.name = "file_list",
	.title = "List a directory",
	.help = "Lists the entries of a directory, sorted by name: permissions, owner, group, size "
		"in bytes, time of the last change (UTC), name.",
	.toolset = "files",
	.hints = TOOL_EXTRA | TOOL_READS_ONLY | TOOL_REPEATABLE,
	.max_chars = 100000,
	.order = TOOL_RUNS,
	.fields = list_fields,
	.args_size = sizeof(struct list_args),
	.run = run_list,
};

/* ---- file_stat ---- */

struct stat_args {
	const char *sandbox, *path;
};

struct stat_call {
	struct call *call;
	const struct stat_args *args;
};

static const struct field stat_fields[] = {
	FILES_PATH(struct stat_args, path, "A file or directory."),
	CALL_SANDBOX(struct stat_args),
	{ 0 },
};

static void format_stat(struct buf *out, const struct msg_file_entry *entry)
{
	const char *name;
	json_t *value;
	files_format_entry(out, entry, entry->path);
	buf_printf(out, "\n%s, mode %04o, owner %lld, group %lld", file_type_names[entry->type],
		(unsigned)entry->mode, (long long)entry->uid, (long long)entry->gid);
	if (entry->resolved) {
		buf_printf(out, "\nleads to the %s ",
			entry->target_type < 0 ? "file" : file_type_names[entry->target_type]);
		files_format_path(out, *entry->resolved ? entry->resolved : "?");
	}
	json_object_foreach((json_t *)entry->xattrs, name, value)
	{
		buf_printf(out, "\n");
		result_format_name(out, name);
		buf_printf(out, " = ");
		result_quote_name(out, json_is_string(value) ? json_string_value(value) : "");
	}
}

static void on_stat(
	const void *answer, const void *tail, size_t tail_len, const struct err *err, void *data)
{
	struct stat_call *s = data;
	struct msg_file_entry entry;
	struct err ignored;
	auto_buf struct buf text = { 0 };
	(void)tail, (void)tail_len;
	if (err) {
		call_fail(s->call, err);
		return;
	}
	/* the row was checked */
	(void)!guest_file_entry(((const struct msg_file_answer *)answer)->entry, &entry, &ignored);
	format_stat(&text, &entry);
	call_reply_text(s->call, buf_text(&text));
}

static void begin_stat(struct call *call, void *data)
{
	struct stat_call *s = data;
	const struct msg_file_stat how = { .path = s->args->path, .xattrs = true };
	call_works(call, guest_file(call_guest(call), &message_file_stat, &how, on_stat, s));
}

static void run_stat(struct call *call, const void *args)
{
	struct stat_call *s = call_alloc(call, sizeof(*s));
	s->call = call;
	s->args = args;
	call_summarize(call, s->args->path);
	call_start(call, s->args->sandbox, begin_stat, s);
}

const struct tool tool_file_stat = {
	.name = "file_stat",
	.title = "Describe a file",
	.help = "Returns type, permissions, owner, size, time of the last change and extended "
		"attributes of a file, and where a link leads.",
	.toolset = "files",
	.hints = TOOL_EXTRA | TOOL_READS_ONLY | TOOL_REPEATABLE,
	.order = TOOL_RUNS,
	.fields = stat_fields,
	.args_size = sizeof(struct stat_args),
	.run = run_stat,
};
