#ifndef VM_AGENT_TEXT_OCR_H
#define VM_AGENT_TEXT_OCR_H

#include "vm/agent/text/words.h"
#include "vm/picture/image.h"

#include <systemd/sd-event.h>

/* Reads a picture with Tesseract, a program of the desktop. */
struct ocr;

/* Whether the program is there; ERR_UNSUPPORTED says how to install it. */
bool ocr_is_there(struct err *err) NODISCARD;

/* words: in pixels of the picture; the callback takes them.  NULL with an error. */
typedef void ocr_fn(struct words *words, const struct err *err, void *data);
/* languages: "" for the program's own.  The pixels are used during this call only.  Calls fn once,
 * from the loop. */
struct ocr *ocr_new(sd_event *event, const struct image *picture, const char *languages,
	int64_t timeout_ms, ocr_fn *fn, void *data, struct err *err) NODISCARD;
void ocr_free(struct ocr *ocr); /* ends it without a callback; NULL-safe */

#endif
