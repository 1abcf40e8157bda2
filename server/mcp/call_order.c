/*
 * The order of a client's calls on one desktop.  Models send calls in parallel and expect them to
 * run one after the other.  A call therefore starts when the previous ones have ended, if the order
 * is observable: calls that only look do not wait for each other, and the agent orders input.  A
 * command may run for an hour, so it delays others for a moment only.
 */
#include "server/mcp/session.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/lifecycle/lifecycle.h"

#include <string.h>

#define HOLD_MS 2000

/* A connection or session is a client.  Stateless requests of a principal are one client. */
static const void *client_of(const struct request *request)
{
	const struct session *session = request->session;
	bool lasts = session->http || request->conn->kind == TRANSPORT_DUPLEX;
	return lasts ? (const void *)session : session->principal;
}

static const char *desktop_of(const struct turn *turn)
{
	struct err none;
	if (turn->sandbox) {
		return turn->sandbox;
	}
	struct vm *vm = vm_find_default(turn->vms, turn->principal->name, &none);
	return vm ? vm_id(vm) : "";
}

static bool runs_parallel_to(const struct turn *before, const struct turn *turn)
{
	bool alike = before->order == turn->order;
	return alike && (turn->order == TOOL_LOOKS || turn->order == TOOL_ACTS);
}

/* The call that turn must wait for, or NULL. */
static const struct turn *find_before(struct turn *turn)
{
	const struct turn *before;
	turn->overtook = NULL;
	TAILQ_FOREACH(before, &turn->principal->turns, entry)
	{
		if (before == turn) {
			break;
		}
		if (before->client != turn->client || runs_parallel_to(before, turn) ||
			strcmp(desktop_of(before), desktop_of(turn)) != 0) {
			continue;
		}
		if (!before->lets_pass) {
			return before;
		}
		turn->overtook = before->what;
	}
	return NULL;
}

static void go_on(struct principal *principal);

static int on_held(sd_event_source *source, uint64_t now, void *data)
{
	struct turn *turn = data;
	(void)source, (void)now;
	loop_drop(&turn->hold);
	turn->lets_pass = true;
	go_on(turn->principal);
	return 0;
}

static void begin(struct turn *turn)
{
	turn->waits = false;
	turn->lets_pass = turn->order == TOOL_WAITS;
	if (turn->order == TOOL_RUNS) {
		turn->hold = loop_after_ms(turn->principal->server->event, HOLD_MS, on_held, turn);
	}
	turn->go(turn->data); /* may end it */
}

static struct turn *find_next(struct principal *principal)
{
	struct turn *turn;
	TAILQ_FOREACH(turn, &principal->turns, entry)
	{
		if (turn->waits && !find_before(turn)) {
			return turn;
		}
	}
	return NULL;
}

static int on_go_on(sd_event_source *source, void *data)
{
	struct principal *principal = data;
	struct turn *turn;
	(void)source;
	loop_drop(&principal->go_on);
	principal->sessions++; /* so that it survives the loss of its last one */
	while (principal->server && (turn = find_next(principal))) {
		begin(turn);
	}
	principal_unref(principal);
	return 0;
}

/* Deferred to the loop, because the call that has ended is still being answered. */
static void go_on(struct principal *principal)
{
	const struct turn *turn;
	TAILQ_FOREACH(turn, &principal->turns, entry)
	{
		if (turn->waits && principal->server && !principal->go_on) {
			principal->go_on =
				loop_defer(principal->server->event, on_go_on, principal);
		}
	}
}

bool turn_withdraw(struct turn *turn)
{
	bool waited = turn->waits;
	turn->waits = false;
	return waited;
}

void turn_take(struct turn *turn, const struct request *request)
{
	turn->principal = request->session->principal;
	turn->vms = request->vms;
	turn->client = client_of(request);
	TAILQ_INSERT_TAIL(&turn->principal->turns, turn, entry);
	if (turn->order == TOOL_ANY_TIME || !find_before(turn)) {
		begin(turn);
	} else {
		turn->waits = true;
	}
}

void turn_leave(struct turn *turn)
{
	struct principal *principal = take_ptr(&turn->principal);
	if (principal) {
		loop_drop(&turn->hold);
		TAILQ_REMOVE(&principal->turns, turn, entry);
		go_on(principal);
	}
}
