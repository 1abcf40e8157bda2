#include "vm/agent/act/act_turn.h"

#include "base/cleanup.h"
#include "vm/agent/act/act_impl.h"

struct act *act_turn_new(
	struct act_queue *q, const struct act_turn_handlers *handlers, void *data, struct err *err)
{
	if (!act_queue_seat(q, err)) {
		return NULL;
	}
	struct act *turn = must(calloc(1, sizeof(*turn)));
	turn->queue = q;
	turn->turn = handlers;
	turn->turn_data = data;
	turn->has_input = true;
	act_queue_add(turn);
	sd_event_source_set_enabled(q->start, SD_EVENT_ONESHOT);
	return turn;
}

void act_turn_free(struct act *turn)
{
	if (turn) {
		act_queue_remove(turn);
		free(turn);
	}
}

void act_turn_start(struct act *turn)
{
	turn->running = true;
	turn->turn->on_turn(turn->turn_data);
}

void act_turn_lose(struct act *turn, const struct err *why)
{
	const struct act_turn_handlers *handlers = turn->turn;
	void *data = turn->turn_data;
	act_turn_free(turn);
	handlers->on_lost(why, data);
}
