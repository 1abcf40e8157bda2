#include "tools/desktop/input.h"

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "tools/call/result.h"

#include <string.h>

/* The clipboard: read, set, and pasted from. */

#define SET_TEXT_MAX 400000   /* bytes; all arguments together fit into a message */
#define SET_IMAGE_MAX 3000000 /* characters of base64 */
#define TEXT_SHOWN_MAX 40000  /* bytes; clients hide longer results from the model */

/* ---- clipboard_get ---- */

struct get_args {
	const char *sandbox;
	int format;
};

struct get {
	struct call *call;
	const struct get_args *args;
};

enum { GET_AUTO, GET_TEXT, GET_HTML, GET_IMAGE };
static const char *const get_formats[] = { "auto", "text", "html", "image", NULL };
static const struct clipboard_wish get_wishes[] = {
	[GET_AUTO] = { 3, { CLIPBOARD_TEXT, CLIPBOARD_PNG, CLIPBOARD_HTML } },
	[GET_TEXT] = { 1, { CLIPBOARD_TEXT } },
	[GET_HTML] = { 1, { CLIPBOARD_HTML } },
	[GET_IMAGE] = { 1, { CLIPBOARD_PNG } },
};

static const struct field get_fields[] = {
	FIELD_ONE_OF(struct get_args, format, "auto = text, or else an image, or else HTML.",
		get_formats),
	CALL_SANDBOX(struct get_args),
	{ 0 },
};

static void format_absent(struct buf *out, int absent, int format)
{
	switch (absent) {
	case CLIPBOARD_EMPTY:
		buf_printf(out, "The clipboard is empty.");
		break;
	case CLIPBOARD_SECRET:
		buf_printf(out, "The clipboard has a password, which is not returned.");
		break;
	default:
		buf_printf(out, "The clipboard has no content of the format %s, but of others.",
			format == GET_AUTO ? "text, image or html" : get_formats[format]);
		break;
	}
}

static void format_text(struct buf *out, const struct guest_clipboard *res)
{
	size_t shown = res->len;
	if (shown > TEXT_SHOWN_MAX) {
		shown = TEXT_SHOWN_MAX;
		while (shown > 0 && (res->bytes[shown] & 0xc0) == 0x80) {
			shown--; /* not inside a character */
		}
	}
	buf_printf(
		out, "%s, %zu bytes:\n", res->type == CLIPBOARD_HTML ? "HTML" : "Text", res->len);
	buf_append(out, res->bytes, shown);
	if (shown < res->len) {
		buf_printf(out, "\n[%zu bytes omitted]", res->len - shown);
	}
}

static void got(const struct guest_clipboard *res, const struct err *err, void *data)
{
	struct get *get = data;
	if (err) {
		call_fail(get->call, err);
		return;
	}
	auto_buf struct buf text = { 0 };
	json_t *content = json_array();
	if (res->type < 0) {
		format_absent(&text, res->absent, get->args->format);
	} else if (res->type != CLIPBOARD_PNG) {
		format_text(&text, res);
	} else if (res->len <= OBSERVE_MAX_BYTES) {
		result_add_image(content, "image/png", res->bytes, res->len);
		buf_printf(&text, "PNG image, %zu bytes.", res->len);
	} else {
		buf_printf(&text,
			"PNG image, %zu bytes: too large to be returned (the maximum is %d).",
			res->len, OBSERVE_MAX_BYTES);
	}
	result_add_text(content, buf_text(&text));
	call_reply(get->call, content);
}

static void begin_get(struct call *call, void *data)
{
	const struct get *get = data;
	call_works(call, guest_clipboard_get(call_guest(call), GUEST_ASKER_AGENT,
				 &get_wishes[get->args->format], got, data));
}

static void run_get(struct call *call, const void *data)
{
	struct get *get = call_alloc(call, sizeof(*get));
	*get = (struct get){ call, data };
	call_start(call, get->args->sandbox, begin_get, get);
}

const struct tool tool_clipboard_get = {
	.name = "clipboard_get",
	.title = "Read the clipboard",
	.help = "Returns what was copied: text, HTML or an image. To read text on the screen "
		"exactly, select it, press ctrl+c and call this.",
	.toolset = "computer",
	.hints = TOOL_EXTRA | TOOL_READS_ONLY | TOOL_REPEATABLE,
	.order = TOOL_LOOKS,
	.fields = get_fields,
	.args_size = sizeof(struct get_args),
	.run = run_get,
};

/* ---- clipboard_set ---- */

struct set_args {
	const char *sandbox;
	const char *text, *html, *image;
};

struct set {
	struct call *call;
	const struct set_args *args;
	struct guest_copy copy;
};

static const struct field set_fields[] = {
	FIELD_STR(struct set_args, text, "Plain text; with 'html', for programs without HTML.",
		.max = SET_TEXT_MAX),
	FIELD_STR(struct set_args, html, "Formatted text, as HTML.", .min = 1, .max = SET_TEXT_MAX),
	FIELD_STR(struct set_args, image, "PNG image, in base64.", .min = 1, .max = SET_IMAGE_MAX),
	CALL_SANDBOX(struct set_args),
	{ 0 },
};

static void was_set(const json_t *result, const struct err *err, void *data)
{
	static const char *const names[] = { [CLIPBOARD_TEXT] = "text",
		[CLIPBOARD_HTML] = "HTML",
		[CLIPBOARD_PNG] = "a PNG image" };
	struct set *set = data;
	(void)result;
	if (err) {
		call_fail(set->call, err);
		return;
	}
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "The clipboard has %s, %zu bytes%s. Paste it with key, such as ctrl+v.",
		names[set->copy.type], set->copy.len,
		set->copy.plain ? ", and the plain text" : "");
	call_reply_text(set->call, buf_text(&text));
}

static void begin_set(struct call *call, void *data)
{
	struct set *set = data;
	call_works(call,
		guest_clipboard_set(call_guest(call), GUEST_ASKER_AGENT, &set->copy, was_set, set));
}

static bool read_image(
	struct call *call, const char *base64, struct guest_copy *ret, struct err *err)
{
	size_t len;
	auto_free void *bytes = base64_decode(base64, &len);
	if (!bytes) {
		return err_set(err, ERR_ARGUMENT, "'image' must be base64");
	}
	void *copy = call_alloc(call, len + 1);
	memcpy(copy, bytes, len);
	*ret = (struct guest_copy){ CLIPBOARD_PNG, copy, len, NULL };
	return true;
}

static bool read_copy(struct set *set, struct err *err)
{
	const struct set_args *a = set->args;
	if (a->image ? a->text || a->html : !a->text && !a->html) {
		return err_set(err, ERR_ARGUMENT,
			"pass 'text', 'html' (with or without 'text'), or 'image'");
	}
	if (a->image) {
		return read_image(set->call, a->image, &set->copy, err);
	}
	if (a->html && a->text && strlen(a->text) > CLIPBOARD_PLAIN_MAX) {
		return err_set(err, ERR_ARGUMENT,
			"'text' beside 'html' may have at most %d bytes; got %zu",
			CLIPBOARD_PLAIN_MAX, strlen(a->text));
	}
	set->copy =
		a->html ? (struct guest_copy){ CLIPBOARD_HTML, a->html, strlen(a->html), a->text }
			: (struct guest_copy){ CLIPBOARD_TEXT, a->text, strlen(a->text), NULL };
	return true;
}

static void run_set(struct call *call, const void *data)
{
	struct err err;
	struct set *set = call_alloc(call, sizeof(*set));
	*set = (struct set){ .call = call, .args = data };
	if (!read_copy(set, &err) ||
		!clipboard_check(set->copy.type, set->copy.bytes, set->copy.len, &err)) {
		call_fail(call, &err);
		return;
	}
	call_start(call, set->args->sandbox, begin_set, set);
}

const struct tool tool_clipboard_set = {
	.name = "clipboard_set",
	.title = "Set the clipboard",
	.help = "Puts text, HTML or a PNG image on the clipboard, for pasting into any program. To "
		"insert plain text, paste is shorter.",
	.toolset = "computer",
	.hints = TOOL_EXTRA | TOOL_DESTROYS | TOOL_REPEATABLE,
	.order = TOOL_ACTS,
	.fields = set_fields,
	.args_size = sizeof(struct set_args),
	.run = run_set,
};

/* ---- paste ---- */

static const struct field paste_fields[] = {
	FIELD_STR(struct input_args, text, "Text to insert. At most 100,000 bytes of UTF-8.",
		.required = true, .min = 1, .max = ACTION_TEXT_MAX),
	FIELD_STR(struct input_args, keys,
		"Keys of the program's paste command. Default: ctrl+v, in terminals ctrl+shift+v or "
		"shift+Insert.",
		.min = 1, .max = ACTION_CHORD_MAX),
	INPUT_ENDS(struct input_args),
};

static void step_paste(const struct input_args *args, struct input_step *ret)
{
	ret->action =
		(struct action){ .kind = ACTION_PASTE, .text = args->text, .keys = args->keys };
	input_ack(ret, "Pasted.");
}

const struct tool tool_paste = {
	.name = "paste",
	.title = "Paste text",
	.help = "Inserts text at once through the clipboard, whose content is restored. Fails if the "
		"focused program did not take it. Prefer it to type for long texts.",
	.toolset = "computer",
	.hints = TOOL_DESTROYS,
	.order = TOOL_ACTS,
	.fields = paste_fields,
	.args_size = sizeof(struct input_args),
	.step = step_paste,
	.run = input_run,
};
