#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>

/* RFC 4648 section 4, with padding, without line breaks.  Returns a NUL-ended text to free(). */
char *base64_encode(const void *bytes, size_t len, size_t *ret_len);
/* The other way; NULL when text is not such an encoding.  Bytes to free(). */
void *base64_decode(const char *text, size_t *ret_len);

#endif
