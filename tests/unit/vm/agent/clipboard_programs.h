#ifndef TESTS_UNIT_AGENT_CLIPBOARD_PROGRAMS_H
#define TESTS_UNIT_AGENT_CLIPBOARD_PROGRAMS_H

/* A desktop with the keeper of its clipboard, and programs that copy and paste. */
#include "tests/support/agent_fixture.h"
#include "vm/agent/desktop/clipboard.h"
#include "vm/agent/desktop/clipboard_data.h"

#include <X11/Xatom.h>
#include <sys/epoll.h>

#define PART 65536
#define SERVERS_MAX 0x1fffff /* ids of the X server's own windows */

static struct agent_fixture fixture;
static struct clipboard *keeper;

/* ---- programs with a clipboard ---- */

/* One format that a program offers. */
struct format {
	const char *name;
	const char *text;
	size_t len;       /* 0: of the text */
	bool incremental; /* sent in parts */
	bool endless;     /* in parts that never stop */
};

struct peer {
	Display *x;
	Window window;
	sd_event_source *readable;

	const struct format *formats; /* NULL-ended; NULL: answers nothing */
	bool wrong_types;
	int asked, cleared;
	bool gives_up_at_first; /* another copy at the first request that is not TARGETS */
	const struct format *sending;
	Window to;
	Atom to_property;
	size_t sent;

	bool came, refused, receiving; /* the answer to what it asked for */
	struct buf got;
	Atom got_type;
};

static inline Atom atom(struct peer *p, const char *name)
{
	return XInternAtom(p->x, name, False);
}

static inline size_t length(const struct format *f)
{
	return f->len ? f->len : strlen(f->text);
}

static inline void own(struct peer *p, const char *selection, const struct format *formats)
{
	p->formats = formats;
	XSetSelectionOwner(p->x, atom(p, selection), p->window, CurrentTime);
	XSync(p->x, False);
}

static inline void send_part(struct peer *p)
{
	const struct format *f = p->sending;
	size_t left = length(f) - p->sent, n = left < PART ? left : PART;
	size_t from = f->endless ? 0 : p->sent;
	n = f->endless ? length(f) : n;
	XChangeProperty(p->x, p->to, p->to_property, atom(p, "UTF8_STRING"), 8, PropModeReplace,
		(const unsigned char *)f->text + from, (int)n);
	p->sent += n;
	p->sending = n ? f : NULL;
}

static inline void begin_parts(
	struct peer *p, const XSelectionRequestEvent *e, const struct format *f)
{
	long about = 1;
	p->sending = f;
	p->sent = 0;
	p->to = e->requestor;
	p->to_property = e->property;
	XSelectInput(p->x, e->requestor, PropertyChangeMask);
	XChangeProperty(p->x, e->requestor, e->property, atom(p, "INCR"), 32, PropModeReplace,
		(unsigned char *)&about, 1);
}

static inline bool answer_targets(struct peer *p, const XSelectionRequestEvent *e)
{
	Atom list[16];
	int n = 0;
	list[n++] = atom(p, "TARGETS");
	for (const struct format *f = p->formats; f->name; f++) {
		list[n++] = atom(p, f->name);
	}
	XChangeProperty(p->x, e->requestor, e->property, p->wrong_types ? XA_STRING : XA_ATOM,
		p->wrong_types ? 8 : 32, PropModeReplace, (unsigned char *)list, n);
	return true;
}

static inline bool answer_format(struct peer *p, const XSelectionRequestEvent *e)
{
	for (const struct format *f = p->formats; f->name; f++) {
		if (atom(p, f->name) != e->target) {
			continue;
		}
		if (f->incremental) {
			begin_parts(p, e, f);
		} else {
			XChangeProperty(p->x, e->requestor, e->property, atom(p, "UTF8_STRING"), 8,
				PropModeReplace, (const unsigned char *)f->text, (int)length(f));
		}
		return true;
	}
	return false;
}

static inline void answer(struct peer *p, const XSelectionRequestEvent *e)
{
	static const struct format second[] = { { "UTF8_STRING", "the second copy" }, { 0 } };
	bool targets = e->target == atom(p, "TARGETS");
	p->asked += e->requestor > SERVERS_MAX; /* Xvnc asks every owner, for its viewers */
	if (!p->formats) {
		return;
	}
	if (p->gives_up_at_first && !targets) {
		p->gives_up_at_first = false;
		own(p, "CLIPBOARD", second);
		return;
	}
	XEvent told = { .xselection = { .type = SelectionNotify,
				.requestor = e->requestor,
				.selection = e->selection,
				.target = e->target,
				.time = e->time } };
	bool known = targets ? answer_targets(p, e) : answer_format(p, e);
	told.xselection.property = known ? e->property : None;
	XSendEvent(p->x, e->requestor, False, 0, &told);
}

static inline void receive(struct peer *p)
{
	int format;
	unsigned long n, more;
	unsigned char *bytes = NULL;
	Atom type;
	XGetWindowProperty(p->x, p->window, atom(p, "GOT"), 0, 1 << 24, True, AnyPropertyType,
		&type, &format, &n, &more, &bytes);
	if (type == atom(p, "INCR")) {
		p->receiving = true;
	} else if (type != None) {
		p->got_type = type;
		buf_append(&p->got, bytes, n * (format == 32 ? sizeof(long) : 1));
		p->came = !p->receiving || n == 0;
	}
	if (bytes) {
		XFree(bytes);
	}
}

static inline void on_peer_event(struct peer *p, const XEvent *e)
{
	if (e->type == SelectionRequest) {
		answer(p, &e->xselectionrequest);
	} else if (e->type == SelectionClear) {
		p->cleared++;
	} else if (e->type == SelectionNotify) {
		p->refused = p->came = e->xselection.property == None;
		if (!p->refused) {
			receive(p);
		}
	} else if (e->type == PropertyNotify && e->xproperty.state == PropertyDelete &&
		   p->sending && e->xproperty.window == p->to &&
		   e->xproperty.atom == p->to_property) {
		send_part(p);
	} else if (e->type == PropertyNotify && e->xproperty.state == PropertyNewValue &&
		   p->receiving && e->xproperty.window == p->window) {
		receive(p);
	}
}

static inline int on_peer_readable(sd_event_source *source, int fd, uint32_t events, void *data)
{
	(void)source;
	(void)fd;
	(void)events;
	struct peer *p = data;
	while (XPending(p->x) > 0) {
		XEvent event;
		XNextEvent(p->x, &event);
		on_peer_event(p, &event);
	}
	XFlush(p->x);
	return 0;
}

static inline void peer_open(struct peer *p)
{
	*p = (struct peer){ .x = XOpenDisplay(fixture.name) };
	cr_assert(p->x);
	p->window = XCreateSimpleWindow(p->x, DefaultRootWindow(p->x), 0, 0, 1, 1, 0, 0, 0);
	XSelectInput(p->x, p->window, PropertyChangeMask);
	XSync(p->x, False);
	p->readable = loop_add_io(
		fixture.agent.event, ConnectionNumber(p->x), EPOLLIN, on_peer_readable, p);
}

/* As if its process were killed. */
static inline void peer_die(struct peer *p)
{
	loop_drop(&p->readable);
	XCloseDisplay(p->x);
	buf_done(&p->got);
}

static inline Window owner_of(struct peer *p, const char *selection)
{
	return XGetSelectionOwner(p->x, atom(p, selection));
}

static inline void ask(struct peer *p, const char *selection, const char *target)
{
	buf_done(&p->got);
	p->came = p->refused = p->receiving = false;
	XConvertSelection(
		p->x, atom(p, selection), atom(p, target), atom(p, "GOT"), p->window, CurrentTime);
	XFlush(p->x);
	while (!p->came) {
		/* Xlib may have read events into its queue, where the loop does not see them. */
		on_peer_readable(NULL, 0, 0, p);
		sd_event_run(fixture.agent.event, 10000);
	}
}

static inline void expect_paste(struct peer *p, const char *target, const char *want)
{
	ask(p, "CLIPBOARD", target);
	cr_assert(!p->refused, "%s is refused", target);
	cr_assert_eq(p->got.len, strlen(want), "%s: %zu bytes", target, p->got.len);
	cr_assert(memcmp(p->got.data, want, p->got.len) == 0, "%s differs", target);
}

/* ---- the desktop ---- */

static struct peer program, other;

static inline void start(void)
{
	agent_fixture_start(&fixture, "640x480", false);
	keeper = clipboard_new(fixture.agent.display);
	peer_open(&program);
	peer_open(&other);
	agent_fixture_until(&fixture, owner_of(&other, "CLIPBOARD_MANAGER"));
}

static inline void stop(void)
{
	peer_die(&other);
	clipboard_free(keeper);
	agent_fixture_stop(&fixture);
}

static const struct format text[] = {
	{ "UTF8_STRING", "copied \xc3\xa9" },
	{ "text/html", "<b>copied</b>" },
	{ "image/png", "a picture of it" },
	{ "application/x-own", "its own" },
	{ 0 },
};

/* Until the keeper has asked for as much as it wants. */
static inline void copy(const struct format *formats, int requests)
{
	own(&program, "CLIPBOARD", formats);
	agent_fixture_until(&fixture, program.asked == requests);
	agent_fixture_for_ms(&fixture, 30);
}

static inline void die_and_wait_for_the_keeper(void)
{
	Window dead = program.window;
	peer_die(&program);
	agent_fixture_until(
		&fixture, owner_of(&other, "CLIPBOARD") != dead && owner_of(&other, "CLIPBOARD"));
	cr_assert_eq(owner_of(&other, "CLIPBOARD"), owner_of(&other, "CLIPBOARD_MANAGER"));
}

static inline bool lists(struct peer *p, const char *name)
{
	Atom want = atom(p, name);
	for (size_t i = 0; i < p->got.len / sizeof(long); i++) {
		if (((Atom *)(void *)p->got.data)[i] == want) {
			return true;
		}
	}
	return false;
}

#endif
