#ifndef VM_AGENT_TEXT_MATCH_H
#define VM_AGENT_TEXT_MATCH_H

#include "vm/agent/text/lines.h"
#include "vm/wire/messages_text.h"

/* Where a text is among words. */

enum match_kind {
	MATCH_WORDS,   /* whole words are the text */
	MATCH_PART,    /* the text is a part of them */
	MATCH_SIMILAR, /* they differ in a few characters, or in some that look alike */
};

struct match {
	enum match_kind kind;
	struct rect at; /* of the text within its words, as exact as their widths tell */
	int confidence; /* of the words; less if they are only similar */
	char *text;     /* owned: the words */
};

struct matches {
	struct match at[TEXT_MATCHES_MAX]; /* the best first */
	size_t n;
	char *near[TEXT_NEAR_MAX]; /* owned: without matches, the lines that are most like it */
	size_t n_near;
};

/* Finds the text in single lines, where the centre of the match is in the area.  Similar words match
 * only if no words are equal. */
void match_find(const struct words *words, const struct lines *lines, struct rect area,
	const char *text, struct matches *ret);
void matches_done(struct matches *matches); /* frees and empties */

#endif
