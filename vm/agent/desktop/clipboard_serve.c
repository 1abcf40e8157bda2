/*
 * Requests are answered immediately.  Data that does not fit one part is sent as INCR: the next
 * part is written when the requestor has deleted the previous one.  Transfers hold a reference to
 * their item, so a new copy does not interrupt them.  Their number and their idle time are bounded.
 */
#include "vm/agent/desktop/clipboard_serve.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <X11/Xatom.h>
#include <string.h>

#define PART (128u << 10) /* below the minimum of the server's limit */
#define TRANSFERS 8
#define PAIRS_MAX 64 /* of one MULTIPLE */

struct transfer {
	struct serve *serve;
	Window to;
	Atom property;
	struct clip_item *item; /* NULL: free */
	size_t sent;
	sd_event_source *timer;
};

struct serve {
	struct display *display;
	const struct clip_atoms *atoms;
	struct transfer transfers[TRANSFERS];
};

/* ---- incremental transfers ---- */

static void end_transfer(struct transfer *t)
{
	loop_drop(&t->timer);
	clip_item_unref(take_ptr(&t->item));
}

static int on_late(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	end_transfer(data);
	return 0;
}

static void wait_for_deletion(struct transfer *t)
{
	loop_drop(&t->timer);
	t->timer = loop_after_ms(display_loop(t->serve->display), CLIP_PATIENCE_MS, on_late, t);
}

/* An empty part ends it. */
static void send_part(struct transfer *t)
{
	size_t left = t->item->data.len - t->sent, n = left < PART ? left : PART;
	XChangeProperty(display_x(t->serve->display), t->to, t->property, t->item->type, 8,
		PropModeReplace, t->item->data.data + t->sent, (int)n);
	t->sent += n;
	if (n == 0) {
		end_transfer(t);
	} else {
		wait_for_deletion(t);
	}
}

/* A second request for the same property replaces the first. */
static struct transfer *free_transfer(struct serve *s, Window to, Atom property)
{
	struct transfer *found = NULL;
	for (int i = 0; i < TRANSFERS; i++) {
		struct transfer *t = &s->transfers[i];
		if (t->item && t->to == to && t->property == property) {
			end_transfer(t);
		}
		found = !found && !t->item ? t : found;
	}
	return found;
}

static bool begin_transfer(struct serve *s, Window to, Atom property, struct clip_item *item)
{
	Display *x = display_x(s->display);
	XWindowAttributes attributes;
	struct transfer *t = free_transfer(s, to, property);
	if (!t || !XGetWindowAttributes(x, to, &attributes)) {
		return false;
	}
	long length = (long)item->data.len;
	*t = (struct transfer){
		.serve = s, .to = to, .property = property, .item = clip_item_ref(item)
	};
	XSelectInput(x, to, attributes.your_event_mask | PropertyChangeMask);
	XChangeProperty(x, to, property, s->atoms->at[CLIP_INCR], 32, PropModeReplace,
		(unsigned char *)&length, 1);
	wait_for_deletion(t);
	return true;
}

void serve_on_event(struct serve *s, const XEvent *event)
{
	const XPropertyEvent *change = &event->xproperty;
	for (int i = 0; event->type == PropertyNotify && i < TRANSFERS; i++) {
		struct transfer *t = &s->transfers[i];
		if (t->item && t->to == change->window && t->property == change->atom &&
			change->state == PropertyDelete) {
			send_part(t);
			return;
		}
	}
}

/* ---- requests ---- */

static void put_longs(
	struct serve *s, Window to, Atom property, Atom type, const long *values, int n)
{
	XChangeProperty(display_x(s->display), to, property, type, 32, PropModeReplace,
		(const unsigned char *)values, n);
}

static void put_targets(struct serve *s, Window to, Atom property, const struct serve_offer *offer)
{
	long list[CLIP_ITEMS + 4];
	int n = 0;
	list[n++] = (long)s->atoms->at[CLIP_TARGETS];
	list[n++] = (long)s->atoms->at[CLIP_TIMESTAMP];
	list[n++] = (long)s->atoms->at[CLIP_MULTIPLE];
	if (!offer->data) {
		list[n++] = (long)s->atoms->at[CLIP_SAVE_TARGETS];
	}
	for (int i = 0; offer->data && i < offer->data->n; i++) {
		list[n++] = (long)offer->data->items[i]->target;
	}
	put_longs(s, to, property, XA_ATOM, list, n);
}

static bool put_item(struct serve *s, Window to, Atom property, struct clip_item *item)
{
	if (!item) {
		return false;
	}
	if (item->data.len > PART) {
		return begin_transfer(s, to, property, item);
	}
	XChangeProperty(display_x(s->display), to, property, item->type, 8, PropModeReplace,
		(const unsigned char *)buf_text(&item->data), (int)item->data.len);
	return true;
}

/* Everything except MULTIPLE; false refuses. */
static bool put(
	struct serve *s, Window to, Atom property, Atom target, const struct serve_offer *offer)
{
	if (target == s->atoms->at[CLIP_TARGETS]) {
		put_targets(s, to, property, offer);
		return true;
	}
	if (target == s->atoms->at[CLIP_TIMESTAMP]) {
		put_longs(s, to, property, XA_INTEGER, &(long){ (long)offer->since }, 1);
		return true;
	}
	return offer->data && put_item(s, to, property, clip_data_find(offer->data, target));
}

/* The property contains pairs of a target and a property; refused ones get the property None. */
static bool put_multiple(struct serve *s, Window to, Atom property, const struct serve_offer *offer)
{
	Atom type;
	int format;
	unsigned long n = 0, more = 0;
	unsigned char *bytes = NULL;
	if (property == None || XGetWindowProperty(display_x(s->display), to, property, 0,
					2l * PAIRS_MAX, False, s->atoms->at[CLIP_ATOM_PAIR], &type,
					&format, &n, &more, &bytes) != Success) {
		return false;
	}
	long *pairs = (long *)(void *)bytes;
	bool whole = type == s->atoms->at[CLIP_ATOM_PAIR] && format == 32 && more == 0;
	for (unsigned long i = 0; whole && i + 1 < n; i += 2) {
		if (!pairs[i + 1] || !put(s, to, (Atom)pairs[i + 1], (Atom)pairs[i], offer)) {
			pairs[i + 1] = None;
		}
	}
	if (whole) {
		put_longs(s, to, property, type, pairs, (int)n);
	}
	if (bytes) {
		XFree(bytes);
	}
	return whole;
}

void serve_notify(struct serve *s, const XSelectionRequestEvent *event, Atom property)
{
	XEvent answer = { .xselection = { .type = SelectionNotify,
				  .requestor = event->requestor,
				  .selection = event->selection,
				  .target = event->target,
				  .property = property,
				  .time = event->time } };
	XSendEvent(display_x(s->display), event->requestor, False, NoEventMask, &answer);
}

void serve_answer(
	struct serve *s, const XSelectionRequestEvent *event, const struct serve_offer *offer)
{
	/* Old programs set no property and expect the one named like the target. */
	Atom property = event->property ? event->property : event->target;
	bool put_well = event->target == s->atoms->at[CLIP_MULTIPLE]
				? put_multiple(s, event->requestor, event->property, offer)
				: put(s, event->requestor, property, event->target, offer);
	serve_notify(s, event, put_well ? property : None);
}

struct serve *serve_new(struct display *d, const struct clip_atoms *atoms)
{
	struct serve *s = must(calloc(1, sizeof(*s)));
	s->display = d;
	s->atoms = atoms;
	return s;
}

bool serve_is_busy(const struct serve *s)
{
	for (int i = 0; i < TRANSFERS; i++) {
		if (s->transfers[i].item) {
			return true;
		}
	}
	return false;
}

void serve_free(struct serve *s)
{
	for (int i = 0; s && i < TRANSFERS; i++) {
		if (s->transfers[i].item) {
			end_transfer(&s->transfers[i]);
		}
	}
	free(s);
}
