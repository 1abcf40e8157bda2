// USES agent
/* Bytes as the table of an OCR program, and their end as a text to find in it: every word, line and
 * match is within the picture and its bounds. */
#include "base/cleanup.h"
#include "base/utf8.h"
#include "vm/agent/text/match.h"

#include <stdint.h>
#include <string.h>

#define WIDTH 640
#define HEIGHT 480

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void check_place(struct rect r)
{
	check(r.x >= 0 && r.y >= 0 && r.width > 0 && r.height > 0);
	check(r.x + r.width <= WIDTH && r.y + r.height <= HEIGHT);
}

static void check_words(const struct words *words)
{
	check(words->n <= WORDS_MAX);
	for (size_t i = 0; i < words->n; i++) {
		const struct word *word = &words->at[i];
		check_place(word->at);
		check(word->confidence >= 0 && word->confidence <= 100);
		size_t n = strlen(word->text);
		check(n > 0 && n <= WORD_BYTES_MAX + 3 &&
			utf8_is_valid((const uint8_t *)word->text, n));
	}
}

/* Each word is in one line. */
static void check_lines(const struct words *words, const struct lines *lines)
{
	size_t next = 0;
	for (size_t i = 0; i < lines->n; i++) {
		check(lines->at[i].first == next && lines->at[i].n > 0);
		next += lines->at[i].n;
	}
	check(next == words->n);
}

static void check_matches(const struct matches *matches)
{
	check(matches->n <= TEXT_MATCHES_MAX && matches->n_near <= TEXT_NEAR_MAX);
	check(!matches->n || !matches->n_near);
	for (size_t i = 0; i < matches->n; i++) {
		const struct match *match = &matches->at[i];
		check_place(match->at);
		check(match->confidence >= 0 && match->confidence <= 100);
		check(i == 0 || match->kind >= matches->at[i - 1].kind);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct words words;
	struct lines lines;
	struct matches matches;
	size_t tail = len < 8 ? len : 8;
	auto_free char *text = must(strndup((const char *)bytes + len - tail, tail));
	words_read((const char *)bytes, len, (struct size){ WIDTH, HEIGHT }, &words);
	check_words(&words);
	lines_make(&words, &lines);
	check_words(&words);
	check_lines(&words, &lines);
	match_find(&words, &lines, (struct rect){ 0, 0, WIDTH, HEIGHT }, text, &matches);
	check_matches(&matches);
	matches_done(&matches);
	lines_done(&lines);
	words_done(&words);
	return 0;
}
