#ifndef VM_AGENT_ACT_ACTION_RUNNER_H
#define VM_AGENT_ACT_ACTION_RUNNER_H

#include "vm/agent/act/paste.h"
#include "vm/agent/act/pointer.h"
#include "vm/agent/act/prepared_action.h"
#include "vm/agent/act/seat.h"
#include "vm/agent/act/typing.h"
#include "vm/agent/x11/client_sync.h"

#include <jansson.h>

/* Runs checked actions on a seat.  The caller sets the first members. */
struct action_runner {
	struct seat *seat;
	struct size screen;              /* that the points of the actions refer to */
	struct clipboard *clipboard;     /* for a paste; NULL: there is none */
	struct prepared_action *actions; /* owned */
	size_t n;
	/* Called once at the end, possibly before action_runner_run() returns; may call
	 * action_runner_done(). */
	step_fn *fn;
	void *data;
	json_t *done; /* an array, owned: {ms, chars?, unfocused?} for each completed action */

	size_t index; /* of the running or failed action */
	int phase;
	uint64_t began_us;
	bool unfocused; /* its keys were pressed while no window had the focus */
	sd_event_source *timer;
	struct typing *typing;
	struct clicks *clicks;
	struct drag *drag;
	struct paste *paste;
	struct client_sync *sync;
};

/* Whether the screen still has the size that the points refer to, or no point is given. */
bool action_runner_fits(const struct action_runner *runner, const struct prepared_action *prepared,
	struct err *err) NODISCARD;
void action_runner_run(struct action_runner *runner);
/* Stops the current phase (keys and buttons keep their state) and frees the runner's members. */
void action_runner_done(struct action_runner *runner);

#endif
