/*
 * A key's type says which level it has with which modifiers.  All combinations of the four that
 * may be changed are tried on each key that has the keysym, the cheapest first.
 */
#include "vm/agent/x11/keymap_way.h"

#include "vm/agent/x11/input.h"
#include "vm/agent/x11/keymap_impl.h"
#include "vm/agent/x11/keys.h"

#include <X11/keysym.h>

#define COMMANDS (ControlMask | Mod1Mask | Mod4Mask)
#define CHANGES 16 /* combinations of Shift, third level, Caps Lock and Num Lock */

struct wish {
	KeySym sym;
	uint32_t ch; /* 0: of no key but those that have sym itself */
	bool has_case;
	unsigned mods;           /* in force */
	unsigned flips[CHANGES]; /* of them, cheapest first */
	int n_flips;
	unsigned kept; /* of the flips: for the search only, never changed in fact */
};

/* The modifier that a key of the layout is, 0 without one. */
static unsigned modifier_of(struct keymap *k, KeySym sym)
{
	struct key key;
	return keymap_find(k, sym, &key) ? keymap_xkb(k)->map->modmap[key.code] : 0;
}

static void add_flips(struct wish *w, unsigned shift, unsigned third, unsigned caps, unsigned num)
{
	for (unsigned i = 0; i < CHANGES; i++) {
		bool possible = (shift || !(i & 1)) && (third || !(i & 2)) && (caps || !(i & 4)) &&
				(num || !(i & 8));
		if (possible) {
			w->flips[w->n_flips++] = (i & 1 ? shift : 0) | (i & 2 ? third : 0) |
						 (i & 4 ? caps : 0) | (i & 8 ? num : 0);
		}
	}
}

static bool is_printed(KeySym sym)
{
	uint32_t ch = keys_to_char(sym);
	return ch > ' ' && ch != 0x7f;
}

static struct wish make_wish(struct keymap *k, KeySym sym, const XkbStateRec *now)
{
	struct wish w = { .sym = sym, .mods = now->mods };
	w.ch = keymap_is_keypad(sym) ? 0 : keys_to_char(sym);
	w.has_case = keymap_small_of(sym) != keymap_capital_of(sym);
	unsigned num = modifier_of(k, XK_Num_Lock);
	if (keymap_is_keypad(sym)) {
		add_flips(&w, 0, 0, 0, num); /* Shift would select */
	} else if (!is_printed(sym)) {
		w.kept = w.mods;
		w.flips[1] = ShiftMask;
		w.flips[2] = w.mods; /* the key without any */
		w.n_flips = 3;
	} else if (w.has_case && (w.mods & COMMANDS)) {
		w.sym = keymap_small_of(sym);
		w.ch = keys_to_char(w.sym);
		w.has_case = false;
		w.mods &= ~(unsigned)(ShiftMask | LockMask);
		add_flips(&w, 0, 0, 0, 0);
	} else {
		add_flips(&w, ShiftMask, modifier_of(k, XK_ISO_Level3_Shift), LockMask, num);
	}
	return w;
}

/* ---- finding ---- */

/* The group of a key that may have fewer than the layout. */
static int group_of(XkbDescPtr xkb, int code, int group)
{
	int n = XkbKeyNumGroups(xkb, code);
	unsigned char info = XkbKeyGroupInfo(xkb, code);
	if (group < n) {
		return group;
	}
	switch (XkbOutOfRangeGroupAction(info)) {
	case XkbClampIntoRange:
		return n - 1;
	case XkbRedirectIntoRange:
		return XkbOutOfRangeGroupNumber(info) < n ? XkbOutOfRangeGroupNumber(info) : 0;
	default:
		return group % n;
	}
}

static bool is_wanted(const struct wish *w, KeySym sym)
{
	return sym == w->sym || (w->ch && !keymap_is_keypad(sym) && keys_to_char(sym) == w->ch);
}

/* The cheapest of the first `most` flips with which the key gives it; `most` if none does. */
static int find_flip(const struct wish *w, XkbDescPtr xkb, int code, int group, int most)
{
	XkbKeyTypePtr type = XkbKeyKeyType(xkb, code, group);
	for (int i = 0; i < most; i++) {
		unsigned mods = w->mods ^ w->flips[i];
		int level = keymap_level_of(type, mods);
		/* A program turns into capitals itself what the type leaves to it. */
		bool spoiled = w->has_case && mods & LockMask && !(type->mods.mask & LockMask);
		if (!spoiled && level < XkbKeyGroupWidth(xkb, code, group) &&
			is_wanted(w, XkbKeySymEntry(xkb, code, level, group))) {
			return i;
		}
	}
	return most;
}

static struct keymap_way way_of(const struct wish *w, XkbDescPtr xkb, int code, int flip)
{
	/* A modifier does the same on each level. */
	unsigned flips = xkb->map->modmap[code] ? 0 : w->flips[flip];
	return (struct keymap_way){ (KeyCode)code, flips & ~w->mods, flips & w->mods & ~w->kept };
}

bool keymap_find_way(
	struct keymap *k, KeySym sym, const XkbStateRec *now, struct keymap_way *ret_way)
{
	XkbDescPtr xkb = keymap_xkb(k);
	struct wish w = make_wish(k, sym, now);
	int best = sym ? w.n_flips : 0, best_code = 0;
	for (int code = xkb->min_key_code; code <= xkb->max_key_code && best > 0; code++) {
		if (keymap_is_spare(k, code) || XkbKeyNumGroups(xkb, code) == 0 ||
			keymap_is_misplaced(code, sym)) {
			continue;
		}
		int flip = find_flip(&w, xkb, code, group_of(xkb, code, now->group), best);
		if (flip < best) {
			best = flip;
			best_code = code;
		}
	}
	if (!best_code) {
		return false;
	}
	*ret_way = way_of(&w, xkb, best_code, best);
	return true;
}

bool keymap_find_spare_way(
	struct keymap *k, KeySym sym, const XkbStateRec *now, struct keymap_way *ret_way)
{
	struct key key;
	struct wish w = make_wish(k, sym, now);
	if (!keymap_find_spare(k, w.sym, &key)) {
		return false;
	}
	int flip = find_flip(&w, keymap_xkb(k), key.code, 0, w.n_flips);
	*ret_way = flip < w.n_flips ? way_of(&w, keymap_xkb(k), key.code, flip)
				    : (struct keymap_way){ .code = key.code };
	return true;
}

/* ---- there and back ---- */

static void lift(struct keymap_detour *detour, struct keymap *k, struct input *in, unsigned clear)
{
	for (int code = 8; code < 256 && detour->n_lifted < 8; code++) {
		if (in->keys[code] && keymap_xkb(k)->map->modmap[code] & clear) {
			input_key(in, (KeyCode)code, false);
			detour->lifted[detour->n_lifted++] = (KeyCode)code;
		}
	}
}

static void press(struct keymap_detour *detour, struct keymap *k, struct input *in, KeySym sym)
{
	struct key key;
	if (keymap_find(k, sym, &key) && !in->keys[key.code]) {
		input_key(in, key.code, true);
		detour->pressed[detour->n_pressed++] = key.code;
	}
}

void keymap_detour_begin(struct keymap_detour *detour, struct keymap *k, struct input *in,
	const XkbStateRec *now, const struct keymap_way *way)
{
	Display *x = display_x(in->display);
	unsigned third = modifier_of(k, XK_ISO_Level3_Shift);
	unsigned locks = way->set & ~(ShiftMask | third);
	*detour = (struct keymap_detour){ .locks = locks | (way->clear & now->locked_mods) };
	if (way->clear & now->latched_mods) {
		XkbLatchModifiers(x, XkbUseCoreKbd, way->clear, 0);
	}
	if (detour->locks) {
		XkbLockModifiers(x, XkbUseCoreKbd, detour->locks, locks);
	}
	lift(detour, k, in, way->clear);
	if (way->set & ShiftMask) {
		press(detour, k, in, XK_Shift_L);
	}
	if (way->set & third) {
		press(detour, k, in, XK_ISO_Level3_Shift);
	}
}

void keymap_detour_end(struct keymap_detour *detour, struct input *in, const XkbStateRec *now)
{
	while (detour->n_pressed > 0) {
		input_key(in, detour->pressed[--detour->n_pressed], false);
	}
	while (detour->n_lifted > 0) {
		input_key(in, detour->lifted[--detour->n_lifted], true);
	}
	if (detour->locks) {
		XkbLockModifiers(display_x(in->display), XkbUseCoreKbd, detour->locks,
			detour->locks & now->locked_mods);
	}
}
