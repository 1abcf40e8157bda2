#ifndef VM_AGENT_ACT_ACT_H
#define VM_AGENT_ACT_ACT_H

#include "vm/agent/core/op.h"

/*
 * The operation `act`: runs a list of actions and observes the screen afterwards
 * (vm/wire/messages.h). The queue is the input lock: lists with input run one at a time, in order
 * of arrival.
 */

struct act_queue;
struct seat;
struct marks_source; /* marks.h */

/* Uses agent->display at the time a list runs; when that display is closed, running lists fail. */
struct act_queue *act_queue_new(struct agent *agent);
/* Running lists fail.  NULL-safe. */
void act_queue_free(struct act_queue *q);

/* Once, before the first request; without it, marks are refused. */
void act_queue_use_marks(struct act_queue *q, const struct marks_source *source);

/* Releases keys and buttons held by completed lists. */
void act_queue_let_go(struct act_queue *q);

/* Captures the frame that is most likely requested next (raw: as pixels) and caches it. */
void act_queue_look_ahead(struct act_queue *q, bool raw);
/* After a restore: the client knows frames up to this one, of a time that is gone. */
void act_queue_skip_frame(struct act_queue *q, uint64_t known);
/* Whether frames can be captured now. */
bool act_queue_can_look(struct act_queue *q, struct err *err) NODISCARD;

/* That of the open display; valid until the loop runs again. */
struct seat *act_queue_seat(struct act_queue *q, struct err *err) NODISCARD;

extern const struct op op_act;

#endif
