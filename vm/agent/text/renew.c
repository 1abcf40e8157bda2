#include "vm/agent/text/renew.h"

#include "base/cleanup.h"

#include <stdbool.h>

/* In pixels: the OCR program needs white around a word, and more than a letter. */
#define MARGIN 12
#define WIDTH_MIN 160
#define HEIGHT_MIN 48
#define ROUNDS 8

static struct rect grow(struct rect r, int by)
{
	return (struct rect){ r.x - by, r.y - by, r.width + 2 * by, r.height + 2 * by };
}

static struct rect at_least(struct rect r)
{
	int x = r.width < WIDTH_MIN ? WIDTH_MIN - r.width : 0;
	int y = r.height < HEIGHT_MIN ? HEIGHT_MIN - r.height : 0;
	return (struct rect){ r.x - x / 2, r.y - y / 2, r.width + x, r.height + y };
}

static struct rect within(struct rect r, struct rect whole)
{
	return rect_overlaps(r, whole) ? rect_common(r, whole) : (struct rect){ 0 };
}

struct rect renew_area(const struct words *words, struct rect changed, struct rect whole)
{
	struct rect area = at_least(grow(changed, MARGIN));
	bool grown = true;
	for (int i = 0; grown && i < ROUNDS; i++) {
		grown = false;
		for (size_t k = 0; k < words->n; k++) {
			struct rect word = grow(words->at[k].at, MARGIN);
			if (rect_overlaps(area, words->at[k].at) &&
				!rect_equal(rect_join(area, word), area)) {
				area = rect_join(area, word);
				grown = true;
			}
		}
	}
	return within(area, whole);
}

/* Whether an edge of the area that is none of the whole goes through it. */
static bool is_cut(struct rect word, struct rect area, struct rect whole)
{
	int right = area.x + area.width, below = area.y + area.height;
	return (word.x <= area.x && area.x > whole.x) || (word.y <= area.y && area.y > whole.y) ||
	       (word.x + word.width >= right && right < whole.x + whole.width) ||
	       (word.y + word.height >= below && below < whole.y + whole.height);
}

void renew_words(struct words *words, struct rect area, struct rect whole, struct words *fresh)
{
	size_t n = 0;
	for (size_t i = 0; i < words->n; i++) {
		if (rect_has_centre(area, words->at[i].at)) {
			free(words->at[i].text);
		} else {
			words->at[n++] = words->at[i];
		}
	}
	words->at = must(reallocarray(words->at, n + fresh->n + 1, sizeof(*words->at)));
	for (size_t i = 0; i < fresh->n; i++) {
		if (n < WORDS_MAX && !is_cut(fresh->at[i].at, area, whole)) {
			words->at[n++] = fresh->at[i];
		} else {
			free(fresh->at[i].text);
		}
	}
	words->n = n;
	free(fresh->at);
	*fresh = (struct words){ 0 };
}
