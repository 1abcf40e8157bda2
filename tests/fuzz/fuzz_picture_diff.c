// USES picture
/*
 * Pictures and their changes, drawn by hostile programs: moves and areas make the new picture of
 * the old one, whatever was drawn, and areas do not overlap.
 */
#include "tests/support/picture_change.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct script {
	const uint8_t *at;
	size_t left;
};

static int next(struct script *s, int below)
{
	int value = 0;
	for (int i = 0; i < 2 && s->left > 0; i++, s->left--) {
		value = value << 8 | *s->at++;
	}
	return value % below;
}

static struct rect next_rect(struct script *s, struct size size)
{
	struct rect r = { next(s, size.width), next(s, size.height), 0, 0 };
	r.width = 1 + next(s, size.width - r.x);
	r.height = 1 + next(s, size.height - r.y);
	return r;
}

static uint32_t colour_of(int kind, uint32_t *seed, int in_period)
{
	*seed = *seed * 1664525 + 1013904223;
	return kind == 0   ? *seed >> 7
	       : kind == 1 ? *seed >> 7 & 0x01000001
	       : kind == 2 ? 0xaabbcc
			   : (uint32_t)in_period;
}

/* Noise of many or two colours, one colour, or a pattern. */
static void fill(struct script *s, const struct image *image)
{
	struct rect r = next_rect(s, image->size);
	uint32_t seed = (uint32_t)next(s, 1 << 16);
	int kind = next(s, 4), period = 1 + next(s, 40);
	for (int y = r.y; y < r.y + r.height; y++) {
		for (int x = r.x; x < r.x + r.width; x++) {
			uint32_t colour =
				colour_of(kind, &seed, x % period * 7 + y % period * 1001);
			memcpy(image_at(image, x, y), &colour, 4);
		}
	}
}

static void scroll(struct script *s, const struct image *image)
{
	struct rect to = next_rect(s, image->size);
	struct point from = { next(s, image->size.width - to.width + 1),
		next(s, image->size.height - to.height + 1) };
	if (next(s, 2)) {
		from.x = to.x;
	}
	image_move(image, to, from);
}

/* Only a part of what was drawn is taken. */
static void take(struct script *s, struct picture_diff *d, const struct image *drawn,
	const struct image *picture)
{
	struct picture_change change;
	struct rect area = next_rect(s, picture->size);
	if (!change_take(d, picture, area, drawn, &change)) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct script s = { bytes, len };
	struct size size = { 1 + next(&s, 150), 1 + next(&s, 120) };
	struct image drawn = image_new(size), picture = image_new(size);
	struct picture_diff *d = picture_diff_new();
	for (int i = 0; i < 6 && s.left > 0; i++) {
		for (int n = next(&s, 6); n > 0; n--) {
			next(&s, 3) == 0 ? scroll(&s, &drawn) : fill(&s, &drawn);
		}
		take(&s, d, &drawn, &picture);
	}
	picture_diff_free(d);
	free(drawn.pixels);
	free(picture.pixels);
	return 0;
}
