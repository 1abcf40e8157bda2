#ifndef VM_AGENT_TEXT_WORDS_H
#define VM_AGENT_TEXT_WORDS_H

#include "vm/wire/geometry.h"

/* The words of a picture, as an OCR program prints them: a table of tab-separated values. */

#define WORDS_MAX 5000
#define WORD_BYTES_MAX 200

struct word {
	char *text;     /* owned; plain (base/plain.h), not empty */
	struct rect at; /* not empty, and within the picture */
	int confidence; /* 0 to 100 */
};

struct words {
	struct word *at;
	size_t n;
};

/* picture: its size in pixels.  Rows that are not words in it are left out, and so are those beyond
 * WORDS_MAX. */
void words_read(const char *table, size_t len, struct size picture, struct words *ret);
void words_done(struct words *words); /* frees and empties */

#endif
