#ifndef BASE_QUOTE_H
#define BASE_QUOTE_H

#include <stddef.h>

/* What a program said, as part of a sentence of ours: it cannot be mistaken for text of ours. */

#define QUOTE_MAX 512

/*
 * The end of text, at most max bytes of it (max <= QUOTE_MAX - 3), on one line in double quotes:
 * printable ASCII only, runs of blanks are one, and a double quote is a single one.  Returns to.
 */
const char *quote_end(char to[QUOTE_MAX], const char *text, size_t len, size_t max);

#endif
