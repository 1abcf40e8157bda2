#include "vm/rfb/kind.h"

#include "base/cleanup.h"

#include <string.h>

bool rfb_kind_key_equal(const struct rfb_kind_key *a, const struct rfb_kind_key *b)
{
	return rfb_format_equal(&a->how.format, &b->how.format) && a->how.tight == b->how.tight &&
	       a->video == b->video && a->how.quality == b->how.quality && a->moves == b->moves &&
	       a->pointer == b->pointer && a->size.width == b->size.width &&
	       a->size.height == b->size.height;
}

struct rfb_kind *rfb_kind_new(const struct rfb_kind_key *key)
{
	struct rfb_kind *kind = must(calloc(1, sizeof(*kind)));
	kind->key = *key;
	history_init(&kind->history, key->size);
	exact_init(&kind->exact, key->size);
	return kind;
}

bool rfb_kind_is_lossy(const struct rfb_kind *kind)
{
	return kind->key.how.tight && kind->key.how.quality != RFB_LOSSLESS;
}

/* Those that a viewer is still sent live on. */
static void forget_updates(struct rfb_kind *kind)
{
	struct rfb_update *update;
	while ((update = LIST_FIRST(&kind->updates))) {
		LIST_REMOVE(update, link);
		rfb_update_unref(update);
	}
}

void rfb_kind_free(struct rfb_kind *kind)
{
	forget_updates(kind);
	for (int i = 0; i < MOTION_AREAS_MAX * RFB_PACES; i++) {
		film_free(kind->films[i / RFB_PACES][i % RFB_PACES]);
	}
	exact_done(&kind->exact);
	history_done(&kind->history);
	buf_done(&kind->scratch);
	free(kind);
}

/* ---- frames ---- */

static struct rect pointer_rect(const struct rfb_scene *scene)
{
	const struct cursor_image *cursor = scene->cursor;
	if (!cursor || !scene->pointed) {
		return (struct rect){ 0 };
	}
	return (struct rect){ scene->at.x - cursor->hot.x, scene->at.y - cursor->hot.y,
		cursor->size.width, cursor->size.height };
}

/* Adds to *ret where the move takes what is in area. */
static void add_moved(const struct picture_move *move, struct rect area, struct rect *ret)
{
	area.x += move->to.x - move->from.x;
	area.y += move->to.y - move->from.y;
	if (area.width > 0 && rect_overlaps(area, move->to)) {
		*ret = ret->width > 0 ? rect_join(*ret, area) : area;
	}
}

/* A painted pointer that a move takes along has to be painted over; a later move may take it along
 * again. */
static size_t add_moved_pointer(
	const struct rfb_kind *kind, const struct picture_change *change, struct rect *areas)
{
	size_t n = 0;
	for (size_t i = 0; i < change->n_moves; i++) {
		struct rect moved = { 0 };
		add_moved(&change->moves[i], kind->pointer, &moved);
		for (size_t before = 0; before < n; before++) {
			add_moved(&change->moves[i], areas[before], &moved);
		}
		areas[n] = moved;
		n += moved.width > 0;
	}
	return n;
}

static bool has_pointer_changed(
	const struct rfb_kind *kind, struct rect now, const struct rfb_scene *scene)
{
	return memcmp(&now, &kind->pointer, sizeof(now)) != 0 ||
	       (now.width > 0 && scene->cursor->serial != kind->pointer_serial);
}

static size_t add_pointer(struct rfb_kind *kind, const struct picture_change *change,
	const struct rfb_scene *scene, struct rect *areas)
{
	struct rect now = pointer_rect(scene);
	size_t n = add_moved_pointer(kind, change, areas);
	if (change->n_moves > 0 || has_pointer_changed(kind, now, scene)) {
		areas[n++] = kind->pointer;
		areas[n++] = now;
	}
	kind->pointer = now;
	kind->pointer_serial = now.width > 0 ? scene->cursor->serial : 0;
	return n;
}

static void add_frame(struct rfb_kind *kind, const struct picture_move *moves, size_t n_moves,
	const struct rect *areas, size_t n_areas)
{
	uint32_t before = kind->history.frame;
	history_add(&kind->history, moves, n_moves, areas, n_areas);
	if (kind->history.frame != before) {
		exact_advance(&kind->exact, &kind->history);
		forget_updates(kind);
	}
}

static bool overlaps_film(const struct rfb_kind *kind, struct rect area)
{
	for (int i = 0; i < MOTION_AREAS_MAX * RFB_PACES; i++) {
		const struct film *film = kind->films[i / RFB_PACES][i % RFB_PACES];
		if (film && rect_overlaps(area, film->area)) {
			return true;
		}
	}
	return false;
}

/* What viewers have of a film may be of another frame: nothing can be moved from there. */
static void keep_moves_off_films(const struct rfb_kind *kind, struct picture_change *change)
{
	bool near = false;
	for (size_t i = 0; i < change->n_moves; i++) {
		const struct picture_move *m = &change->moves[i];
		struct rect from = { m->from.x, m->from.y, m->to.width, m->to.height };
		near |= overlaps_film(kind, m->to) || overlaps_film(kind, from);
	}
	change->n_moves = near ? 0 : change->n_moves;
}

void rfb_kind_advance(
	struct rfb_kind *kind, const struct picture_change *change, const struct rfb_scene *scene)
{
	struct rect areas[HISTORY_AREAS_MAX];
	struct picture_change now = *change;
	size_t n = now.n_areas;
	memcpy(areas, now.areas, n * sizeof(*areas));
	keep_moves_off_films(kind, &now);
	for (size_t i = now.n_moves; i < change->n_moves; i++) {
		areas[n++] = change->moves[i].to;
	}
	if (kind->key.pointer) {
		n += add_pointer(kind, &now, scene, areas + n);
	}
	add_frame(kind, now.moves, now.n_moves, areas, n);
}

/* ---- films ---- */

/* What is beside it in its tiles may have been blurred with it.  An area that has ended is still sent
 * apart until it is exact. */
void rfb_kind_set_moving(struct rfb_kind *kind, unsigned part, struct rect area)
{
	struct rect rest[4], tiles = history_tiles(&kind->history, area);
	if (area.width > 0 && !rect_equal(kind->moving[part], area)) {
		kind->moving[part] = area;
		add_frame(kind, NULL, 0, rest, rect_without(tiles, area, rest));
	}
}

void rfb_kind_begin_film(struct rfb_kind *kind, enum rfb_pace pace, struct film *film)
{
	kind->films[film->part][pace] = film;
	exact_spoil(&kind->exact, film->area);
	forget_updates(kind);
}

void rfb_kind_end_film(struct rfb_kind *kind, unsigned part, enum rfb_pace pace)
{
	struct film *film = take_ptr(&kind->films[part][pace]);
	if (history_has_changed(&kind->history, film->area, kind->before[1])) {
		add_frame(kind, NULL, 0, &film->area, 1);
	}
	forget_updates(kind);
	film_free(film);
}

void rfb_kind_tick(struct rfb_kind *kind, const struct rect *except, size_t n_except)
{
	exact_settle(
		&kind->exact, &kind->history, kind->before[RFB_STILL_TICKS - 1], except, n_except);
	for (size_t i = 0; i < n_except && kind->exact.n_lossy == 0; i++) {
		kind->moving[i] = except[i].width > 0 ? kind->moving[i] : (struct rect){ 0 };
	}
	memmove(kind->before + 1, kind->before, (RFB_STILL_TICKS - 1) * sizeof(*kind->before));
	kind->before[0] = kind->history.frame;
}
