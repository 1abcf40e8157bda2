#ifndef VM_AGENT_ACT_OBSERVE_H
#define VM_AGENT_ACT_OBSERVE_H

#include "vm/agent/act/marks.h"
#include "vm/agent/x11/input.h"
#include "vm/agent/x11/shm_capture.h"
#include "vm/picture/paint.h"

/* Images for a model: the captured screen, cropped, scaled and encoded as requested, within a
 * maximum size. */

struct observer;

struct frame {
	uint64_t frame_id;
	int format;      /* enum observe_format */
	struct size raw; /* the size, if the bytes are pixels (pixels.h); 0x0: they are an image */
	struct painted image; /* its bytes are valid until the next frame */
};

struct observer *observer_new(struct display *d, struct err *err) NODISCARD;
void observer_free(struct observer *o); /* NULL-safe */

/* The captured frame, if it is the newest, has this id now. */
void observer_renumber(struct observer *o, uint64_t newest, uint64_t frame_id);

/* Whether the screen can be captured, tested on a small part of it. */
bool observer_glance(struct observer *o, struct err *err) NODISCARD;

/* The pixels of a part of the screen, without the pointer; valid until the observer's next use. */
bool observer_pixels(
	struct observer *o, struct rect area, struct image *ret_image, struct err *err) NODISCARD;

/* Whether the area, clipped to the screen, has only one colour, ignoring the pointer. */
bool observer_is_plain(
	struct observer *o, struct rect area, bool *ret_plain, struct err *err) NODISCARD;

/* A picture of something else, in screen pixels: encoded like a part of the screen of that size.
 * corner: where it is on the screen; marks: drawn on its pixels. */
bool observer_picture(struct observer *o, const struct image *picture, struct point corner,
	const struct observe *how, struct size frame, const struct marks_read *marks,
	struct frame *ret_frame, struct err *err) NODISCARD;

/* how must have passed observe_check().  Captures and encodes only if something has changed since
 * the last call. */
bool observer_frame(struct observer *o, struct input *in, const struct observe *how,
	struct size frame, struct frame *ret_frame, struct err *err) NODISCARD;

/* The same with marks on it. */
bool observer_marked_frame(struct observer *o, struct input *in, const struct observe *how,
	struct size frame, const struct marks_read *marks, struct frame *ret_frame,
	struct err *err) NODISCARD;

#endif
