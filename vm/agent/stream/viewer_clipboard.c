/* XFixes reports the copies, for the clipboard's manager has asked for that. */
#include "vm/agent/stream/viewer_clipboard.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "vm/agent/desktop/clipboard.h"

#include <X11/extensions/Xfixes.h>

struct viewer_clipboard {
	struct agent *agent;
	struct rfb_viewer *viewer;
	struct display *display; /* NULL: closed */
	struct display_listener listener;
	Atom selection;
	struct clip_read *read; /* NULL: none */
};

static bool is_copy(const struct viewer_clipboard *c, const XFixesSelectionNotifyEvent *change)
{
	return change && change->selection == c->selection &&
	       change->subtype == XFixesSetSelectionOwnerNotify && change->owner &&
	       c->agent->clipboard && !clipboard_is_owner(c->agent->clipboard, change->owner);
}

static void on_event(const XEvent *event, void *data)
{
	struct viewer_clipboard *c = data;
	if (is_copy(c, display_selection(c->display, event))) {
		rfb_viewer_copied(c->viewer);
	}
}

static void let_go(struct viewer_clipboard *c)
{
	clip_read_free(take_ptr(&c->read));
	if (c->display) {
		display_unlisten(c->display, &c->listener);
		c->display = NULL;
	}
}

static void on_closing(const struct err *why, void *data)
{
	(void)why;
	let_go(data);
}

static void on_read(const struct clip_content *content, const struct err *err, void *data)
{
	struct viewer_clipboard *c = data;
	c->read = NULL;
	if (err) {
		log_info("a viewer does not get what was copied: %s", err->text);
	} else if (content->type == CLIPBOARD_TEXT) {
		rfb_viewer_give_text(c->viewer, content->bytes, content->len);
	}
}

void viewer_clipboard_read(struct viewer_clipboard *c)
{
	static const struct clipboard_wish text = { 1, { CLIPBOARD_TEXT } };
	struct err err;
	if (c->display && c->agent->clipboard && !c->read) {
		c->read = clip_read_new(
			clipboard_reads(c->agent->clipboard), &text, on_read, c, &err);
	}
}

struct viewer_clipboard *viewer_clipboard_new(struct agent *agent, struct rfb_viewer *viewer)
{
	struct viewer_clipboard *c = must(calloc(1, sizeof(*c)));
	*c = (struct viewer_clipboard){ .agent = agent,
		.viewer = viewer,
		.display = agent->display,
		.listener = { .event = on_event, .closing = on_closing, .data = c },
		.selection = XInternAtom(display_x(agent->display), "CLIPBOARD", False) };
	display_listen(c->display, &c->listener);
	return c;
}

void viewer_clipboard_free(struct viewer_clipboard *c)
{
	if (c) {
		let_go(c);
		free(c);
	}
}
