/* A character's keysym is looked for as it came, and given to a spare in the Unicode range, as the
 * agent's text is. */
#include "vm/agent/act/user_keys.h"

#include "vm/agent/act/strokes.h"
#include "vm/agent/x11/keymap_impl.h"
#include "vm/agent/x11/keys.h"

#include <X11/keysym.h>
#include <string.h>

#define LAST_KEYSYM 0x1fffffffu

/* ---- keysyms ---- */

/* Those whose keys the server has something to do for, whoever presses them. */
static const struct {
	uint32_t first, last;
} server_keysyms[] = {
	{ 0xfe70, 0xfe7a },         /* AccessX */
	{ 0xfed0, 0xfeff },         /* screens, the server's end, the pointer by keys */
	{ 0x1008fe01, 0x1008fe2f }, /* consoles, grabs, video modes */
};

bool user_keys_may_assign(uint32_t keysym)
{
	bool may =
		keysym && keysym <= LAST_KEYSYM && keysym != XK_VoidSymbol && !keys_is_lock(keysym);
	for (size_t i = 0; i < sizeof(server_keysyms) / sizeof(*server_keysyms); i++) {
		may &= keysym < server_keysyms[i].first || keysym > server_keysyms[i].last;
	}
	return may;
}

bool user_keys_is_wide(uint32_t keysym)
{
	return keys_to_char(keysym) > STROKES_LAST_NARROW;
}

static KeySym spare_sym(uint32_t keysym)
{
	uint32_t ch = keymap_is_keypad(keysym) ? 0 : keys_to_char(keysym);
	return ch > ' ' && ch != 0x7f ? keys_of_char(ch) : keysym;
}

/* The keysyms to press for one, in order: all but the last are released at once. */
static int expand(uint32_t keysym, enum program program, KeySym ret_syms[USER_KEYS_SPARES])
{
	static const enum strokes_wide ways[] = {
		[PROGRAM_RIGHT] = STROKES_WHOLE,
		[PROGRAM_HALVES] = STROKES_HALVES,
		[PROGRAM_LATE] = STROKES_LATE,
		[PROGRAM_WRONG] = STROKES_WHOLE,
	};
	if (!user_keys_is_wide(keysym)) {
		ret_syms[0] = spare_sym(keysym);
		return 1;
	}
	return strokes_wide_syms(keys_to_char(keysym), ways[program], ret_syms);
}

/* ---- held keys ---- */

static void let_go(struct user_keys *u, struct seat *seat, size_t i)
{
	KeyCode code = u->held[i].code;
	if (seat->input.keys[code]) {
		input_key(&seat->input, code, false);
	}
	keymap_hold(seat->keymap, code, false);
	u->went_up = code;
	u->n--;
	memmove(&u->held[i], &u->held[i + 1], (u->n - i) * sizeof(u->held[0]));
}

static void let_code_go(struct user_keys *u, struct seat *seat, KeyCode code)
{
	for (size_t i = u->n; i-- > 0;) {
		if (u->held[i].code == code) {
			let_go(u, seat, i);
		}
	}
}

void user_keys_release(struct user_keys *u, struct seat *seat, uint32_t keysym)
{
	KeySym small = keymap_small_of(keysym);
	size_t other = u->n;
	for (size_t i = 0; i < u->n; i++) {
		if (u->held[i].keysym == keysym) {
			let_go(u, seat, i);
			return;
		}
		other = keymap_small_of(u->held[i].keysym) == small ? i : other;
	}
	if (other < u->n) { /* Shift has changed meanwhile */
		let_go(u, seat, other);
	}
}

void user_keys_release_all(struct user_keys *u, struct seat *seat)
{
	while (u->n > 0) {
		let_go(u, seat, u->n - 1);
	}
	key_repeat_restore(&u->repeat);
	u->went_up = 0;
}

/* ---- pressing ---- */

static void press_way(struct user_keys *u, struct seat *seat, const struct keymap_way *way,
	const XkbStateRec *now)
{
	struct input *in = &seat->input;
	struct keymap_detour detour;
	Window focus = None;
	u->repeat.display = seat->display;
	key_repeat_stop(&u->repeat);
	keymap_detour_begin(&detour, seat->keymap, in, now, way);
	let_code_go(u, seat, way->code); /* it repeats */
	if (in->keys[way->code]) {
		input_key(in, way->code, false); /* another's */
		u->went_up = way->code;
	}
	if (u->went_up == way->code) {
		input_keep_apart(in, &focus);
	}
	input_key(in, way->code, true);
	keymap_detour_end(&detour, in, now);
	u->went_up = 0;
}

static void hold(struct user_keys *u, struct seat *seat, uint32_t keysym, KeyCode code)
{
	if (u->n == USER_KEYS_HELD) {
		let_go(u, seat, 0);
	}
	u->held[u->n].keysym = keysym;
	u->held[u->n++].code = code;
	keymap_hold(seat->keymap, code, true);
}

/* A repeat finds its key held.  True: it is one that does not repeat. */
static bool let_keysym_go(struct user_keys *u, struct seat *seat, uint32_t keysym)
{
	for (size_t i = u->n; i-- > 0;) {
		if (u->held[i].keysym == keysym) {
			if (keymap_xkb(seat->keymap)->map->modmap[u->held[i].code]) {
				return true;
			}
			let_go(u, seat, i);
		}
	}
	return false;
}

bool user_keys_press_given(
	struct user_keys *u, struct seat *seat, uint32_t keysym, const XkbStateRec *now)
{
	struct keymap_way way;
	if (!keymap_find_way(seat->keymap, keysym, now, &way)) {
		return false;
	}
	if (!let_keysym_go(u, seat, keysym)) {
		press_way(u, seat, &way, now);
		hold(u, seat, keysym, way.code);
	}
	return true;
}

static bool find(struct keymap *map, KeySym sym, const XkbStateRec *now, struct keymap_way *ret)
{
	return keymap_find_way(map, sym, now, ret) || keymap_find_spare_way(map, sym, now, ret);
}

bool user_keys_press(struct user_keys *u, struct seat *seat, uint32_t keysym, enum program program,
	const XkbStateRec *now)
{
	KeySym syms[USER_KEYS_SPARES];
	struct keymap_way ways[USER_KEYS_SPARES];
	int n = expand(keysym, program, syms);
	for (int i = 0; i < n; i++) {
		if (!find(seat->keymap, syms[i], now, &ways[i])) {
			return false;
		}
	}
	(void)let_keysym_go(u, seat, keysym);
	for (int i = 0; i < n; i++) {
		press_way(u, seat, &ways[i], now);
		keymap_used(seat->keymap, ways[i].code);
		if (i + 1 < n) {
			input_key(&seat->input, ways[i].code, false);
			u->went_up = ways[i].code;
		}
	}
	hold(u, seat, keysym, ways[n - 1].code);
	return true;
}

bool user_keys_assign(
	struct keymap *map, uint32_t keysym, enum program program, const XkbStateRec *now)
{
	KeySym syms[USER_KEYS_SPARES];
	struct keymap_way way;
	struct key key;
	if (!user_keys_may_assign(keysym) || keymap_find_way(map, keysym, now, &way)) {
		return true;
	}
	int n = expand(keysym, program, syms);
	for (int i = 0; i < n; i++) {
		if (!find(map, syms[i], now, &way) && !keymap_assign(map, syms[i], &key)) {
			return false;
		}
	}
	return true;
}
