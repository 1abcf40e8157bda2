/*
 * A row is "level page block paragraph line word left top width height confidence text", with a tab
 * between two of them.  Rows of another level describe lines, paragraphs and blocks.
 */
#include "vm/agent/text/words.h"

#include "base/cleanup.h"
#include "base/plain.h"

#include <stdbool.h>
#include <string.h>

#define COLUMNS 12
#define LEVEL_OF_WORDS 5
#define ROW_BYTES_MAX 1000

enum column { LEVEL = 0, LEFT = 6, TOP, WIDTH, HEIGHT, CONFIDENCE, TEXT };

static bool split(char *row, char *columns[COLUMNS])
{
	for (int i = 0; i < COLUMNS; i++) {
		columns[i] = strsep(&row, "\t");
		if (!columns[i]) {
			return false;
		}
	}
	return !row;
}

/* Digits only, and at most max; a fraction is cut off if there may be one. */
static bool read_number(const char *text, int max, bool fraction, int *ret)
{
	size_t digits = strspn(text, "0123456789"), rest = digits;
	if (fraction && text[digits] == '.') {
		rest += 1 + strspn(text + digits + 1, "0123456789");
	}
	if (digits < 1 || digits > 6 || text[rest]) {
		return false;
	}
	*ret = (int)strtol(text, NULL, 10);
	return *ret <= max;
}

static bool read_place(char *const columns[COLUMNS], struct size picture, struct rect *ret)
{
	return read_number(columns[LEFT], picture.width, false, &ret->x) &&
	       read_number(columns[TOP], picture.height, false, &ret->y) &&
	       read_number(columns[WIDTH], picture.width - ret->x, false, &ret->width) &&
	       read_number(columns[HEIGHT], picture.height - ret->y, false, &ret->height) &&
	       ret->width > 0 && ret->height > 0;
}

/* NULL: there is nothing to see. */
static char *read_text(const char *text)
{
	auto_buf struct buf plain = { 0 };
	plain_append(&plain, text, WORD_BYTES_MAX);
	bool blank = strspn(buf_text(&plain), " ") == plain.len;
	return blank ? NULL : must(strdup(buf_text(&plain)));
}

static bool read_row(char *row, struct size picture, struct word *ret)
{
	char *columns[COLUMNS];
	int level;
	return split(row, columns) && read_number(columns[LEVEL], 9, false, &level) &&
	       level == LEVEL_OF_WORDS && read_place(columns, picture, &ret->at) &&
	       read_number(columns[CONFIDENCE], 100, true, &ret->confidence) &&
	       (ret->text = read_text(columns[TEXT]));
}

void words_read(const char *table, size_t len, struct size picture, struct words *ret)
{
	*ret = (struct words){ 0 };
	const char *end = table + len;
	for (const char *next; table < end && ret->n < WORDS_MAX; table = next) {
		const char *line_end = memchr(table, '\n', (size_t)(end - table));
		size_t row_len = (size_t)((line_end ? line_end : end) - table);
		next = line_end ? line_end + 1 : end;
		char row[ROW_BYTES_MAX];
		struct word word;
		if (row_len >= sizeof(row)) {
			continue;
		}
		memcpy(row, table, row_len);
		row[row_len] = '\0';
		if (read_row(row, picture, &word)) {
			ret->at = must(reallocarray(ret->at, ret->n + 1, sizeof(word)));
			ret->at[ret->n++] = word;
		}
	}
}

void words_done(struct words *words)
{
	for (size_t i = 0; i < words->n; i++) {
		free(words->at[i].text);
	}
	free(words->at);
	*words = (struct words){ 0 };
}
