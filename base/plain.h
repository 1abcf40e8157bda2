#ifndef BASE_PLAIN_H
#define BASE_PLAIN_H

#include "base/buf.h"

/*
 * Words of strangers (a window's title, a program's output) on one line of a text of ours, so that
 * they can neither begin a line nor change how what stands around them reads: control characters
 * and line separators become spaces; marks that nobody sees (of direction, zero width, tags) are
 * left out, and what is not UTF-8 becomes '?'.
 */

/* At most max bytes of text, with "..." when there is more. */
void plain_append(struct buf *out, const char *text, size_t max);
/* The same between quotation marks; those in it, and backslashes, get a backslash. */
void plain_quote(struct buf *out, const char *text, size_t max);

#endif
