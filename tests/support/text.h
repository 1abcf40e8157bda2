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

#endif
