#ifndef VM_RFB_FLOW_H
#define VM_RFB_FLOW_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How many updates may be on their way to a viewer that takes them unasked (ContinuousUpdates).  A
 * fence behind each tells when it was taken.  As long as that is quick, more of them fill a long
 * line; when it takes much longer than the line alone does, they queue up, and fewer are sent.
 */

#define FLOW_MAX 16 /* updates */

struct flow {
	uint32_t sent, taken; /* updates, counted */
	unsigned window;      /* how many may be on their way; 0 counts as 2 */
	uint64_t least_us;    /* of all times; 0: none yet */
	uint64_t sent_us[FLOW_MAX];
};

bool flow_is_open(const struct flow *flow);
/* Returns the number that the fence carries. */
uint32_t flow_sent(struct flow *flow, uint64_t now_us);
/* number: any, from the viewer.  Returns whether such a fence was on its way. */
bool flow_taken(struct flow *flow, uint32_t number, uint64_t now_us);

#endif
