#include "tools/system/files.h"

#include "base/base64.h"
#include "base/cleanup.h"

#include <string.h>

/* file_write: a text, or bytes, to a file. */

#define CONTENT_MAX (1u << 20) /* escaped, it still fits into a body; more is appended */
#define MODE_TEXT_MAX 5

static const char *const encodings[] = { "text", "base64", NULL };

struct write_args {
	const char *sandbox, *path, *content, *mode;
	int encoding, how;
	int64_t offset;
	bool exclusive;
};

struct writing {
	struct call *call;
	const struct write_args *args;
	struct conversation *conversation; /* NULL: it has ended */
	void *decoded;
	const char *left;
	size_t n_left;
	int64_t mode;
};

static const struct field fields[] = {
	FILES_PATH(struct write_args, path,
		"Absolute, or from the home directory. Missing directories are made."),
	FIELD_STR(struct write_args, content, "What is written.", .required = true,
		.max = CONTENT_MAX),
	FIELD_ONE_OF(struct write_args, encoding, "Of the content.", encodings),
	FIELD_ONE_OF(struct write_args, how,
		"replace = the new contents appear at once; append = at the end; update = in place, "
		"at 'offset'; truncate = in place, from the start.",
		file_write_how_names),
	FIELD_NUM(struct write_args, offset, "First byte of an update.",
		.max = MESSAGE_FILE_SIZE_MAX),
	FIELD_STR(struct write_args, mode,
		"Permissions in octal, such as \"755\". Default: those it has; 644 if it is new.",
		.min = 1, .max = MODE_TEXT_MAX),
	FIELD_FLAG(struct write_args, exclusive, "Fail if the file exists."),
	CALL_SANDBOX(struct write_args),
	{ 0 },
};

static bool read_mode(const char *text, int64_t *ret_mode, struct err *err)
{
	char *end;
	*ret_mode = -1;
	if (!text) {
		return true;
	}
	unsigned long mode = strtoul(text, &end, 8);
	*ret_mode = (int64_t)mode;
	return (text[0] >= '0' && text[0] <= '7' && !*end && mode <= 07777) ||
	       err_set(err, ERR_ARGUMENT,
		       "'mode' must be permissions in octal, such as \"755\"; got \"%s\"", text);
}

static bool prepare(struct writing *w, struct err *err)
{
	const struct write_args *args = w->args;
	w->left = args->content;
	w->n_left = strlen(args->content);
	if (args->offset && args->how != FILE_UPDATE) {
		return err_set(err, ERR_ARGUMENT, "'offset' requires how \"update\"");
	}
	if (args->encoding) {
		w->decoded = base64_decode(args->content, &w->n_left);
		w->left = w->decoded;
		if (!w->decoded) {
			return err_set(err, ERR_ARGUMENT, "'content' is not valid base64");
		}
	}
	return read_mode(args->mode, &w->mode, err);
}

static void go_on(struct writing *w)
{
	size_t n = conversation_write(w->conversation, FILE_BYTES, w->left, w->n_left);
	w->left += n;
	w->n_left -= n;
	if (!w->n_left) {
		conversation_close_write(w->conversation);
	}
}

static void on_writable(struct conversation *c, void *data)
{
	(void)c;
	go_on(data);
}

static void on_message(struct conversation *c, const struct message *message, const void *args,
	size_t cost, void *data)
{
	(void)message, (void)args, (void)data;
	conversation_consumed(c, cost);
}

static void on_end(struct conversation *c, const void *answer, const struct err *err, void *data)
{
	struct writing *w = data;
	const struct msg_file_write_answer *said = answer;
	struct msg_file_entry entry;
	struct err ignored;
	(void)c;
	w->conversation = NULL;
	if (err) {
		call_fail(w->call, err);
		return;
	}
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "Wrote ");
	files_format_size(&text, said->bytes);
	buf_printf(&text, " to %s", said->created ? "the new file " : "");
	files_format_path(&text,
		guest_file_entry(said->entry, &entry, &ignored) ? entry.path : w->args->path);
	buf_printf(&text, ".");
	if (said->in_place && w->args->how == FILE_REPLACE) {
		buf_printf(&text, " It was written in place, because it cannot be replaced.");
	}
	call_reply_text(w->call, buf_text(&text));
}

static void on_call_end(void *data)
{
	struct writing *w = data;
	conversation_close(take_ptr(&w->conversation));
	free(w->decoded);
}

static void begin(struct call *call, void *data)
{
	static const struct conversation_handlers handlers = {
		.on_message = on_message, .on_writable = on_writable, .on_end = on_end
	};
	struct writing *w = data;
	const struct msg_file_write how = {
		.path = w->args->path,
		.how = w->args->how,
		.offset = w->args->offset,
		.mode = w->mode,
		.parents = true,
		.exclusive = w->args->exclusive,
	};
	w->conversation = guest_file_write(call_guest(call), &how, &handlers, w);
	call_works(call, conversation_id(w->conversation));
	go_on(w);
}

static void run(struct call *call, const void *args)
{
	struct writing *w = call_alloc(call, sizeof(*w));
	struct err err;
	w->call = call;
	w->args = args;
	call_on_end(call, on_call_end, w);
	call_summarize(call, w->args->path);
	if (prepare(w, &err)) {
		call_start(call, w->args->sandbox, begin, w);
	} else {
		call_fail(call, &err);
	}
}

const struct tool tool_file_write = {
	.name = "file_write",
	.title = "Write a file",
	.help = "Writes a text or bytes to a file. Owner and permissions of an existing file are "
		"kept; nothing changes if it fails.",
	.toolset = "files",
	.hints = TOOL_EXTRA | TOOL_DESTROYS | TOOL_REPEATABLE,
	.order = TOOL_RUNS,
	.fields = fields,
	.args_size = sizeof(struct write_args),
	.run = run,
};
