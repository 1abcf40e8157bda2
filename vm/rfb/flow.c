#include "vm/rfb/flow.h"

#define WINDOW_FIRST 2
#define QUEUE_US 50000 /* that much longer than the least, twice: there is a queue */

static unsigned window_of(const struct flow *flow)
{
	return flow->window ? flow->window : WINDOW_FIRST;
}

bool flow_is_open(const struct flow *flow)
{
	return flow->sent - flow->taken < window_of(flow);
}

uint32_t flow_sent(struct flow *flow, uint64_t now_us)
{
	flow->sent++;
	flow->sent_us[flow->sent % FLOW_MAX] = now_us;
	return flow->sent;
}

static void adapt(struct flow *flow, uint64_t took_us, bool was_full)
{
	unsigned window = window_of(flow);
	if (flow->least_us == 0 || took_us < flow->least_us) {
		flow->least_us = took_us > 0 ? took_us : 1;
	}
	if (took_us > 2 * flow->least_us + QUEUE_US) {
		window = window > 1 ? window / 2 : 1;
	} else if (was_full && window < FLOW_MAX) {
		window++;
	}
	flow->window = window;
}

bool flow_taken(struct flow *flow, uint32_t number, uint64_t now_us)
{
	if (number - flow->taken - 1 >= flow->sent - flow->taken) {
		return false;
	}
	bool was_full = !flow_is_open(flow);
	flow->taken = number;
	adapt(flow, now_us - flow->sent_us[number % FLOW_MAX], was_full);
	return true;
}
