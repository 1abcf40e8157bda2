// USES rfb
/* What a viewer's line carries, by fences whose times are given. */
#include "vm/rfb/rate.h"

#include <criterion/criterion.h>

#define MS 1000ull

/* Updates of so many bytes, each sent while the one before is on its way. */
static uint64_t queue_up(struct rate *r, uint32_t bytes, uint64_t each_us, uint64_t now)
{
	for (uint32_t fence = 1; fence <= 10; fence++) {
		rate_sent(r, fence, bytes, now - 200 * MS);
		now += each_us;
		rate_taken(r, fence, now);
	}
	return now;
}

Test(rfb_rate, knows_no_limit_of_a_line_without_a_queue)
{
	struct rate r = { 0 };
	for (uint32_t fence = 1; fence <= 40; fence++) {
		rate_sent(&r, fence, 100000, fence * 30 * MS);
		rate_taken(&r, fence, fence * 30 * MS + 5 * MS);
	}
	cr_expect_eq(rate_now(&r, 2000 * MS), 0);
}

Test(rfb_rate, measures_a_line_with_a_queue_and_forgets_it)
{
	struct rate r = { .least_us = 5 * MS };
	uint64_t now = queue_up(&r, 10000, 40 * MS, 1000 * MS);
	uint32_t per_s = rate_now(&r, now);
	cr_expect(per_s > 100000 && per_s < 300000, "%u bytes a second, not about 250000", per_s);
	cr_expect_eq(rate_now(&r, now + 14000 * MS), per_s);
	cr_expect_eq(rate_now(&r, now + 16000 * MS), 0);
}
