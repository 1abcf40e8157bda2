/*
 * Each conversion has a separate window, which is destroyed at its end, and with it late answers
 * and abandoned transfers.  The first conversion is TARGETS; the password hint is the second, if it
 * is offered.
 */
#include "vm/agent/desktop/clipboard_fetch.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <X11/Xatom.h>
#include <string.h>

#define OFFERS_MAX 256 /* targets considered per owner */

struct fetch {
	struct display *display;
	const struct clip_atoms *atoms;
	struct clip_data *data;
	struct fetch_wish wish;
	void (*done)(void *user);
	void *user;

	Atom list[CLIP_ITEMS + 2]; /* to convert, in this order */
	int n, at;

	Window window; /* of the current conversion */
	bool incremental, too_long, late;
	Atom type;
	struct buf bytes; /* of an incremental transfer, so far */
	sd_event_source *timer;
};

/* A property that was read. */
struct answer {
	Atom type;
	int format;
	unsigned long n, more;
	unsigned char *bytes; /* format 32: longs */
};

static void answer_done(struct answer *a)
{
	if (a->bytes) {
		XFree(a->bytes);
	}
}

static Atom current(const struct fetch *f)
{
	return f->list[f->at];
}

/* ---- one conversion ---- */

static void end_conversion(struct fetch *f)
{
	loop_drop(&f->timer);
	buf_done(&f->bytes);
	f->incremental = false;
	if (f->window && !display_is_lost(f->display)) {
		XDestroyWindow(display_x(f->display), f->window);
	}
	f->window = None;
}

static int on_late(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct fetch *f = data;
	f->late = true;
	end_conversion(f);
	f->done(f->user);
	return 0;
}

static void convert(struct fetch *f)
{
	Display *x = display_x(f->display);
	XSetWindowAttributes with = { .override_redirect = True, .event_mask = PropertyChangeMask };
	if (current(f) == f->atoms->at[CLIP_SECRET]) {
		f->data->secret = true; /* until the answer says otherwise */
	}
	f->window = XCreateWindow(x, display_root(f->display), -1, -1, 1, 1, 0, 0, InputOnly,
		CopyFromParent, CWOverrideRedirect | CWEventMask, &with);
	XConvertSelection(x, f->atoms->at[CLIP_CLIPBOARD], current(f), f->atoms->at[CLIP_PROPERTY],
		f->window, f->wish.time);
	f->timer = loop_after_ms(display_loop(f->display), CLIP_PATIENCE_MS, on_late, f);
}

static void advance(struct fetch *f)
{
	end_conversion(f);
	f->at++;
	bool enough = f->wish.first && f->data->n > 0;
	if (f->at < f->n && !enough && !f->data->secret && clip_data_room(f->data) > 0) {
		convert(f);
	} else {
		f->done(f->user);
	}
}

/* Reads and deletes it; false if there is none.  If it exceeds the limit, `more` is set. */
static bool read_property(struct fetch *f, struct answer *a)
{
	long quads = (long)(clip_data_room(f->data) / 4 + 1);
	*a = (struct answer){ 0 };
	return XGetWindowProperty(display_x(f->display), f->window, f->atoms->at[CLIP_PROPERTY], 0,
		       quads, True, AnyPropertyType, &a->type, &a->format, &a->n, &a->more,
		       &a->bytes) == Success &&
	       a->type != None;
}

/* ---- selecting targets ---- */

static bool is_wanted(const struct fetch *f, Atom target)
{
	bool any = f->wish.n_only == 0;
	for (int i = 0; i < f->wish.n_only; i++) {
		any = any || f->wish.only[i] == target;
	}
	return any && target != None && !clip_data_find(f->data, target) &&
	       target != f->atoms->at[CLIP_SECRET] &&
	       !clip_atoms_has(f->atoms, CLIP_TARGETS, CLIP_QUESTIONS_END, target);
}

static bool has(const Atom *list, size_t n, Atom atom)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i] == atom) {
			return true;
		}
	}
	return false;
}

static void add(struct fetch *f, Atom target)
{
	if (f->n < CLIP_ITEMS + 2 && !has(f->list, (size_t)f->n, target)) {
		f->list[f->n++] = target;
	}
}

static void choose_wished(struct fetch *f, const Atom *offers, size_t n)
{
	for (int i = 0; i < f->wish.n_only; i++) {
		if (has(offers, n, f->wish.only[i])) {
			add(f, f->wish.only[i]);
		}
	}
}

/* Known targets in the order of the table, then the others. */
static void choose(struct fetch *f, const Atom *offers, size_t n)
{
	bool text = false;
	if (has(offers, n, f->atoms->at[CLIP_SECRET])) {
		add(f, f->atoms->at[CLIP_SECRET]);
	}
	if (f->wish.first) {
		choose_wished(f, offers, n);
		return;
	}
	for (enum clip_atom i = CLIP_UTF8; i < CLIP_ATOMS; i++) {
		Atom target = f->atoms->at[i];
		bool offered = has(offers, n, target);
		text = text || (offered && i < CLIP_RICH_END);
		if (offered && is_wanted(f, target) &&
			(f->wish.everything || !text || i < CLIP_RICH_END)) {
			add(f, target);
		}
	}
	for (size_t i = 0; f->wish.everything && i < n; i++) {
		if (is_wanted(f, offers[i])) {
			add(f, offers[i]);
		}
	}
}

static void take_targets(struct fetch *f, const struct answer *a)
{
	Atom offers[OFFERS_MAX];
	size_t n = a->n < OFFERS_MAX ? a->n : OFFERS_MAX;
	/* Old programs give the list the type TARGETS. */
	bool list = a->type == XA_ATOM || a->type == f->atoms->at[CLIP_TARGETS];
	if (!list || a->format != 32) {
		return;
	}
	memcpy(offers, a->bytes, n * sizeof(*offers));
	choose(f, offers, n);
}

/* ---- answers ---- */

static void keep(struct fetch *f, Atom type, struct buf *bytes)
{
	if (current(f) != f->atoms->at[CLIP_SECRET]) {
		clip_data_add(f->data, current(f), type, bytes);
	} else if (strncmp(buf_text(bytes), "secret", strlen("secret")) != 0) {
		f->data->secret = false;
	}
}

static void take_whole(struct fetch *f, const struct answer *a)
{
	auto_buf struct buf bytes = { 0 };
	if (current(f) == f->atoms->at[CLIP_TARGETS]) {
		take_targets(f, a);
	} else if (a->format == 8 && a->more == 0 && a->n <= clip_data_room(f->data)) {
		buf_append(&bytes, a->bytes, a->n);
		keep(f, a->type, &bytes);
	} else {
		f->too_long |= a->format == 8;
	}
	advance(f);
}

/* An empty part is the end. */
static void take_part(struct fetch *f, const struct answer *a)
{
	if (a->n == 0) {
		keep(f, f->type, &f->bytes);
		advance(f);
	} else if (a->format != 8 || (f->bytes.len && a->type != f->type)) {
		advance(f);
	} else if (a->more > 0 || a->n > clip_data_room(f->data) - f->bytes.len) {
		f->too_long = true;
		advance(f);
	} else {
		f->type = a->type;
		buf_append(&f->bytes, a->bytes, a->n);
	}
}

/* A list of targets and a hint are short. */
static bool may_be_incremental(const struct fetch *f)
{
	return current(f) != f->atoms->at[CLIP_TARGETS] && current(f) != f->atoms->at[CLIP_SECRET];
}

static void on_answer(struct fetch *f, const XSelectionEvent *event)
{
	struct answer a = { 0 };
	if (event->selection != f->atoms->at[CLIP_CLIPBOARD] || event->target != current(f) ||
		f->incremental) {
		return;
	}
	if (event->property != f->atoms->at[CLIP_PROPERTY] || !read_property(f, &a)) {
		advance(f);
	} else if (a.type != f->atoms->at[CLIP_INCR]) {
		take_whole(f, &a);
	} else if (may_be_incremental(f)) {
		f->incremental = true; /* deleting the property has started it */
		f->type = None;
	} else {
		advance(f);
	}
	answer_done(&a);
}

bool fetch_was_too_long(const struct fetch *f)
{
	return f->too_long;
}

bool fetch_was_late(const struct fetch *f)
{
	return f->late;
}

void fetch_on_event(struct fetch *f, const XEvent *event)
{
	const XPropertyEvent *change = &event->xproperty;
	if (!f->window) {
		return;
	}
	if (event->type == SelectionNotify && event->xselection.requestor == f->window) {
		on_answer(f, &event->xselection);
	} else if (event->type == PropertyNotify && change->window == f->window &&
		   change->atom == f->atoms->at[CLIP_PROPERTY] &&
		   change->state == PropertyNewValue && f->incremental) {
		struct answer a;
		/* Several parts may have been read at once; for the later events there is none. */
		if (read_property(f, &a)) {
			take_part(f, &a);
		}
		answer_done(&a);
	}
}

struct fetch *fetch_new(struct display *d, const struct clip_atoms *atoms, struct clip_data *data,
	const struct fetch_wish *wish, void (*done)(void *user), void *user)
{
	struct fetch *f = must(calloc(1, sizeof(*f)));
	*f = (struct fetch){ .display = d,
		.atoms = atoms,
		.data = data,
		.wish = *wish,
		.done = done,
		.user = user };
	add(f, atoms->at[CLIP_TARGETS]);
	convert(f);
	return f;
}

void fetch_free(struct fetch *f)
{
	if (f) {
		end_conversion(f);
		free(f);
	}
}
