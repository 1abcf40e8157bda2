#ifndef TOOLS_RESULT_H
#define TOOLS_RESULT_H

#include "base/buf.h"
#include "vm/core/vm.h"
#include "vm/guest/guest.h"

/*
 * MCP content: an array of text and image blocks.  Never structuredContent: clients that see it may
 * drop the image beside it.
 */

void result_add_text(json_t *content, const char *text);
/* Nothing when the frame holds no image. */
void result_add_frame(json_t *content, const struct guest_frame *frame);

/* What a model must know about an image that is not the frame space pixel for pixel: one line each,
 * or nothing. */
void result_tell_frame(struct buf *out, const struct guest_frame *frame, struct size space);

/* Words of the guest (base/plain.h): a name, at most 200 bytes; the same in quotation marks, with
 * those in it escaped; a sentence of its agent, at most 480 bytes. */
void result_tell_name(struct buf *out, const char *name);
void result_quote_name(struct buf *out, const char *name);
void result_tell_note(struct buf *out, const char *note);

/* When `said` (a program's last words) looks as if it could start no other: a line with the limit
 * and what to do.  Else nothing. */
void result_tell_full(struct buf *out, const char *said, const struct vm *vm);

#endif
