#ifndef TOOLS_CALL_RESULT_H
#define TOOLS_CALL_RESULT_H

#include "base/buf.h"
#include "vm/core/vm.h"
#include "vm/guest/guest.h"

/*
 * MCP content: an array of text, image and audio blocks.  structuredContent is never used, because clients
 * that see it may ignore the image.
 */

void result_add_text(json_t *content, const char *text);
/* No effect if the frame has no image. */
void result_add_frame(json_t *content, const struct guest_frame *frame);

void result_add_image(json_t *content, const char *type, const void *bytes, size_t len);
void result_add_audio(json_t *content, const char *type, const void *bytes, size_t len);

/* Appends what a model must know about an image that differs from the frame space: one line each,
 * or nothing. */
void result_format_frame(struct buf *out, const struct guest_frame *frame, struct size space);

/* Text of the guest (base/plain.h): a name, at most 200 bytes; the same in quotation marks, with
 * those in it escaped; an error of its agent, at most 480 bytes. */
void result_format_name(struct buf *out, const char *name);
void result_quote_name(struct buf *out, const char *name);
void result_format_note(struct buf *out, const char *note);
/* Appends: check box "Bold" = "1"; name and value may be NULL. */
void result_format_element(struct buf *out, const char *role, const char *name, const char *value);

/* If `said` (the last output of a program) indicates that no further process could be started,
 * appends a line with the limit and what to do. */
void result_format_full(struct buf *out, const char *said, const struct vm *vm);

#endif
