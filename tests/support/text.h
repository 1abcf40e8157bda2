#ifndef TESTS_SUPPORT_TEXT_H
#define TESTS_SUPPORT_TEXT_H

/* Texts to type. */

#include "base/buf.h"

#include <stdint.h>

/* In characters. */
int64_t text_length(const char *text);

void text_append_char(struct buf *buf, unsigned ch);

/* More characters than there are spare keycodes, and all of them once more, backwards. */
void text_append_cjk(struct buf *buf, int n);

/* n characters from `first` to U+10FFFF, as many of each length in UTF-8; the same in each run.  From a space on, no control characters. */
void text_append_random(struct buf *buf, int n, unsigned first);

#endif
