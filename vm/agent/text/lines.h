#ifndef VM_AGENT_TEXT_LINES_H
#define VM_AGENT_TEXT_LINES_H

#include "vm/agent/text/words.h"

/* Words that a person reads one after the other: side by side, with small gaps. */

struct line {
	size_t first, n; /* of the words */
};

struct lines {
	struct line *at;
	size_t n;
};

/* Sorts the words by line, and in the order of reading within it: from the right in Arabic and
 * Hebrew.  The lines come in no particular order. */
void lines_make(struct words *words, struct lines *ret);
void lines_done(struct lines *lines); /* frees and empties */

#endif
