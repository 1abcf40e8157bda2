#ifndef VM_AGENT_PROCESS_LAUNCH_IMPL_H
#define VM_AGENT_PROCESS_LAUNCH_IMPL_H

/* Shared by launch.c and launch_match.c. */

#include "vm/agent/core/agent.h"
#include "vm/agent/core/op.h"
#include "vm/agent/process/output_drain.h"
#include "vm/agent/process/single_instance.h"
#include "vm/agent/process/task.h"
#include "vm/agent/x11/display.h"
#include "vm/agent/x11/windows.h"

#include <signal.h>

#define LAUNCH_UNMANAGED_MAX 16

struct launch {
	struct agent *agent;
	struct launch *next; /* in agent->launches */
	struct request *req;
	struct task task;
	struct output_drain *output;
	char startup_id[96];
	struct single_instance *instance; /* instances that were already running */
	sd_event_source *child, *deadline, *patience;
	sd_event_source *look; /* pending: the list of windows has changed */
	struct display *display;
	struct display_listener listener;
	/* Numbers of windows (vm/agent/x11/windows.h) that existed before, or belong to others. */
	uint32_t known[WINDOWS_MAX];
	size_t n_known;
	Window unmanaged
		[LAUNCH_UNMANAGED_MAX]; /* shown without the window manager, not checked yet */
	size_t n_unmanaged;
	Window bare;            /* ours, but possibly a splash screen */
	Window found, stranger; /* ours; new, and possibly of a running instance */
	/* its process belongs to an earlier launch, and may be unrelated */
	bool stranger_is_launched;
	bool ended, fruitless; /* fruitless: it has exited, but a descendant is running */
	siginfo_t end;
};

/* ---- launch_match.c: matching windows ---- */

/* Checks new windows: sets found, bare or stranger. */
void launch_match_search(struct launch *l);
/* Marks this window as belonging to another launch. */
void launch_match_know(struct launch *l, Window id);
/* A window is the result of one launch only, so the others are told. */
void launch_match_claim(struct launch *l, Window id);

#endif
