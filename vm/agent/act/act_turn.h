#ifndef VM_AGENT_ACT_ACT_TURN_H
#define VM_AGENT_ACT_ACT_TURN_H

#include "vm/agent/act/act.h"

/* The input lock for input that is not a list of actions. */

struct act_turn_handlers {
	/* Called once, from the loop, when no other input is running.  The lock is kept until
	 * act_turn_free(). */
	void (*on_turn)(void *data);
	/* The display was closed, or the agent ends; the turn was freed. */
	void (*on_lost)(const struct err *why, void *data);
};

/* A turn, in order of arrival; NULL: there is no display. */
struct act *act_turn_new(struct act_queue *q, const struct act_turn_handlers *handlers, void *data,
	struct err *err) NODISCARD;
void act_turn_free(struct act *turn); /* NULL-safe */

#endif
