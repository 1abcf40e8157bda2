#ifndef VM_RFB_VP9_H
#define VM_RFB_VP9_H

#include "base/buf.h"
#include "vm/picture/image.h"

#include <stdbool.h>

/* A VP9 encoder (libvpx) for a picture of one size that is shown at once: profile 0, 8 bits, 4:2:0,
 * BT.601 of full range.  Used by one thread at a time. */

struct vp9;

/* frame_bytes: what a frame should have on average.  NULL with err: libvpx refuses. */
struct vp9 *vp9_new(struct size size, unsigned frame_bytes, struct err *err) NODISCARD;
void vp9_free(struct vp9 *v); /* NULL-safe */
/* Appends the next frame, of a picture of the encoder's size.  key: one that needs no other.
 * Returns false with err if libvpx fails; then the next must be a key frame. */
bool vp9_encode(struct vp9 *v, const struct image *picture, bool key, struct buf *out,
	struct err *err) NODISCARD;

#endif
