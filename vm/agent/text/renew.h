#ifndef VM_AGENT_TEXT_RENEW_H
#define VM_AGENT_TEXT_RENEW_H

#include "vm/agent/text/words.h"

/* Words of a screen of which a part has changed: only that part is read again. */

/* What to read, around the changed part and the words that it touches, within the whole. */
struct rect renew_area(const struct words *words, struct rect changed, struct rect whole);
/* Replaces the words in the area by fresh ones, which it takes.  Words that the edge of the area cuts
 * stay as they were. */
void renew_words(struct words *words, struct rect area, struct rect whole, struct words *fresh);

#endif
