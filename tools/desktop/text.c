#include "tools/desktop/text.h"

#include "base/cleanup.h"
#include "tools/call/result.h"
#include "tools/call/tool.h"
#include "vm/wire/messages.h"

/* find_text: where a text is on the screen. */

struct find_args {
	const char *sandbox, *text;
	struct field_ints region;
	int source; /* enum text_source */
};

struct find_call {
	struct call *call;
	const struct find_args *args;
};

static const struct field fields[] = {
	FIELD_STR(struct find_args, text, "Words of one line, in any case.", .required = true,
		.min = 1, .max = TEXT_BYTES_MAX),
	FIELD_LIST(struct find_args, region, "[x0, y0, x1, y1]: only there; faster.", 4),
	FIELD_ONE_OF(struct find_args, source,
		"elements: of the active window's program; picture: by OCR; any: elements, or else "
		"the picture.",
		text_source_names),
	CALL_SANDBOX(struct find_args),
	{ 0 },
};

/* ---- the result ---- */

void text_format_match(struct buf *out, const json_t *row)
{
	struct msg_text_match match = { 0 };
	struct err ignored; /* the row was checked */
	if (!field_decode(msg_text_match_fields, row, &match, &ignored)) {
		return;
	}
	const long long *box = (const long long *)match.box.at;
	buf_printf(out, "\n(%lld, %lld) ", (box[0] + box[2]) / 2, (box[1] + box[3]) / 2);
	if (match.role) {
		result_format_name(out, match.role);
		buf_printf(out, " ");
	}
	result_quote_name(out, match.text);
	buf_printf(out, " [%lld, %lld, %lld, %lld]", box[0], box[1], box[2], box[3]);
	if (!match.role) {
		buf_printf(out, ", confidence %lld", (long long)match.confidence);
	}
}

static void format_source(struct buf *out, const struct msg_find_text_answer *res)
{
	if (res->program) {
		buf_printf(out, "elements of ");
		result_format_name(out, res->program);
	} else {
		buf_printf(out, "%lld word%s%s%s%s", (long long)res->words,
			res->words == 1 ? "" : "s", res->languages && *res->languages ? " in " : "",
			res->languages ? res->languages : "", res->cached ? ", read before" : "");
	}
}

static void format_near(struct buf *out, const json_t *near)
{
	size_t i;
	json_t *line;
	json_array_foreach(near, i, line)
	{
		buf_printf(out, i ? ", " : " Similar lines: ");
		result_quote_name(out, json_string_value(line));
	}
	buf_printf(out, i ? "." : "");
}

static void format(
	struct buf *out, const struct find_call *f, const struct msg_find_text_answer *res)
{
	size_t i, n = json_array_size(res->matches);
	json_t *row;
	result_quote_name(out, f->args->text);
	if (n == 0) {
		buf_printf(out, " was not found");
	} else if (res->similar) {
		buf_printf(out, " was not found; %zu similar text%s found", n,
			n == 1 ? " was" : "s were");
	} else {
		buf_printf(out, " was found %zu time%s", n, n == 1 ? "" : "s");
	}
	buf_printf(out, " (frame %lld; ", (long long)res->frame_id);
	format_source(out, res);
	buf_printf(out, n ? "):" : ").");
	json_array_foreach(res->matches, i, row)
	{
		text_format_match(out, row);
	}
	format_near(out, res->near);
}

static void on_found(const json_t *result, const struct err *err, void *data)
{
	struct find_call *f = data;
	struct msg_find_text_answer answer = { 0 };
	struct err bad;
	if (!err && !message_decode(&message_find_text.answer, result, 0, &answer, &bad)) {
		err = &bad;
	}
	if (err) {
		call_fail(f->call, err);
		return;
	}
	auto_buf struct buf text = { 0 };
	format(&text, f, &answer);
	call_reply_text(f->call, buf_text(&text));
}

static void begin(struct call *call, void *data)
{
	struct find_call *f = data;
	const struct msg_find_text find = {
		.text = f->args->text, .region = f->args->region, .source = f->args->source
	};
	struct err err;
	if (f->args->region.count && !vm_frame_is_known(call_vm(call), &err)) {
		call_fail(call, &err);
		return;
	}
	call_works(call, guest_find_text(call_guest(call), &find, on_found, f));
}

static void run(struct call *call, const void *args)
{
	struct find_call *f = call_alloc(call, sizeof(*f));
	f->call = call;
	f->args = args;
	call_start(call, f->args->sandbox, begin, f);
}

const struct tool tool_find_text = {
	.name = "find_text",
	.title = "Find a text on the screen",
	.help = "Returns where a text is shown: (x, y) to click, the words, their box; the best "
		"first. Cheaper than a screenshot to find a label, or to check a text.",
	.toolset = "computer",
	.hints = TOOL_READS_ONLY | TOOL_REPEATABLE,
	.order = TOOL_LOOKS,
	.fields = fields,
	.args_size = sizeof(struct find_args),
	.run = run,
};
