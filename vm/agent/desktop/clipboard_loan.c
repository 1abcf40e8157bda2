/*
 * The owner of the clipboard loses it to the loan, so what it offers is fetched before.  It belongs
 * to the agent afterwards, as if its program had exited.
 */
#include "vm/agent/desktop/clipboard_loan.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/desktop/clipboard_impl.h"

#include <X11/Xatom.h>
#include <string.h>

#define FETCH_MS 2000 /* for everything that was copied */

struct clipboard_loan {
	struct clipboard *clipboard; /* NULL: it has ended */
	const struct clipboard_loan_events *events;
	void *data;
	char *text;
	bool wants_primary, has_primary, in_part;
	struct clip_data before;
	Time changed; /* when that was copied */
	struct fetch *fetch;
	sd_event_source *timer;
	bool lent;
	unsigned put; /* the clipboard's count of them, with this one */
};

bool loan_has_primary(const struct clipboard_loan *loan)
{
	return loan && loan->has_primary;
}

static void stop_fetch(struct clipboard_loan *loan)
{
	loop_drop(&loan->timer);
	fetch_free(take_ptr(&loan->fetch));
}

static bool put_text(struct clipboard_loan *loan, struct err *err)
{
	struct clipboard *c = loan->clipboard;
	struct clip_data data = { 0 };
	if (loan->changed != c->changed) {
		return err_set(err, ERR_STATE,
			"another program copied something at the same moment; try again");
	}
	clip_type_fill(&c->atoms,
		&(struct clip_copy){ CLIPBOARD_TEXT, loan->text, strlen(loan->text), NULL }, &data);
	if (!clipboard_put(c, &data, err)) {
		return false;
	}
	loan->put = c->puts;
	loan->lent = true;
	if (loan->wants_primary) {
		XSetSelectionOwner(display_x(c->display), XA_PRIMARY, c->window, CurrentTime);
		loan->has_primary = true;
	}
	return true;
}

static void lend(struct clipboard_loan *loan)
{
	struct err err;
	stop_fetch(loan);
	bool lent = put_text(loan, &err);
	loan->events->ready(lent ? NULL : &err, loan->data);
}

static void on_fetched(void *data)
{
	struct clipboard_loan *loan = data;
	loan->in_part = fetch_was_too_long(loan->fetch) || fetch_was_late(loan->fetch);
	lend(loan);
}

static int on_late(sd_event_source *source, uint64_t usec, void *data)
{
	struct clipboard_loan *loan = data;
	(void)source, (void)usec;
	loan->in_part = true;
	lend(loan);
	return 0;
}

static int on_start(sd_event_source *source, void *data)
{
	(void)source;
	lend(data);
	return 0;
}

static void keep(struct clipboard_loan *loan, const struct clip_data *data)
{
	loan->before = *data;
	for (int i = 0; i < data->n; i++) {
		clip_item_ref(data->items[i]);
	}
}

struct clipboard_loan *clipboard_lend(struct clipboard *c, const char *text, bool primary,
	const struct clipboard_loan_events *events, void *data, struct err *err)
{
	if (c->loan) {
		err_set(err, ERR_STATE, "another paste is in progress; try again");
		return NULL;
	}
	struct clipboard_loan *loan = c->loan = must(calloc(1, sizeof(*loan)));
	*loan = (struct clipboard_loan){
		.clipboard = c,
		.events = events,
		.data = data,
		.text = must(strdup(text)),
		.wants_primary = primary,
		.changed = c->changed,
	};
	keep(loan, &c->data);
	sd_event *event = display_loop(c->display);
	if (c->owner) {
		loan->before.secret = false; /* the fetch finds out */
		loan->fetch = fetch_new(c->display, &c->atoms, &loan->before,
			&(struct fetch_wish){ .everything = true, .time = c->changed }, on_fetched,
			loan);
		loan->timer = loop_after_ms(event, FETCH_MS, on_late, loan);
	} else {
		loan->timer = loop_defer(event, on_start, loan);
	}
	return loan;
}

void loan_on_event(struct clipboard_loan *loan, const XEvent *event)
{
	if (loan && loan->fetch) {
		fetch_on_event(loan->fetch, event);
	}
}

void loan_on_served(struct clipboard_loan *loan, const XSelectionRequestEvent *event)
{
	if (!loan || !loan->lent) {
		return;
	}
	const struct clipboard *c = loan->clipboard;
	if (event->target == c->atoms.at[CLIP_MULTIPLE] ||
		clip_data_find(&c->data, event->target)) {
		loan->events->taken(event->requestor, loan->data);
	}
}

bool clipboard_loan_is_busy(const struct clipboard_loan *loan)
{
	return loan->clipboard && serve_is_busy(loan->clipboard->serve);
}

void loan_on_clipboard_end(struct clipboard_loan *loan)
{
	if (loan) {
		stop_fetch(loan);
		loan->clipboard = NULL;
	}
}

/* ---- the end ---- */

static const char *put_back(struct clipboard_loan *loan, struct clipboard *c)
{
	Display *x = display_x(c->display);
	struct err ignored; /* another program copied something */
	if (loan->has_primary && XGetSelectionOwner(x, XA_PRIMARY) == c->window) {
		XSetSelectionOwner(x, XA_PRIMARY, None, CurrentTime);
	}
	Window owner = XGetSelectionOwner(x, c->atoms.at[CLIP_CLIPBOARD]);
	if (c->puts != loan->put || owner != c->window) {
		return "The previous clipboard content was not restored: another program copied "
		       "something.";
	}
	if (loan->before.n > 0 && !loan->before.secret) {
		(void)!clipboard_put(c, &loan->before, &ignored);
		return loan->in_part
			       ? "The previous clipboard content was restored only in part: its "
				 "program did not hand over everything in time."
			       : NULL;
	}
	XSetSelectionOwner(x, c->atoms.at[CLIP_CLIPBOARD], None, CurrentTime);
	return loan->before.secret
		       ? "The clipboard is empty now: the previous content is marked as a "
			 "password, so it was not kept."
	       : loan->in_part ? "The clipboard is empty now: its program did not hand over the "
				 "previous content."
			       : NULL;
}

const char *clipboard_loan_end(struct clipboard_loan *loan)
{
	if (!loan) {
		return NULL;
	}
	struct clipboard *c = loan->clipboard;
	const char *note = NULL;
	stop_fetch(loan);
	if (c) {
		c->loan = NULL;
		note = loan->lent && !display_is_lost(c->display) ? put_back(loan, c) : NULL;
	}
	clip_data_clear(&loan->before);
	free(loan->text);
	free(loan);
	return note;
}
