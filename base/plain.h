#ifndef BASE_PLAIN_H
#define BASE_PLAIN_H

#include "base/buf.h"

/*
 * Untrusted text (a window's title, a program's output) as part of one line.  It cannot begin a
 * line or change how the text around it is displayed: control characters and line separators become
 * spaces; invisible characters (direction marks, zero width, tags) are removed; invalid UTF-8
 * becomes '?'.
 */

/* At most max bytes of text, followed by "..." if it is longer. */
void plain_append(struct buf *out, const char *text, size_t max);
/* The same in quotation marks.  Quotation marks and backslashes in text are escaped with a
 * backslash. */
void plain_quote(struct buf *out, const char *text, size_t max);

#endif
