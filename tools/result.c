#include "tools/result.h"

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

void result_add_frame(json_t *content, const struct guest_frame *frame)
{
	if (!frame->bytes) {
		return;
	}
	size_t len;
	auto_free char *base64 = base64_encode(frame->bytes, frame->len, &len);
	json_t *data = must(json_stringn_nocheck(base64, len));
	const char *type = frame->format == FORMAT_PNG ? "image/png" : "image/jpeg";
	json_array_append_new(content, must(json_pack("{s:s, s:o, s:s}", "type", "image", "data",
					       data, "mimeType", type)));
}

void result_tell_frame(struct buf *out, const struct guest_frame *frame, struct size space)
{
	if (frame->reduced && frame->reduced[0]) {
		buf_printf(out, "\n");
		result_tell_note(out, frame->reduced);
	}
	if (frame->width < space.width || frame->height < space.height) {
		buf_printf(out,
			"\nThe image is scaled down. Coordinates still refer to the %dx%d screen.",
			space.width, space.height);
	}
}

#define NAME_MAX_BYTES 200
#define NOTE_MAX_BYTES 480

void result_tell_name(struct buf *out, const char *name)
{
	plain_append(out, name, NAME_MAX_BYTES);
}

void result_quote_name(struct buf *out, const char *name)
{
	plain_quote(out, name, NAME_MAX_BYTES);
}

void result_tell_note(struct buf *out, const char *note)
{
	plain_append(out, note, NOTE_MAX_BYTES);
}

/* EAGAIN in libc's words, which is all that shells and programs report. */
void result_tell_full(struct buf *out, const char *said, const struct vm *vm)
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
