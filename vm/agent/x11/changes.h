#ifndef VM_AGENT_X11_CHANGES_H
#define VM_AGENT_X11_CHANGES_H

#include "vm/agent/x11/display.h"

/*
 * Which parts of the screen have changed since a frame.  For each tile of 16x16 pixels it records
 * the frame id of the last change, so a query costs the same however long ago the frame was.
 */

struct changes;

/* All of the screen counts as changed now. */
struct changes *changes_new(struct display *d);
void changes_free(struct changes *c); /* NULL-safe */

/* All of the screen counts as changed in this frame. */
void changes_all(struct changes *c, uint64_t frame_id);
/* The smallest rectangle of tiles, in screen pixels, with all changes after the frame; false: none.
 * Call display_catch_up() first. */
bool changes_since(struct changes *c, uint64_t frame_id, struct rect *ret_area);
#define CHANGES_PANELS_MAX 4
/* The same, but changes of panels are apart, in ret_aside (width 0: none), except where other changes
 * reach them, which may be of what covers them; and unless nothing else has changed. */
bool changes_beside(struct changes *c, uint64_t frame_id, const struct rect *panels, size_t n,
	struct rect *ret_area, struct rect *ret_aside);
/* Whether a tile of this part of the screen has changed after the frame. */
bool changes_in(struct changes *c, uint64_t frame_id, struct rect area);

#endif
