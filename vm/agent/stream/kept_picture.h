#ifndef VM_AGENT_STREAM_KEPT_PICTURE_H
#define VM_AGENT_STREAM_KEPT_PICTURE_H

#include "vm/agent/stream/damage.h"
#include "vm/picture/diff.h"

/* The pixels as viewers were last told of them. */
struct kept_picture {
	struct image image;
	struct picture_diff *diff;
};

void kept_picture_init(struct kept_picture *kept, struct size size); /* black */
void kept_picture_done(struct kept_picture *kept);
/* Another size: black, and all of it has changed. */
void kept_picture_resize(
	struct kept_picture *kept, struct size size, struct picture_change *ret_change);
/* Takes the pixels of an area, and adds what is different to the change.  Areas must not overlap. */
void kept_picture_take(struct kept_picture *kept, struct rect area, const struct image *fresh,
	struct picture_change *change);

#endif
