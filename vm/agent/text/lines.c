/* From left to right, each word continues the line that ends nearest to it, or begins one.  The OCR
 * program's own lines are not used: it often begins another one at a gap. */
#include "vm/agent/text/lines.h"

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#define GAP_MAX 2 /* heights of the higher word */

struct placed {
	struct word word;
	size_t line;
};

static int by_left(const void *a, const void *b)
{
	const struct placed *one = a, *other = b;
	int d = one->word.at.x - other->word.at.x;
	return d ? d : one->word.at.y - other->word.at.y;
}

static int by_line(const void *a, const void *b)
{
	const struct placed *one = a, *other = b;
	if (one->line != other->line) {
		return one->line < other->line ? -1 : 1;
	}
	return by_left(a, b);
}

static int larger(int a, int b)
{
	return a > b ? a : b;
}

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

/* At least half of the lower one is beside the other. */
static bool is_beside(struct rect a, struct rect b)
{
	int common = smaller(a.y + a.height, b.y + b.height) - larger(a.y, b.y);
	return 2 * common >= smaller(a.height, b.height);
}

/* Distance from the end of a line; -1: the word is not of this line. */
static int gap(struct rect last, struct rect word)
{
	int height = larger(last.height, word.height), d = word.x - (last.x + last.width);
	return is_beside(last, word) && d >= -height / 2 && d <= GAP_MAX * height ? larger(d, 0)
										  : -1;
}

/* last: of each line, the index of its last word.  Returns the number of lines. */
static size_t place(struct placed *words, size_t n, size_t *last)
{
	size_t lines = 0;
	for (size_t i = 0; i < n; i++) {
		int best = -1;
		words[i].line = lines;
		for (size_t k = 0; k < lines; k++) {
			int d = gap(words[last[k]].word.at, words[i].word.at);
			if (d >= 0 && (best < 0 || d < best)) {
				best = d;
				words[i].line = k;
			}
		}
		last[words[i].line] = i;
		lines += words[i].line == lines;
	}
	return lines;
}

/* Of most words. */
static bool is_from_the_right(const struct word *words, size_t n)
{
	size_t from_right = 0;
	for (size_t i = 0; i < n; i++) {
		GUnicodeScript script = g_unichar_get_script(g_utf8_get_char(words[i].text));
		from_right +=
			script == G_UNICODE_SCRIPT_ARABIC || script == G_UNICODE_SCRIPT_HEBREW;
	}
	return 2 * from_right > n;
}

static void reverse(struct word *words, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct word one = words[i];
		words[i] = words[n - 1 - i];
		words[n - 1 - i] = one;
	}
}

static void collect(struct words *words, const struct placed *placed, struct lines *ret)
{
	for (size_t i = 0; i < words->n; i++) {
		struct line *line = &ret->at[placed[i].line];
		words->at[i] = placed[i].word;
		line->first = line->n++ ? line->first : i;
	}
	for (size_t i = 0; i < ret->n; i++) {
		struct word *first = words->at + ret->at[i].first;
		if (is_from_the_right(first, ret->at[i].n)) {
			reverse(first, ret->at[i].n);
		}
	}
}

void lines_make(struct words *words, struct lines *ret)
{
	*ret = (struct lines){ 0 };
	size_t n = words->n;
	auto_free struct placed *placed = must(calloc(n + 1, sizeof(*placed)));
	auto_free size_t *last = must(calloc(n + 1, sizeof(*last)));
	for (size_t i = 0; i < n; i++) {
		placed[i].word = words->at[i];
	}
	qsort(placed, n, sizeof(*placed), by_left);
	ret->n = place(placed, n, last);
	qsort(placed, n, sizeof(*placed), by_line);
	ret->at = must(calloc(ret->n + 1, sizeof(*ret->at)));
	collect(words, placed, ret);
}

void lines_done(struct lines *lines)
{
	free(lines->at);
	*lines = (struct lines){ 0 };
}
