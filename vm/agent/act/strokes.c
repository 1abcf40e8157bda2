/* Creates all strokes at once, because the length of the text was bounded before. */
#include "vm/agent/act/strokes.h"

#include "base/cleanup.h"

#include <X11/keysym.h>
#include <stdio.h>
#include <string.h>

#define UNUSED_KEY XK_F20 /* not a command in any program */

static bool is_control(uint32_t ch)
{
	return (ch < 0x20 && ch != '\n' && ch != '\t' && ch != '\r') || (ch >= 0x7f && ch < 0xa0);
}

bool strokes_check_text(const char *what, const char *text, struct err *err)
{
	size_t index = 0;
	for (uint32_t ch; (ch = keys_next_char(&text)); index++) {
		if (ch == UINT32_MAX) {
			return err_set(err, ERR_ARGUMENT,
				"'%s' is not valid UTF-8 at character %zu", what, index);
		}
		if (is_control(ch)) {
			return err_set(err, ERR_ARGUMENT,
				"'%s' contains the control character U+%04X at index %zu; only newline "
				"and tab can "
				"be typed, use key for the others",
				what, ch, index);
		}
	}
	return true;
}

int64_t strokes_count(const char *text)
{
	int64_t n = 0;
	while (keys_next_char(&text)) {
		n++;
	}
	return n;
}

bool stroke_presses(const struct stroke *stroke)
{
	return stroke->how == STROKE_TAP || stroke->how == STROKE_PRESS;
}

bool stroke_pauses(const struct stroke *stroke)
{
	return stroke->holds || (stroke->ends && stroke->how != STROKE_TAP);
}

static struct strokes strokes_new(size_t room)
{
	return (struct strokes){ .all = must(calloc(room + 1, sizeof(struct stroke))) };
}

void strokes_done(struct strokes *s)
{
	free(s->all);
	*s = (struct strokes){ 0 };
}

static struct stroke *add(struct strokes *s, KeySym sym, enum stroke_how how, bool ends)
{
	s->all[s->n] = (struct stroke){ .sym = (uint32_t)sym, .how = how, .ends = ends };
	s->complete += ends;
	s->has_lock |= keys_is_lock(sym);
	return &s->all[s->n++];
}

static KeySym char_sym(uint32_t ch, const char **rest)
{
	if (ch == '\r' && **rest == '\n') {
		(*rest)++;
	}
	return ch == '\n' || ch == '\r' ? XK_Return : ch == '\t' ? XK_Tab : keys_of_char(ch);
}

uint32_t strokes_first_wide(const char *text)
{
	uint32_t ch;
	while ((ch = keys_next_char(&text)) && ch != UINT32_MAX && ch <= STROKES_LAST_NARROW) {
	}
	return ch != UINT32_MAX ? ch : 0;
}

int strokes_wide_syms(uint32_t ch, enum strokes_wide wide, KeySym ret_syms[STROKES_WIDE_MAX])
{
	uint32_t bits = ch - STROKES_LAST_NARROW - 1;
	switch (wide) {
	case STROKES_HALVES:
		ret_syms[0] = keys_of_char(0xd800 | bits >> 10);
		ret_syms[1] = keys_of_char(0xdc00 | (bits & 0x3ff));
		return 2;
	case STROKES_LATE:
		ret_syms[0] = UNUSED_KEY;
		ret_syms[1] = keys_of_char(ch);
		return 2;
	default:
		ret_syms[0] = keys_of_char(ch);
		return 1;
	}
}

static void add_wide(struct strokes *s, uint32_t ch, enum strokes_wide wide)
{
	KeySym syms[STROKES_WIDE_MAX];
	int n = strokes_wide_syms(ch, wide, syms);
	for (int i = 0; i < n; i++) {
		add(s, syms[i], STROKE_TAP, i + 1 == n);
	}
}

bool strokes_is_composed(uint32_t ch)
{
	uint32_t bits = ch & 0xffff;
	return ch > 0xff && (bits == XK_Greek_accentdieresis || bits == XK_Multi_key ||
				    (bits >= XK_dead_grave && bits <= XK_dead_greek));
}

bool strokes_has_composed(const char *text)
{
	uint32_t ch;
	while ((ch = keys_next_char(&text)) && ch != UINT32_MAX && !strokes_is_composed(ch)) {
	}
	return ch && ch != UINT32_MAX;
}

uint32_t strokes_first_composed(const struct strokes *s)
{
	uint32_t found = 0;
	for (size_t i = 0; i < s->n && !found; i++) {
		uint32_t ch = keys_to_char(s->all[i].sym);
		found = strokes_is_composed(ch) ? ch : 0;
	}
	return found;
}

static void add_number(struct strokes *s, uint32_t ch)
{
	char digits[9];
	snprintf(digits, sizeof(digits), "%x", ch);
	add(s, XK_Control_L, STROKE_PRESS, false);
	add(s, XK_Shift_L, STROKE_PRESS, false);
	add(s, XK_U, STROKE_TAP, false);
	for (const char *digit = digits; *digit; digit++) {
		add(s, (KeySym)*digit, STROKE_TAP, false);
	}
	add(s, NoSymbol, STROKE_RELEASE, true);
}

struct strokes strokes_of_text(const char *text, enum strokes_wide wide, bool by_number)
{
	/* Numbers need most, at most seven strokes for two bytes. */
	struct strokes s = strokes_new(by_number ? 5 * strlen(text) : strlen(text));
	for (uint32_t ch; (ch = keys_next_char(&text)) && ch != UINT32_MAX;) {
		if (by_number && strokes_is_composed(ch)) {
			add_number(&s, ch);
		} else if (ch > STROKES_LAST_NARROW) {
			add_wide(&s, ch, wide);
		} else {
			add(&s, char_sym(ch, &text), STROKE_TAP, true);
		}
	}
	return s;
}

static void add_chord(struct strokes *s, const struct chord *chord)
{
	struct stroke *last = NULL;
	for (int i = 0; i < chord->count; i++) {
		last = add(s, chord->keys[i], STROKE_PRESS, false);
	}
	last->holds = true;
	add(s, NoSymbol, STROKE_LIFT, chord->count == 1);
	if (chord->count > 1) {
		add(s, NoSymbol, STROKE_RELEASE, true);
	}
}

struct strokes strokes_of_chords(const struct chord *chords, int count, int repeat)
{
	struct strokes s = strokes_new((size_t)count * (size_t)repeat * (CHORD_KEYS_MAX + 2));
	for (int i = 0; i < count * repeat; i++) {
		add_chord(&s, &chords[i % count]);
	}
	return s;
}

struct strokes strokes_of_press(const struct chord *chord)
{
	struct strokes s = strokes_new(CHORD_KEYS_MAX);
	for (int i = 0; i < chord->count; i++) {
		add(&s, chord->keys[i], STROKE_PRESS, i + 1 == chord->count);
	}
	return s;
}
