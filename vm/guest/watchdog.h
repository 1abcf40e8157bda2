#ifndef VM_GUEST_WATCHDOG_H
#define VM_GUEST_WATCHDOG_H

#include "vm/guest/call.h"

/* An agent that hangs must not block its callers: it is pinged while they wait, and each call has a
 * deadline. */

/* The request was sent: its deadline begins. */
void watchdog_begin(struct guest_call *call);
/* The agent has answered within the deadline, which is removed. */
void watchdog_is_answered(struct guest_call *call);
/* Cancels the request; the agent must answer soon. */
void watchdog_cancel(struct guest_call *call);
/* For the caller of one that was cancelled at its deadline. */
void watchdog_late_error(const struct guest_call *call, struct err *ret_err);

#endif
