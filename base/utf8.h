#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buf.h"

/* Bytes from outside as UTF-8. */

/* Length of the valid character at s, 0 for none: NUL, overlong forms, surrogates and what is above
 * U+10FFFF are none.  len: at least 1. */
size_t utf8_char_len(const uint8_t *s, size_t len);
/* How long the character claims to be by its first byte; 0 when none begins so. */
size_t utf8_claimed_len(uint8_t first);
/* Whether all of it is valid characters. */
bool utf8_is_valid(const uint8_t *s, size_t len);
void utf8_append_latin1(struct buf *to, const uint8_t *s, size_t len);
/* Adds it; each byte that belongs to no valid character becomes U+FFFD. */
void utf8_append_clean(struct buf *to, const uint8_t *s, size_t len);

#endif
