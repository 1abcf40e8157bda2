#include "tools/system/files.h"

#include "base/cleanup.h"

/* file_make_directory, file_move, file_copy, file_remove: one question, one sentence. */

struct change_args {
	const char *sandbox, *path, *from, *to;
	bool replace, recursive, missing_ok;
};

struct change {
	struct call *call;
	const struct change_args *args;
	const struct message *message;
	void (*format)(struct buf *out, const struct change *change, const void *answer);
	union {
		struct msg_file_make_directory make;
		struct msg_file_move move;
		struct msg_file_copy copy;
		struct msg_file_remove remove;
	} how;
};

static void on_answer(
	const void *answer, const void *tail, size_t tail_len, const struct err *err, void *data)
{
	struct change *change = data;
	auto_buf struct buf text = { 0 };
	(void)tail, (void)tail_len;
	if (err) {
		call_fail(change->call, err);
		return;
	}
	change->format(&text, change, answer);
	call_reply_text(change->call, buf_text(&text));
}

static void begin(struct call *call, void *data)
{
	struct change *change = data;
	call_works(call,
		guest_file(call_guest(call), change->message, &change->how, on_answer, change));
}

static struct change *change_new(struct call *call, const struct change_args *args,
	const struct message *message,
	void (*format)(struct buf *out, const struct change *change, const void *answer))
{
	struct change *change = call_alloc(call, sizeof(*change));
	change->call = call;
	change->args = args;
	change->message = message;
	change->format = format;
	call_summarize(call, args->path ? args->path : args->to);
	return change;
}

static void start(struct change *change)
{
	call_start(change->call, change->args->sandbox, begin, change);
}

/* The path as the agent names it. */
static void format_entry(struct buf *out, const json_t *json)
{
	struct msg_file_entry entry;
	struct err ignored; /* the row was checked */
	if (guest_file_entry(json, &entry, &ignored)) {
		files_format_path(out, entry.path);
	}
}

/* ---- file_make_directory ---- */

static const struct field make_fields[] = {
	FILES_PATH(struct change_args, path, "The new directory. Missing parents are made."),
	CALL_SANDBOX(struct change_args),
	{ 0 },
};

static void format_made(struct buf *out, const struct change *change, const void *answer)
{
	const struct msg_file_make_directory_answer *said = answer;
	(void)change;
	buf_printf(out, said->made ? "Made the directory " : "The directory exists already: ");
	format_entry(out, said->entry);
	buf_printf(out, ".");
}

static void run_make(struct call *call, const void *args)
{
	struct change *change = change_new(call, args, &message_file_make_directory, format_made);
	change->how.make = (struct msg_file_make_directory){
		.path = change->args->path, .mode = 0755, .parents = true
	};
	start(change);
}

const struct tool tool_file_make_directory = {
	.name = "file_make_directory",
	.title = "Make a directory",
	.help = "Makes a directory, with its parents. No error if it exists.",
	.toolset = "files",
	.hints = TOOL_EXTRA | TOOL_REPEATABLE,
	.order = TOOL_RUNS,
	.fields = make_fields,
	.args_size = sizeof(struct change_args),
	.run = run_make,
};

/* ---- file_move, file_copy ---- */

static const struct field two_fields[] = {
	FILES_PATH(struct change_args, from, "A file or directory."),
	FILES_PATH(struct change_args, to,
		"Its complete new path, not the directory that it is put into. Missing parents are "
		"made."),
	FIELD_FLAG(struct change_args, replace, "Replace an existing file."),
	CALL_SANDBOX(struct change_args),
	{ 0 },
};

static void format_moved(struct buf *out, const struct change *change, const void *answer)
{
	const struct msg_file_answer *said = answer;
	buf_printf(out, "Moved ");
	files_format_path(out, change->args->from);
	buf_printf(out, " to ");
	format_entry(out, said->entry);
	buf_printf(out, ".");
}

static void run_move(struct call *call, const void *args)
{
	struct change *change = change_new(call, args, &message_file_move, format_moved);
	change->how.move = (struct msg_file_move){ .from = change->args->from,
		.to = change->args->to,
		.replace = change->args->replace };
	start(change);
}

const struct tool tool_file_move = {
	.name = "file_move",
	.title = "Move a file",
	.help = "Moves or renames a file or directory.",
	.toolset = "files",
	.hints = TOOL_EXTRA | TOOL_DESTROYS | TOOL_TAKES_TIME,
	.order = TOOL_RUNS,
	.fields = two_fields,
	.args_size = sizeof(struct change_args),
	.run = run_move,
};

static void format_copied(struct buf *out, const struct change *change, const void *answer)
{
	const struct msg_file_copy_answer *said = answer;
	buf_printf(out, "Copied ");
	files_format_path(out, change->args->from);
	buf_printf(out, " to ");
	format_entry(out, said->entry);
	buf_printf(out, ": ");
	files_format_count(out, said->files);
	buf_printf(out, said->files == 1 ? " file, " : " files and directories, ");
	files_format_size(out, said->bytes);
	buf_printf(out, ".");
	files_format_skipped(out, said->skipped, said->note);
}

static void run_copy(struct call *call, const void *args)
{
	struct change *change = change_new(call, args, &message_file_copy, format_copied);
	change->how.copy = (struct msg_file_copy){ .from = change->args->from,
		.to = change->args->to,
		.replace = change->args->replace };
	start(change);
}

const struct tool tool_file_copy = {
	.name = "file_copy",
	.title = "Copy a file",
	.help = "Copies a file, or a directory with everything in it. Permissions, times and links "
		"are kept. The copy appears when it is complete.",
	.toolset = "files",
	.hints = TOOL_EXTRA | TOOL_DESTROYS | TOOL_TAKES_TIME,
	.order = TOOL_RUNS,
	.fields = two_fields,
	.args_size = sizeof(struct change_args),
	.run = run_copy,
};

/* ---- file_remove ---- */

static const struct field remove_fields[] = {
	FILES_PATH(struct change_args, path, "A file or directory; of a link, the link."),
	FIELD_FLAG(struct change_args, recursive, "Also a directory with files in it."),
	FIELD_FLAG(struct change_args, missing_ok, "No error if it does not exist."),
	CALL_SANDBOX(struct change_args),
	{ 0 },
};

static void format_removed(struct buf *out, const struct change *change, const void *answer)
{
	const struct msg_file_remove_answer *said = answer;
	buf_printf(out, said->removed ? "Removed " : "There was nothing to remove: ");
	files_format_path(out, change->args->path);
	if (said->removed > 1) {
		buf_printf(out, ": ");
		files_format_count(out, said->removed);
		buf_printf(out, " files and directories");
	}
	buf_printf(out, ".");
}

static void run_remove(struct call *call, const void *args)
{
	struct change *change = change_new(call, args, &message_file_remove, format_removed);
	change->how.remove = (struct msg_file_remove){ .path = change->args->path,
		.recursive = change->args->recursive,
		.missing_ok = change->args->missing_ok };
	start(change);
}

const struct tool tool_file_remove = {
	.name = "file_remove",
	.title = "Remove a file",
	.help = "Removes a file or directory. The home directory is refused.",
	.toolset = "files",
	.hints = TOOL_EXTRA | TOOL_DESTROYS | TOOL_TAKES_TIME,
	.order = TOOL_RUNS,
	.fields = remove_fields,
	.args_size = sizeof(struct change_args),
	.run = run_remove,
};
