#ifndef TESTS_UNIT_RFB_PEOPLE_H
#define TESTS_UNIT_RFB_PEOPLE_H

/*
 * Viewers of the picture in rfb_world.h.  Their lines take and bring as few bytes at a time as a
 * test wants.  What each of them must see when nothing is on its way is known exactly.
 */
#include "base/work.h"
#include "rfb_world.h"
#include "tests/support/rfb.h"
#include "tests/support/tight.h"

/* How a viewer wants its picture. */
struct taste {
	int format; /* of formats[] */
	bool tight, moves, resizes, continuous, fences;
	int32_t cursor; /* 0: painted */
	int quality;    /* 0: lossless */
	bool video;
};

struct person {
	struct world *world;
	struct rfb_viewer *viewer; /* NULL: it was ended */
	struct taste taste;
	struct rfb_seen seen;
	struct tight tight;
	struct buf wire, say; /* on their way from and to the server */
	size_t room, got;
	bool blocked, stalled;
	bool looks_only; /* without control */
	/* It asks when it has what it asked for; early: when that begins; greedy: at other times,
	 * too. */
	bool early, greedy;
	bool calm;     /* it wants no update any more, to change its taste */
	bool switched; /* continuous updates are on, as far as it said */
	int asked, answered, ends;
	int ended;
	bool leaves; /* in ended() */
};

static const struct rfb_format formats[] = {
	{ 32, 24, false, { 255, 255, 255 }, { 16, 8, 0 } },
	{ 32, 24, false, { 255, 255, 255 }, { 0, 8, 16 } },
	{ 32, 24, true, { 255, 255, 255 }, { 24, 16, 8 } },
	{ 16, 16, true, { 31, 63, 31 }, { 11, 5, 0 } }, { 8, 8, false, { 7, 7, 3 }, { 5, 2, 0 } },
	{ 32, 32, false, { 255, 255, 255 }, { 16, 8, 0 } }, /* no Tight */
};

#define FORMATS ((int)(sizeof(formats) / sizeof(*formats)))

/* ---- a viewer: its line ---- */

static inline size_t on_write(const void *bytes, size_t len, void *data)
{
	struct person *p = data;
	size_t n = len < p->room ? len : p->room;
	buf_append(&p->wire, bytes, n);
	p->room -= n;
	p->got += n;
	p->blocked = n < len;
	return n;
}

static inline void on_key(uint32_t keysym, bool down, void *data)
{
	(void)keysym;
	(void)down;
	(void)data;
}

static inline void on_pointer(struct point at, unsigned buttons, void *data)
{
	const struct person *p = data;
	(void)buttons;
	cr_assert(at.x >= 0 && at.y >= 0 && at.x < (int)p->viewer->key.size.width &&
		  at.y < (int)p->viewer->key.size.height);
}

static inline void on_ended(const struct err *why, void *data)
{
	struct person *p = data;
	cr_assert_neq(why->kind, ERR_NONE);
	p->ended++;
	if (p->leaves) {
		rfb_viewer_free(take_ptr(&p->viewer));
	}
}

static inline bool is_full(void *data)
{
	(void)data;
	return false;
}

static inline void on_refused(void *data)
{
	(void)data;
}

static const struct rfb_viewer_fns user_fns = { on_write, on_key, on_pointer, is_full, on_refused,
	on_ended };

/* ---- a viewer: what it says ---- */

static inline void say_encodings(struct person *p)
{
	const struct taste *t = &p->taste;
	int32_t list[10];
	size_t n = 0;
	if (t->quality) {
		list[n++] = RFB_QUALITY_9 - 9 + t->quality;
	}
	if (t->video) {
		list[n++] = RFB_VP9;
	}
	list[n++] = t->tight ? RFB_TIGHT : RFB_RAW;
	if (t->moves) {
		list[n++] = RFB_COPY_RECT;
	}
	if (t->cursor) {
		list[n++] = t->cursor;
	}
	if (t->resizes) {
		list[n++] = RFB_DESKTOP_SIZE;
	}
	if (t->fences) {
		list[n++] = RFB_FENCE;
	}
	if (t->continuous) {
		list[n++] = RFB_CONTINUOUS;
	}
	rfb_say_encodings(&p->say, list, n);
}

static inline void say_format(struct person *p)
{
	uint8_t bytes[16];
	const struct rfb_format *format = &formats[p->taste.format];
	rfb_format_write(format, bytes);
	rfb_say_format(&p->say, bytes);
	p->seen.pixel_bytes = format->bits / 8;
	p->seen.big_endian = format->big_endian;
}

static inline void say_request(struct person *p, bool whole)
{
	rfb_say_update(&p->say, !whole, 0, 0, p->seen.width, p->seen.height);
	p->asked++;
}

/* Pixels of Tight are red, green and blue; the frame is kept in the viewer's format. */
static inline size_t decode_tight(
	void *data, const uint8_t *bytes, size_t len, int width, int height, uint32_t *to)
{
	struct person *p = data;
	const struct rfb_format *f = &formats[p->taste.format];
	cr_assert_eq(f->depth, 24, "pixels of three bytes");
	size_t used = tight_take(&p->tight, bytes, len, width, height, to);
	for (int i = 0; used > 0 && i < width * height; i++) {
		uint32_t rgb = to[i];
		to[i] = (rgb >> 16 & 255) << f->shift[0] | (rgb >> 8 & 255) << f->shift[1] |
			(rgb & 255) << f->shift[2];
	}
	return used;
}

static inline struct taste any_taste(void)
{
	static const int32_t cursors[] = { 0, 0, RFB_CURSOR, RFB_CURSOR_ALPHA, RFB_CURSOR_VMWARE };
	return (struct taste){ .format = one_in(2) ? 0 : (int)below(FORMATS),
		.tight = one_in(2),
		.moves = !one_in(3),
		.resizes = !one_in(3),
		.continuous = one_in(2),
		.fences = !one_in(4),
		.cursor = cursors[below(5)],
		.quality = one_in(3) ? 1 + (int)below(9) : 0 };
}

static inline struct person *join(struct world *w, struct taste taste)
{
	struct person *p = must(calloc(1, sizeof(*p)));
	size_t i = 0;
	while (w->people[i]) {
		cr_assert_lt(++i, PEOPLE_MAX);
	}
	w->people[i] = p;
	p->world = w;
	p->taste = taste;
	p->leaves = true;
	tight_init(&p->tight);
	p->seen.tight = decode_tight;
	p->seen.tight_data = p;
	p->seen.say = &p->say;
	p->viewer = rfb_viewer_new(w->server, &user_fns, p);
	rfb_viewer_set_control(p->viewer, true);
	rfb_say_hello(&p->say);
	say_format(p);
	say_encodings(p);
	return p;
}

static inline void leave(struct world *w, struct person *p)
{
	for (size_t i = 0; i < PEOPLE_MAX; i++) {
		w->people[i] = w->people[i] == p ? NULL : w->people[i];
	}
	rfb_viewer_free(p->viewer);
	tight_done(&p->tight);
	rfb_seen_done(&p->seen);
	buf_done(&p->wire);
	buf_done(&p->say);
	free(p);
}

static inline void world_stop(struct world *w)
{
	for (size_t i = 0; i < PEOPLE_MAX; i++) {
		if (w->people[i]) {
			leave(w, w->people[i]);
		}
	}
	cr_assert(!rfb_server_has_viewers(w->server));
	cr_assert(LIST_EMPTY(&w->server->kinds), "kinds without viewers");
	rfb_server_free(w->server);
	work_wait_all();
	sd_event_unref(w->event);
	free(w->picture.pixels);
}

/* ---- a viewer: what it does ---- */

static inline void change_taste(struct person *p)
{
	bool continuous = p->taste.continuous, fences = p->taste.fences;
	p->calm = false;
	p->taste = any_taste();
	p->taste.continuous = continuous;
	p->taste.fences = fences;
	say_format(p);
	say_encodings(p);
}

/* Only a viewer that expects no update can tell which format the next one has. */
static inline void become_calm(struct person *p)
{
	if (p->taste.continuous && p->switched) {
		p->calm = true;
		p->switched = false;
		rfb_say_continuous(&p->say, false);
	} else if (!p->taste.continuous && !p->early && !p->greedy) {
		p->calm = true;
	}
}

static inline void go_on_after_end(struct person *p)
{
	p->ends = p->seen.continuous_ends;
	if (p->calm) {
		change_taste(p);
	}
	p->switched = true;
	rfb_say_continuous(&p->say, true);
}

static inline void next_arguments(struct person *p)
{
	int begun = p->seen.updates + (p->seen.left > 0);
	if (p->taste.continuous && p->seen.continuous_ends > p->ends) {
		go_on_after_end(p);
	} else if (!p->taste.continuous && p->early && p->asked <= begun) {
		say_request(p, one_in(6));
	} else if (!p->taste.continuous && !p->early && p->answered == p->asked) {
		if (p->calm) {
			change_taste(p);
		}
		say_request(p, one_in(6));
	}
}

static inline void read_bytes(struct person *p, size_t n)
{
	int updates = p->seen.updates;
	n = n < p->wire.len ? n : p->wire.len;
	rfb_take(&p->seen, p->wire.data, n);
	buf_consume(&p->wire, n);
	if (p->seen.stage == 4 && !p->seen.frame) {
		rfb_keep(&p->seen);
	}
	if (p->seen.updates > updates) {
		p->answered = p->asked; /* one update may answer many requests */
	}
	if (p->seen.frame) {
		next_arguments(p);
	}
}

static inline void give_room(struct person *p, size_t n)
{
	p->room += n;
	if (p->blocked && p->viewer) {
		p->blocked = false;
		rfb_viewer_writable(p->viewer);
	}
}

static inline void speak(struct person *p, size_t n)
{
	auto_buf struct buf said = { 0 };
	n = n < p->say.len ? n : p->say.len;
	buf_append(&said, p->say.data, n);
	buf_consume(&p->say, n);
	if (n > 0 && p->viewer) {
		rfb_viewer_feed(p->viewer, said.data, said.len);
	}
}

/* ---- rest ---- */

static inline bool live(struct person *p)
{
	bool busy = p->wire.len > 0 || p->say.len > 0 || p->blocked;
	if (p->stalled) {
		return false;
	}
	give_room(p, 1 << 20);
	read_bytes(p, SIZE_MAX);
	speak(p, SIZE_MAX);
	return busy;
}

static inline bool run_loop(struct world *w)
{
	bool ran = false;
	while (sd_event_run(w->event, 0) > 0) {
		ran = true;
	}
	return ran;
}

static inline bool live_all(struct world *w)
{
	bool busy = false;
	for (size_t i = 0; i < PEOPLE_MAX; i++) {
		busy |= w->people[i] && live(w->people[i]);
	}
	return run_loop(w) || busy;
}

/* Until nothing is on its way.  Timers are waited for. */
static inline void come_to_rest(struct world *w)
{
	for (int i = 0; live_all(w) || w->server->frame; i++) {
		cr_assert_lt(i, 100000, "no end is seen");
		if (w->server->frame) {
			sd_event_run(w->event, UINT64_MAX);
		}
	}
	cr_assert_null(w->server->turn);
}

/* And until all is exact. */
static inline void come_to_exact_rest(struct world *w)
{
	come_to_rest(w);
	while (w->server->tick) {
		sd_event_run(w->event, UINT64_MAX);
		come_to_rest(w);
	}
}

/* ---- what viewers must see ---- */

static inline uint32_t in_format(const struct rfb_format *f, const uint8_t *bgrx)
{
	uint32_t value = 0;
	for (int i = 0; i < 3; i++) {
		value |= ((uint32_t)bgrx[2 - i] * f->max[i] + 127) / 255 << f->shift[i];
	}
	return value;
}

static inline uint32_t mask_of(const struct rfb_format *f)
{
	return (uint32_t)f->max[0] << f->shift[0] | (uint32_t)f->max[1] << f->shift[1] |
	       (uint32_t)f->max[2] << f->shift[2];
}

static inline struct image picture_for(const struct person *p)
{
	const struct world *w = p->world;
	struct image all = w->picture;
	all.pixels = must(malloc(all.stride * (size_t)all.size.height));
	memcpy(all.pixels, w->picture.pixels, all.stride * (size_t)all.size.height);
	if ((!p->taste.cursor || p->looks_only) && w->pointed && cursor_of(w)) {
		cursor_image_paint(cursor_of(w), w->at, &all);
	}
	return all;
}

static inline void expect_cursor(const struct person *p)
{
	auto_buf struct buf expected = { 0 };
	if (p->taste.cursor && !p->looks_only) {
		cursor_put(cursor_of(p->world), (enum rfb_cursor_encoding)p->taste.cursor,
			&formats[p->taste.format], &expected);
		cr_assert_eq(p->seen.cursor.len, expected.len, "another cursor");
		cr_assert_eq(memcmp(p->seen.cursor.data, expected.data, expected.len), 0);
	}
}

static inline const char *called(const struct person *p)
{
	static char text[200];
	const struct taste *t = &p->taste;
	snprintf(text, sizeof(text),
		"format %d%s%s%s%s%s%s, cursor %d, asked %d, answered %d, %d updates", t->format,
		t->tight ? " tight" : "", t->moves ? " moves" : "", t->resizes ? " resizes" : "",
		t->continuous ? " continuous" : "", t->fences ? " fences" : "",
		p->early    ? " early"
		: p->greedy ? " greedy"
			    : "",
		t->cursor, p->asked, p->answered, p->seen.updates);
	return text;
}

static inline void expect_picture(const struct person *p)
{
	const struct rfb_format *f = &formats[p->taste.format];
	struct image all = picture_for(p);
	int width = (int)p->seen.width, height = (int)p->seen.height;
	cr_assert(!p->taste.resizes || (width == all.size.width && height == all.size.height),
		"%dx%d, not %dx%d: %s", width, height, all.size.width, all.size.height, called(p));
	for (int y = 0; y < height && y < all.size.height; y++) {
		for (int x = 0; x < width && x < all.size.width; x++) {
			uint32_t is = p->seen.frame[y * width + x] & mask_of(f);
			uint32_t should = in_format(f, pixel_at(&all, x, y));
			cr_assert_eq(is, should, "at %d,%d of %dx%d: %x, not %x: %s", x, y, width,
				height, is, should, called(p));
		}
	}
	free(all.pixels);
	expect_cursor(p);
	cr_assert_eq(p->seen.empty, 0, "an update of nothing");
}

static inline bool is_planned(const struct world *w)
{
	return w->server->changed || w->plan.n_moves > 0 || w->plan.n_areas > 0 ||
	       w->next_size.width > 0;
}

static inline void expect_pictures(const struct world *w)
{
	for (size_t i = 0; i < PEOPLE_MAX; i++) {
		if (w->people[i] && !w->people[i]->stalled) {
			cr_assert(!is_planned(w), "no frame was taken: %s", called(w->people[i]));
			expect_picture(w->people[i]);
		}
	}
}

#endif
