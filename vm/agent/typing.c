/*
 * Text and chords become strokes, one keysym each, and strokes become key events.  What the layout
 * gives without or with Shift is pressed there; everything else goes through spare keycodes.  A
 * segment is as many strokes as fit the spares: their new meanings are sent in one request, and
 * when the focused program can know of them and nobody else has changed the map meanwhile, all key
 * events in one flush.  Before a spare that was pressed gets another meaning, the focused client
 * must have read its events (keymap.h says why).  If the layout changes before it has, text ends
 * there, and the error says how much of it is in doubt.
 */
#include "vm/agent/typing.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/barrier.h"

#include <X11/XKBlib.h>
#include <X11/keysym.h>
#include <string.h>

#define SEGMENT 1000        /* strokes; what a cancel may come too late for */
#define CHANGES_MAX 20      /* of the map by others, for one segment, before it is given up */
#define READER_MS 10000     /* a client that has not read its events by then is stuck */
#define LAST_READER_MS 1000 /* at the end nothing depends on it but the honesty of the count */

enum how { TAP, PRESS, LIFT, RELEASE }; /* LIFT: the key pressed last; RELEASE: all */

struct stroke {
	uint32_t sym;
	enum how how;
	bool ends;  /* a character or chord is complete with it */
	bool holds; /* the last press of a chord: programs must see it before the next stroke */
};

struct typing {
	struct input *in;
	struct keymap *map;
	step_fn *fn;
	void *data;
	struct stroke *strokes;
	size_t n, at;
	int64_t done;
	int64_t read;         /* of those, known to have been read by the focused client */
	struct layout layout; /* that the strokes from `at` on are planned for */
	bool wrong_group;     /* or lock, at some time while a segment was sent */
	bool is_text, neutral_locks;
	bool locks_changed, waited, rested, map_changed;
	size_t planned; /* strokes that await the map's readers; 0: none */
	int changes;    /* of the map, for this segment */
	XkbStateRec locks;
	unsigned shift;           /* the Shift key, 0 without one */
	bool shift_ours;          /* held by us for a stroke's sake */
	struct key keys[SEGMENT]; /* of the strokes from `at` on */
	KeyCode pressed;          /* last */
	Window told;              /* of keys that come twice, in this segment */
	struct barrier *barrier;
	sd_event_source *next, *pause;
};

/* ---- making strokes ---- */

static bool is_control(uint32_t ch)
{
	return (ch < 0x20 && ch != '\n' && ch != '\t' && ch != '\r') || (ch >= 0x7f && ch < 0xa0);
}

bool typing_check(const char *what, const char *text, struct err *err)
{
	size_t index = 0;
	for (uint32_t ch; (ch = keys_next_char(&text)); index++) {
		if (ch == UINT32_MAX) {
			return err_set(err, ERR_ARGUMENT,
				"'%s' is not valid UTF-8 at character %zu", what, index);
		}
		if (is_control(ch)) {
			return err_set(err, ERR_ARGUMENT,
				"'%s' has the control character U+%04X at index %zu; only newline "
				"and tab can "
				"be typed, use key for the others",
				what, ch, index);
		}
	}
	return true;
}

static void add(struct typing *t, KeySym sym, enum how how, bool ends)
{
	t->strokes[t->n++] = (struct stroke){ .sym = (uint32_t)sym, .how = how, .ends = ends };
}

static KeySym char_sym(uint32_t ch, const char **rest)
{
	if (ch == '\r' && **rest == '\n') {
		(*rest)++;
	}
	return ch == '\n' || ch == '\r' ? XK_Return : ch == '\t' ? XK_Tab : keys_of_char(ch);
}

static struct typing *typing_new(
	struct input *in, struct keymap *map, size_t room, step_fn *fn, void *data)
{
	struct typing *t = must(calloc(1, sizeof(*t)));
	*t = (struct typing){ .in = in, .map = map, .fn = fn, .data = data, .neutral_locks = true };
	t->strokes = must(calloc(room + 1, sizeof(*t->strokes)));
	return t;
}

/* ---- waiting ---- */

static int on_next(sd_event_source *source, void *data);

static void go_on(struct typing *t)
{
	loop_drop(&t->next);
	t->next = loop_defer(display_loop(t->in->display), on_next, t);
}

static void finish(struct typing *t, const struct err *why);

static void fail_stuck(struct typing *t)
{
	struct err why;
	err_set(&why, ERR_TIMEOUT,
		"the focused window has not read its keys for %d seconds; %lld of the characters "
		"were typed",
		READER_MS / 1000, (long long)t->done);
	finish(t, &why);
}

/* A client looks up what a key gives when it reads it: none that it may not have read is certain. */
static bool check_layout(const struct typing *t, struct err *err)
{
	bool same = display_layout(t->in->display)->others_maps == t->layout.others_maps;
	if (!t->is_text || t->done == t->read || (same && !t->wrong_group)) {
		return true;
	}
	return err_set(err, ERR_STATE,
		"the keyboard layout changed while this was typed: %lld of %zu characters were "
		"sent, and the last %lld may have arrived as others; look at what arrived",
		(long long)t->done, t->n, (long long)(t->done - t->read));
}

static void drop_barrier(struct typing *t)
{
	barrier_free(t->barrier);
	t->barrier = NULL;
}

/* After a segment: to the next, or the end. */
static void proceed(struct typing *t)
{
	struct err err;
	if (!check_layout(t, &err)) {
		finish(t, &err);
	} else if (t->at == t->n) {
		finish(t, NULL);
	} else {
		go_on(t);
	}
}

static void on_reader(enum barrier_answer answer, void *data)
{
	struct typing *t = data;
	struct err err;
	drop_barrier(t);
	if (answer != BARRIER_ANSWERED && t->at < t->n) {
		fail_stuck(t);
		return;
	}
	if (answer == BARRIER_ANSWERED && check_layout(t, &err)) {
		keymap_caught_up(t->map);
		t->waited = true;
		t->read = t->done;
	}
	proceed(t);
}

/* ---- locks: Caps Lock, Num Lock, another group ---- */

/* The locks there are, to be put back; what others lock after we changed them is added. */
static bool read_locks(struct typing *t, XkbStateRec *ret_now)
{
	if (XkbGetState(display_x(t->in->display), XkbUseCoreKbd, ret_now) != Success) {
		return false;
	}
	if (!t->locks_changed) {
		t->locks = *ret_now;
	}
	t->locks.locked_mods |= ret_now->locked_mods;
	if (ret_now->locked_group) {
		t->locks.locked_group = ret_now->locked_group;
	}
	return true;
}

/* False: there were locks, and what was read of the keyboard before may not hold without them. */
static bool neutralise(struct typing *t)
{
	Display *x = display_x(t->in->display);
	XkbStateRec now;
	if (!t->neutral_locks || !read_locks(t, &now)) {
		return true;
	}
	bool locked = now.locked_mods || now.latched_mods || now.locked_group;
	if (locked || now.group) {
		t->locks_changed = true;
		XkbLatchModifiers(x, XkbUseCoreKbd, 0xff, 0);
		XkbLockModifiers(x, XkbUseCoreKbd, 0xff, 0);
		XkbLatchGroup(x, XkbUseCoreKbd, 0);
		XkbLockGroup(x, XkbUseCoreKbd, 0);
	}
	return !locked;
}

static void restore(struct typing *t)
{
	XkbStateRec now;
	if (t->locks_changed && !display_is_lost(t->in->display) && read_locks(t, &now)) {
		Display *x = display_x(t->in->display);
		XkbLockModifiers(x, XkbUseCoreKbd, 0xff, t->locks.locked_mods);
		XkbLockGroup(x, XkbUseCoreKbd, t->locks.locked_group);
		XFlush(x);
	}
	t->locks_changed = false;
}

/* ---- segments ---- */

/* Finds a key for each stroke from `at` on, as far as the spares go.  Returns how many. */
static size_t plan(struct typing *t)
{
	size_t n = 0;
	size_t most = t->planned ? t->planned : SEGMENT;
	while (n < most && t->at + n < t->n) {
		struct stroke *stroke = &t->strokes[t->at + n];
		struct key *key = &t->keys[n];
		*key = (struct key){ 0 };
		bool presses = stroke->how == TAP || stroke->how == PRESS;
		if (presses && !keymap_find(t->map, stroke->sym, key) &&
			!keymap_assign(t->map, stroke->sym, key)) {
			break;
		}
		if (presses) {
			keymap_used(t->map, key->code);
		}
		n++;
		if (stroke->holds || (stroke->ends && stroke->how != TAP)) {
			break; /* a pause follows */
		}
	}
	t->map_changed = keymap_apply(t->map);
	return n;
}

static Window focused(struct typing *t)
{
	Window focus = None;
	int revert;
	XGetInputFocus(display_x(t->in->display), &focus, &revert);
	return focus;
}

/*
 * A release and a press of one key in one millisecond look like a key held down, and LibreOffice
 * drops such pairs when they lie next to each other in its queue.  So another event lies between
 * them, one that means nothing.
 */
static void keep_apart(struct typing *t)
{
	Window window = t->told = t->told ? t->told : focused(t);
	XEvent event = { .xclient = {
				 .type = ClientMessage,
				 .window = window,
				 .message_type =
					 display_atom(t->in->display, ATOM_VITRINE_KEYS_APART),
				 .format = 32,
			 } };
	if (window > PointerRoot) {
		XSendEvent(display_x(t->in->display), window, False, NoEventMask, &event);
	}
}

/* Shift is held over a run of strokes that need it. */
static void want_shift(struct typing *t, bool want)
{
	if (t->shift && want != t->shift_ours && !(want && t->in->keys[t->shift])) {
		input_key(t->in, (KeyCode)t->shift, want);
		t->shift_ours = want;
	}
}

static void send_stroke(struct typing *t, const struct stroke *stroke, struct key key)
{
	if (stroke->how == RELEASE) {
		input_release_keys(t->in);
		t->shift_ours = false;
		return;
	}
	if (stroke->how == LIFT) {
		input_key(t->in, t->pressed, false);
		return;
	}
	want_shift(t, key.shift);
	/* A chord may name a key twice, or a key that another chord's owner holds. */
	if (t->in->keys[key.code]) {
		input_key(t->in, key.code, false);
	}
	if (stroke->how == TAP && key.code == t->pressed) {
		keep_apart(t);
	}
	input_key(t->in, key.code, true);
	t->pressed = key.code;
	if (stroke->how == TAP) {
		input_key(t->in, key.code, false);
	}
}

static void send_segment(struct typing *t, size_t n)
{
	t->told = None;
	for (size_t i = 0; i < n; i++) {
		send_stroke(t, &t->strokes[t->at + i], t->keys[i]);
		t->done += t->strokes[t->at + i].ends;
	}
	t->at += n;
	t->planned = 0;
	t->changes = 0;
	if (t->strokes[t->at - 1].how == TAP || t->strokes[t->at - 1].how == LIFT) {
		want_shift(t, false);
	}
	t->waited = t->rested = false;
	input_sync_keys(t->in);
	display_catch_up(t->in->display);
	t->wrong_group |= display_layout(t->in->display)->locks != t->layout.locks;
}

static void on_client(void *data)
{
	struct typing *t = data;
	t->barrier = barrier_paint(t->in->display, READER_MS, on_reader, t);
}

static void wait_for_reader(struct typing *t, uint64_t ms, bool must_wait)
{
	t->barrier = barrier_focus(t->in->display, ms, on_reader, t);
	if (!t->barrier && must_wait) {
		if (keymap_await_client(t->map, focused(t), ms, on_client, t)) {
			return;
		}
		t->barrier = barrier_paint(t->in->display, ms, on_reader, t);
	}
	if (!t->barrier) {
		proceed(t);
	}
}

/* The server keeps what is pressed meanwhile, and shows it to nobody: Shift tells, and harms not.
 */
static bool is_frozen(struct typing *t)
{
	char down[32] = { 0 };
	if (!t->shift || t->in->keys[t->shift] || !barrier_keyboard_is_grabbed(t->in->display)) {
		return false;
	}
	input_key(t->in, (KeyCode)t->shift, true);
	XQueryKeymap(display_x(t->in->display), down);
	input_key(t->in, (KeyCode)t->shift, false);
	return !(down[t->shift / 8] & 1 << t->shift % 8);
}

static bool prepare(struct typing *t, struct err *err)
{
	struct key shift;
	if (display_is_lost(t->in->display)) {
		return err_set(
			err, ERR_STATE, "the X server is being restarted; try again in a second");
	}
	if (t->is_text && t->at == 0 && !t->planned && !barrier_has_focus(t->in->display)) {
		return err_set(err, ERR_STATE,
			"no window has the keyboard focus, so the text would be lost; click into a "
			"window first");
	}
	if (!keymap_refresh(t->map, err) || !check_layout(t, err)) {
		return false;
	}
	t->layout = *display_layout(t->in->display);
	t->shift = keymap_find(t->map, XK_Shift_L, &shift) ? shift.code : 0;
	if (t->at == 0 && !t->planned && is_frozen(t)) {
		return err_set(err, ERR_STATE,
			"another program has grabbed the keyboard and lets no key through, so "
			"nothing was pressed; end what it does (a click may do), or wait");
	}
	return true;
}

/* ---- the pace of chords (input.h) ---- */

static int on_paused(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct typing *t = data;
	loop_drop(&t->pause);
	go_on(t);
	return 0;
}

static void pause_until(struct typing *t, uint64_t due, sd_event_time_handler_t fn)
{
	uint64_t now = loop_now_us();
	uint64_t ms = due > now ? (due - now + 999) / 1000 : 0;
	t->pause = loop_after_ms(display_loop(t->in->display), ms, fn, t);
}

static void on_wm(enum barrier_answer answer, void *data)
{
	(void)answer;
	drop_barrier(data);
	go_on(data);
}

/*
 * A window manager that takes a chord for itself (alt+Tab) must have grabbed the keyboard before
 * the modifiers go up, or it never hears of that.
 */
static int on_held(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct typing *t = data;
	loop_drop(&t->pause);
	bool chord = t->strokes[t->at].how == LIFT && !t->strokes[t->at].ends;
	t->barrier = chord ? barrier_window_manager(t->in->display, on_wm, t) : NULL;
	if (!t->barrier) {
		go_on(t);
	}
	return 0;
}

/* Whether the next stroke has to wait for the last key to be up for a while. */
static bool must_rest(struct typing *t)
{
	bool rest = t->strokes[t->at].how == PRESS && !t->rested &&
		    loop_now_us() < input_key_due(t->in);
	t->rested = true;
	return rest;
}

/* Between the strokes of chords; false: not there. */
static bool pause_after(struct typing *t, const struct stroke *stroke)
{
	if (stroke->holds) {
		pause_until(t, loop_now_us() + (INPUT_HOLD_MS + INPUT_CLOCK_MS) * 1000, on_held);
	} else if (stroke->ends && stroke->how != TAP) {
		go_on(t);
	}
	return stroke->holds || (stroke->ends && stroke->how != TAP);
}

/* ---- segments, sent ---- */

/* Without a single spare all that the layout does not give is refused before the first key. */
static bool lacks_spares(const struct typing *t)
{
	struct key key;
	if (t->at > 0 || keymap_spares(t->map) > 0) {
		return false;
	}
	for (size_t i = 0; i < t->n; i++) {
		bool presses = t->strokes[i].how == TAP || t->strokes[i].how == PRESS;
		if (presses && !keymap_find(t->map, t->strokes[i].sym, &key)) {
			return true;
		}
	}
	return false;
}

static bool check_plan(const struct typing *t, size_t n, struct err *err)
{
	if ((n == 0 && t->waited) || lacks_spares(t)) {
		return err_set(
			err, ERR_UNSUPPORTED, "the keyboard has no spare keycode for a character");
	}
	for (size_t i = 0; i < n; i++) {
		if (t->keys[i].shift && !t->shift) {
			return err_set(err, ERR_UNSUPPORTED,
				"the keyboard's layout has no Shift key for a character");
		}
	}
	if (t->changes > CHANGES_MAX) {
		return err_set(err, ERR_STATE,
			"another program keeps changing the keyboard's map; try again when it has "
			"ended");
	}
	return true;
}

static void on_map_read(void *data)
{
	go_on(data);
}

/* The strokes are sent once the program can know of the map, if that is still the same then. */
static void await_map(struct typing *t, size_t n)
{
	t->planned = n;
	t->changes++;
	if (!keymap_await_readers(t->map, focused(t), on_map_read, t)) {
		go_on(t);
	}
}

static void run_segment(struct typing *t)
{
	struct err err;
	if (t->at < t->n && must_rest(t)) {
		pause_until(t, input_key_due(t->in), on_paused);
		return;
	}
	if (!prepare(t, &err)) {
		finish(t, &err);
		return;
	}
	if (t->changes <= CHANGES_MAX && !neutralise(t)) {
		t->changes++;
		go_on(t);
		return;
	}
	size_t n = plan(t);
	if (!check_plan(t, n, &err)) {
		finish(t, &err);
		return;
	}
	if (n > 0 && t->map_changed) {
		await_map(t, n);
		return;
	}
	if (n > 0) {
		send_segment(t, n);
	}
	if (n > 0 && t->at < t->n && pause_after(t, &t->strokes[t->at - 1])) {
		return;
	}
	bool more = t->at < t->n, spares_ran_out = more && n < SEGMENT;
	if (more || t->is_text) {
		wait_for_reader(t, more ? READER_MS : LAST_READER_MS, spares_ran_out);
	} else {
		finish(t, NULL);
	}
}

static int on_next(sd_event_source *source, void *data)
{
	(void)source;
	struct typing *t = data;
	run_segment(t);
	return 0;
}

static void finish(struct typing *t, const struct err *why)
{
	restore(t);
	t->fn(why, t->data);
}

/* ---- the three ways in ---- */

struct typing *typing_text(
	struct input *in, struct keymap *map, const char *text, step_fn *fn, void *data)
{
	struct typing *t = typing_new(in, map, strlen(text), fn, data);
	for (uint32_t ch; (ch = keys_next_char(&text)) && ch != UINT32_MAX;) {
		add(t, char_sym(ch, &text), TAP, true);
	}
	t->is_text = t->n > 0;
	go_on(t);
	return t;
}

static void add_chord(struct typing *t, const struct chord *chord)
{
	for (int i = 0; i < chord->count; i++) {
		t->neutral_locks &= !keys_is_lock(chord->keys[i]);
		add(t, chord->keys[i], PRESS, false);
	}
	t->strokes[t->n - 1].holds = true;
	add(t, NoSymbol, LIFT, chord->count == 1);
	if (chord->count > 1) {
		add(t, NoSymbol, RELEASE, true);
	}
}

struct typing *typing_chords(struct input *in, struct keymap *map, const struct chord *chords,
	int count, int repeat, step_fn *fn, void *data)
{
	size_t room = (size_t)count * (size_t)repeat * (CHORD_KEYS_MAX + 2);
	struct typing *t = typing_new(in, map, room, fn, data);
	for (int i = 0; i < count * repeat; i++) {
		add_chord(t, &chords[i % count]);
	}
	go_on(t);
	return t;
}

struct typing *typing_press(
	struct input *in, struct keymap *map, const struct chord *chord, step_fn *fn, void *data)
{
	struct typing *t = typing_new(in, map, CHORD_KEYS_MAX, fn, data);
	for (int i = 0; i < chord->count; i++) {
		t->neutral_locks &= !keys_is_lock(chord->keys[i]);
		add(t, chord->keys[i], PRESS, i + 1 == chord->count);
	}
	go_on(t);
	return t;
}

void typing_free(struct typing *t)
{
	if (t) {
		restore(t);
		drop_barrier(t);
		keymap_cancel(t->map);
		loop_drop(&t->next);
		loop_drop(&t->pause);
		free(t->strokes);
		free(t);
	}
}

int64_t typing_done_count(const struct typing *t)
{
	return t->done;
}
