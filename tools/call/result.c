#include "tools/call/result.h"

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/plain.h"

#include <string.h>

/*
 * Content blocks.  Texts are checked again on output, because an error's text may have been cut in
 * the middle of a character: invalid bytes become question marks instead of a lost block.
 */

static json_t *text_or_ascii(const char *text)
{
	json_t *string = json_string(text);
	if (string) {
		return string;
	}
	auto_free char *ascii = must(strdup(text));
	for (char *p = ascii; *p; p++) {
		*p = (unsigned char)*p < 0x80 ? *p : '?';
	}
	return must(json_string(ascii));
}

void result_add_text(json_t *content, const char *text)
{
	json_array_append_new(content,
		must(json_pack("{s:s, s:o}", "type", "text", "text", text_or_ascii(text))));
}

static void add_bytes(
	json_t *content, const char *kind, const char *type, const void *bytes, size_t n)
{
	size_t len;
	auto_free char *base64 = base64_encode(bytes, n, &len);
	json_t *data = must(json_stringn_nocheck(base64, len));
	json_array_append_new(content,
		must(json_pack("{s:s, s:o, s:s}", "type", kind, "data", data, "mimeType", type)));
}

void result_add_frame(json_t *content, const struct guest_frame *frame)
{
	if (frame->bytes) {
		add_bytes(content, "image",
			frame->format == FORMAT_PNG ? "image/png" : "image/jpeg", frame->bytes,
			frame->len);
	}
}

void result_add_image(json_t *content, const char *type, const void *bytes, size_t len)
{
	add_bytes(content, "image", type, bytes, len);
}

void result_add_audio(json_t *content, const char *type, const void *bytes, size_t len)
{
	add_bytes(content, "audio", type, bytes, len);
}

static void format_aside(struct buf *out, const struct rect *r)
{
	if (r->width > 0) {
		buf_printf(out,
			" The panel has changed, too, which is not shown: [%d, %d, %d, %d].", r->x,
			r->y, r->x + r->width, r->y + r->height);
	}
}

void result_format_frame(struct buf *out, const struct guest_frame *frame, struct size space)
{
	if (frame->reduced && frame->reduced[0]) {
		buf_printf(out, "\n");
		result_format_note(out, frame->reduced);
	}
	const struct rect *r = &frame->region;
	if (r->width > 0) {
		buf_printf(out,
			"\nThe image is only the region [%d, %d, %d, %d], which has changed. "
			"Coordinates still refer to the %dx%d screen.",
			r->x, r->y, r->x + r->width, r->y + r->height, space.width, space.height);
		format_aside(out, &frame->aside);
	} else if (frame->width < space.width || frame->height < space.height) {
		buf_printf(out,
			"\nThe image is scaled down. Coordinates still refer to the %dx%d screen.",
			space.width, space.height);
	}
}

#define NAME_MAX_BYTES 200
#define NOTE_MAX_BYTES 480

void result_format_name(struct buf *out, const char *name)
{
	plain_append(out, name, NAME_MAX_BYTES);
}

void result_quote_name(struct buf *out, const char *name)
{
	plain_quote(out, name, NAME_MAX_BYTES);
}

void result_format_element(struct buf *out, const char *role, const char *name, const char *value)
{
	result_format_name(out, role);
	if (name) {
		buf_printf(out, " ");
		result_quote_name(out, name);
	}
	if (value && (!name || strcmp(name, value) != 0)) {
		buf_printf(out, " = ");
		result_quote_name(out, value);
	}
}

void result_format_note(struct buf *out, const char *note)
{
	plain_append(out, note, NOTE_MAX_BYTES);
}

/* EAGAIN in libc's words, which is all that shells and programs report. */
void result_format_full(struct buf *out, const char *said, const struct vm *vm)
{
	if (!strstr(said, "Resource temporarily unavailable")) {
		return;
	}
	buf_printf(out,
		"%s[The sandbox may have reached its limit of %lld processes and threads. End "
		"some with kill, or end the sandbox with sandbox_kill; the key "
		"\"processes\" of the configuration file sets the limit.]",
		out->len ? "\n" : "", (long long)vm_spec(vm)->limits.processes);
}
