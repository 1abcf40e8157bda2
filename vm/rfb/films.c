/*
 * The films of a server: where its picture moves like one, each kind of viewers that understands VP9
 * has a film for each pace of its lines.  One frame is encoded at a time, in a thread, and only when
 * a viewer waits for it: the next one shows what is there by then.
 */
#include "base/loop.h"
#include "vm/rfb/server_impl.h"

#define FILMS_MAX 4                  /* encoders */
#define SLOW_CPU_US 60000            /* of a frame: the machine is too slow for films ... */
#define SLOW_MAX 8                   /* ... if so many take longer */
#define FRAMES_S 30                  /* of a film, at most */
#define FRAME_US (900000 / FRAMES_S) /* which the film's own clock need not hit exactly */
#define PLAIN_BYTES_S 200000         /* what all else may want of a fast line */

/* ---- areas ---- */

/* Bytes of a frame: of film beside which text can be read, and of one that just moves. */
static unsigned frame_bytes(struct rect area, enum rfb_pace pace)
{
	unsigned pixels = (unsigned)area.width * (unsigned)area.height;
	return 500 + pixels / (pace == RFB_FAST ? 56 : 160);
}

static bool has_viewers(const struct rfb_server *s, const struct rfb_kind *kind, enum rfb_pace pace)
{
	const struct rfb_viewer *v = LIST_FIRST(&s->viewers);
	while (v && (v->kind != kind || v->pace != pace)) {
		v = LIST_NEXT(v, link);
	}
	return v;
}

static bool is_within(struct rect area, struct size size)
{
	struct rect kept = rect_clip(area, size);
	return kept.width == area.width && kept.height == area.height;
}

static bool can_show(const struct rfb_server *s, const struct rfb_kind *kind, struct rect area)
{
	return area.width > 0 && kind->key.video && s->slow < SLOW_MAX &&
	       is_within(area, kind->key.size) && is_within(area, s->scene.picture->size);
}

static unsigned count_films(const struct rfb_server *s)
{
	const struct rfb_kind *kind;
	unsigned n = 0;
	LIST_FOREACH(kind, &s->kinds, link)
	{
		for (int i = 0; i < MOTION_AREAS_MAX * RFB_PACES; i++) {
			n += kind->films[i / RFB_PACES][i % RFB_PACES] != NULL;
		}
	}
	return n;
}

static void begin(struct rfb_server *s, struct rfb_kind *kind, unsigned part, enum rfb_pace pace,
	struct rect area)
{
	struct err err;
	struct film *film = count_films(s) < FILMS_MAX ? film_new(++s->n_films, part, area,
								 frame_bytes(area, pace), &err)
						       : NULL;
	if (film) {
		rfb_kind_begin_film(kind, pace, film);
	}
}

/* If it is no more what there should be.  Returns whether there should be another. */
static bool end_film(struct rfb_server *s, struct rfb_kind *kind, unsigned part, enum rfb_pace pace,
	struct rect area)
{
	const struct film *film = kind->films[part][pace];
	bool shows = can_show(s, kind, area) && has_viewers(s, kind, pace);
	if (film && (!shows || film->failed || !rect_equal(film->area, area))) {
		rfb_kind_end_film(kind, part, pace);
	}
	return shows && !kind->films[part][pace];
}

static void match_area(struct rfb_server *s, struct rfb_kind *kind, unsigned part)
{
	struct rect area = motion_areas(s->motion)[part];
	bool begins[RFB_PACES];
	for (enum rfb_pace pace = 0; pace < RFB_PACES; pace++) {
		begins[pace] = end_film(s, kind, part, pace, area);
	}
	rfb_kind_set_moving(
		kind, part, is_within(area, kind->key.size) ? area : (struct rect){ 0 });
	for (enum rfb_pace pace = 0; pace < RFB_PACES; pace++) {
		if (begins[pace]) {
			begin(s, kind, part, pace, area);
		}
	}
}

/* Films are where the picture moves. */
static void match(struct rfb_server *s)
{
	struct rfb_kind *kind;
	LIST_FOREACH(kind, &s->kinds, link)
	{
		for (unsigned i = 0; i < MOTION_AREAS_MAX && rfb_kind_is_lossy(kind); i++) {
			match_area(s, kind, i);
		}
	}
}

static bool is_lossy(const struct rfb_server *s)
{
	const struct rfb_kind *kind = LIST_FIRST(&s->kinds);
	while (kind && !rfb_kind_is_lossy(kind)) {
		kind = LIST_NEXT(kind, link);
	}
	return kind;
}

/* ---- frames of the picture ---- */

/* No viewer of the kind lacks a due tile before this one. */
static uint32_t taken_by_all(const struct rfb_server *s, const struct rfb_kind *kind)
{
	const struct rfb_viewer *v;
	uint32_t least = kind->exact.last;
	LIST_FOREACH(v, &s->viewers, link)
	{
		least = v->kind == kind && v->place.exact < least ? v->place.exact : least;
	}
	return least;
}

static void note_taken(struct rfb_server *s)
{
	struct rfb_kind *kind;
	LIST_FOREACH(kind, &s->kinds, link)
	{
		kind->exact.taken = taken_by_all(s, kind);
	}
}

void rfb_films_advance(struct rfb_server *s, const struct picture_change *change)
{
	struct rfb_kind *kind;
	note_taken(s);
	LIST_FOREACH(kind, &s->kinds, link)
	{
		rfb_kind_advance(kind, change, &s->scene);
	}
	if (is_lossy(s)) {
		motion_see(s->motion, s->scene.picture, change, loop_now_us());
		match(s);
	}
}

/* ---- frames of films ---- */

struct wish {
	bool frame, key;
};

/* What the viewers of a film wait for. */
static struct wish wish_for(const struct rfb_server *s, struct rfb_kind *kind,
	const struct film *film, enum rfb_pace pace)
{
	const struct rfb_viewer *v;
	struct wish wish = { 0 };
	LIST_FOREACH(v, &s->viewers, link)
	{
		if (v->kind == kind && v->pace == pace && v->place.frame > 0 &&
			rfb_viewer_is_ready(v)) {
			uint32_t next = film_next(film, v->place.films[film->part]);
			wish.key |= next == 0;
			wish.frame |= next == film->last + 1;
		}
	}
	wish.key &= film_may_have_key(film, loop_now_us());
	wish.frame &= history_has_changed(&kind->history, film->area, film->shows);
	return wish;
}

static void on_film(bool ok, uint64_t cpu_us, void *data)
{
	struct rfb_server *s = data;
	s->job = NULL;
	s->slow = cpu_us > SLOW_CPU_US ? s->slow + 1 : s->slow < SLOW_MAX ? 0 : s->slow;
	s->ticked |= !ok;
	rfb_server_run(s);
}

static int on_film_due(sd_event_source *source, uint64_t usec, void *data)
{
	struct rfb_server *s = data;
	(void)source, (void)usec;
	loop_drop(&s->film_due);
	rfb_server_run(s);
	return 0;
}

/* Whether the film's next frame may begin; if not, it is waited for. */
static bool is_due(struct rfb_server *s, const struct film *film)
{
	uint64_t now = loop_now_us(), due = film->began_us + FRAME_US;
	if (now < due && !s->film_due) {
		s->film_due = loop_after_ms(s->event, (due - now + 999) / 1000, on_film_due, s);
	}
	return now >= due;
}

static void encode_one(
	struct rfb_server *s, struct rfb_kind *kind, enum rfb_pace pace, struct film *film)
{
	struct wish wish = film ? wish_for(s, kind, film, pace) : (struct wish){ 0 };
	if ((wish.frame || wish.key) && is_due(s, film)) {
		struct image picture = rfb_kind_pixels(kind, &s->scene, film->area);
		s->job = film_encode(
			film, s->event, &picture, kind->history.frame, wish.key, on_film, s);
	}
}

/* ---- rest ---- */

static void choose_pace(const struct rfb_server *s, struct rfb_viewer *v)
{
	const struct rect *areas = motion_areas(s->motion);
	uint64_t rate = rate_now(&v->rate, loop_now_us()), need = PLAIN_BYTES_S;
	for (int i = 0; i < MOTION_AREAS_MAX; i++) {
		need += areas[i].width > 0 ? FRAMES_S * frame_bytes(areas[i], RFB_FAST) : 0;
	}
	need += v->pace == RFB_SLOW ? need / 2 : 0;
	v->pace = rate > 0 && rate < need ? RFB_SLOW : RFB_FAST;
}

/* What has come to rest is made exact. */
static void look_around(struct rfb_server *s)
{
	struct rfb_viewer *v;
	struct rfb_kind *kind;
	motion_tick(s->motion, s->scene.picture, loop_now_us());
	LIST_FOREACH(v, &s->viewers, link)
	{
		choose_pace(s, v);
	}
	note_taken(s);
	match(s);
	LIST_FOREACH(kind, &s->kinds, link)
	{
		rfb_kind_tick(kind, motion_areas(s->motion), MOTION_AREAS_MAX);
	}
}

static int on_tick(sd_event_source *source, uint64_t usec, void *data)
{
	struct rfb_server *s = data;
	(void)source, (void)usec;
	loop_drop(&s->tick);
	s->ticked = true;
	rfb_server_run(s);
	return 0;
}

static bool is_restless(const struct rfb_server *s)
{
	const struct rfb_kind *kind;
	const struct rect *areas = motion_areas(s->motion);
	for (int i = 0; i < MOTION_AREAS_MAX; i++) {
		if (areas[i].width > 0) {
			return true;
		}
	}
	LIST_FOREACH(kind, &s->kinds, link)
	{
		if (kind->exact.n_lossy > 0) {
			return true;
		}
	}
	return false;
}

void rfb_films_await(struct rfb_server *s)
{
	if (!s->tick && !s->ticked && is_restless(s)) {
		s->tick = loop_after_ms(s->event, RFB_TICK_MS, on_tick, s);
	}
}

void rfb_films_run(struct rfb_server *s)
{
	struct rfb_kind *kind;
	if (s->ticked) {
		s->ticked = false;
		look_around(s);
	}
	LIST_FOREACH(kind, &s->kinds, link)
	{
		for (int i = 0; i < MOTION_AREAS_MAX * RFB_PACES && !s->job; i++) {
			encode_one(
				s, kind, i % RFB_PACES, kind->films[i / RFB_PACES][i % RFB_PACES]);
		}
	}
}
