/*
 * XFixes reports every change of the owner and its cause: a new owner, one that gave up ownership,
 * or one whose window or connection is gone.  The first two discard the stored data; for the last
 * two the agent takes ownership.
 */
#include "vm/agent/desktop/clipboard_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <X11/Xatom.h>
#include <X11/extensions/Xfixes.h>
#include <string.h>

#define MOMENT_MS 100

/* ---- hand-over ---- */

static void answer_saves(struct clipboard *c, bool saved)
{
	for (int i = 0; i < c->n_saves; i++) {
		const XSelectionRequestEvent *event = &c->saves[i];
		if (saved && event->property) {
			XChangeProperty(display_x(c->display), event->requestor, event->property,
				c->atoms.at[CLIP_NULL], 32, PropModeReplace, NULL, 0);
		}
		serve_notify(c->serve, event,
			!saved            ? None
			: event->property ? event->property
					  : event->target);
	}
	c->n_saves = 0;
}

static void end_fetch(struct clipboard *c)
{
	loop_drop(&c->moment);
	fetch_free(take_ptr(&c->fetch));
}

static void on_fetched(void *user)
{
	struct clipboard *c = user;
	end_fetch(c);
	answer_saves(c, c->data.n > 0);
}

static void begin_fetch(struct clipboard *c, struct fetch_wish *wish)
{
	end_fetch(c);
	wish->time = c->changed;
	c->data.secret = false; /* only assumed, because the fetch had not ended */
	c->fetch = fetch_new(c->display, &c->atoms, &c->data, wish, on_fetched, c);
}

static int on_moment(sd_event_source *source, uint64_t usec, void *user)
{
	(void)source;
	(void)usec;
	begin_fetch(user, &(struct fetch_wish){ 0 });
	return 0;
}

/* The property may list the targets to save. */
static void read_wish(
	struct clipboard *c, const XSelectionRequestEvent *event, struct fetch_wish *wish)
{
	Atom type;
	int format;
	unsigned long n = 0, more;
	unsigned char *bytes = NULL;
	if (event->property &&
		XGetWindowProperty(display_x(c->display), event->requestor, event->property, 0,
			CLIP_ITEMS, False, XA_ATOM, &type, &format, &n, &more, &bytes) == Success &&
		type == XA_ATOM && format == 32) {
		memcpy(wish->only, bytes, n * sizeof(*wish->only));
		wish->n_only = (int)n;
	}
	if (bytes) {
		XFree(bytes);
	}
}

/* Programs that do not own CLIPBOARD ask, too; they need not wait. */
static void save(struct clipboard *c, const XSelectionRequestEvent *event)
{
	struct fetch_wish wish = { .everything = true };
	if (c->n_saves == SAVES_MAX || (c->data.secret && !c->fetch)) {
		serve_notify(c->serve, event, None);
		return;
	}
	c->saves[c->n_saves++] = *event;
	if (c->owner) {
		read_wish(c, event, &wish);
		begin_fetch(c, &wish);
	} else {
		answer_saves(c, true);
	}
}

/* ---- ownership ---- */

static void forget(struct clipboard *c)
{
	end_fetch(c);
	clip_data_clear(&c->data);
	answer_saves(c, false);
}

/* Atomic: no program can become the owner in between. */
static void take(struct clipboard *c, Atom selection, Time time)
{
	Display *x = display_x(c->display);
	XGrabServer(x);
	if (XGetSelectionOwner(x, selection) == None) {
		XSetSelectionOwner(x, selection, c->window, time);
	}
	XUngrabServer(x);
	XFlush(x); /* no request is served before that */
}

static void on_death(struct clipboard *c, Time time)
{
	end_fetch(c);
	answer_saves(c, false);
	c->owner = None;
	if (c->data.secret || c->data.n == 0) {
		clip_data_clear(&c->data);
	} else {
		take(c, c->atoms.at[CLIP_CLIPBOARD], time);
	}
	clip_reads_changed(&c->reads, None, time);
}

/* Other programs may have copied something in between: what was set comes after that. */
static void on_own(struct clipboard *c, Time time)
{
	c->since = time;
	c->owner = None;
	if (c->setting > 0 && --c->setting == 0) {
		forget(c);
		c->data = c->next;
		c->next = (struct clip_data){ 0 };
	}
	clip_reads_changed(&c->reads, None, time);
}

static void on_new_owner(struct clipboard *c, Window owner, Time time)
{
	c->owning = owner == c->window;
	c->changed = time;
	if (c->owning) {
		on_own(c, time);
		return;
	}
	forget(c);
	c->owner = owner;
	if (owner) {
		c->moment = loop_after_ms(display_loop(c->display), MOMENT_MS, on_moment, c);
	}
	clip_reads_changed(&c->reads, owner, time);
}

/* Notifies clients that wait for a clipboard manager (ICCCM 2.8). */
static void announce(struct clipboard *c)
{
	Window root = display_root(c->display);
	XEvent event = { .xclient = { .type = ClientMessage,
				 .window = root,
				 .message_type = c->atoms.at[CLIP_MANAGER_MESSAGE],
				 .format = 32 } };
	event.xclient.data.l[0] = (long)c->managing_since;
	event.xclient.data.l[1] = (long)c->atoms.at[CLIP_MANAGER];
	event.xclient.data.l[2] = (long)c->window;
	XSendEvent(display_x(c->display), root, False, StructureNotifyMask, &event);
}

static void on_change(struct clipboard *c, const XFixesSelectionNotifyEvent *event)
{
	bool set = event->subtype == XFixesSetSelectionOwnerNotify;
	if (event->selection == c->atoms.at[CLIP_CLIPBOARD]) {
		if (set) {
			on_new_owner(c, event->owner, event->timestamp);
		} else {
			on_death(c, event->timestamp);
		}
	} else if (event->selection == c->atoms.at[CLIP_MANAGER]) {
		if (set && event->owner == c->window) {
			c->managing_since = event->timestamp;
			announce(c);
		} else if (!set) {
			take(c, c->atoms.at[CLIP_MANAGER], event->timestamp);
		}
	}
}

/* ---- events ---- */

static void on_request(struct clipboard *c, const XSelectionRequestEvent *event)
{
	if (event->selection == c->atoms.at[CLIP_MANAGER]) {
		if (event->target == c->atoms.at[CLIP_SAVE_TARGETS]) {
			save(c, event);
		} else {
			serve_answer(
				c->serve, event, &(struct serve_offer){ NULL, c->managing_since });
		}
	} else if ((event->selection == c->atoms.at[CLIP_CLIPBOARD] && c->owning) ||
		   (event->selection == XA_PRIMARY && loan_has_primary(c->loan))) {
		serve_answer(c->serve, event, &(struct serve_offer){ &c->data, c->since });
		loan_on_served(c->loan, event);
	} else {
		serve_notify(c->serve, event, None);
	}
}

static void on_event(const XEvent *event, void *data)
{
	struct clipboard *c = data;
	const XFixesSelectionNotifyEvent *change = display_selection(c->display, event);
	if (change) {
		on_change(c, change);
	} else if (event->type == SelectionRequest && event->xselectionrequest.owner == c->window) {
		on_request(c, &event->xselectionrequest);
	} else if (event->type == PropertyNotify || event->type == SelectionNotify) {
		serve_on_event(c->serve, event);
		if (c->fetch) {
			fetch_on_event(c->fetch, event);
		}
		clip_reads_on_event(&c->reads, event);
		loan_on_event(c->loan, event);
	}
}

/* ---- for others ---- */

struct clip_reads *clipboard_reads(struct clipboard *c)
{
	return &c->reads;
}

bool clipboard_is_owner(const struct clipboard *c, Window owner)
{
	return owner == c->window;
}

/* The server has told XFixes before it answers, and so before it passes on any program's request. */
bool clipboard_put(struct clipboard *c, struct clip_data *data, struct err *err)
{
	Display *x = display_x(c->display);
	clip_data_clear(&c->next);
	c->next = *data;
	*data = (struct clip_data){ 0 };
	c->setting++;
	c->puts++;
	XSetSelectionOwner(x, c->atoms.at[CLIP_CLIPBOARD], c->window, CurrentTime);
	return XGetSelectionOwner(x, c->atoms.at[CLIP_CLIPBOARD]) == c->window ||
	       err_set(err, ERR_STATE,
		       "another program copied something at the same moment; try again");
}

bool clipboard_set(struct clipboard *c, const struct clip_copy *copy, struct err *err)
{
	struct clip_data data = { 0 };
	clip_type_fill(&c->atoms, copy, &data);
	return clipboard_put(c, &data, err);
}

/* ---- life ---- */

struct clipboard *clipboard_new(struct display *d)
{
	Display *x = display_x(d);
	struct clipboard *c = must(calloc(1, sizeof(*c)));
	XSetWindowAttributes with = { .override_redirect = True };
	c->display = d;
	clip_atoms_init(&c->atoms, x);
	c->serve = serve_new(d, &c->atoms);
	c->reads = (struct clip_reads){ .display = d, .atoms = &c->atoms, .kept = &c->data };
	c->window = XCreateWindow(x, display_root(d), -1, -1, 1, 1, 0, 0, InputOnly, CopyFromParent,
		CWOverrideRedirect, &with);
	c->listener = (struct display_listener){ .event = on_event, .data = c };
	display_listen(d, &c->listener);
	for (enum clip_atom i = CLIP_CLIPBOARD; i <= CLIP_MANAGER; i++) {
		XFixesSelectSelectionInput(x, c->window, c->atoms.at[i],
			XFixesSetSelectionOwnerNotifyMask | XFixesSelectionWindowDestroyNotifyMask |
				XFixesSelectionClientCloseNotifyMask);
	}
	take(c, c->atoms.at[CLIP_MANAGER], CurrentTime);
	return c;
}

void clipboard_free(struct clipboard *c)
{
	if (!c) {
		return;
	}
	struct err err;
	err_set(&err, ERR_STATE, "the X server has ended; try again in a second");
	display_unlisten(c->display, &c->listener);
	clip_reads_end(&c->reads, &err);
	loan_on_clipboard_end(c->loan);
	end_fetch(c);
	serve_free(c->serve);
	clip_data_clear(&c->data);
	clip_data_clear(&c->next);
	if (!display_is_lost(c->display)) {
		XDestroyWindow(display_x(c->display), c->window);
	}
	free(c);
}
