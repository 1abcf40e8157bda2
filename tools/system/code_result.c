/*
 * A notebook's output as content blocks.  A result has several representations.  The best one for a
 * model is an image, else the first text of the table below; with `formats: all`, each one is a
 * block.  What a client renders or stores, and a model rarely needs to read, is a resource with its
 * type.
 */
#include "tools/system/code_result.h"

#include "base/base64.h"
#include "base/cleanup.h"
#include "tools/call/result.h"
#include "vm/wire/messages.h"

#include <stdio.h>
#include <string.h>

#define TEXT_HEAD 12000     /* bytes of text in order; the rest is cut in the middle */
#define RESOURCE_MAX 100000 /* bytes of a resource's text */
#define BLOCKS_MAX 60
#define IMAGE_SIDE_MAX 8000

enum block { BLOCK_IMAGE, BLOCK_TEXT, BLOCK_RESOURCE };

/* The order is the preference. */
static const struct form {
	const char *type;
	enum block block;
} forms[] = {
	{ "image/png", BLOCK_IMAGE },
	{ "image/jpeg", BLOCK_IMAGE },
	{ "image/svg+xml", BLOCK_RESOURCE },
	{ "text/markdown", BLOCK_TEXT },
	{ "text/latex", BLOCK_TEXT },
	{ "application/json", BLOCK_TEXT },
	{ "text/html", BLOCK_RESOURCE },
	{ "application/javascript", BLOCK_RESOURCE },
	{ "application/pdf", BLOCK_RESOURCE },
	{ "text/plain", BLOCK_TEXT },
};
#define FORMS (sizeof(forms) / sizeof(forms[0]))

void code_blocks_init(struct code_blocks *b, int formats)
{
	b->formats = formats;
	b->content = json_array();
}

void code_blocks_done(struct code_blocks *b)
{
	json_decref(b->content);
	buf_done(&b->text);
	b->content = NULL;
}

void code_blocks_clear(struct code_blocks *b)
{
	json_array_clear(b->content);
	b->text.len = b->text_len = b->bytes = 0;
	b->left_out = 0;
	b->stream = EXEC_STDOUT;
	b->rest.total = 0;
}

/* ---- text ---- */

static void end_text(struct code_blocks *b)
{
	if (b->text.len) {
		result_add_text(b->content, buf_text(&b->text));
		b->text.len = 0;
	}
}

static void start_line(struct code_blocks *b)
{
	if (b->text.len && b->text.data[b->text.len - 1] != '\n') {
		buf_append(&b->text, "\n", 1);
	}
}

static void add_text(struct code_blocks *b, const char *text)
{
	size_t len = strlen(text), room = b->text_len < TEXT_HEAD ? TEXT_HEAD - b->text_len : 0;
	size_t now = len;
	if (len > room) {
		for (now = room; now > 0 && ((uint8_t)text[now] & 0xc0) == 0x80; now--) {
		}
		output_add(&b->rest, text + now, len - now);
		b->text_len = TEXT_HEAD; /* nothing more, so the order stays */
	}
	buf_append(&b->text, text, now);
	b->text_len += now;
}

void code_blocks_note(struct code_blocks *b, const char *text)
{
	start_line(b);
	buf_printf(&b->text, "[%s]\n", text);
}

static void set_stream(struct code_blocks *b, int stream)
{
	if (stream != b->stream) {
		start_line(b);
		add_text(b, stream == EXEC_STDERR ? "[stderr]\n" : "[stdout]\n");
		b->stream = stream;
	}
}

void code_blocks_stream(struct code_blocks *b, const struct code_stream *stream)
{
	char omitted[80];
	set_stream(b, stream->name);
	if (stream->omitted) {
		snprintf(omitted, sizeof(omitted), "\n[%lld characters omitted]\n",
			(long long)stream->omitted);
		add_text(b, omitted);
	}
	add_text(b, stream->text);
}

void code_blocks_error(struct code_blocks *b, const struct code_error *error)
{
	start_line(b);
	if (*error->traceback) {
		add_text(b, error->traceback);
	} else {
		add_text(b, error->name);
		add_text(b, ": ");
		add_text(b, error->value);
	}
	start_line(b);
}

/* ---- images and resources ---- */

static bool has_room(struct code_blocks *b, size_t len)
{
	if (b->bytes + len > CODE_IMAGES_BYTES || json_array_size(b->content) >= BLOCKS_MAX) {
		b->left_out++;
		return false;
	}
	b->bytes += len;
	return true;
}

/* The larger side of a PNG, from its header; models' interfaces refuse those above 8000. */
static bool is_small_enough(const char *type, const char *base64)
{
	char head[37] = { 0 };
	size_t len;
	memcpy(head, base64, strnlen(base64, 36));
	auto_free uint8_t *bytes = base64_decode(head, &len);
	if (strcmp(type, "image/png") != 0) {
		return true;
	}
	return bytes && len >= 24 && !bytes[16] && !bytes[17] && !bytes[20] && !bytes[21] &&
	       (bytes[18] << 8 | bytes[19]) <= IMAGE_SIDE_MAX &&
	       (bytes[22] << 8 | bytes[23]) <= IMAGE_SIDE_MAX;
}

static void add_image(struct code_blocks *b, const char *type, const json_t *value)
{
	size_t len = json_string_length(value);
	if (!is_small_enough(type, json_string_value(value))) {
		b->left_out++;
	} else if (has_room(b, len)) {
		end_text(b);
		json_array_append_new(b->content, must(json_pack("{s:s, s:O, s:s}", "type", "image",
							  "data", value, "mimeType", type)));
	}
}

static void add_resource(struct code_blocks *b, const char *type, const json_t *value)
{
	size_t len = json_string_length(value);
	char uri[60];
	if (len > RESOURCE_MAX) {
		b->left_out++;
	} else if (has_room(b, len)) {
		end_text(b);
		snprintf(uri, sizeof(uri), "code://result/%zu", json_array_size(b->content));
		json_t *resource = must(json_pack("{s:s, s:s}", "uri", uri, "mimeType", type));
		json_object_set(resource, strcmp(type, "application/pdf") == 0 ? "blob" : "text",
			(json_t *)value);
		json_array_append_new(b->content,
			must(json_pack("{s:s, s:o}", "type", "resource", "resource", resource)));
	}
}

static void add_value(struct code_blocks *b, const struct form *form, const json_t *value)
{
	switch (form->block) {
	case BLOCK_IMAGE:
		return add_image(b, form->type, value);
	case BLOCK_RESOURCE:
		return add_resource(b, form->type, value);
	default:
		set_stream(b, EXEC_STDOUT);
		start_line(b);
		add_text(b, json_string_value(value));
		start_line(b);
	}
}

/* "<Figure size 640x480 with 1 Axes>": it says only that there is another representation. */
static bool is_placeholder(const char *text)
{
	size_t len = strlen(text);
	return len > 1 && text[0] == '<' && text[len - 1] == '>' && !strchr(text, '\n');
}

/* A table is easier to read as text than as HTML. */
static const struct form *best_of(const json_t *data)
{
	const struct form *plain = &forms[FORMS - 1];
	const char *text = json_string_value(json_object_get(data, plain->type));
	for (const struct form *form = forms; form < plain; form++) {
		bool skip = form->block == BLOCK_RESOURCE && text && !is_placeholder(text);
		if (json_object_get(data, form->type) && !skip) {
			return form;
		}
	}
	return plain;
}

static void note_too_large(struct code_blocks *b, const json_t *too_large)
{
	const char *type;
	json_t *size;
	json_object_foreach((json_t *)too_large, type, size)
	{
		char text[120];
		snprintf(text, sizeof(text), "%.40s of %lld bytes is too large and was left out",
			type, (long long)json_integer_value(size));
		code_blocks_note(b, text);
	}
}

void code_blocks_result(struct code_blocks *b, const struct code_result *result)
{
	const struct form *best = best_of(result->data);
	for (const struct form *form = forms; form < forms + FORMS; form++) {
		const json_t *value = json_object_get(result->data, form->type);
		if (value && (form == best || b->formats == CODE_FORMATS_ALL)) {
			add_value(b, form, value);
		}
	}
	if (json_array_size(b->content) < BLOCKS_MAX) {
		note_too_large(b, result->too_large);
	}
}

/* ---- the end ---- */

static void add_rest(struct code_blocks *b)
{
	auto_free char *head = NULL, *tail = NULL;
	int64_t cut;
	output_text(&b->rest, &head, &tail, &cut);
	buf_append(&b->text, head, strlen(head));
	if (cut) {
		start_line(b);
		buf_printf(&b->text, "[%lld bytes omitted]\n%s", (long long)cut, tail);
	}
}

json_t *code_blocks_finish(struct code_blocks *b)
{
	char text[200];
	add_rest(b);
	if (b->left_out) {
		snprintf(text, sizeof(text),
			"%d image%s or other result%s left out: too large together. Show fewer, or "
			"write them to files",
			b->left_out, b->left_out == 1 ? "" : "s",
			b->left_out == 1 ? " was" : "s were");
		code_blocks_note(b, text);
	}
	end_text(b);
	return json_incref(b->content);
}
