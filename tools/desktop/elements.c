#include "base/cleanup.h"
#include "tools/call/result.h"
#include "tools/call/tool.h"
#include "vm/wire/messages.h"

#include <string.h>

/* The elements of programs, as text: one line each, with an id that other tools accept. */

#define TREE_MS 3000
#define TREE_BYTES_MAX 24000

struct tree_args {
	const char *sandbox, *filter;
	int64_t window, depth, limit;
};

struct tree_call {
	struct call *call;
	const struct tree_args *args;
};

static const struct field tree_fields[] = {
	FIELD_NUM(struct tree_args, window,
		"Window id. Default: all windows of the active window's program.", .min = 1,
		.max = UINT32_MAX),
	FIELD_STR(struct tree_args, filter,
		"interactive (what can be clicked or typed into), all, or a part of a name or role: "
		"it also finds hidden elements, such as entries of closed menus.",
		.min = 1, .max = ELEMENTS_FILTER_MAX, .default_text = ELEMENTS_ACTIVE),
	FIELD_NUM(struct tree_args, depth, "Levels below the window.", .min = 1,
		.max = ELEMENTS_LEVELS_MAX, .default_value = ELEMENTS_LEVELS_MAX),
	FIELD_NUM(struct tree_args, limit, "Number of elements.", .min = 1, .max = ELEMENTS_MAX,
		.default_value = 150),
	CALL_SANDBOX(struct tree_args),
	{ 0 },
};

static void format_window(struct buf *out, const json_t *row)
{
	struct msg_ui_window w = { 0 };
	struct err ignored; /* the row was checked */
	if (!field_decode(msg_ui_window_fields, row, &w, &ignored)) {
		return;
	}
	buf_printf(out, "\n");
	if (w.id) {
		buf_printf(out, "Window %lld ", (long long)w.id);
		result_quote_name(out, w.title ? w.title : "");
	} else {
		result_format_name(out, w.role);
		buf_printf(out, " ");
		result_quote_name(out, w.title ? w.title : "");
	}
	buf_printf(out, ":");
}

static void format_box(struct buf *out, const struct field_ints *box)
{
	const long long *at = (const long long *)box->at;
	if (box->count) {
		buf_printf(
			out, " (%lld,%lld %lldx%lld)", at[0], at[1], at[2] - at[0], at[3] - at[1]);
	}
}

static void format_element(struct buf *out, int64_t tree, const struct msg_element *e)
{
	buf_printf(out, "\n%*se%lld.%lld ", (int)e->depth, "", (long long)tree, (long long)e->id);
	result_format_element(out, e->role, e->name, e->value);
	format_box(out, &e->box);
	if (e->states) {
		buf_printf(out, " ");
		result_format_name(out, e->states);
	}
}

/* Returns how many fit. */
static size_t format_elements(struct buf *out, const struct msg_ui_tree_answer *tree)
{
	int64_t window = -1;
	size_t i, n = 0;
	json_t *row;
	json_array_foreach(tree->elements, i, row)
	{
		struct msg_element e = { 0 };
		struct err ignored;
		if (out->len > TREE_BYTES_MAX ||
			!field_decode(msg_element_fields, row, &e, &ignored)) {
			break;
		}
		if (e.window != window) {
			format_window(out, json_array_get(tree->windows, (size_t)e.window));
			window = e.window;
		}
		format_element(out, tree->tree, &e);
		n++;
	}
	return n;
}

static void format_tree(struct buf *out, const struct msg_ui_tree_answer *tree)
{
	result_format_name(out, tree->program ? tree->program : "The program");
	buf_printf(out, ", frame %lld:", (long long)tree->frame_id);
	size_t shown = format_elements(out, tree);
	if (tree->found == 0) {
		bool chromium = tree->program && strstr(tree->program, "Chromium");
		buf_printf(out, " no elements match on the screen. %s, or use screenshot.",
			chromium ? "End the browser and launch it again with the argument "
				   "--force-renderer-accessibility"
				 : "Try filter \"all\"");
	}
	if ((int64_t)shown < tree->found) {
		buf_printf(out, "\n[%lld more not shown: use a filter or a higher limit]",
			(long long)tree->found - (long long)shown);
	}
	if (tree->cut) {
		buf_printf(out, "\n[the program has more elements than were read]");
	}
	if (tree->note) {
		buf_printf(out, "\n");
		result_format_note(out, tree->note);
	}
}

static void on_tree(const json_t *result, const struct err *err, void *data)
{
	struct tree_call *t = data;
	struct msg_ui_tree_answer tree = { 0 };
	struct err bad;
	if (!err && !message_decode(&message_ui_tree.answer, result, 0, &tree, &bad)) {
		err = &bad;
	}
	if (err) {
		call_fail(t->call, err);
		return;
	}
	auto_buf struct buf text = { 0 };
	format_tree(&text, &tree);
	call_reply_text(t->call, buf_text(&text));
}

static void begin_tree(struct call *call, void *data)
{
	struct tree_call *t = data;
	const struct tree_args *args = t->args;
	const struct msg_ui_tree how = { args->window, args->depth, args->limit, TREE_MS,
		args->filter };
	call_works(call, guest_ui_tree(call_guest(call), &how, on_tree, t));
}

static void run_tree(struct call *call, const void *args)
{
	struct tree_call *t = call_alloc(call, sizeof(*t));
	t->call = call;
	t->args = args;
	call_start(call, t->args->sandbox, begin_tree, t);
}

const struct tool tool_ui_tree = {
	.name = "ui_tree",
	.title = "List the elements on the screen",
	.help = "List the buttons, fields, menus and other elements of a program: id, role, name, "
		"value, (x,y WxH) in screenshot pixels, states. Cheaper and more exact than a "
		"screenshot where a program supports it; not all do.",
	.toolset = "computer",
	.hints = TOOL_READS_ONLY | TOOL_REPEATABLE | TOOL_ALWAYS_LOAD,
	.order = TOOL_LOOKS,
	.fields = tree_fields,
	.args_size = sizeof(struct tree_args),
	.run = run_tree,
};
