#ifndef BASE_QUOTE_H
#define BASE_QUOTE_H

#include <stddef.h>

/* Program output as part of an error message, so that it cannot be mistaken for Vitrine's text. */

#define QUOTE_MAX 512

/*
 * Writes the end of text, at most max bytes (max <= QUOTE_MAX - 3), on one line in double quotes:
 * printable ASCII only, each run of blanks as one, double quotes as single ones.  Returns to.
 */
const char *quote_end(char to[QUOTE_MAX], const char *text, size_t len, size_t max);

#endif
