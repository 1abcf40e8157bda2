// USES base
#include "base/bytes.h"

#include <criterion/criterion.h>
#include <string.h>

Test(bytes, the_most_significant_byte_comes_first_at_any_address)
{
	static const uint8_t in[] = { 0, 0x01, 0x82, 0xf3, 0x04 };
	uint8_t out[7] = { 0 };
	cr_expect_eq(bytes_get_u16(in + 1), 0x0182);
	cr_expect_eq(bytes_get_u32(in + 1), 0x0182f304);
	cr_expect_eq(bytes_get_u16(in + 3), 0xf304);
	bytes_put_u16(out + 1, 0xf304);
	bytes_put_u32(out + 3, 0xfe82f304);
	cr_expect_arr_eq(out, ((uint8_t[]){ 0, 0xf3, 0x04, 0xfe, 0x82, 0xf3, 0x04 }), 7);
}

Test(bytes, numbers_are_appended_to_what_is_there)
{
	auto_buf struct buf out = { 0 };
	buf_append(&out, "x", 1);
	bytes_append_u16(&out, 0x8001);
	bytes_append_u32(&out, 0x80000001);
	cr_assert_eq(out.len, 7);
	cr_expect_arr_eq(out.data, "x\x80\x01\x80\0\0\x01", 7);
}
