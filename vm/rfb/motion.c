/*
 * Tiles of 64x64 pixels are watched in rounds of eight slots.  A tile in which something changed in
 * most slots of two rounds, and that has many colours, is film; it stays film as long as it changes
 * at all.  (What a window that has just appeared changed beside its film is forgotten by then.)  An area
 * is the largest rectangle of such tiles, cut to what changed in them most of the time: text beside a
 * film, in the same tile, changes now and then.
 */
#include "vm/rfb/motion.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "vm/rfb/palette.h"

#include <string.h>

#define TILE 64
#define SLOTS 8
#define SLOT_US (MOTION_ROUND_MS * 1000ull / SLOTS)
#define HOT_SLOTS 5  /* of a round: ten changes a second */
#define KEPT_SHARE 8 /* an area stays while at most one of so many tiles is no film */
#define GAP 8        /* pixels that rest between two tiles of one film, at most */
#define GROWTH 5 / 4 /* and until one so much larger is found */

struct tile {
	uint8_t slots;       /* one bit each, of this round */
	bool hot, film;      /* after the last round */
	struct rect boxes[SLOTS]; /* what changed in each slot of this round */
	struct rect outline;      /* and in most of those of the last */
};

/* How many tiles of one film end at this one, in its row; and of those that end here, how many go on
 * in the row above. */
struct run {
	uint16_t film, up;
};

struct motion {
	struct size size, tiles;
	struct tile *all;
	struct run *runs; /* scratch */
	uint64_t round;
	struct rect areas[MOTION_AREAS_MAX];
	uint64_t moved_us[MOTION_AREAS_MAX];
	struct palette palette;
	struct buf indexes;
};

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

static int count_bits(unsigned bits)
{
	return __builtin_popcount(bits);
}

static struct tile *tile_at(const struct motion *m, int x, int y)
{
	return &m->all[y * m->tiles.width + x];
}

/* ---- changes ---- */

static void resize(struct motion *m, struct size size)
{
	if (m->all && size.width == m->size.width && size.height == m->size.height) {
		return;
	}
	m->size = size;
	m->tiles = (struct size){ (size.width + TILE - 1) / TILE, (size.height + TILE - 1) / TILE };
	size_t n = (size_t)m->tiles.width * (size_t)m->tiles.height;
	free(m->all);
	free(m->runs);
	m->all = must(calloc(n ? n : 1, sizeof(*m->all)));
	m->runs = must(calloc(n ? n : 1, sizeof(*m->runs)));
	memset(m->areas, 0, sizeof(m->areas));
}

static void touch(struct motion *m, struct rect area, uint64_t now_us)
{
	unsigned slot = (unsigned)(now_us / SLOT_US % SLOTS);
	for (int y = area.y / TILE; y * TILE < area.y + area.height; y++) {
		for (int x = area.x / TILE; x * TILE < area.x + area.width; x++) {
			struct tile *t = tile_at(m, x, y);
			struct rect part =
				rect_common(area, (struct rect){ x * TILE, y * TILE, TILE, TILE });
			bool more = t->slots & 1u << slot;
			t->boxes[slot] = more ? rect_join(t->boxes[slot], part) : part;
			t->slots |= (uint8_t)(1u << slot);
		}
	}
	for (int i = 0; i < MOTION_AREAS_MAX; i++) {
		if (rect_overlaps(area, m->areas[i])) {
			m->moved_us[i] = now_us;
		}
	}
}

/* ---- the end of a round ---- */

/* A narrow edge of a film has fewer colours than a tile of it, and still more than text. */
static bool is_photo(struct motion *m, const struct image *picture, struct rect box)
{
	struct image part = image_part(picture, box);
	int enough = box.width * box.height / 8;
	return !palette_count(&m->palette, &part, &m->indexes) || m->palette.n > enough;
}

static int compare_edges(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* The edge that at least half of them reach. */
static int common_edge(int *edges, int n, bool far)
{
	qsort(edges, (size_t)n, sizeof(*edges), compare_edges);
	int half = (n + 1) / 2;
	return edges[far ? n - half : half - 1];
}

/* What changed in at least half of the slots in which something did. */
static struct rect common_box(const struct tile *t)
{
	int left[SLOTS], top[SLOTS], right[SLOTS], bottom[SLOTS], n = 0;
	for (int i = 0; i < SLOTS; i++) {
		if (t->slots & 1u << i) {
			left[n] = t->boxes[i].x;
			top[n] = t->boxes[i].y;
			right[n] = t->boxes[i].x + t->boxes[i].width;
			bottom[n] = t->boxes[i].y + t->boxes[i].height;
			n++;
		}
	}
	if (n == 0) {
		return (struct rect){ 0 };
	}
	int x = common_edge(left, n, false), y = common_edge(top, n, false);
	return (struct rect){ x, y, common_edge(right, n, true) - x,
		common_edge(bottom, n, true) - y };
}

static void judge(struct motion *m, const struct image *picture)
{
	for (int i = 0; i < m->tiles.width * m->tiles.height; i++) {
		struct tile *t = &m->all[i];
		bool hot = count_bits(t->slots) >= HOT_SLOTS;
		t->outline = common_box(t);
		t->film = t->slots &&
			  (t->film || (hot && t->hot && is_photo(m, picture, t->outline)));
		t->hot = hot;
		t->slots = 0;
	}
}

static struct rect tiles_of(struct rect area)
{
	int x = area.x / TILE, y = area.y / TILE;
	return (struct rect){ x, y, (area.x + area.width + TILE - 1) / TILE - x,
		(area.y + area.height + TILE - 1) / TILE - y };
}

static int count_film(const struct motion *m, struct rect tiles)
{
	int n = 0;
	for (int y = tiles.y; y < tiles.y + tiles.height; y++) {
		for (int x = tiles.x; x < tiles.x + tiles.width; x++) {
			n += tile_at(m, x, y)->film;
		}
	}
	return n;
}

static bool is_film_still(const struct motion *m, struct rect area)
{
	struct rect tiles = tiles_of(area);
	int n = tiles.width * tiles.height;
	return area.width > 0 && (n - count_film(m, tiles)) * KEPT_SHARE <= n;
}

static bool is_taken(struct rect tile, const struct rect *taken, int n)
{
	int i = 0;
	while (i < n && !rect_overlaps(tile, taken[i])) {
		i++;
	}
	return i < n;
}

/* Whether what changed goes on over the border of two tiles, between the end of one and the start of
 * the other. */
static bool goes_on(int end, int border, int start)
{
	return end >= border - GAP && start <= border + GAP;
}

static struct run run_at(const struct motion *m, int x, int y)
{
	const struct tile *t = tile_at(m, x, y), *left = x > 0 ? t - 1 : NULL;
	const struct tile *above = y > 0 ? t - m->tiles.width : NULL;
	struct run before = left ? m->runs[y * m->tiles.width + x - 1] : (struct run){ 0 };
	bool joined =
		left && goes_on(left->outline.x + left->outline.width, x * TILE, t->outline.x);
	bool up = above && above->film &&
		  goes_on(above->outline.y + above->outline.height, y * TILE, t->outline.y);
	return (struct run){ (uint16_t)(joined ? before.film + 1 : 1),
		(uint16_t)(up ? before.up + 1 : 0) };
}

static void count_runs(struct motion *m, const struct rect *taken, int n)
{
	for (int y = 0; y < m->tiles.height; y++) {
		for (int x = 0; x < m->tiles.width; x++) {
			bool film = tile_at(m, x, y)->film &&
				    !is_taken((struct rect){ x, y, 1, 1 }, taken, n);
			m->runs[y * m->tiles.width + x] =
				film ? run_at(m, x, y) : (struct run){ 0 };
		}
	}
}

/* Those that end at this tile: the widest for each height. */
static void try_from(const struct motion *m, int x, int y, struct rect *best)
{
	int width = m->tiles.width;
	for (int top = y; top >= 0 && width > 0; top--) {
		struct run run = m->runs[top * m->tiles.width + x];
		width = smaller(width, run.film);
		int height = y - top + 1;
		if (width * height > best->width * best->height) {
			*best = (struct rect){ x - width + 1, top, width, height };
		}
		width = smaller(width, run.up);
	}
}

/* In tiles; width 0: there is none. */
static struct rect largest(struct motion *m, const struct rect *taken, int n)
{
	struct rect best = { 0 };
	count_runs(m, taken, n);
	for (int y = 0; y < m->tiles.height; y++) {
		for (int x = 0; x < m->tiles.width; x++) {
			try_from(m, x, y, &best);
		}
	}
	return best;
}

/* The pixels of an area of tiles that changed, with even sides. */
static struct rect outline(const struct motion *m, struct rect tiles)
{
	struct rect area = tile_at(m, tiles.x, tiles.y)->outline;
	for (int y = tiles.y; y < tiles.y + tiles.height; y++) {
		for (int x = tiles.x; x < tiles.x + tiles.width; x++) {
			area = rect_join(area, tile_at(m, x, y)->outline);
		}
	}
	area.width &= ~1;
	area.height &= ~1;
	return area;
}

static int count_tiles(struct rect area)
{
	struct rect tiles = tiles_of(area);
	return tiles.width * tiles.height;
}

/* An area that lasts keeps its place and its outline, unless it has grown by tiles: a line of text
 * that changes beside it is no part of it. */
static struct rect *find_kept(struct motion *m, struct rect found)
{
	for (int i = 0; i < MOTION_AREAS_MAX; i++) {
		struct rect *old = &m->areas[i];
		if (rect_overlaps(found, *old) && is_film_still(m, *old) &&
			count_tiles(found) <= count_tiles(*old) * GROWTH) {
			return old;
		}
	}
	return NULL;
}

static void place(struct motion *m, const struct rect *found, int n, uint64_t now_us)
{
	bool kept[MOTION_AREAS_MAX] = { false };
	struct rect news[MOTION_AREAS_MAX];
	int n_news = 0;
	for (int i = 0; i < n; i++) {
		struct rect *old = find_kept(m, found[i]);
		if (old) {
			kept[old - m->areas] = true;
		} else {
			news[n_news++] = found[i];
		}
	}
	for (int i = 0; i < MOTION_AREAS_MAX; i++) {
		if (!kept[i]) {
			m->areas[i] = (struct rect){ 0 };
		}
	}
	for (int i = 0; i < MOTION_AREAS_MAX; i++) {
		if (!kept[i] && n_news > 0) {
			struct rect found_new = news[--n_news];
			bool free = !is_taken(found_new, m->areas, MOTION_AREAS_MAX);
			m->areas[i] = free ? found_new : (struct rect){ 0 };
			m->moved_us[i] = now_us;
		}
	}
}

static void find_areas(struct motion *m, uint64_t now_us)
{
	struct rect taken[MOTION_AREAS_MAX], found[MOTION_AREAS_MAX];
	int n = 0;
	for (int i = 0; i < MOTION_AREAS_MAX; i++) {
		taken[i] = largest(m, taken, i);
		if (taken[i].width == 0) {
			break;
		}
		struct rect area = outline(m, taken[i]);
		if (area.width >= MOTION_SIDE_MIN && area.height >= MOTION_SIDE_MIN) {
			found[n++] = area;
		}
	}
	place(m, found, n, now_us);
}

/* ---- time ---- */

/* What it was is not found again at the end of the round. */
static void end_area(struct motion *m, struct rect *area)
{
	struct rect tiles = tiles_of(*area);
	for (int y = tiles.y; y < tiles.y + tiles.height; y++) {
		for (int x = tiles.x; x < tiles.x + tiles.width; x++) {
			*tile_at(m, x, y) = (struct tile){ 0 };
		}
	}
	*area = (struct rect){ 0 };
}

static void end_still(struct motion *m, uint64_t now_us)
{
	for (int i = 0; i < MOTION_AREAS_MAX; i++) {
		if (m->areas[i].width > 0 && now_us - m->moved_us[i] >= MOTION_STILL_MS * 1000) {
			end_area(m, &m->areas[i]);
		}
	}
}

void motion_tick(struct motion *m, const struct image *picture, uint64_t now_us)
{
	uint64_t round = now_us / (SLOT_US * SLOTS);
	resize(m, picture->size);
	if (round != m->round) {
		m->round = round;
		judge(m, picture);
		find_areas(m, now_us);
	}
	end_still(m, now_us);
}

void motion_see(struct motion *m, const struct image *picture, const struct picture_change *change,
	uint64_t now_us)
{
	motion_tick(m, picture, now_us);
	for (size_t i = 0; i < change->n_areas; i++) {
		struct rect area = rect_clip(change->areas[i], m->size);
		if (area.width > 0 && area.height > 0) {
			touch(m, area, now_us);
		}
	}
}

const struct rect *motion_areas(const struct motion *m)
{
	return m->areas;
}

struct motion *motion_new(void)
{
	return must(calloc(1, sizeof(struct motion)));
}

void motion_free(struct motion *m)
{
	if (m) {
		free(m->all);
		free(m->runs);
		buf_done(&m->indexes);
		free(m);
	}
}
