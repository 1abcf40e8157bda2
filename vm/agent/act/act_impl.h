#ifndef VM_AGENT_ACT_ACT_IMPL_H
#define VM_AGENT_ACT_ACT_IMPL_H

/* Shared by act.c, act_answer.c, act_marks.c, act_turn.c and act_queue.c. */

#include "vm/agent/act/act.h"
#include "vm/agent/act/act_turn.h"
#include "vm/agent/act/action_runner.h"
#include "vm/agent/act/marks.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/window/window_shot.h"
#include "vm/agent/x11/settle.h"

struct act {
	struct act_queue *queue;
	struct act *next;
	struct request *req;
	struct action_runner runner;
	bool has_input, running;
	struct observe observe;
	uint64_t since;    /* the frame that changes are told from */
	uint64_t acted_us; /* when the last input was sent; without input: when the list began */
	json_t *failed;
	struct client_sync *landing;
	struct settle *settle;
	struct settle_result settled;
	struct window_shot *shot;
	struct marks_work *marking;           /* elements are being found or numbered */
	struct marks_read marks;              /* of the image; rows NULL: none yet; all is owned */
	bool blank;                           /* observe.window has only one colour */
	const struct act_turn_handlers *turn; /* instead of a request (act_turn.h); NULL: a list */
	void *turn_data;
};

struct act_queue {
	struct agent *agent;
	struct seat *seat; /* of the open display; NULL until used */
	struct display_listener listener;
	struct act *first; /* in order of arrival */
	sd_event_source *start;
	const struct marks_source *marks; /* NULL: not supported */
};

/* ---- act.c: one request ---- */

static inline struct input *act_input(struct act *act)
{
	return &act->queue->seat->input;
}

/* Runs its list. */
void act_start(struct act *act);
/* Fails the request, releases what its list holds, and frees it. */
void act_end(struct act *act, const struct err *why);
void act_free(struct act *act);
/* Performs the list, whose points are all known. */
void act_perform(struct act *act);

/* ---- act_marks.c ---- */

bool act_check_marks(const struct act *act, struct err *err) NODISCARD;
/* Whether actions name marks; then act_perform() is called when their points are known. */
bool act_find_marks(struct act *act);
/* Whether marks are needed for the image and are not there; then act_answer() is called when they
 * are. */
bool act_read_marks(struct act *act);
void act_drop_marks(struct act *act);

/* ---- act_answer.c ---- */

/* Whether an image is wanted, and of what.  ret_aside: what changed on the screen, but is not in it
 * (width 0: nothing).  After a round trip, which updates the counters. */
bool act_wants_image(struct act *act, struct observe *ret, struct rect *ret_aside);
/* Takes the image, answers now or later, and frees it. */
void act_answer(struct act *act);

/* ---- act_turn.c: a turn without a list ---- */

void act_turn_start(struct act *turn);
void act_turn_lose(struct act *turn, const struct err *why);

/* ---- act_queue.c ---- */

void act_queue_add(struct act *act);
/* The next list starts from the loop. */
void act_queue_remove(struct act *act);
/* The list that has the input lock, or gets it next. */
struct act *act_queue_first(const struct act_queue *q);

#endif
