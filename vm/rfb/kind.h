#ifndef VM_RFB_KIND_H
#define VM_RFB_KIND_H

#include "vm/rfb/cursor.h"
#include "vm/rfb/encode.h"
#include "vm/rfb/history.h"

#include <sys/queue.h>

/* All viewers that can be sent the same bytes, and the updates made for them. */

/* A picture with the pointer in it, for viewers who do not draw that. */
struct rfb_scene {
	const struct image *picture;
	const struct cursor_image *cursor; /* NULL: none */
	bool pointed;                      /* the pointer is over the picture ... */
	struct point at;                   /* ... here */
};

struct rfb_kind_key {
	struct rfb_how how;
	bool moves;       /* understands CopyRect */
	bool pointer;     /* the pointer is painted into the picture */
	struct size size; /* of the picture, as these viewers know it */
};

/* The rectangles that take a viewer from frame `from` to frame `to`. */
struct rfb_update {
	LIST_ENTRY(rfb_update) link;
	unsigned refs;
	uint32_t from, to;
	size_t n_rects; /* in body */
	struct buf body;
	struct rect *todo; /* not encoded yet: from `next` on */
	size_t n_todo, next;
};

LIST_HEAD(rfb_updates, rfb_update);

struct rfb_kind {
	LIST_ENTRY(rfb_kind) link;
	struct rfb_kind_key key;
	unsigned viewers;
	struct history history;
	struct rect pointer; /* where it is painted; width 0: nowhere */
	uint64_t pointer_serial;
	struct rfb_updates updates; /* to the last frame */
	struct buf scratch;
};

bool rfb_kind_key_equal(const struct rfb_kind_key *a, const struct rfb_kind_key *b);
struct rfb_kind *rfb_kind_new(const struct rfb_kind_key *key);
void rfb_kind_free(struct rfb_kind *kind);

/* The picture has changed, the pointer may have.  Only while rfb_kind_unfinished() is NULL. */
void rfb_kind_advance(
	struct rfb_kind *kind, const struct picture_change *change, const struct rfb_scene *scene);
/* The update to the last frame, from frame `from`, which is another; with a reference for the
 * caller.  It may have to be encoded still. */
struct rfb_update *rfb_kind_update(struct rfb_kind *kind, uint32_t from);
struct rfb_update *rfb_kind_unfinished(const struct rfb_kind *kind); /* any; NULL: there is none */
bool rfb_update_is_done(const struct rfb_update *update);
/* Encodes the next area; returns its pixels. */
size_t rfb_update_encode(struct rfb_update *update, struct rfb_kind *kind, struct rfb_encoder *e,
	const struct rfb_scene *scene);
void rfb_update_unref(struct rfb_update *update); /* NULL-safe */

#endif
