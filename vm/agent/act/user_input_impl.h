#ifndef VM_AGENT_ACT_USER_INPUT_IMPL_H
#define VM_AGENT_ACT_USER_INPUT_IMPL_H

/* Within the input of viewers only. */
#include "vm/agent/act/catch_up.h"
#include "vm/agent/act/seat.h"
#include "vm/agent/act/user_input.h"
#include "vm/agent/act/user_keys.h"

struct user_input {
	struct agent *agent;
	user_input_filter_fn *filter;
	void *filter_data;
	struct display *display; /* listened to; NULL: none */
	struct display_listener listener;
	struct user_event queue[USER_INPUT_QUEUE]; /* a ring */
	size_t first, n;
	struct user_keys keys;
	unsigned buttons; /* held */
	bool blocked;     /* by the gate */
	bool waits;       /* for its turn, or the map's readers */
	struct keymap_turn turn;
	struct catch_up *catch_up;
	uint64_t asked_change, read_change; /* of the map: the focused program has read them */
	sd_event_source *patience; /* timeout of the map's readers, or until the next change */
	int changes;               /* of the map, for the first event */
	bool refused;              /* a key was refused, and logged */
	bool reported_full;
	void (*room)(void *data); /* NULL: no listener */
	void *room_data;
};

/* Sends what may be sent now. */
void user_input_run(struct user_input *in);
/* The i-th of the queue. */
struct user_event *user_input_event(struct user_input *in, size_t i);
/* Presses a key, with a spare keycode if the layout has none for it.  False: the first event must
 * wait; user_input_run() follows. */
bool user_input_press(struct user_input *in, struct seat *seat, uint32_t keysym);

#endif
