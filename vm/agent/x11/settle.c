/*
 * Settling, driven by damage events and one timer.  Damage only writes times into tiles.  The tiles
 * are examined when the timer fires, at the earliest time at which they can have been quiet for
 * long enough, so a busy screen costs no more than a quiet one.
 */
#include "vm/agent/x11/settle.h"

#include "base/cleanup.h"
#include "base/loop.h"

#define TILE 32
#define RECTS_MAX 32
#define BURST_GAP_US 5000 /* changes within this are one burst */
#define MOVING_BURSTS 4
#define MOVING_US 500000 /* minimum time between the first and the last of a moving tile */

struct tile {
	uint64_t first_us, last_us; /* 0: not changed since settle_new() */
	unsigned bursts;
};

struct settle {
	struct display *display;
	struct display_listener listener;
	struct size screen;
	int columns, rows;
	struct rect area; /* that counts */
	bool is_part;     /* of the screen; else all of it, whatever its size */
	struct tile *tiles;
	bool changed; /* since settle_new(), or since it was quiet but not ready */
	uint64_t since_us, reaction_us, wait_us, quiet_us, end_us;
	uint64_t foreseen_us; /* the end that was announced to the caller */
	sd_event_source *timer;
	const struct settle_handlers *handlers;
	void *data;
};

static bool is_moving(const struct tile *tile)
{
	return tile->bursts >= MOVING_BURSTS && tile->last_us - tile->first_us >= MOVING_US;
}

static void touch(struct tile *tile, uint64_t now)
{
	if (!tile->first_us) {
		tile->first_us = now;
	}
	if (tile->bursts == 0 || now - tile->last_us >= BURST_GAP_US) {
		tile->bursts++;
	}
	tile->last_us = now;
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

static void start_again(struct settle *s)
{
	s->screen = display_size(s->display);
	if (!s->is_part) {
		s->area = (struct rect){ 0, 0, s->screen.width, s->screen.height };
	}
	s->columns = (s->screen.width + TILE - 1) / TILE;
	s->rows = (s->screen.height + TILE - 1) / TILE;
	free(s->tiles);
	s->tiles = must(calloc((size_t)s->columns * (size_t)s->rows, sizeof(*s->tiles)));
}

/* Without a change the timer waits for the first one; now it can be quiet earlier. */
static void note_first_change(struct settle *s, uint64_t now)
{
	uint64_t half = now + s->quiet_us / 2;
	s->changed = true;
	if (s->timer) {
		sd_event_source_set_time(s->timer, half < s->end_us ? half : s->end_us);
	}
}

static void on_damaged(const XRectangle *area, void *data)
{
	struct settle *s = data;
	uint64_t now = loop_now_us();
	if (!size_equal(s->screen, display_size(s->display))) {
		start_again(s); /* and all of it has changed */
	}
	if (area->x >= s->area.x + s->area.width || area->x + area->width <= s->area.x ||
		area->y >= s->area.y + s->area.height || area->y + area->height <= s->area.y) {
		return;
	}
	if (!s->changed) {
		note_first_change(s, now);
	}
	int last_x = least((area->x + area->width - 1) / TILE, s->columns - 1);
	int last_y = least((area->y + area->height - 1) / TILE, s->rows - 1);
	for (int y = area->y / TILE; y <= last_y; y++) {
		for (int x = area->x / TILE; x <= last_x; x++) {
			touch(&s->tiles[y * s->columns + x], now);
		}
	}
}

/* The last change that counts; 0 if none. */
static uint64_t last_change(const struct settle *s)
{
	uint64_t last = 0;
	for (int i = 0; i < s->columns * s->rows; i++) {
		const struct tile *tile = &s->tiles[i];
		if (tile->last_us > last && !is_moving(tile)) {
			last = tile->last_us;
		}
	}
	return last;
}

static bool anything_moves(const struct settle *s)
{
	for (int i = 0; i < s->columns * s->rows; i++) {
		if (is_moving(&s->tiles[i])) {
			return true;
		}
	}
	return false;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* When the screen will have settled, if nothing else changes. */
static uint64_t quiet_at(const struct settle *s)
{
	uint64_t last = last_change(s);
	if (last == 0 && !anything_moves(s)) {
		return later(s->since_us + s->reaction_us, s->wait_us + s->quiet_us);
	}
	return later(last, s->wait_us) + s->quiet_us;
}

/*
 * Half of the quiet time has passed, so the result can most likely be prepared now. This takes time
 * and reads new changes.  Returns when the screen will have settled now.
 */
static uint64_t foresee(struct settle *s, uint64_t at)
{
	s->foreseen_us = at;
	if (s->handlers->nearly) {
		s->handlers->nearly(s->data);
	}
	return quiet_at(s);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *data)
{
	(void)usec;
	struct settle *s = data;
	uint64_t at = quiet_at(s);
	if (loop_now_us() + s->quiet_us / 2 >= at && s->foreseen_us != at) {
		at = foresee(s, at);
	}
	uint64_t now = loop_now_us(), half = at - s->quiet_us / 2;
	if (at > now && now < s->end_us) {
		uint64_t next = half > now ? half : at;
		sd_event_source_set_time(source, next < s->end_us ? next : s->end_us);
		sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
		return 0;
	}
	if (now < s->end_us && s->handlers->unready && s->handlers->unready(s->data)) {
		s->changed = false;
		sd_event_source_set_time(source, s->end_us);
		sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
		return 0;
	}
	struct settle_result result = { at <= now, (int64_t)(now - s->wait_us) / 1000 };
	s->handlers->settled(&result, s->data);
	return 0;
}

struct settle *settle_new(struct display *d)
{
	struct settle *s = must(calloc(1, sizeof(*s)));
	s->display = d;
	start_again(s);
	s->listener = (struct display_listener){ .damaged = on_damaged, .data = s };
	display_listen(d, &s->listener);
	return s;
}

void settle_within(struct settle *s, struct rect area)
{
	s->area = area;
	s->is_part = true;
}

void settle_wait(struct settle *s, const struct observe *how, uint64_t since_us,
	const struct settle_handlers *handlers, void *data)
{
	s->handlers = handlers;
	s->data = data;
	s->wait_us = loop_now_us();
	s->since_us = since_us;
	s->quiet_us = (uint64_t)how->quiet_ms * 1000;
	s->reaction_us = (uint64_t)how->reaction_ms * 1000;
	s->end_us = s->wait_us + (uint64_t)how->timeout_ms * 1000;
	s->timer = loop_after_ms(display_loop(s->display), 0, on_timer, s);
}

void settle_free(struct settle *s)
{
	if (s) {
		loop_drop(&s->timer);
		display_unlisten(s->display, &s->listener);
		free(s->tiles);
		free(s);
	}
}

/* ---- moving regions ---- */

/* A run of moving tiles extends the rectangle above it if both span the same columns. */
static int add_run(XRectangle *rects, int n, int x0, int x1, int y)
{
	for (int i = 0; i < n; i++) {
		if (rects[i].x == x0 && rects[i].x + rects[i].width == x1 &&
			rects[i].y + rects[i].height == y) {
			rects[i].height++;
			return n;
		}
	}
	if (n == RECTS_MAX) {
		/* Too many: the last one includes the rest. */
		XRectangle *last = &rects[n - 1];
		int right = last->x + last->width > x1 ? last->x + last->width : x1;
		last->x = (short)least(last->x, x0);
		last->width = (unsigned short)(right - last->x);
		last->height = (unsigned short)(y + 1 - last->y);
		return n;
	}
	rects[n] = (XRectangle){ (short)x0, (short)y, (unsigned short)(x1 - x0), 1 };
	return n + 1;
}

static int collect_tiles(const struct settle *s, XRectangle *rects)
{
	int n = 0;
	for (int y = 0; y < s->rows; y++) {
		for (int x = 0; x < s->columns; x++) {
			int x0 = x;
			while (x < s->columns && is_moving(&s->tiles[y * s->columns + x])) {
				x++;
			}
			if (x > x0) {
				n = add_run(rects, n, x0, x, y);
			}
		}
	}
	return n;
}

static struct rect in_pixels(const XRectangle *tiles, struct size screen)
{
	const struct rect r = { tiles->x * TILE, tiles->y * TILE, tiles->width * TILE,
		tiles->height * TILE };
	return rect_clip(r, screen);
}

json_t *settle_encode_moving(const struct settle *s, struct size frame)
{
	XRectangle tiles[RECTS_MAX];
	struct size screen = display_size(s->display);
	int n = collect_tiles(s, tiles);
	json_t *list = n > 0 ? must(json_array()) : NULL;
	for (int i = 0; i < n; i++) {
		const struct rect r = in_pixels(&tiles[i], screen);
		const struct field_ints at = rect_edges(geometry_rect_to_frame(r, frame, screen));
		json_array_append_new(
			list, must(json_pack("[I,I,I,I]", at.at[0], at.at[1], at.at[2], at.at[3])));
	}
	return list;
}
