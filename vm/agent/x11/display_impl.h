#ifndef VM_AGENT_X11_DISPLAY_IMPL_H
#define VM_AGENT_X11_DISPLAY_IMPL_H

/* Shared by display.c and display_events.c. */

#include "vm/agent/x11/display.h"
#include "vm/agent/x11/layout.h"

#include <X11/extensions/Xdamage.h>

/* A notification of the listeners in progress; they nest if a listener causes further events. */
struct tour {
	struct display_listener *upcoming;
	struct tour *outer;
};

struct display {
	sd_event *event;
	Display *x, *recorder;
	bool recorder_lost;
	Window root;
	struct size size;
	uint64_t resized; /* the first frame with this size; 0: that of the start */
	const struct display_handlers *handlers;
	void *data;
	sd_event_source *readable, *queued;
	int damage_base, fixes_base;
	int input_opcode; /* of XInput; 0: not requested yet, -1: not available */
	int motion_watchers;
	Damage damage;
	bool damaged, lost, lost_reported;
	void **kept; /* display_free_later() */
	size_t n_kept;
	uint64_t announced, cursor_serial;
	struct layout layout;
	bool trapping;
	unsigned long trap_serial;
	XErrorEvent trapped; /* error_code 0: none yet */
	struct display_listener *listeners;
	struct tour *tours;
	Window helper;
	Atom atoms[DISPLAY_ATOMS];
	struct display *next;
};

/* ---- display_events.c ---- */

/* Starts reading and handling events. */
void display_watch(struct display *d);
/* Counts a change of the screen; returns the new number. */
uint64_t display_next_frame(void);
/* Last call to every listener. */
void display_notify_closing(struct display *d, const struct err *why);

#endif
