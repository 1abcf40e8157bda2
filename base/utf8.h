#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buf.h"

/* Bytes from outside as UTF-8. */

/* Length of the valid character at s, otherwise 0.  NUL, overlong forms, surrogates and numbers above
 * U+10FFFF are invalid.  len: at least 1. */
size_t utf8_char_len(const uint8_t *s, size_t len);
/* Length of a character according to its first byte; 0 if that is invalid. */
size_t utf8_claimed_len(uint8_t first);
/* Whether all characters are valid. */
bool utf8_is_valid(const uint8_t *s, size_t len);
/* Without an incomplete character at the end: how many of the bytes are left. */
size_t utf8_whole_len(const uint8_t *s, size_t len);
void utf8_append_latin1(struct buf *to, const uint8_t *s, size_t len);
/* Appends it; each byte outside a valid character becomes U+FFFD. */
void utf8_append_clean(struct buf *to, const uint8_t *s, size_t len);

/* Copies what fits into size bytes as one line: complete characters, control bytes as spaces, without
 * surrounding white space.  text is valid. */
void utf8_copy_line(char *to, size_t size, const char *text);

#endif
