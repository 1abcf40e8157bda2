#ifndef VM_RFB_RATE_H
#define VM_RFB_RATE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What a viewer's line carries, measured while updates queue up on it: only then is it the line that
 * limits them.  Fences behind updates (vm/rfb/flow.h) tell when each was taken.
 */

#define RATE_FENCES 16

struct rate {
	uint32_t per_s; /* bytes; 0: no limit was met lately */
	uint64_t least_us, taken_us;
	uint64_t met_us;         /* when the limit was met last */
	uint64_t bytes, busy_us; /* of the measurement under way */
	uint64_t sent_us[RATE_FENCES];
	uint32_t sent[RATE_FENCES]; /* bytes before the fence */
};

void rate_sent(struct rate *r, uint32_t fence, uint32_t bytes, uint64_t now_us);
/* fence: one that was sent, and of the last RATE_FENCES. */
void rate_taken(struct rate *r, uint32_t fence, uint64_t now_us);
/* Bytes a second; 0: no limit is known. */
uint32_t rate_now(const struct rate *r, uint64_t now_us);

#endif
