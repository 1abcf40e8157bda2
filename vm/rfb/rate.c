#include "vm/rfb/rate.h"

#define QUEUE_US 50000    /* that much longer than the least, twice: there is a queue */
#define MEASURE_US 100000 /* of a busy line, for one result */
#define GOOD_US 15000000  /* a limit that was not met for so long is none any more */

void rate_sent(struct rate *r, uint32_t fence, uint32_t bytes, uint64_t now_us)
{
	r->sent_us[fence % RATE_FENCES] = now_us;
	r->sent[fence % RATE_FENCES] = bytes;
}

static void measure(struct rate *r, uint32_t bytes, uint64_t busy_us, uint64_t now_us)
{
	r->met_us = now_us;
	r->bytes += bytes;
	r->busy_us += busy_us;
	if (r->busy_us >= MEASURE_US) {
		uint64_t per_s = r->bytes * 1000000 / r->busy_us;
		r->per_s = per_s > UINT32_MAX ? UINT32_MAX : (uint32_t)(per_s ? per_s : 1);
		r->bytes = r->busy_us = 0;
	}
}

void rate_taken(struct rate *r, uint32_t fence, uint64_t now_us)
{
	uint64_t sent_us = r->sent_us[fence % RATE_FENCES], took_us = now_us - sent_us;
	uint64_t since = r->taken_us > sent_us ? r->taken_us : sent_us;
	r->taken_us = now_us;
	if (r->least_us == 0 || took_us < r->least_us) {
		r->least_us = took_us ? took_us : 1;
	}
	if (took_us > 2 * r->least_us + QUEUE_US) {
		measure(r, r->sent[fence % RATE_FENCES], now_us - since, now_us);
	}
}

uint32_t rate_now(const struct rate *r, uint64_t now_us)
{
	return now_us - r->met_us < GOOD_US ? r->per_s : 0;
}
