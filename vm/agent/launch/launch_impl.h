#ifndef VM_AGENT_LAUNCH_LAUNCH_IMPL_H
#define VM_AGENT_LAUNCH_LAUNCH_IMPL_H

/* Shared by launch.c, launch_match.c and launch_wait.c. */

#include "vm/agent/core/agent.h"
#include "vm/agent/core/op.h"
#include "vm/agent/launch/single_instance.h"
#include "vm/agent/process/output_drain.h"
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
	uint64_t from; /* the frame at the start */
	char *chosen;  /* the default application, if none was named; g_free() */
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

/* ---- launch.c: the answer, which frees the launch ---- */

void launch_fail(struct launch *l, const struct err *why);
/* Answers with the window and the note; either may be NULL. */
void launch_reply(struct launch *l, const struct window_info *window, const char *note);
/* The program has ended without a window: answers, or fails, with its status and its last output. */
void launch_reply_ended(struct launch *l);
void launch_fail_ended(struct launch *l);

/* ---- launch_wait.c: may answer, and thereby free, the launch ---- */

/* Searches for its window. */
void launch_advance(struct launch *l);
/* Checks whether the window found is complete. */
void launch_check(struct launch *l);

/* ---- launch_match.c: matching windows ---- */

/* Checks new windows: sets found, bare or stranger. */
void launch_match_search(struct launch *l);
/* Marks this window as belonging to another launch. */
void launch_match_know(struct launch *l, Window id);
/* A window is the result of one launch only, so the others are told. */
void launch_match_claim(struct launch *l, Window id);

#endif
