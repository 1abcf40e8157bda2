#ifndef VM_AGENT_TEXT_FOLD_H
#define VM_AGENT_TEXT_FOLD_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* Text for comparison: without the difference of case, compatibility forms, kinds of quotation marks
 * and dashes, and amounts of white space.  Between two characters of Chinese or Japanese there is
 * none. */

struct fold_char {
	gunichar ch;
	unsigned from; /* the number that fold_add() got */
};

struct fold {
	struct fold_char *at;
	size_t n, room;
};

/* Appends text, with a space before it if there is something already.  from: any number. */
void fold_add(struct fold *fold, const char *text, unsigned from);
void fold_done(struct fold *fold); /* frees and empties */

bool fold_equal(const struct fold *a, const struct fold *b);
/* Characters that look alike in many fonts ("0" and "O", "1", "l" and "I") are one. */
gunichar fold_look(gunichar ch);
/* Whether it is part of a word. */
bool fold_is_of_word(gunichar ch);

#endif
