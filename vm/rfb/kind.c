#include "vm/rfb/kind.h"

#include "base/bytes.h"
#include "base/cleanup.h"

#include <string.h>

bool rfb_kind_key_equal(const struct rfb_kind_key *a, const struct rfb_kind_key *b)
{
	return rfb_format_equal(&a->how.format, &b->how.format) && a->how.tight == b->how.tight &&
	       a->how.quality == b->how.quality && a->moves == b->moves &&
	       a->pointer == b->pointer && a->size.width == b->size.width &&
	       a->size.height == b->size.height;
}

struct rfb_kind *rfb_kind_new(const struct rfb_kind_key *key)
{
	struct rfb_kind *kind = must(calloc(1, sizeof(*kind)));
	kind->key = *key;
	history_init(&kind->history, key->size);
	return kind;
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

void rfb_kind_advance(
	struct rfb_kind *kind, const struct picture_change *change, const struct rfb_scene *scene)
{
	struct rect areas[HISTORY_AREAS_MAX];
	size_t n = change->n_areas;
	uint32_t before = kind->history.frame;
	memcpy(areas, change->areas, n * sizeof(*areas));
	if (kind->key.pointer) {
		n += add_pointer(kind, change, scene, areas + n);
	}
	history_add(&kind->history, change->moves, change->n_moves, areas, n);
	if (kind->history.frame != before) {
		forget_updates(kind);
	}
}

/* ---- updates ---- */

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

static struct rfb_update *make_update(struct rfb_kind *kind, uint32_t from)
{
	const struct history *h = &kind->history;
	struct rfb_update *update = must(calloc(1, sizeof(*update)));
	update->refs = 1;
	update->from = from;
	update->to = h->frame;
	if (kind->key.moves && history_is_step(h, from)) {
		put_moves(h, update);
	}
	update->n_todo = history_since(h, from, kind->key.moves, &update->todo);
	LIST_INSERT_HEAD(&kind->updates, update, link);
	return update;
}

struct rfb_update *rfb_kind_update(struct rfb_kind *kind, uint32_t from)
{
	struct rfb_update *update = LIST_FIRST(&kind->updates);
	while (update && update->from != from) {
		update = LIST_NEXT(update, link);
	}
	update = update ? update : make_update(kind, from);
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
	return update->next == update->n_todo;
}

void rfb_update_unref(struct rfb_update *update)
{
	if (update && --update->refs == 0) {
		free(update->todo);
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

size_t rfb_update_encode(struct rfb_update *update, struct rfb_kind *kind, struct rfb_encoder *e,
	const struct rfb_scene *scene)
{
	/* The picture may be smaller than these viewers know it. */
	struct rect area = rect_clip(update->todo[update->next++], scene->picture->size);
	if (area.width == 0 || area.height == 0) {
		return 0;
	}
	struct image image = image_part(scene->picture, area);
	if (kind->pointer.width > 0 && scene->cursor && rect_overlaps(area, kind->pointer)) {
		image = with_pointer(kind, scene, &image, area);
	}
	update->n_rects += rfb_encode(
		e, &kind->key.how, &image, (struct point){ area.x, area.y }, &update->body);
	return (size_t)area.width * (size_t)area.height;
}
