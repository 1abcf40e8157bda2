/* Big-endian integers, byte by byte: neither alignment nor the processor's own order matters. */
#include "base/bytes.h"

uint16_t bytes_get_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t bytes_get_u32(const uint8_t *at)
{
	return (uint32_t)bytes_get_u16(at) << 16 | bytes_get_u16(at + 2);
}

void bytes_put_u16(uint8_t *ret_at, uint16_t value)
{
	ret_at[0] = (uint8_t)(value >> 8);
	ret_at[1] = (uint8_t)value;
}

void bytes_put_u32(uint8_t *ret_at, uint32_t value)
{
	bytes_put_u16(ret_at, (uint16_t)(value >> 16));
	bytes_put_u16(ret_at + 2, (uint16_t)value);
}

void bytes_append_u16(struct buf *out, uint16_t value)
{
	uint8_t bytes[2];
	bytes_put_u16(bytes, value);
	buf_append(out, bytes, sizeof(bytes));
}

void bytes_append_u32(struct buf *out, uint32_t value)
{
	uint8_t bytes[4];
	bytes_put_u32(bytes, value);
	buf_append(out, bytes, sizeof(bytes));
}
