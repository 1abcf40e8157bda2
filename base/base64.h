#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>

/* RFC 4648 section 4, with padding, without line breaks.  Returns a NUL-terminated string to
 * free(). */
char *base64_encode(const void *bytes, size_t len, size_t *ret_len);
/* Returns the decoded bytes, to free(); NULL if text is not valid base64. */
void *base64_decode(const char *text, size_t *ret_len);

#endif
