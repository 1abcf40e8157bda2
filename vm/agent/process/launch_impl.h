#ifndef VM_AGENT_PROCESS_LAUNCH_IMPL_H
#define VM_AGENT_PROCESS_LAUNCH_IMPL_H

/* What launch.c and launch_match.c share. */

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
	struct single_instance *instance; /* what ran before */
	sd_event_source *child, *deadline, *patience;
	sd_event_source *look; /* the list of windows has changed: once for all that came in */
	struct display *display;
	struct display_listener listener;
	/* Numbers of windows (vm/agent/x11/windows.h): there before, or looked at and found to be another's. */
	uint32_t known[WINDOWS_MAX];
	size_t n_known;
	Window unmanaged
		[LAUNCH_UNMANAGED_MAX]; /* shown past the window manager, not looked at yet */
	size_t n_unmanaged;
	Window bare;            /* ours, but perhaps a splash screen */
	Window found, stranger; /* ours; new, and perhaps of an instance that was handed over to */
	bool stranger_is_launched; /* its process came from an earlier launch, and may be unrelated to this one */
	bool ended, fruitless; /* fruitless: it has ended, but something that came of it runs on */
	siginfo_t end;
};

/* ---- launch_match.c: which window is its ---- */

/* Looks at the windows that are new: sets found, bare or stranger. */
void launch_match_search(struct launch *l);
/* This window is another's from now on. */
void launch_match_know(struct launch *l, Window id);
/* A window is the answer to one launch only: the others know it then. */
void launch_match_claim(struct launch *l, Window id);

#endif
