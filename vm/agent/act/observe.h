#ifndef VM_AGENT_ACT_OBSERVE_H
#define VM_AGENT_ACT_OBSERVE_H

#include "vm/agent/x11/input.h"
#include "vm/agent/x11/shm_capture.h"
#include "vm/picture/paint.h"

/* What a model is shown: the captured screen, cut, scaled and encoded as asked, within a number of
 * bytes. */

struct observer;

struct frame {
	uint64_t frame_id;
	int format;      /* enum observe_format */
	struct size raw; /* of the pixels that the bytes are (pixels.h); 0x0: they are an image */
	struct painted image; /* its bytes are good until the next frame */
};

struct observer *observer_new(struct display *d, struct err *err) NODISCARD;
void observer_free(struct observer *o); /* NULL-safe */

/* Whether this can be shown of a frame space of that size. */
bool observe_check(const struct observe *how, struct size frame, struct err *err) NODISCARD;

/* Whether the screen can be captured at all, tried on a small part of it. */
bool observer_glance(struct observer *o, struct err *err) NODISCARD;

/* Whether the area, cut to the screen, is of one colour all over; the pointer does not count. */
bool observer_is_plain(
	struct observer *o, struct rect area, bool *ret_plain, struct err *err) NODISCARD;

/* how has passed observe_check().  Captures and encodes only if something has changed since the
 * last time. */
bool observer_frame(struct observer *o, struct input *in, const struct observe *how,
	struct size frame, struct frame *ret_frame, struct err *err) NODISCARD;

#endif
