/*
 * Converts strokes to keys, and keys to events.  What the layout gives without or with Shift is
 * pressed directly; everything else uses spare keycodes, whose new keysyms are set in one request.
 */
#include "vm/agent/act/segment.h"

#include "vm/agent/x11/client_sync.h"

#include <X11/keysym.h>

/* ---- keys ---- */

void segment_begin(struct segment *s)
{
	struct key shift;
	s->shift = keymap_find(s->map, XK_Shift_L, &shift) ? shift.code : 0;
}

size_t segment_plan(struct segment *s, const struct stroke *strokes, size_t n, size_t most,
	bool *ret_map_changed)
{
	size_t planned = 0, whole = 0;
	while (planned < most && planned < n) {
		const struct stroke *stroke = &strokes[planned];
		struct key *key = &s->keys[planned];
		bool presses = stroke_presses(stroke);
		*key = (struct key){ 0 };
		if (presses && !keymap_find(s->map, stroke->sym, key) &&
			!keymap_assign(s->map, stroke->sym, key)) {
			break;
		}
		if (presses) {
			keymap_used(s->map, key->code);
		}
		planned++;
		whole = stroke->ends || stroke_pauses(stroke) ? planned : whole;
		if (stroke_pauses(stroke)) {
			break;
		}
	}
	*ret_map_changed = keymap_apply(s->map);
	return whole; /* others' keys may come between segments, but not into a character */
}

bool segment_has_shift(const struct segment *s, size_t n)
{
	bool needed = false;
	for (size_t i = 0; i < n; i++) {
		needed |= s->keys[i].shift;
	}
	return s->shift || !needed;
}

bool segment_lacks_spares(const struct segment *s, const struct stroke *strokes, size_t n)
{
	struct key key;
	bool lacks = false;
	for (size_t i = 0; i < n && keymap_spares(s->map) == 0; i++) {
		lacks |= stroke_presses(&strokes[i]) && !keymap_find(s->map, strokes[i].sym, &key);
	}
	return lacks;
}

/* ---- events ---- */

/* Shift is held over a run of strokes that need it. */
static void want_shift(struct segment *s, bool want)
{
	if (s->shift && want != s->shift_ours && !(want && s->in->keys[s->shift])) {
		input_key(s->in, (KeyCode)s->shift, want);
		s->shift_ours = want;
	}
}

static void send_press(struct segment *s, struct key key, bool tap)
{
	want_shift(s, key.shift);
	/* A key combination may contain a key twice, or one that is already held. */
	bool held = s->in->held[key.code];
	if (s->in->keys[key.code]) {
		input_key(s->in, key.code, false);
	}
	if (tap && key.code == s->pressed) {
		input_keep_apart(s->in, &s->focus);
	}
	input_key(s->in, key.code, true);
	s->in->held[key.code] = held;
	s->pressed = key.code;
	if (tap) {
		input_key(s->in, key.code, false);
	}
}

static void send_stroke(struct segment *s, const struct stroke *stroke, struct key key)
{
	if (stroke->how == STROKE_RELEASE) {
		input_release_keys(s->in);
		s->shift_ours = false;
	} else if (stroke->how == STROKE_LIFT) {
		input_key(s->in, s->pressed, false);
	} else {
		send_press(s, key, stroke->how == STROKE_TAP);
	}
}

int64_t segment_send(struct segment *s, const struct stroke *strokes, size_t n)
{
	int64_t done = 0;
	s->focus = None;
	for (size_t i = 0; i < n; i++) {
		send_stroke(s, &strokes[i], s->keys[i]);
		done += strokes[i].ends;
	}
	if (strokes[n - 1].how == STROKE_TAP || strokes[n - 1].how == STROKE_LIFT) {
		want_shift(s, false);
	}
	input_sync_keys(s->in);
	display_catch_up(s->in->display);
	return done;
}

bool segment_is_frozen(struct segment *s)
{
	char down[32] = { 0 };
	if (!s->shift || s->in->keys[s->shift] ||
		!client_sync_keyboard_is_grabbed(s->in->display)) {
		return false;
	}
	input_key(s->in, (KeyCode)s->shift, true);
	XQueryKeymap(display_x(s->in->display), down);
	input_key(s->in, (KeyCode)s->shift, false);
	return !(down[s->shift / 8] & 1 << s->shift % 8);
}
