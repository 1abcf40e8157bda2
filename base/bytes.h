#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include "base/buf.h"

/* Integers in network byte order (big-endian), as RFB and image formats have them.  The pointers
 * need no alignment; `get` reads 2 or 4 bytes, `put` writes them. */

uint16_t bytes_get_u16(const uint8_t *at);
uint32_t bytes_get_u32(const uint8_t *at);
void bytes_put_u16(uint8_t *ret_at, uint16_t value);
void bytes_put_u32(uint8_t *ret_at, uint32_t value);
void bytes_append_u16(struct buf *out, uint16_t value);
void bytes_append_u32(struct buf *out, uint32_t value);

#endif
