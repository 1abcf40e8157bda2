/*
 * Line by line.  Similar texts are found by edit distance to any part of a line (Sellers); the
 * distance that is allowed grows with the length.
 */
#include "vm/agent/text/match.h"

#include "base/cleanup.h"
#include "base/plain.h"
#include "vm/agent/text/fold.h"

#include <string.h>

#define NEAR_BYTES 80
#define SHOWN_BYTES 200

struct search {
	const struct words *words;
	struct rect area;
	struct fold text; /* that is looked for */
	struct matches *ret;
};

/* A part of a line's characters; distance: from the text, in characters. */
struct part {
	size_t from, to;
	size_t distance;
};

struct near {
	size_t line;
	struct part part;
};

/* ---- places ---- */

/* Of the word that the character is of, the characters that the part has, by their share. */
static struct rect share(const struct fold *line, struct part part, size_t i, struct rect word)
{
	unsigned from = line->at[i].from;
	size_t before = i, after = i;
	while (before > 0 && line->at[before - 1].from == from && line->at[before - 1].ch != ' ') {
		before--;
	}
	while (after < line->n && line->at[after].from == from) {
		after++;
	}
	size_t all = after - before;
	size_t first = before > part.from ? before : part.from,
	       end = after < part.to ? after : part.to;
	int x0 = word.x + (int)(word.width * (first - before) / all);
	int x1 = word.x + (int)(word.width * (end - before) / all);
	return (struct rect){ x0, word.y, x1 > x0 ? x1 - x0 : 1, word.height };
}

static bool is_from_the_right(gunichar ch)
{
	GUnicodeScript script = g_unichar_get_script(ch);
	return script == G_UNICODE_SCRIPT_ARABIC || script == G_UNICODE_SCRIPT_HEBREW;
}

/* The box, the mean confidence and the words of a part. */
static void describe(
	const struct search *s, const struct fold *line, struct part part, struct match *ret)
{
	auto_buf struct buf text = { 0 };
	int sum = 0, n = 0;
	unsigned last = UINT32_MAX;
	for (size_t i = part.from; i < part.to; i++) {
		const struct fold_char *c = &line->at[i];
		if (c->ch == ' ' || c->from == last) {
			continue;
		}
		const struct word *word = &s->words->at[c->from];
		struct rect at =
			is_from_the_right(c->ch) ? word->at : share(line, part, i, word->at);
		ret->at = n++ ? rect_join(ret->at, at) : at;
		sum += word->confidence;
		buf_printf(&text, "%s%s", text.len && text.len < SHOWN_BYTES ? " " : "",
			text.len < SHOWN_BYTES ? word->text : "");
		last = c->from;
	}
	ret->confidence = n ? sum / n : 0;
	ret->confidence -= (int)((size_t)ret->confidence * part.distance / s->text.n);
	ret->text = must(strdup(buf_text(&text)));
}

/* ---- order ---- */

static int compare(const struct match *a, const struct match *b)
{
	return a->kind != b->kind               ? (int)a->kind - (int)b->kind
	       : a->confidence != b->confidence ? b->confidence - a->confidence
	       : a->at.y != b->at.y             ? a->at.y - b->at.y
						: a->at.x - b->at.x;
}

/* Keeps the best ones, in order; takes the match. */
static void keep(struct matches *to, struct match *added)
{
	if (to->n == TEXT_MATCHES_MAX) {
		if (compare(added, &to->at[to->n - 1]) >= 0) {
			free(added->text);
			return;
		}
		free(to->at[--to->n].text);
	}
	size_t i = to->n++;
	for (; i > 0 && compare(added, &to->at[i - 1]) < 0; i--) {
		to->at[i] = to->at[i - 1];
	}
	to->at[i] = *added;
}

static void add(
	const struct search *s, const struct fold *line, struct part part, enum match_kind kind)
{
	struct match match = { .kind = kind };
	describe(s, line, part, &match);
	if (rect_has_centre(s->area, match.at)) {
		keep(s->ret, &match);
	} else {
		free(match.text);
	}
}

/* ---- equal ---- */

/* The underline of a link is read as "_" between its words. */
static bool is_same(gunichar read, gunichar wanted)
{
	return read == wanted || (read == '_' && wanted == ' ');
}

static bool is_at(const struct search *s, const struct fold *line, size_t from)
{
	for (size_t i = 0; i < s->text.n; i++) {
		if (!is_same(line->at[from + i].ch, s->text.at[i].ch)) {
			return false;
		}
	}
	return true;
}

/* Neither the character before it nor the one behind it continues its words. */
static bool is_whole(const struct fold *line, struct part part)
{
	bool starts = part.from == 0 || !fold_is_of_word(line->at[part.from].ch) ||
		      !fold_is_of_word(line->at[part.from - 1].ch);
	bool ends = part.to == line->n || !fold_is_of_word(line->at[part.to - 1].ch) ||
		    !fold_is_of_word(line->at[part.to].ch);
	return starts && ends;
}

static void find_equal(const struct search *s, const struct fold *line)
{
	size_t len = s->text.n;
	for (size_t i = 0; i + len <= line->n; i++) {
		if (is_at(s, line, i)) {
			struct part part = { i, i + len, 0 };
			add(s, line, part, is_whole(line, part) ? MATCH_WORDS : MATCH_PART);
			i += len - 1;
		}
	}
}

/* ---- similar ---- */

struct cell {
	size_t distance, from;
};

static struct cell best_of(struct cell a, struct cell b, struct cell c)
{
	struct cell best = b.distance < a.distance ? b : a;
	return c.distance < best.distance ? c : best;
}

/* One character of the line: cells[j] is for the first j characters of the text. */
static void advance(const struct search *s, struct cell *cells, gunichar ch, size_t at)
{
	struct cell corner = cells[0];
	cells[0] = (struct cell){ 0, at + 1 };
	for (size_t j = 1; j <= s->text.n; j++) {
		bool same = fold_look(s->text.at[j - 1].ch) == fold_look(ch);
		struct cell replaced = { corner.distance + !same, corner.from };
		struct cell left_out = { cells[j - 1].distance + 1, cells[j - 1].from };
		struct cell added = { cells[j].distance + 1, cells[j].from };
		corner = cells[j];
		cells[j] = best_of(replaced, left_out, added);
	}
}

/* The part of the line that is most like the text. */
static struct part most_similar(const struct search *s, const struct fold *line)
{
	size_t n = s->text.n;
	auto_free struct cell *cells = must(calloc(n + 1, sizeof(*cells)));
	struct part best = { 0, 0, n };
	for (size_t j = 0; j <= n; j++) {
		cells[j].distance = j;
	}
	for (size_t i = 0; i < line->n; i++) {
		advance(s, cells, line->at[i].ch, i);
		if (cells[n].distance < best.distance && cells[n].from <= i) {
			best = (struct part){ cells[n].from, i + 1, cells[n].distance };
		}
	}
	return best;
}

static size_t allowed(size_t len)
{
	return len < 4 ? 0 : 1 + (len - 4) / 5;
}

static void keep_near(struct near near[TEXT_NEAR_MAX], size_t *n, struct near added)
{
	if (*n == TEXT_NEAR_MAX) {
		if (near[*n - 1].part.distance <= added.part.distance) {
			return;
		}
		--*n;
	}
	size_t i = (*n)++;
	for (; i > 0 && near[i - 1].part.distance > added.part.distance; i--) {
		near[i] = near[i - 1];
	}
	near[i] = added;
}

/* ---- all lines ---- */

static struct fold fold_line(const struct search *s, const struct line *line)
{
	struct fold fold = { 0 };
	for (size_t i = line->first; i < line->first + line->n; i++) {
		fold_add(&fold, s->words->at[i].text, (unsigned)i);
	}
	return fold;
}

static char *text_of(const struct search *s, const struct line *line)
{
	auto_buf struct buf all = { 0 }, text = { 0 };
	for (size_t i = line->first; i < line->first + line->n && all.len < SHOWN_BYTES; i++) {
		buf_printf(&all, "%s%s", all.len ? " " : "", s->words->at[i].text);
	}
	plain_append(&text, buf_text(&all), NEAR_BYTES);
	return must(strdup(buf_text(&text)));
}

static void find_similar(const struct search *s, const struct lines *lines)
{
	struct near near[TEXT_NEAR_MAX] = { 0 };
	size_t n_near = 0, max = allowed(s->text.n);
	for (size_t i = 0; i < lines->n; i++) {
		struct fold line = fold_line(s, &lines->at[i]);
		struct part part = most_similar(s, &line);
		struct match place = { 0 };
		if (part.to) {
			describe(s, &line, part, &place);
		}
		if (part.to && part.distance <= max) {
			add(s, &line, part, MATCH_SIMILAR);
		} else if (part.to && 2 * part.distance <= s->text.n &&
			   rect_has_centre(s->area, place.at)) {
			keep_near(near, &n_near, (struct near){ i, part });
		}
		free(place.text);
		fold_done(&line);
	}
	for (size_t i = 0; i < n_near && !s->ret->n; i++) {
		s->ret->near[s->ret->n_near++] = text_of(s, &lines->at[near[i].line]);
	}
}

void match_find(const struct words *words, const struct lines *lines, struct rect area,
	const char *text, struct matches *ret)
{
	struct search s = { .words = words, .area = area, .ret = ret };
	*ret = (struct matches){ 0 };
	fold_add(&s.text, text, 0);
	for (size_t i = 0; i < lines->n && s.text.n; i++) {
		struct fold line = fold_line(&s, &lines->at[i]);
		find_equal(&s, &line);
		fold_done(&line);
	}
	if (!ret->n && s.text.n) {
		find_similar(&s, lines);
	}
	fold_done(&s.text);
}

void matches_done(struct matches *matches)
{
	for (size_t i = 0; i < matches->n; i++) {
		free(matches->at[i].text);
	}
	for (size_t i = 0; i < matches->n_near; i++) {
		free(matches->near[i]);
	}
	*matches = (struct matches){ 0 };
}
