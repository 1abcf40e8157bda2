#ifndef VM_AGENT_ELEMENTS_READ_IMPL_H
#define VM_AGENT_ELEMENTS_READ_IMPL_H

#include "vm/agent/elements/read.h"

/* For the files that read: read_app.c finds the program, read.c its elements. */

#define READ_APPS_MAX 200
#define READ_CANDIDATES_MAX 2000

struct app {
	struct read *read;
	char *bus, *path;
};

struct read {
	struct agent *agent;
	struct target target;
	const struct msg_ui_tree *args;
	read_fn *fn;
	void *data;
	struct a11y_wait *wait;
	sd_event_source *deadline;
	struct calls *calls;
	struct walk *walk;
	struct app apps[READ_APPS_MAX], *app; /* the program's; NULL: not known yet */
	size_t n_apps;
	sd_bus *bus;          /* borrowed */
	sd_bus *peer;         /* the program's own, which saves the way through the bus; or NULL */
	char *address;        /* of that */
	unsigned late;        /* calls before it */
	sd_bus_slot *arrival; /* of another program */
	char name[80], toolkit[40], version[20];
	struct read_window windows[READ_WINDOWS_MAX];
	size_t n_windows;
	struct read_popups popups; /* of a program whose places are relative to windows */
	struct node
		*listed[READ_CANDIDATES_MAX]; /* first all that match, then those that are chosen */
	size_t n_listed, found;
	bool is_chosen;
	void (*step)(struct read *r); /* the next one */
};

/* The first step: sets r->app, or fails.  Continues with read_windows(). */
void read_find_app(struct read *r);
void read_no_app(struct read *r); /* fails, because the program is not on the bus */
void read_forget_apps(struct read *r);
static inline struct bus_ref read_app_ref(const struct read *r)
{
	return (struct bus_ref){ r->app->bus, r->app->path };
}

void read_windows(struct read *r);
void read_fail(struct read *r, const struct err *err);

#endif
