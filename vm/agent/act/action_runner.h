#ifndef VM_AGENT_ACT_ACTION_RUNNER_H
#define VM_AGENT_ACT_ACTION_RUNNER_H

#include "vm/agent/act/pointer.h"
#include "vm/agent/act/prepared_action.h"
#include "vm/agent/act/seat.h"
#include "vm/agent/act/typing.h"
#include "vm/agent/x11/client_sync.h"

#include <jansson.h>

/* Actions that have passed every check, on their way through the hands.  Made by setting the first
 * part. */
struct list {
	struct hands *hands;
	struct todo *todos; /* owned */
	size_t n;
	step_fn *fn; /* told the end, once, maybe before list_run() returns; it may call list_done()
		      */
	void *data;
	json_t *done; /* an array, owned: {ms, chars?, unfocused?} for each that ran to its end */

	size_t index; /* of the action that runs, or has failed */
	int phase;
	uint64_t began_us;
	bool unfocused; /* its keys were pressed while no window had the focus */
	sd_event_source *timer;
	struct typing *typing;
	struct clicks *clicks;
	struct drag *drag;
	struct client_sync *sync;
};

void list_run(struct list *list);
/* Stops what is under way (keys and buttons stay as they are) and frees what the list owns. */
void list_done(struct list *list);

#endif
