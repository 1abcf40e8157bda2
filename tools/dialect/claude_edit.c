#include "tools/dialect/claude.h"

#include "base/cleanup.h"
#include "base/utf8.h"
#include "tools/call/result.h"
#include "tools/system/files.h"
#include "vm/guest/files.h"

#include <string.h>

/* Anthropic's tool `str_replace_based_edit_tool` (text_editor_20250429 and 20250728): looks at text
 * files and directories, and edits files.  A file is read, changed here and replaced as a whole, so it
 * is complete at any time. */

#define TEXT_MAX (4u << 20) /* bytes of a file */
#define SHOWN_MAX 200000    /* bytes of a view */
#define AROUND 4            /* lines shown around a change */
#define LIST_DEPTH 2
#define LIST_MAX 1000

enum command { VIEW, CREATE, STR_REPLACE, INSERT };
static const char *const commands[] = { "view", "create", "str_replace", "insert", NULL };

struct edit {
	struct call *call;
	const struct claude_edit_args *args;
	struct conversation *file; /* NULL: none is open */
	struct file_rows *rows;
	struct buf text; /* read, or to be written */
	size_t written;
	size_t changed, changed_len; /* bytes of text that are new */
	struct buf answer;
};

#define ARGS struct claude_edit_args
const struct field claude_edit_fields[] = {
	FIELD_ONE_OF(ARGS, command, "What to do.", commands, .required = true),
	FIELD_STR(ARGS, path, "File; for view, also a directory.", .required = true, .min = 1,
		.max = MESSAGE_FILE_PATH_MAX),
	FIELD_LIST(ARGS, view_range, "view: [first, last] line; -1 is the end.", 2),
	FIELD_STR(ARGS, file_text, "create: the contents.", .max = CLAUDE_EDIT_TEXT_MAX),
	FIELD_STR(ARGS, old_str, "str_replace: a text that occurs exactly once.",
		.max = CLAUDE_EDIT_TEXT_MAX / 4),
	FIELD_STR(ARGS, new_str, "str_replace: its replacement. Default: nothing.",
		.max = CLAUDE_EDIT_TEXT_MAX / 4),
	FIELD_NUM(ARGS, insert_line, "insert: the line after which to insert; 0: the beginning.",
		.default_value = -1, .max = 1e9),
	FIELD_STR(ARGS, insert_text, "insert: the text.", .max = CLAUDE_EDIT_TEXT_MAX / 4),
	CALL_SANDBOX(ARGS),
	{ 0 },
};

static void on_call_end(void *data)
{
	struct edit *e = data;
	conversation_close(e->file);
	file_rows_close(e->rows);
	buf_done(&e->text);
	buf_done(&e->answer);
}

/* ---- lines ---- */

static size_t count_lines(const char *text, size_t len)
{
	size_t n = 0;
	for (size_t i = 0; i < len; i++) {
		n += text[i] == '\n';
	}
	return n + (len && text[len - 1] != '\n');
}

/* Appends the lines from first to last (from 1), numbered. */
static void show_lines(struct buf *out, const struct buf *text, size_t first, size_t last)
{
	const char *at = buf_text(text), *end = at + text->len;
	for (size_t line = 1; at < end && line <= last && out->len < SHOWN_MAX; line++) {
		const char *next = memchr(at, '\n', (size_t)(end - at));
		size_t len = next ? (size_t)(next - at) : (size_t)(end - at);
		if (line >= first) {
			buf_printf(out, "%6zu\t%.*s\n", line, (int)len, at);
		}
		at += len + 1;
	}
	if (out->len >= SHOWN_MAX) {
		buf_printf(out, "[cut; pass 'view_range' for the rest]\n");
	}
}

static bool view(struct edit *e, struct err *err)
{
	size_t n = count_lines(buf_text(&e->text), e->text.len);
	const struct field_ints *range = &e->args->view_range;
	int64_t first = range->count ? range->at[0] : 1;
	int64_t last = range->count && range->at[1] != -1 ? range->at[1] : (int64_t)n;
	if (range->count && (first < 1 || last < first || first > (int64_t)n)) {
		return err_set(err, ERR_ARGUMENT,
			"'view_range' must be two lines between 1 and %zu, or [first, -1]; got [%lld, "
			"%lld]",
			n, (long long)first, (long long)range->at[1]);
	}
	show_lines(&e->answer, &e->text, (size_t)first, (size_t)last);
	if (!e->text.len) {
		buf_printf(&e->answer, "[the file is empty]");
	}
	return true;
}

/* ---- writing ---- */

static void show_change(struct edit *e)
{
	const char *text = buf_text(&e->text);
	size_t line = count_lines(text, e->changed) + 1;
	size_t more = count_lines(text + e->changed, e->changed_len);
	buf_printf(&e->answer, "The file has been edited. Around the change:\n");
	show_lines(&e->answer, &e->text, line > AROUND ? line - AROUND : 1, line + more + AROUND);
}

static void on_written(
	struct conversation *c, const void *answer, const struct err *err, void *data)
{
	struct edit *e = data;
	(void)c, (void)answer;
	e->file = NULL;
	if (err) {
		return call_fail(e->call, err);
	}
	if (e->args->command == CREATE) {
		buf_printf(&e->answer, "The file has been written.");
	} else {
		show_change(e);
	}
	call_reply_text(e->call, buf_text(&e->answer));
}

static void on_writable(struct conversation *c, void *data)
{
	struct edit *e = data;
	e->written += conversation_write(
		c, FILE_BYTES, e->text.data + e->written, e->text.len - e->written);
	if (e->written == e->text.len) {
		conversation_close_write(c);
	}
}

static void on_ready(struct conversation *c, const struct message *message, const void *args,
	size_t cost, void *data)
{
	(void)message, (void)args;
	conversation_consumed(c, cost);
	on_writable(c, data);
}

static void write_file(struct edit *e)
{
	static const struct conversation_handlers handlers = {
		.on_message = on_ready,
		.on_writable = on_writable,
		.on_end = on_written,
	};
	const struct msg_file_write args = {
		.path = e->args->path, .how = FILE_REPLACE, .mode = -1, .parents = true
	};
	e->file = guest_file_write(call_guest(e->call), &args, &handlers, e);
	call_works(e->call, conversation_id(e->file));
}

/* ---- changes ---- */

/* len bytes at `at` become the new text. */
static void splice(struct edit *e, size_t at, size_t len, const char *text)
{
	auto_buf struct buf old = e->text;
	e->text = (struct buf){ 0 };
	e->changed = at;
	e->changed_len = strlen(text);
	buf_append(&e->text, old.data, at);
	buf_append(&e->text, text, e->changed_len);
	buf_append(&e->text, old.data + at + len, old.len - at - len);
}

static bool str_replace(struct edit *e, struct err *err)
{
	const char *old = e->args->old_str, *new = e->args->new_str ? e->args->new_str : "";
	size_t len = strlen(old), n = 0;
	const char *text = buf_text(&e->text), *found = NULL;
	for (const char *at = text; (at = strstr(at, old)); at += len) {
		found = n++ ? found : at;
	}
	if (n != 1) {
		return err_set(err, ERR_ARGUMENT,
			n ? "'old_str' occurs %zu times; it must be unique: include more of the lines "
			    "around it"
			  : "'old_str' does not occur in the file (%zu times); white space must be "
			    "the same",
			n);
	}
	splice(e, (size_t)(found - text), len, new);
	return true;
}

static bool insert(struct edit *e, struct err *err)
{
	const char *text = buf_text(&e->text);
	size_t n = count_lines(text, e->text.len), at = 0;
	if (e->args->insert_line > (int64_t)n) {
		return err_set(err, ERR_ARGUMENT,
			"'insert_line' must be from 0 to %zu, the number of lines; got %lld", n,
			(long long)e->args->insert_line);
	}
	for (int64_t line = 0; line < e->args->insert_line; line++) {
		const char *end = memchr(text + at, '\n', e->text.len - at);
		at = end ? (size_t)(end + 1 - text) : e->text.len;
	}
	auto_buf struct buf lines = { 0 };
	bool unended = at && text[at - 1] != '\n';
	size_t len = strlen(e->args->insert_text);
	buf_printf(&lines, "%s%s%s", unended ? "\n" : "", e->args->insert_text,
		len && e->args->insert_text[len - 1] != '\n' && !unended ? "\n" : "");
	splice(e, at, 0, buf_text(&lines));
	return true;
}

/* ---- reading ---- */

static void list_directory(struct edit *e);

static void use_text(struct edit *e)
{
	struct err err;
	bool text = !e->text.len || (utf8_is_valid(e->text.data, e->text.len));
	if (!text) {
		err_set(&err, ERR_ARGUMENT, "'%.200s' is not a text file in UTF-8", e->args->path);
		return call_fail(e->call, &err);
	}
	buf_reserve(&e->text, 1);
	e->text.data[e->text.len] = '\0';
	enum command command = (enum command)e->args->command;
	bool good = command == VIEW          ? view(e, &err)
		    : command == STR_REPLACE ? str_replace(e, &err)
					     : insert(e, &err);
	if (!good) {
		call_fail(e->call, &err);
	} else if (command == VIEW) {
		call_reply_text(e->call, buf_text(&e->answer));
	} else {
		write_file(e);
	}
}

static void on_bytes(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct edit *e = data;
	struct err err;
	(void)channel;
	conversation_consumed(c, len);
	buf_append(&e->text, bytes, len);
	if (e->text.len > TEXT_MAX) {
		conversation_close(take_ptr(&e->file));
		err_set(&err, ERR_LIMIT, "'%.200s' has more than %u bytes", e->args->path,
			TEXT_MAX);
		call_fail(e->call, &err);
	}
}

static void on_opened(struct conversation *c, const struct message *message, const void *args,
	size_t cost, void *data)
{
	(void)message, (void)args, (void)data;
	conversation_consumed(c, cost);
}

static void on_read(struct conversation *c, const void *answer, const struct err *err, void *data)
{
	struct edit *e = data;
	(void)c, (void)answer;
	e->file = NULL;
	if (err && e->args->command == VIEW && strstr(err->text, "EISDIR")) {
		list_directory(e);
	} else if (err) {
		call_fail(e->call, err);
	} else {
		use_text(e);
	}
}

static void read_file(struct edit *e)
{
	static const struct conversation_handlers handlers = {
		.on_data = on_bytes,
		.on_message = on_opened,
		.on_end = on_read,
	};
	const struct msg_file_read args = { .path = e->args->path };
	e->file = guest_file_read(call_guest(e->call), &args, &handlers, e);
	call_works(e->call, conversation_id(e->file));
}

/* ---- directories ---- */

static void on_row(const void *row, void *data)
{
	struct edit *e = data;
	const struct msg_file_entry *entry = row;
	result_format_name(&e->answer, entry->path);
	buf_printf(&e->answer, "%s\n", entry->type == FILE_DIRECTORY ? "/" : "");
}

static void on_listed(const void *answer, const struct err *err, void *data)
{
	struct edit *e = data;
	const struct msg_file_list_answer *end = answer;
	e->rows = NULL;
	if (err) {
		return call_fail(e->call, err);
	}
	if (!e->answer.len) {
		buf_printf(&e->answer, "[the directory is empty]");
	}
	if (end->limited) {
		buf_printf(&e->answer, "[only the first %d entries]", LIST_MAX);
	}
	call_reply_text(e->call, buf_text(&e->answer));
}

static void list_directory(struct edit *e)
{
	static const struct file_rows_handlers handlers = { .row = on_row, .end = on_listed };
	const struct msg_file_list args = {
		.path = e->args->path, .depth = LIST_DEPTH, .limit = LIST_MAX
	};
	e->rows = file_rows_open(call_guest(e->call), &message_file_list, &args, ASK_TIME_MS,
		GUEST_ASKER_AGENT, &handlers, e);
	call_works(e->call, file_rows_id(e->rows));
}

/* ---- the call ---- */

static const char *missing(const struct claude_edit_args *args)
{
	return args->command == CREATE && !args->file_text                           ? "file_text"
	       : args->command == STR_REPLACE && (!args->old_str || !*args->old_str) ? "old_str"
	       : args->command == INSERT && args->insert_line < 0                    ? "insert_line"
	       : args->command == INSERT && !args->insert_text                       ? "insert_text"
										     : NULL;
}

static void begin(struct call *call, void *data)
{
	struct edit *e = data;
	call_on_end(call, on_call_end, e);
	if (e->args->command == CREATE) {
		buf_append(&e->text, e->args->file_text, strlen(e->args->file_text));
		write_file(e);
	} else {
		read_file(e);
	}
}

void claude_edit(struct call *call, const void *data)
{
	struct edit *e = call_alloc(call, sizeof(*e));
	struct err err;
	e->call = call;
	e->args = data;
	const char *name = missing(data);
	if (name) {
		err_set(&err, ERR_ARGUMENT, "the command %s requires '%s'",
			commands[e->args->command], name);
		return call_fail(call, &err);
	}
	call_start(call, e->args->sandbox, begin, e);
}
