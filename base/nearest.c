/* "Did you mean": the edit distance, and the largest one that counts as a typing error. */
#include "base/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_LEN 63              /* longer names are not typed by hand */
#define HALF_SLIP (NAME_MAX_LEN + 1) /* more than any number of letters */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t distance(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b), row[NAME_MAX_LEN + 1];
	for (size_t j = 0; j <= b_len; j++) {
		row[j] = j;
	}
	for (size_t i = 1; i <= a_len; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			int same = tolower((unsigned char)a[i - 1]) ==
				   tolower((unsigned char)b[j - 1]);
			size_t cost = diagonal + !same;
			diagonal = row[j];
			row[j] = least(cost, least(row[j], row[j - 1]) + 1);
		}
	}
	return row[b_len];
}

/* cmd for command: letters omitted, except the first. */
static bool is_short_for(const char *word, const char *name)
{
	if (strlen(word) < 3 || tolower((unsigned char)*word) != tolower((unsigned char)*name)) {
		return false;
	}
	for (; *word && *name; name++) {
		word += tolower((unsigned char)*word) == tolower((unsigned char)*name);
	}
	return !*word;
}

/* ctlr for ctrl: two adjacent letters swapped. */
static bool is_swapped(const char *word, const char *name)
{
	size_t at = 0;
	while (word[at] && word[at] == name[at]) {
		at++;
	}
	return word[at] && name[at] && word[at] == name[at + 1] && word[at + 1] == name[at] &&
	       strcmp(word + at + 2, name + at + 2) == 0;
}

/* The distance of word and name: slips first, then the letters that differ. */
static size_t score(const char *word, const char *name)
{
	size_t letters = distance(word, name), halves = 2 * letters; /* of slips */
	bool begins = strlen(word) >= 3 && strncasecmp(word, name, strlen(word)) == 0;
	if (begins || is_swapped(word, name)) {
		halves = 0;
	} else if (is_short_for(word, name)) {
		halves = least(halves, 1);
	}
	return halves * HALF_SLIP + letters;
}

const char *nearest_name(const char *word, const char *const *names)
{
	size_t len = strlen(word);
	size_t slips = len < 4 ? 2 : len / 3 + 2; /* 1 in a short word, 3 in a long one */
	size_t best = 2 * least(slips, len) * HALF_SLIP;
	const char *found = NULL;
	if (len == 0 || len > NAME_MAX_LEN) {
		return NULL;
	}
	for (; *names; names++) {
		size_t it = strlen(*names) > NAME_MAX_LEN ? best : score(word, *names);
		if (it < best) {
			best = it;
			found = *names;
		}
	}
	return found;
}
