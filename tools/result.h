#ifndef TOOLS_RESULT_H
#define TOOLS_RESULT_H

#include "base/buf.h"
#include "vm/core/vm.h"
#include "vm/guest/guest.h"

/*
 * MCP content: an array of text and image blocks.  structuredContent is never used, because clients
 * that see it may ignore the image.
 */

void result_add_text(json_t *content, const char *text);
/* No effect if the frame has no image. */
void result_add_frame(json_t *content, const struct guest_frame *frame);

/* Appends what a model must know about an image that differs from the frame space: one line each,
 * or nothing. */
void result_tell_frame(struct buf *out, const struct guest_frame *frame, struct size space);

/* Text of the guest (base/plain.h): a name, at most 200 bytes; the same in quotation marks, with
 * those in it escaped; an error of its agent, at most 480 bytes. */
void result_tell_name(struct buf *out, const char *name);
void result_quote_name(struct buf *out, const char *name);
void result_tell_note(struct buf *out, const char *note);

/* If `said` (the last output of a program) indicates that no further process could be started,
 * appends a line with the limit and what to do. */
void result_tell_full(struct buf *out, const char *said, const struct vm *vm);

#endif
