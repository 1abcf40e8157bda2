// USES agent
/* The clipboard outlives its program, and nothing else about selections changes. */
#include "tests/support/desk.h"
#include "vm/agent/desktop/clipboard.h"
#include "vm/agent/desktop/clipboard_data.h"

#include <X11/Xatom.h>
#include <sys/epoll.h>

#define PART 65536
#define SERVERS_MAX 0x1fffff /* ids of the X server's own windows */

static struct desk desk;
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

static Atom atom(struct peer *p, const char *name)
{
	return XInternAtom(p->x, name, False);
}

static size_t length(const struct format *f)
{
	return f->len ? f->len : strlen(f->text);
}

static void own(struct peer *p, const char *selection, const struct format *formats)
{
	p->formats = formats;
	XSetSelectionOwner(p->x, atom(p, selection), p->window, CurrentTime);
	XSync(p->x, False);
}

static void send_part(struct peer *p)
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

static void begin_parts(struct peer *p, const XSelectionRequestEvent *e, const struct format *f)
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

static bool answer_targets(struct peer *p, const XSelectionRequestEvent *e)
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

static bool answer_format(struct peer *p, const XSelectionRequestEvent *e)
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

static void answer(struct peer *p, const XSelectionRequestEvent *e)
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

static void receive(struct peer *p)
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

static void on_peer_event(struct peer *p, const XEvent *e)
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

static int on_peer_readable(sd_event_source *source, int fd, uint32_t events, void *data)
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

static void peer_open(struct peer *p)
{
	*p = (struct peer){ .x = XOpenDisplay(desk.name) };
	cr_assert(p->x);
	p->window = XCreateSimpleWindow(p->x, DefaultRootWindow(p->x), 0, 0, 1, 1, 0, 0, 0);
	XSelectInput(p->x, p->window, PropertyChangeMask);
	XSync(p->x, False);
	p->readable =
		loop_add_io(desk.agent.event, ConnectionNumber(p->x), EPOLLIN, on_peer_readable, p);
}

/* As if its process were killed. */
static void peer_die(struct peer *p)
{
	loop_drop(&p->readable);
	XCloseDisplay(p->x);
	buf_done(&p->got);
}

static Window owner_of(struct peer *p, const char *selection)
{
	return XGetSelectionOwner(p->x, atom(p, selection));
}

static void ask(struct peer *p, const char *selection, const char *target)
{
	buf_done(&p->got);
	p->came = p->refused = p->receiving = false;
	XConvertSelection(
		p->x, atom(p, selection), atom(p, target), atom(p, "GOT"), p->window, CurrentTime);
	XFlush(p->x);
	while (!p->came) {
		/* Xlib may have read events into its queue, where the loop does not see them. */
		on_peer_readable(NULL, 0, 0, p);
		sd_event_run(desk.agent.event, 10000);
	}
}

static void expect_paste(struct peer *p, const char *target, const char *want)
{
	ask(p, "CLIPBOARD", target);
	cr_assert(!p->refused, "%s is refused", target);
	cr_assert_eq(p->got.len, strlen(want), "%s: %zu bytes", target, p->got.len);
	cr_assert(memcmp(p->got.data, want, p->got.len) == 0, "%s differs", target);
}

/* ---- the desktop ---- */

static struct peer program, other;

static void start(void)
{
	desk_start(&desk, "640x480", false);
	keeper = clipboard_new(desk.agent.display);
	peer_open(&program);
	peer_open(&other);
	desk_until(&desk, owner_of(&other, "CLIPBOARD_MANAGER"));
}

static void stop(void)
{
	peer_die(&other);
	clipboard_free(keeper);
	desk_stop(&desk);
}

TestSuite(clipboard, .init = start, .fini = stop, .timeout = 120);

static const struct format text[] = {
	{ "UTF8_STRING", "copied \xc3\xa9" },
	{ "text/html", "<b>copied</b>" },
	{ "image/png", "a picture of it" },
	{ "application/x-own", "its own" },
	{ 0 },
};

/* Until the keeper has asked for as much as it wants. */
static void copy(const struct format *formats, int requests)
{
	own(&program, "CLIPBOARD", formats);
	desk_until(&desk, program.asked == requests);
	desk_for_ms(&desk, 30);
}

static void die_and_wait_for_the_keeper(void)
{
	Window dead = program.window;
	peer_die(&program);
	desk_until(&desk, owner_of(&other, "CLIPBOARD") != dead && owner_of(&other, "CLIPBOARD"));
	cr_assert_eq(owner_of(&other, "CLIPBOARD"), owner_of(&other, "CLIPBOARD_MANAGER"));
}

static bool lists(struct peer *p, const char *name)
{
	Atom want = atom(p, name);
	for (size_t i = 0; i < p->got.len / sizeof(long); i++) {
		if (((Atom *)(void *)p->got.data)[i] == want) {
			return true;
		}
	}
	return false;
}

Test(clipboard, outlives_a_program_that_is_killed)
{
	copy(text, 3);
	die_and_wait_for_the_keeper();
	expect_paste(&other, "UTF8_STRING", "copied \xc3\xa9");
	expect_paste(&other, "text/html", "<b>copied</b>");
	ask(&other, "CLIPBOARD", "TARGETS");
	cr_assert_eq(other.got_type, XA_ATOM);
	cr_assert(lists(&other, "UTF8_STRING") && lists(&other, "text/html"));
	cr_assert(lists(&other, "TIMESTAMP") && lists(&other, "MULTIPLE"));
	cr_assert(!lists(&other, "image/png"), "a picture of a text is not fetched");
	ask(&other, "CLIPBOARD", "image/png");
	cr_assert(other.refused);
	ask(&other, "CLIPBOARD", "TIMESTAMP");
	cr_assert_eq(other.got_type, XA_INTEGER);
	cr_assert_gt(*(long *)(void *)other.got.data, 0);
}

Test(clipboard, a_window_that_is_destroyed_counts_as_dead)
{
	copy(text, 3);
	XDestroyWindow(program.x, program.window);
	XSync(program.x, False);
	desk_until(&desk, owner_of(&other, "CLIPBOARD") == owner_of(&other, "CLIPBOARD_MANAGER"));
	expect_paste(&other, "UTF8_STRING", "copied \xc3\xa9");
	peer_die(&program);
}

Test(clipboard, fetches_a_picture_where_there_is_no_text)
{
	static const struct format picture[] = { { "image/png", "pixels" }, { 0 } };
	copy(picture, 2);
	die_and_wait_for_the_keeper();
	expect_paste(&other, "image/png", "pixels");
}

Test(clipboard, takes_over_what_is_handed_over)
{
	own(&program, "CLIPBOARD", text);
	ask(&program, "CLIPBOARD_MANAGER", "SAVE_TARGETS");
	cr_assert(!program.refused);
	cr_assert_eq(program.got.len, 0);
	cr_assert_eq(program.got_type, atom(&program, "NULL"));
	cr_assert_eq(owner_of(&other, "CLIPBOARD"), program.window, "it is alive");
	die_and_wait_for_the_keeper();
	for (const struct format *f = text; f->name; f++) {
		expect_paste(&other, f->name, f->text);
	}
}

Test(clipboard, a_hand_over_may_list_its_targets)
{
	own(&program, "CLIPBOARD", text);
	Atom one = atom(&program, "application/x-own");
	XChangeProperty(program.x, program.window, atom(&program, "GOT"), XA_ATOM, 32,
		PropModeReplace, (unsigned char *)&one, 1);
	ask(&program, "CLIPBOARD_MANAGER", "SAVE_TARGETS");
	cr_assert(!program.refused);
	cr_assert_eq(program.asked, 2, "TARGETS, and the one");
	die_and_wait_for_the_keeper();
	expect_paste(&other, "application/x-own", "its own");
}

Test(clipboard, is_answered_as_a_manager)
{
	ask(&other, "CLIPBOARD_MANAGER", "TARGETS");
	cr_assert(lists(&other, "SAVE_TARGETS"));
	ask(&other, "CLIPBOARD_MANAGER", "SAVE_TARGETS");
	cr_assert(!other.refused, "one with nothing on CLIPBOARD need not wait");
	peer_die(&program);
}

Test(clipboard, long_texts_go_in_parts_both_ways)
{
	size_t len = 1 << 20;
	char *large = must(malloc(len + 1));
	for (size_t i = 0; i < len; i++) {
		large[i] = (char)('a' + i * i % 26);
	}
	large[len] = '\0';
	struct format formats[] = { { "UTF8_STRING", large, len, true }, { 0 } };
	own(&program, "CLIPBOARD", formats);
	desk_until(&desk, program.asked == 2 && !program.sending && program.sent == len);
	desk_for_ms(&desk, 30);
	die_and_wait_for_the_keeper();
	expect_paste(&other, "UTF8_STRING", large);
	cr_assert(other.receiving, "it came in parts");
	expect_paste(&other, "UTF8_STRING", large);
	free(large);
}

Test(clipboard, answers_several_targets_at_once)
{
	copy(text, 3);
	die_and_wait_for_the_keeper();
	Atom pairs[] = { atom(&other, "UTF8_STRING"), atom(&other, "ONE"),
		atom(&other, "image/png"), atom(&other, "TWO") };
	XChangeProperty(other.x, other.window, atom(&other, "GOT"), atom(&other, "ATOM_PAIR"), 32,
		PropModeReplace, (unsigned char *)pairs, 4);
	ask(&other, "CLIPBOARD", "MULTIPLE");
	cr_assert(!other.refused);
	cr_assert_eq(other.got.len, 4 * sizeof(long));
	const Atom *done = (const Atom *)(void *)other.got.data;
	cr_assert_eq(done[1], pairs[1]);
	cr_assert_eq(done[3], None, "that one is not there");
}

Test(clipboard, leaves_living_owners_alone)
{
	copy(text, 3);
	desk_for_ms(&desk, 300);
	cr_assert_eq(owner_of(&other, "CLIPBOARD"), program.window);
	cr_assert_eq(program.asked, 3, "it is asked once");
	die_and_wait_for_the_keeper();
	own(&other, "CLIPBOARD", text);
	desk_until(&desk, other.asked == 3);
	cr_assert_eq(owner_of(&other, "CLIPBOARD"), other.window);
	cr_assert_eq(other.cleared, 0);
}

/* What a program takes back is gone. */
Test(clipboard, respects_an_owner_that_gives_up)
{
	copy(text, 3);
	XSetSelectionOwner(program.x, atom(&program, "CLIPBOARD"), None, CurrentTime);
	XSync(program.x, False);
	peer_die(&program);
	desk_for_ms(&desk, 200);
	cr_assert_eq(owner_of(&other, "CLIPBOARD"), None);
}

Test(clipboard, leaves_primary_alone)
{
	own(&program, "PRIMARY", text);
	desk_for_ms(&desk, 300);
	cr_assert_eq(program.asked, 0);
	peer_die(&program);
	desk_for_ms(&desk, 200);
	cr_assert_eq(owner_of(&other, "PRIMARY"), None);
	cr_assert_eq(owner_of(&other, "CLIPBOARD"), None);
}

Test(clipboard, keeps_no_passwords)
{
	static const struct format password[] = { { "UTF8_STRING", "hunter2" },
		{ "x-kde-passwordManagerHint", "secret" }, { 0 } };
	copy(password, 2);
	ask(&program, "CLIPBOARD_MANAGER", "SAVE_TARGETS");
	cr_assert(program.refused);
	peer_die(&program);
	desk_for_ms(&desk, 200);
	cr_assert_eq(owner_of(&other, "CLIPBOARD"), None);
}

Test(clipboard, keeps_what_is_marked_as_no_password)
{
	static const struct format plain[] = { { "UTF8_STRING", "a user's name" },
		{ "x-kde-passwordManagerHint", "public" }, { 0 } };
	copy(plain, 3);
	die_and_wait_for_the_keeper();
	expect_paste(&other, "UTF8_STRING", "a user's name");
}

/* ---- owners that mean harm ---- */

/* Whatever an owner did, the next copy must be kept. */
static void expect_next_copy_kept(void)
{
	peer_die(&program);
	peer_open(&program);
	copy(text, 3);
	die_and_wait_for_the_keeper();
	expect_paste(&other, "UTF8_STRING", "copied \xc3\xa9");
}

Test(clipboard, a_silent_owner_costs_nothing_but_time)
{
	own(&program, "CLIPBOARD", NULL);
	desk_until(&desk, program.asked == 1);
	ask(&program, "CLIPBOARD_MANAGER", "SAVE_TARGETS");
	cr_assert(program.refused, "after the timeout");
	expect_next_copy_kept();
}

Test(clipboard, an_endless_transfer_is_cut_off)
{
	static char part[200000];
	memset(part, 'x', sizeof(part));
	static struct format endless[] = { { "UTF8_STRING", part, sizeof(part), true, true },
		{ "text/html", "<i>short</i>" }, { 0 } };
	own(&program, "CLIPBOARD", endless);
	desk_until(&desk, program.asked == 3);
	desk_for_ms(&desk, 30);
	cr_assert_leq(program.sent, CLIP_ITEM_MAX + 3 * sizeof(part));
	die_and_wait_for_the_keeper();
	expect_paste(&other, "text/html", "<i>short</i>");
	ask(&other, "CLIPBOARD", "UTF8_STRING");
	cr_assert(other.refused);
	peer_open(&program);
	expect_next_copy_kept();
}

Test(clipboard, wrong_types_are_no_targets)
{
	program.wrong_types = true;
	copy(text, 1);
	peer_die(&program);
	desk_for_ms(&desk, 200);
	cr_assert_eq(owner_of(&other, "CLIPBOARD"), None);
	peer_open(&program);
	expect_next_copy_kept();
}

Test(clipboard, an_owner_may_change_in_the_middle)
{
	program.gives_up_at_first = true;
	own(&program, "CLIPBOARD", text);
	desk_until(&desk, program.asked == 4);
	desk_for_ms(&desk, 30);
	die_and_wait_for_the_keeper();
	expect_paste(&other, "UTF8_STRING", "the second copy");
	ask(&other, "CLIPBOARD", "text/html");
	cr_assert(other.refused, "of the first copy nothing is left");
}

static int ignore_x_error(Display *x, XErrorEvent *event)
{
	(void)x;
	(void)event;
	return 0;
}

/* A requestor that stops in the middle of a transfer disturbs nobody. */
Test(clipboard, a_requestor_may_die_in_the_middle)
{
	size_t len = 1 << 20;
	char *large = must(malloc(len + 1));
	memset(large, 'y', len);
	large[len] = '\0';
	struct format formats[] = { { "UTF8_STRING", large, len, true }, { 0 } };
	XSetErrorHandler(ignore_x_error);
	own(&program, "CLIPBOARD", formats);
	desk_until(&desk, program.asked == 2 && !program.sending && program.sent == len);
	desk_for_ms(&desk, 30);
	die_and_wait_for_the_keeper();
	for (int i = 0; i < 20; i++) {
		peer_open(&program);
		XConvertSelection(program.x, atom(&program, "CLIPBOARD"),
			atom(&program, "UTF8_STRING"), atom(&program, "GOT"), program.window,
			CurrentTime);
		XFlush(program.x);
		desk_until(&desk, program.receiving || i >= 8);
		desk_for_ms(&desk, 5);
		peer_die(&program);
	}
	free(large);
}

/* ---- what others read of it, and set ---- */

struct reading {
	bool done;
	int times;
	struct clip_content content;
	struct buf bytes;
	struct err err;
};

static void on_read(const struct clip_content *content, const struct err *err, void *data)
{
	struct reading *r = data;
	r->done = true;
	r->times++;
	r->err = err ? *err : (struct err){ 0 };
	if (content) {
		r->content = *content;
	}
	if (content && content->len) {
		buf_append(&r->bytes, content->bytes, content->len);
	}
}

static const struct clipboard_wish any = { 2, { CLIPBOARD_TEXT, CLIPBOARD_PNG } };
static const struct clipboard_wish png_first = { 2, { CLIPBOARD_PNG, CLIPBOARD_TEXT } };
static const struct clipboard_wish png = { 1, { CLIPBOARD_PNG } };

static struct clip_read *begin_reading(struct reading *r, const struct clipboard_wish *wish)
{
	struct err err;
	*r = (struct reading){ 0 };
	struct clip_read *read = clip_read_new(clipboard_reads(keeper), wish, on_read, r, &err);
	cr_assert(read, "%s", err.text);
	cr_assert(!r->done, "from the loop");
	return read;
}

static struct reading reading_of(const struct clipboard_wish *wish)
{
	struct reading r;
	begin_reading(&r, wish);
	desk_until(&desk, r.done);
	return r;
}

static void expect_text(const struct clipboard_wish *wish, const char *want)
{
	struct reading r = reading_of(wish);
	cr_assert_eq(r.err.kind, ERR_NONE, "%s", r.err.text);
	cr_assert_eq(r.content.type, CLIPBOARD_TEXT);
	cr_assert_eq(r.content.absent, -1);
	cr_assert_str_eq(buf_text(&r.bytes), want);
	buf_done(&r.bytes);
}

static void expect_absent(const struct clipboard_wish *wish, enum clipboard_absence why)
{
	struct reading r = reading_of(wish);
	cr_assert_eq(r.err.kind, ERR_NONE, "%s", r.err.text);
	cr_assert_eq(r.content.type, -1);
	cr_assert_eq(r.content.absent, (int)why);
	cr_assert_eq(r.bytes.len, 0);
}

#define PNG "\x89PNG\r\n\x1a\n"

Test(clipboard, is_read_from_its_owner)
{
	static const struct format both[] = { { "UTF8_STRING", "copied \xc3\xa9" },
		{ "image/png", PNG "pixels" }, { 0 } };
	expect_absent(&any, CLIPBOARD_EMPTY);
	own(&program, "CLIPBOARD", both);
	expect_text(&any, "copied \xc3\xa9");
	struct reading r = reading_of(&png_first);
	cr_assert_eq(r.content.type, CLIPBOARD_PNG);
	cr_assert_str_eq(buf_text(&r.bytes), PNG "pixels");
	buf_done(&r.bytes);
	desk_for_ms(&desk, 300);
	expect_text(&any, "copied \xc3\xa9"); /* long after the copy, too */
	die_and_wait_for_the_keeper();
	expect_text(&any, "copied \xc3\xa9");
	expect_absent(&png, CLIPBOARD_OTHER);
}

Test(clipboard, is_read_as_good_text)
{
	static const struct format bad[] = { { "UTF8_STRING", "a\xff\xc3z\0\0", 6 }, { 0 } };
	static const struct format old[] = { { "text/plain", "caf\xe9" }, { 0 } };
	static const struct format empty[] = { { "UTF8_STRING", "\0", 1 }, { 0 } };
	own(&program, "CLIPBOARD", bad);
	expect_text(&any, "a\xef\xbf\xbd\xef\xbf\xbdz");
	own(&program, "CLIPBOARD", old);
	expect_text(&any, "caf\xc3\xa9");
	own(&program, "CLIPBOARD", empty);
	expect_text(&any, "");
	peer_die(&program);
}

Test(clipboard, passwords_are_not_read)
{
	static const struct format password[] = { { "UTF8_STRING", "hunter2" },
		{ "x-kde-passwordManagerHint", "secret" }, { 0 } };
	static const struct format doubtful[] = { { "UTF8_STRING", "hunter2" },
		{ "x-kde-passwordManagerHint", "secret", 6, true }, { 0 } };
	own(&program, "CLIPBOARD", password);
	expect_absent(&any, CLIPBOARD_SECRET);
	own(&program, "CLIPBOARD", doubtful);
	expect_absent(&any, CLIPBOARD_SECRET);
	peer_die(&program);
}

Test(clipboard, what_is_not_what_it_is_called_is_not_read)
{
	static const struct format fake[] = { { "image/png", "GIF89a" }, { 0 } };
	static const struct format foreign[] = { { "application/x-own", "its own" }, { 0 } };
	own(&program, "CLIPBOARD", fake);
	expect_absent(&any, CLIPBOARD_OTHER);
	own(&program, "CLIPBOARD", foreign);
	expect_absent(&any, CLIPBOARD_OTHER);
	program.wrong_types = true;
	own(&program, "CLIPBOARD", text);
	expect_absent(&any, CLIPBOARD_OTHER);
	peer_die(&program);
}

/* What the keeper takes by itself has gone: this program sends one thing at a time. */
static void own_large(const struct format *formats, size_t least)
{
	program.asked = 0;
	program.sent = 0;
	own(&program, "CLIPBOARD", formats);
	desk_until(&desk, program.asked == 2 && program.sent >= least);
	desk_for_ms(&desk, 50);
}

static void expect_too_large(const struct format *formats, size_t least)
{
	own_large(formats, least);
	struct reading r = reading_of(&any);
	cr_assert_eq(r.err.kind, ERR_LIMIT, "%s", r.err.text);
}

Test(clipboard, too_large_is_said)
{
	static char part[200000];
	size_t len = clipboard_type_max(CLIPBOARD_TEXT) + 1;
	char *large = must(malloc(len + 1));
	memset(large, 'x', len);
	large[len] = '\0';
	memset(part, 'x', sizeof(part));
	const struct format endless[] = { { "UTF8_STRING", part, sizeof(part), true, true },
		{ 0 } };
	const struct format longer[] = { { "UTF8_STRING", large, len, true }, { 0 } };
	const struct format longest[] = { { "UTF8_STRING", large, len - 1, true }, { 0 } };
	expect_too_large(endless, CLIP_ITEM_MAX);
	expect_too_large(longer, len);
	own_large(longest, len - 1);
	struct reading r = reading_of(&any);
	cr_assert_eq(r.err.kind, ERR_NONE, "%s", r.err.text);
	cr_assert_eq(r.bytes.len, len - 1);
	buf_done(&r.bytes);
	peer_die(&program);
	free(large);
}

/* Each read is answered, and so many at once are enough. */
Test(clipboard, an_owner_that_never_answers_is_not_waited_for)
{
	struct reading reads[CLIP_READS_MAX], cancelled;
	struct err err;
	own(&program, "CLIPBOARD", NULL);
	clip_read_free(begin_reading(&cancelled, &any));
	for (int i = 0; i < CLIP_READS_MAX; i++) {
		begin_reading(&reads[i], &any);
	}
	cr_assert_null(clip_read_new(clipboard_reads(keeper), &any, on_read, &cancelled, &err));
	cr_assert_eq(err.kind, ERR_LIMIT);
	for (int i = 0; i < CLIP_READS_MAX; i++) {
		desk_until(&desk, reads[i].done);
		cr_expect_eq(reads[i].err.kind, ERR_TIMEOUT, "%s", reads[i].err.text);
		cr_expect_eq(reads[i].times, 1);
	}
	cr_expect(!cancelled.done);
	peer_die(&program);
}

/* The new owner's content is what there is. */
Test(clipboard, an_owner_may_change_while_it_is_read)
{
	struct reading r;
	own(&program, "CLIPBOARD", NULL);
	begin_reading(&r, &any);
	desk_until(&desk, program.asked > 0);
	own(&other, "CLIPBOARD", text);
	desk_until(&desk, r.done);
	cr_expect_eq(r.content.type, CLIPBOARD_TEXT);
	cr_expect_str_eq(buf_text(&r.bytes), "copied \xc3\xa9");
	buf_done(&r.bytes);
	peer_die(&program);
}

static void set(int type, const char *bytes)
{
	struct err err;
	cr_assert(clipboard_set(keeper, type, bytes, strlen(bytes), &err), "%s", err.text);
}

Test(clipboard, what_is_set_can_be_pasted_and_read_until_the_next_copy)
{
	own(&program, "CLIPBOARD", text);
	set(CLIPBOARD_TEXT, "first");
	set(CLIPBOARD_TEXT, "caf\xc3\xa9");
	expect_paste(&other, "UTF8_STRING", "caf\xc3\xa9");
	expect_paste(&other, "text/plain;charset=utf-8", "caf\xc3\xa9");
	expect_paste(&other, "STRING", "caf\xe9");
	cr_expect_eq(program.cleared, 1);
	peer_die(&program); /* it is not its any more */
	desk_for_ms(&desk, 200);
	expect_text(&any, "caf\xc3\xa9");
	expect_absent(&png, CLIPBOARD_OTHER);
	set(CLIPBOARD_PNG, PNG "pixels");
	expect_paste(&other, "image/png", PNG "pixels");
	ask(&other, "CLIPBOARD", "UTF8_STRING");
	cr_expect(other.refused);
	set(CLIPBOARD_TEXT, "\xe6\xbc\xa2");
	ask(&other, "CLIPBOARD", "STRING");
	cr_expect(other.refused, "it is not of Latin-1");
	peer_open(&program);
	copy(text, 3);
	expect_text(&any, "copied \xc3\xa9");
	peer_die(&program);
}

/* Whoever was last is it, and the keeper never shows the other's as its own. */
Test(clipboard, sets_and_copies_may_cross)
{
	for (int i = 0; i < 20; i++) {
		own(&program, "CLIPBOARD", text);
		set(CLIPBOARD_TEXT, "set");
		if (i % 2) {
			own(&program, "CLIPBOARD", text);
		}
		expect_text(&any, i % 2 ? "copied \xc3\xa9" : "set");
	}
	peer_die(&program);
}
