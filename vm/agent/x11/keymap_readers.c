/*
 * RECORD reports, in the order in which the server processed them, each request for the map and
 * each change that we made to it.  A connection that requests the map after our last change has the
 * new one.  A connection that has not requested it after its program has answered two pings, with a
 * pause in between, never requests it, and is not waited for again.
 *
 * Programs with Xt or Java answer no pings.  But when notified of a new map they request the
 * modifier map, in the order of their events.  They do so several times for each notification, and
 * also for those of the server, so a program is asked repeatedly before it counts as having
 * processed what was sent before. Tk requests it only with the next key, which is no answer: such a
 * program is not asked again.
 */
#include "vm/agent/x11/keymap_readers_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <X11/Xlib-xcb.h>
#include <X11/extensions/XRes.h>

#define PING_MS 10000
#define PAUSE_MS 60
#define FIRST_MS 2000      /* for the first answer of a program that may never answer */
#define ROUNDS_OF_CHANGE 8 /* the server reports a change once per keyboard */
#define ROUNDS_MAX 400

struct reader *reader_find(struct readers *r, XID base, bool make)
{
	struct reader *unused = NULL;
	for (int i = 0; i < READERS_MAX; i++) {
		if (r->clients[i].base == base) {
			return &r->clients[i];
		}
		unused = r->clients[i].base || unused ? unused : &r->clients[i];
	}
	if (make && unused) {
		*unused = (struct reader){ .base = base, .caught_up = r->changes };
		return unused;
	}
	return NULL;
}

/* ---- waits ---- */

void readers_cancel(struct readers *r)
{
	loop_drop(&r->timer);
	client_sync_free(take_ptr(&r->ping));
	r->fn = NULL;
	r->n_awaited = 0;
	r->caught_up = NULL;
}

static void finish(struct readers *r)
{
	readers_fn *fn = r->fn;
	void *data = r->data;
	readers_cancel(r);
	if (fn) {
		fn(data);
	}
}

static bool all_have_read(struct readers *r)
{
	bool all = true;
	for (int i = 0; i < r->n_awaited; i++) {
		const struct reader *reader = reader_find(r, r->awaited[i], false);
		bool has_read = r->changes >= r->awaited_change && reader && reader->has_read;
		all &= !reader || reader->never_reads || has_read;
	}
	return all;
}

/* Those that have not requested it never will. */
static void give_up(struct readers *r)
{
	for (int i = 0; i < r->n_awaited; i++) {
		struct reader *reader = reader_find(r, r->awaited[i], false);
		if (reader && !reader->has_read) {
			reader->never_reads = true;
		}
	}
	finish(r);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *data);

static void on_pong(enum client_sync_answer answer, void *data)
{
	struct readers *r = data;
	client_sync_free(take_ptr(&r->ping));
	if (answer != CLIENT_SYNC_ANSWERED) {
		finish(r);
	} else if (r->paused) {
		give_up(r);
	} else {
		r->timer = loop_after_ms(display_loop(r->display), PAUSE_MS, on_pause_over, r);
	}
}

static void ask(struct readers *r)
{
	r->ping = client_sync_focus(r->display, PING_MS, on_pong, r);
	if (!r->ping && !r->paused) {
		r->timer = loop_after_ms(display_loop(r->display), PAUSE_MS, on_pause_over, r);
	} else if (!r->ping) {
		finish(r);
	}
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct readers *r = data;
	loop_drop(&r->timer);
	r->paused = true;
	ask(r);
	return 0;
}

/* ---- programs that answer no pings ---- */

/*
 * Some programs learn of a change only this way, because the server does not send some
 * notifications to clients that use XKB. False: the window has closed.
 */
static bool send_mapping(struct readers *r, Window window)
{
	Display *x = display_x(r->display);
	int first, last;
	struct err ignored;
	XDisplayKeycodes(x, &first, &last);
	struct reader *reader = reader_find(r, window & ~r->mask, true);
	XEvent event = { .xmapping = {
				 .type = MappingNotify,
				 .request = MappingKeyboard,
				 .first_keycode = first,
				 .count = last - first + 1,
			 } };
	if (reader) {
		reader->was_sent = true;
	}
	display_trap(r->display);
	XSendEvent(x, window, False, NoEventMask, &event);
	return display_untrap(r->display, &ignored);
}

static void end_rounds(struct readers *r, bool caught_up)
{
	readers_fn *fn = r->caught_up;
	void *data = r->caught_up_data;
	struct reader *reader = reader_find(r, r->asked & ~r->mask, false);
	if (reader) {
		reader->is_mute = !caught_up;
		reader->answers |= caught_up;
		reader->caught_up = caught_up ? r->changes : reader->caught_up;
	}
	readers_cancel(r);
	fn(data);
}

static int on_no_answer(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	end_rounds(data, false);
	return 0;
}

static void next_round(struct readers *r)
{
	r->answered = false;
	if (--r->rounds <= 0 || !send_mapping(r, r->asked)) {
		end_rounds(r, true);
	}
}

/* ---- life ---- */

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *data)
{
	(void)source;
	(void)fd;
	(void)events;
	struct readers *r = data;
	if (!readers_take_record(r)) {
		loop_enable(r->readable, false); /* pings end the waits */
	} else if (r->fn && all_have_read(r)) {
		finish(r);
	} else if (r->caught_up && r->answered) {
		next_round(r);
	}
	return 0;
}

struct readers *readers_new(struct display *d)
{
	struct readers *r = must(calloc(1, sizeof(*r)));
	r->display = d;
	r->mask = xcb_get_setup(XGetXCBConnection(display_x(d)))->resource_id_mask;
	r->own = display_helper(d) & ~r->mask;
	r->records = readers_start_record(r);
	if (r->records) {
		int fd = ConnectionNumber(display_recorder(d));
		r->readable = loop_add_io(display_loop(d), fd, EPOLLIN, on_readable, r);
	}
	return r;
}

void readers_free(struct readers *r)
{
	if (r) {
		readers_cancel(r);
		loop_drop(&r->readable);
		if (r->records) {
			readers_stop_record(r);
		}
		r->freed = true;
		display_free_later(r->display, r);
	}
}

bool readers_catch_up(struct readers *r, Window window, uint64_t ms, readers_fn *fn, void *data)
{
	readers_cancel(r);
	struct reader *reader = NULL;
	if (r->records && window > PointerRoot && readers_take_record(r)) {
		reader = reader_find(r, window & ~r->mask, true);
	}
	if (!reader || reader->is_mute || !send_mapping(r, window)) {
		return false;
	}
	uint64_t rounds = (r->changes - reader->caught_up + 1) * ROUNDS_OF_CHANGE;
	r->asked = window;
	r->rounds = rounds < ROUNDS_MAX ? (int)rounds : ROUNDS_MAX;
	r->answered = false;
	r->caught_up = fn;
	r->caught_up_data = data;
	r->timer = loop_after_ms(
		display_loop(r->display), reader->answers ? ms : FIRST_MS, on_no_answer, r);
	return true;
}

/* ---- changes of the map ---- */

static pid_t pid_of(XResClientIdValue *value)
{
	return XResGetClientIdType(value) == XRES_CLIENT_ID_PID ? XResGetClientPid(value) : -1;
}

/* Finds the other connections of the program that created the window. */
static void find_others(struct readers *r, Window window)
{
	XID base = window & ~r->mask;
	XResClientIdSpec spec = { None, XRES_CLIENT_ID_PID_MASK };
	XResClientIdValue *values = NULL;
	long n = 0;
	pid_t pid = -1;
	r->n_awaited = 0;
	if (XResQueryClientIds(display_x(r->display), 1, &spec, &n, &values) != Success) {
		return;
	}
	for (long i = 0; i < n; i++) {
		pid = (values[i].spec.client & ~r->mask) == base ? pid_of(&values[i]) : pid;
	}
	for (long i = 0; i < n && pid > 0; i++) {
		XID other = values[i].spec.client & ~r->mask;
		if (other != base && pid_of(&values[i]) == pid && reader_find(r, other, true)) {
			r->awaited[r->n_awaited++] = other;
		}
	}
	XResClientIdsDestroy(n, values);
}

bool readers_await(struct readers *r, uint64_t change, Window window, readers_fn *fn, void *data)
{
	readers_cancel(r);
	r->awaited_change = change;
	if (window <= PointerRoot || display_is_lost(r->display)) {
		return false;
	}
	(void)send_mapping(r, window);
	if (!r->records) {
		return false;
	}
	find_others(r, window);
	(void)readers_take_record(r);
	if (all_have_read(r)) {
		r->n_awaited = 0;
		return false;
	}
	r->fn = fn;
	r->data = data;
	r->paused = false;
	ask(r);
	return true;
}
