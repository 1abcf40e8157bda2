// USES net base
/* Frames of a hostile machine: whatever passes goes to no private address, and a refusal quotes
 * only what was there. */
#include "vm/net/filter.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const struct net_local none = { 0 };
	uint8_t answer[NET_REFUSAL_LEN], *frame = malloc(len ? len : 1);
	memcpy(frame, bytes, len);
	enum net_verdict verdict = net_judge(&none, frame, len);
	if (verdict == NET_REFUSE) {
		net_refusal(frame, answer);
	}
	if (verdict == NET_PASS && frame[12] == 8 && frame[13] == 0) {
		bool resolver = memcmp(frame + 30, "\x0a\0\x02\x03", 4) == 0;
		if ((frame[30] == 10 && !resolver) || frame[30] == 127 || frame[30] >= 224) {
			abort();
		}
	}
	free(frame);
	return 0;
}
