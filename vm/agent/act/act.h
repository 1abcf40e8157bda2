#ifndef VM_AGENT_ACT_ACT_H
#define VM_AGENT_ACT_ACT_H

#include "vm/agent/core/op.h"

/*
 * The act operation: runs a list of actions and looks at the screen afterwards
 * (vm/wire/messages.h).  The queue is the input lock: lists with input run one at a time, in the
 * order they came.
 */

struct act_queue;
struct seat;

/* Finds the display in agent->display whenever a list runs; when that display is closed, running
 * lists fail. */
struct act_queue *act_queue_new(struct agent *agent);
/* Lists still running fail.  NULL-safe. */
void act_queue_free(struct act_queue *q);

/* Releases what lists that have ended hold down. */
void act_queue_let_go(struct act_queue *q);

/* Makes the frame that is most likely asked for next, raw: as pixels, and keeps it. */
void act_queue_look_ahead(struct act_queue *q, bool raw);
/* Whether pictures can be made at this moment. */
bool act_queue_can_look(struct act_queue *q, struct err *err) NODISCARD;

/* That of the display that is open now; valid until the loop runs again. */
struct seat *act_queue_seat(struct act_queue *q, struct err *err) NODISCARD;

extern const struct op op_act;

#endif
