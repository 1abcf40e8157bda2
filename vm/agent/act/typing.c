/*
 * Sends strokes, segment by segment.  The keys of a segment are planned.  When the focused program
 * knows their new keysyms and no other client has changed the map meanwhile, they are sent in one
 * flush. Before a pressed spare gets another keysym, the focused client must have read its events
 * (keymap.h explains why).  If the layout changes before that, typing ends, and the error says how
 * many characters are uncertain.
 */
#include "vm/agent/act/typing_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/x11/program.h"

#define READER_MS 10000     /* a client that has not read its events by then hangs */
#define LAST_READER_MS 1000 /* at the end only the accuracy of the count depends on it */

/* ---- waits ---- */

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

static void drop_sync(struct typing *t)
{
	client_sync_free(t->sync);
	t->sync = NULL;
}

/* After a segment: continues with the next, or ends.  A user's letters may come in between. */
static void proceed(struct typing *t)
{
	struct err err;
	keymap_end_turn(&t->turn);
	if (!typing_check_layout(t, &err)) {
		finish(t, &err);
	} else if (t->at == t->strokes.n) {
		finish(t, NULL);
	} else {
		go_on(t);
	}
}

static void on_reader(enum client_sync_answer answer, void *data)
{
	struct typing *t = data;
	struct err err;
	catch_up_free(take_ptr(&t->catch_up));
	if (answer != CLIENT_SYNC_ANSWERED && t->at < t->strokes.n) {
		fail_stuck(t);
		return;
	}
	if (answer == CLIENT_SYNC_ANSWERED && typing_check_layout(t, &err)) {
		t->waited = true;
		t->read = t->done;
	}
	proceed(t);
}

/* ---- segments ---- */

static const struct stroke *strokes_left(const struct typing *t)
{
	return t->strokes.all + t->at;
}

static size_t count_left(const struct typing *t)
{
	return t->strokes.n - t->at;
}

static void send_segment(struct typing *t, size_t n)
{
	t->done += segment_send(&t->segment, strokes_left(t), n);
	t->at += n;
	t->planned = 0;
	t->changes = 0;
	t->waited = t->rested = false;
	t->wrong_group |= display_layout(t->in->display)->locks != t->layout.locks;
}

static void wait_for_reader(struct typing *t, uint64_t ms, bool must_wait)
{
	t->catch_up = catch_up_start(t->in->display, t->map, ms, must_wait, on_reader, t);
	if (!t->catch_up) {
		proceed(t);
	}
}

/* ---- press timing of key combinations (vm/agent/x11/input.h) ---- */

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

static void on_wm(enum client_sync_answer answer, void *data)
{
	(void)answer;
	drop_sync(data);
	go_on(data);
}

/*
 * A window manager with a shortcut (alt+Tab) must have grabbed the keyboard before the modifiers
 * are released, otherwise it never receives the release.
 */
static int on_held(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct typing *t = data;
	loop_drop(&t->pause);
	bool chord = strokes_left(t)->how == STROKE_LIFT && !strokes_left(t)->ends;
	t->sync = chord ? client_sync_window_manager(t->in->display, on_wm, t) : NULL;
	if (!t->sync) {
		go_on(t);
	}
	return 0;
}

/* Whether the next stroke must wait until the last key has been up for a while. */
static bool must_rest(struct typing *t)
{
	bool rest = strokes_left(t)->how == STROKE_PRESS && !t->rested &&
		    loop_now_us() < input_key_due(t->in);
	t->rested = true;
	return rest;
}

/* Between the strokes of key combinations; false: no pause needed. */
static bool pause_after(struct typing *t, const struct stroke *stroke)
{
	if (stroke->holds) {
		pause_until(t, loop_now_us() + (INPUT_HOLD_MS + INPUT_CLOCK_MS) * 1000, on_held);
	} else if (stroke_pauses(stroke)) {
		go_on(t);
	}
	return stroke_pauses(stroke);
}

/* ---- sending segments ---- */

static void on_map_read(void *data)
{
	go_on(data);
}

/* The strokes are sent once the program knows the map, if the map is still the same then. */
static void await_map(struct typing *t, size_t n)
{
	t->planned = n;
	t->changes++;
	if (!keymap_await_readers(t->map, display_focus(t->in->display), on_map_read, t)) {
		go_on(t);
	}
}

static void run_segment(struct typing *t)
{
	struct err err;
	if (t->at < t->strokes.n && must_rest(t)) {
		pause_until(t, input_key_due(t->in), on_paused);
		return;
	}
	if (!typing_prepare(t, &err)) {
		finish(t, &err);
		return;
	}
	if (t->changes <= TYPING_CHANGES_MAX && !t->strokes.has_lock &&
		!locks_neutralise(&t->locks)) {
		t->changes++;
		go_on(t);
		return;
	}
	bool map_changed;
	size_t most = t->planned ? t->planned : SEGMENT_MAX;
	size_t n = segment_plan(&t->segment, strokes_left(t), count_left(t), most, &map_changed);
	if (!typing_check_plan(t, n, &err)) {
		finish(t, &err);
		return;
	}
	if (n > 0 && (map_changed || !keymap_is_settled(t->map))) {
		await_map(t, n);
		return;
	}
	if (n > 0) {
		send_segment(t, n);
	}
	if (n > 0 && t->at < t->strokes.n && pause_after(t, strokes_left(t) - 1)) {
		return;
	}
	bool more = t->at < t->strokes.n, spares_ran_out = more && n < SEGMENT_MAX;
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
	if (keymap_take_turn(t->map, &t->turn)) {
		run_segment(t);
	}
	return 0;
}

static void on_turn(void *data)
{
	struct typing *t = data;
	t->waited = false; /* others have used spares since */
	run_segment(t);
}

static void finish(struct typing *t, const struct err *why)
{
	keymap_end_turn(&t->turn);
	locks_restore(&t->locks);
	key_repeat_restore(&t->repeat);
	t->fn(why, t->data);
}

/* ---- start ---- */

static struct typing *typing_new(
	struct input *in, struct keymap *map, struct strokes strokes, step_fn *fn, void *data)
{
	struct typing *t = must(calloc(1, sizeof(*t)));
	t->in = in;
	t->map = map;
	t->strokes = strokes;
	t->fn = fn;
	t->data = data;
	t->locks.display = t->repeat.display = in->display;
	t->segment.in = in;
	t->segment.map = map;
	t->turn = (struct keymap_turn){ .fn = on_turn, .data = t };
	go_on(t);
	return t;
}

struct typing *typing_text(
	struct input *in, struct keymap *map, const char *text, step_fn *fn, void *data)
{
	static const enum strokes_wide ways[] = {
		[PROGRAM_RIGHT] = STROKES_WHOLE,
		[PROGRAM_HALVES] = STROKES_HALVES,
		[PROGRAM_LATE] = STROKES_LATE,
		[PROGRAM_WRONG] = STROKES_WHOLE,
	};
	uint32_t wide = strokes_first_wide(text);
	enum program program = wide ? program_focused(in->display) : PROGRAM_RIGHT;
	bool by_number = strokes_has_composed(text) && program_has_gtk3(in->display);
	struct strokes strokes = strokes_of_text(text, ways[program], by_number);
	struct typing *t = typing_new(in, map, strokes, fn, data);
	t->is_text = t->strokes.n > 0;
	t->refused = program == PROGRAM_WRONG ? wide : 0;
	return t;
}

struct typing *typing_chords(struct input *in, struct keymap *map, const struct chord *chords,
	int count, int repeat, step_fn *fn, void *data)
{
	struct typing *t = typing_new(in, map, strokes_of_chords(chords, count, repeat), fn, data);
	key_repeat_stop(&t->repeat);
	uint32_t composed = strokes_first_composed(&t->strokes);
	t->composed = composed && program_has_gtk3(in->display) ? composed : 0;
	return t;
}

struct typing *typing_press(
	struct input *in, struct keymap *map, const struct chord *chord, step_fn *fn, void *data)
{
	return typing_new(in, map, strokes_of_press(chord), fn, data);
}

void typing_free(struct typing *t)
{
	if (t) {
		locks_restore(&t->locks);
		key_repeat_restore(&t->repeat);
		drop_sync(t);
		catch_up_free(t->catch_up);
		keymap_end_turn(&t->turn);
		loop_drop(&t->next);
		loop_drop(&t->pause);
		strokes_done(&t->strokes);
		free(t);
	}
}

int64_t typing_done_count(const struct typing *t)
{
	return t->done;
}
