/* Updates: what is new between two places, in the order moves, films, new pixels, exact tiles. */
#include "base/bytes.h"
#include "base/cleanup.h"
#include "vm/rfb/kind.h"

#include <string.h>

#define EXACT_MOST 16 /* tiles in one update, for a fast line */

bool rfb_place_equal(const struct rfb_place *a, const struct rfb_place *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* A film can only go on where there is a picture. */
static const struct film *film_for(
	const struct rfb_kind *kind, const struct rfb_place *from, enum rfb_pace pace, int part)
{
	return from->frame > 0 ? kind->films[part][pace] : NULL;
}

static size_t exact_tiles(const struct rfb_kind *kind, const struct rfb_place *from,
	enum rfb_pace pace, struct rect *ret, uint32_t *ret_to)
{
	static const size_t most[RFB_PACES] = { EXACT_MOST, EXACT_MOST / 8 };
	return exact_after(&kind->exact, from->exact, most[pace], ret, ret_to);
}

struct rfb_place rfb_kind_next(
	const struct rfb_kind *kind, const struct rfb_place *from, enum rfb_pace pace)
{
	struct rfb_place to = *from;
	struct rect tiles[EXACT_MOST];
	to.frame = kind->history.frame;
	for (int i = 0; i < MOTION_AREAS_MAX; i++) {
		const struct film *film = film_for(kind, from, pace, i);
		uint32_t next = film ? film_next(film, from->films[i]) : 0;
		if (next > 0 && next <= film->last) {
			to.films[i] = (struct film_place){ film->number, film->last };
		}
	}
	exact_tiles(kind, from, pace, tiles, &to.exact);
	return to;
}

static void put_moves(const struct history *h, struct rfb_update *update)
{
	for (size_t i = 0; i < h->n_moves; i++) {
		const struct picture_move *move = &h->moves[i];
		rfb_put_head(&update->body, move->to, RFB_COPY_RECT);
		bytes_append_u16(&update->body, (uint16_t)move->from.x);
		bytes_append_u16(&update->body, (uint16_t)move->from.y);
		update->n_rects++;
	}
}

static void add_pending(struct rfb_update *update, const struct rect *areas, size_t n)
{
	update->pending = must(
		reallocarray(update->pending, update->n_pending + n + 1, sizeof(*update->pending)));
	for (size_t i = 0; i < n; i++) {
		update->pending[update->n_pending++] = areas[i];
	}
}

/* What moves is encoded apart from what is beside it, which would be blurred with it; and not at all
 * if a film shows it. */
static void part_pending(struct rfb_update *update, struct rect moving, bool is_film)
{
	struct rect *areas = take_ptr(&update->pending);
	size_t n = update->n_pending;
	update->n_pending = 0;
	for (size_t i = 0; i < n; i++) {
		struct rect parts[5];
		size_t n_parts = rect_without(areas[i], moving, parts);
		if (!is_film && rect_overlaps(areas[i], moving)) {
			parts[n_parts++] = rect_common(areas[i], moving);
		}
		add_pending(update, parts, n_parts);
	}
	free(areas);
}

static void add_films(struct rfb_update *update, const struct rfb_kind *kind)
{
	for (int i = 0; i < MOTION_AREAS_MAX; i++) {
		const struct film *film = film_for(kind, &update->from, update->pace, i);
		const struct film_place *from = &update->from.films[i];
		if (film && memcmp(from, &update->to.films[i], sizeof(*from)) != 0) {
			update->n_rects += film_put(film, film_next(film, *from), &update->body);
		}
		part_pending(update, kind->moving[i], film);
	}
}

/* Behind all else, for what is new of such a tile may be JPEG. */
static void add_exact(struct rfb_update *update, const struct rfb_kind *kind)
{
	struct rect tiles[EXACT_MOST];
	uint32_t to;
	size_t n = exact_tiles(kind, &update->from, update->pace, tiles, &to);
	update->exact = update->n_pending;
	add_pending(update, tiles, n);
}

static struct rfb_update *make_update(
	struct rfb_kind *kind, const struct rfb_place *from, enum rfb_pace pace)
{
	const struct history *h = &kind->history;
	struct rfb_update *update = must(calloc(1, sizeof(*update)));
	*update = (struct rfb_update){
		.refs = 1, .from = *from, .to = rfb_kind_next(kind, from, pace), .pace = pace
	};
	if (kind->key.moves && history_is_step(h, from->frame)) {
		put_moves(h, update);
	}
	auto_free struct rect *areas = NULL;
	size_t n = history_since(h, from->frame, kind->key.moves, &areas);
	add_pending(update, areas, n);
	add_films(update, kind);
	add_exact(update, kind);
	LIST_INSERT_HEAD(&kind->updates, update, link);
	return update;
}

static bool is_update(const struct rfb_update *update, const struct rfb_place *from,
	const struct rfb_place *to, enum rfb_pace pace)
{
	return update->pace == pace && rfb_place_equal(&update->from, from) &&
	       rfb_place_equal(&update->to, to);
}

struct rfb_update *rfb_kind_update(
	struct rfb_kind *kind, const struct rfb_place *from, enum rfb_pace pace)
{
	struct rfb_place to = rfb_kind_next(kind, from, pace);
	struct rfb_update *update = LIST_FIRST(&kind->updates);
	while (update && !is_update(update, from, &to, pace)) {
		update = LIST_NEXT(update, link);
	}
	update = update ? update : make_update(kind, from, pace);
	update->refs++;
	return update;
}

struct rfb_update *rfb_kind_unfinished(const struct rfb_kind *kind)
{
	struct rfb_update *update = LIST_FIRST(&kind->updates);
	while (update && rfb_update_is_done(update)) {
		update = LIST_NEXT(update, link);
	}
	return update;
}

bool rfb_update_is_done(const struct rfb_update *update)
{
	return update->next == update->n_pending;
}

void rfb_update_unref(struct rfb_update *update)
{
	if (update && --update->refs == 0) {
		free(update->pending);
		buf_done(&update->body);
		free(update);
	}
}

/* ---- pixels ---- */

static struct image with_pointer(struct rfb_kind *kind, const struct rfb_scene *scene,
	const struct image *clean, struct rect area)
{
	size_t row = (size_t)area.width * 4;
	kind->scratch.len = 0;
	for (int y = 0; y < area.height; y++) {
		buf_append(&kind->scratch, clean->pixels + (size_t)y * clean->stride, row);
	}
	struct image painted = { kind->scratch.data, { area.width, area.height }, row };
	cursor_image_paint(scene->cursor,
		(struct point){ scene->at.x - area.x, scene->at.y - area.y }, &painted);
	return painted;
}

struct image rfb_kind_pixels(struct rfb_kind *kind, const struct rfb_scene *scene, struct rect area)
{
	struct image image = image_part(scene->picture, area);
	if (kind->pointer.width > 0 && scene->cursor && rect_overlaps(area, kind->pointer)) {
		return with_pointer(kind, scene, &image, area);
	}
	return image;
}

static void add_lossy(struct rfb_kind *kind, const struct rfb_encoder *e)
{
	const struct rect *areas;
	size_t n = rfb_encoder_lossy(e, &areas);
	for (size_t i = 0; i < n; i++) {
		exact_add(&kind->exact, areas[i]);
	}
}

size_t rfb_update_encode(struct rfb_update *update, struct rfb_kind *kind, struct rfb_encoder *e,
	const struct rfb_scene *scene)
{
	struct rfb_how how = kind->key.how;
	if (update->next >= update->exact) {
		how.quality = RFB_LOSSLESS;
	}
	/* The picture may be smaller than these viewers know it. */
	struct rect area = rect_clip(update->pending[update->next++], scene->picture->size);
	if (area.width == 0 || area.height == 0) {
		return 0;
	}
	struct image image = rfb_kind_pixels(kind, scene, area);
	update->n_rects +=
		rfb_encode(e, &how, &image, (struct point){ area.x, area.y }, &update->body);
	add_lossy(kind, e);
	return (size_t)area.width * (size_t)area.height;
}
