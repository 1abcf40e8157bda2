#ifndef VM_RFB_KIND_H
#define VM_RFB_KIND_H

#include "vm/rfb/cursor.h"
#include "vm/rfb/encode.h"
#include "vm/rfb/exact.h"
#include "vm/rfb/film.h"
#include "vm/rfb/history.h"
#include "vm/rfb/motion.h"

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
	bool video;       /* understands RFB_VP9, and takes JPEG */
	bool moves;       /* understands CopyRect */
	bool pointer;     /* the pointer is painted into the picture */
	struct size size; /* of the picture, as these viewers know it */
};

#define RFB_TICK_MS 100
#define RFB_STILL_TICKS 3 /* what has not changed for so long is made exact */

/* What its line can carry. */
enum rfb_pace { RFB_FAST, RFB_SLOW, RFB_PACES };

/* What a viewer has.  Zeroed: nothing. */
struct rfb_place {
	uint32_t frame; /* of the history */
	uint32_t exact; /* the number of the last tile that was sent exact */
	struct film_place films[MOTION_AREAS_MAX];
};

/* The rectangles that take a viewer from one place to another. */
struct rfb_update {
	LIST_ENTRY(rfb_update) link;
	unsigned refs;
	struct rfb_place from, to;
	enum rfb_pace pace;
	size_t n_rects; /* in body */
	struct buf body;
	struct rect *pending; /* not encoded yet: from `next` on */
	size_t n_pending, next;
	size_t exact; /* from here on they must be exact */
};

LIST_HEAD(rfb_updates, rfb_update);

struct rfb_kind {
	LIST_ENTRY(rfb_kind) link;
	struct rfb_kind_key key;
	unsigned viewers;
	struct history history;
	uint32_t before[RFB_STILL_TICKS]; /* the frame at each of the last ticks, latest first */
	struct exact exact;
	struct rect moving[MOTION_AREAS_MAX];            /* zeroed: none */
	struct film *films[MOTION_AREAS_MAX][RFB_PACES]; /* NULL: none */
	struct rect pointer;                             /* where it is painted; width 0: nowhere */
	uint64_t pointer_serial;
	struct rfb_updates updates; /* to the last frame */
	struct buf scratch;
};

bool rfb_kind_is_lossy(const struct rfb_kind *kind);
bool rfb_kind_key_equal(const struct rfb_kind_key *a, const struct rfb_kind_key *b);
struct rfb_kind *rfb_kind_new(const struct rfb_kind_key *key);
void rfb_kind_free(struct rfb_kind *kind);

/* The picture has changed, the pointer may have.  Only while rfb_kind_unfinished() is NULL. */
void rfb_kind_advance(
	struct rfb_kind *kind, const struct picture_change *change, const struct rfb_scene *scene);
/* Where an update takes a viewer from here; the same place: there is nothing new. */
struct rfb_place rfb_kind_next(
	const struct rfb_kind *kind, const struct rfb_place *from, enum rfb_pace pace);
/* The update from here to rfb_kind_next(); with a reference for the caller.  It may have to be
 * encoded still. */
struct rfb_update *rfb_kind_update(
	struct rfb_kind *kind, const struct rfb_place *from, enum rfb_pace pace);
struct rfb_update *rfb_kind_unfinished(const struct rfb_kind *kind); /* any; NULL: there is none */
bool rfb_update_is_done(const struct rfb_update *update);
/* Encodes the next area; returns its pixels. */
size_t rfb_update_encode(struct rfb_update *update, struct rfb_kind *kind, struct rfb_encoder *e,
	const struct rfb_scene *scene);
/* The pixels of an area within the picture as these viewers see it, until the next call. */
struct image rfb_kind_pixels(
	struct rfb_kind *kind, const struct rfb_scene *scene, struct rect area);
bool rfb_place_equal(const struct rfb_place *a, const struct rfb_place *b);
/* An area moves from now on; zeroed: no more, but it is sent apart until all is exact.  Its films of
 * another area must have ended. */
void rfb_kind_set_moving(struct rfb_kind *kind, unsigned part, struct rect area);
/* Takes a film of such an area, which replaces all else that viewers of this pace are sent of it. */
void rfb_kind_begin_film(struct rfb_kind *kind, enum rfb_pace pace, struct film *film);
/* Ends it; what it showed is sent again, exact, and at once unless it had stopped. */
void rfb_kind_end_film(struct rfb_kind *kind, unsigned part, enum rfb_pace pace);
/* RFB_TICK_MS have passed; except: areas that move. */
void rfb_kind_tick(struct rfb_kind *kind, const struct rect *except, size_t n_except);
void rfb_update_unref(struct rfb_update *update); /* NULL-safe */

#endif
