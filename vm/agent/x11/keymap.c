/*
 * The keyboard map of XKB: what the layout gives, which keycodes are spares, and who has its turn.
 * Spares are keycodes without a keysym, and those of the XF86 multimedia keys (a request for such a
 * keysym gets a spare), unless programs identify them by number.
 */
#include "vm/agent/x11/keymap_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/x11/keys.h"

#include <X11/keysym.h>
#include <string.h>
#include <xkbcommon/xkbcommon.h>

#define LAST_LETTER_KEY \
	97          /* the main block of any keyboard; the others follow, by evdev's numbers */
#define YEN_KEY 132 /* of Japanese keyboards */
#define FIRST_XF86 0x1008fe00u
#define LAST_XF86 0x1008ffffu

/*
 * Keycodes that programs identify only by their keysym.  Programs interpret others by number as
 * commands (evdev's Copy, Paste, Back, Reload), whatever their keysym, and window managers use some
 * as modifiers.  These are in none of the following tables: Chromium's DOM codes (also
 * QtWebEngine's), Firefox's NativeKeyToDOMCodeName, SDL2's scancodes for XFree86 and Linux.  Qt and
 * Java AWT use keysyms only.
 */
static const uint8_t nameless[] = { 120, 149, 153, 154, 155, 159, 161, 162, 168, 178, 183, 184, 185,
	186, 210, 211, 213, 219, 220, 221, 222, 224, 226, 227, 228, 229, 244, 245, 246, 247, 248,
	249, 250, 251, 253, 254, 255 };

/* ---- turns ---- */

static int on_turn(sd_event_source *source, void *data)
{
	(void)source;
	struct keymap *k = data;
	if (k->turns && k->turns->awaited) {
		k->turns->awaited = false;
		k->turns->fn(k->turns->data);
	}
	return 0;
}

bool keymap_take_turn(struct keymap *k, struct keymap_turn *turn)
{
	struct keymap_turn **at = &k->turns;
	while (*at && *at != turn) {
		at = &(*at)->next;
	}
	if (!*at) {
		turn->map = k;
		turn->next = NULL;
		*at = turn;
	}
	turn->awaited = k->turns != turn;
	return k->turns == turn;
}

void keymap_end_turn(struct keymap_turn *turn)
{
	struct keymap *k = turn->map;
	if (!k) {
		return;
	}
	bool had = k->turns == turn;
	for (struct keymap_turn **at = &k->turns; *at; at = &(*at)->next) {
		if (*at == turn) {
			*at = turn->next;
			break;
		}
	}
	turn->map = NULL;
	if (had) {
		readers_cancel(k->readers);
	}
	if (had && k->turns && k->next_turn) {
		sd_event_source_set_enabled(k->next_turn, SD_EVENT_ONESHOT);
	}
}

/* ---- life ---- */

struct keymap *keymap_new(struct display *d)
{
	struct keymap *k = must(calloc(1, sizeof(*k)));
	k->display = d;
	k->readers = readers_new(d);
	k->next_turn = loop_defer(display_loop(d), on_turn, k); /* which finds nobody waiting */
	k->serial = UINT64_MAX;
	k->first_new = KEYMAP_CODES;
	for (size_t i = 0; i < sizeof(nameless); i++) {
		k->is_nameless[nameless[i]] = true;
	}
	return k;
}

static void drop_map(struct keymap *k)
{
	if (k->xkb) {
		XkbFreeKeyboard(k->xkb, 0, True);
		k->xkb = NULL;
	}
}

void keymap_free(struct keymap *k)
{
	if (k) {
		while (k->turns) {
			k->turns->map = NULL;
			k->turns = k->turns->next;
		}
		loop_drop(&k->next_turn);
		drop_map(k);
		readers_free(k->readers);
		free(k);
	}
}

/* ---- small letters and capitals ---- */

/* The capital of a small letter, if that has this as its small letter; else sym itself. */
KeySym keymap_capital_of(KeySym sym)
{
	KeySym capital = xkb_keysym_to_upper((xkb_keysym_t)sym);
	return capital && xkb_keysym_to_lower((xkb_keysym_t)capital) == sym ? capital : sym;
}

/* What a spare has on its first level to give sym on either. */
KeySym keymap_small_of(KeySym sym)
{
	KeySym small = xkb_keysym_to_lower((xkb_keysym_t)sym);
	return small && keymap_capital_of(small) == sym ? small : sym;
}

/* ---- reading the map ---- */

/* The level that a key's type has for these modifiers. */
int keymap_level_of(XkbKeyTypePtr type, unsigned mods)
{
	for (int i = 0; i < type->map_count; i++) {
		if (type->map[i].active && type->map[i].mods.mask == (mods & type->mods.mask)) {
			return type->map[i].level;
		}
	}
	return 0;
}

static KeySym sym_at(XkbDescPtr xkb, int code, int level)
{
	if (XkbKeyNumGroups(xkb, code) == 0 || level >= XkbKeyGroupWidth(xkb, code, 0)) {
		return NoSymbol;
	}
	return XkbKeySymEntry(xkb, code, level, 0);
}

bool keymap_is_keypad(KeySym sym)
{
	return sym >= XK_KP_Space && sym <= XK_KP_Equal;
}

/* A letter that somebody gave to a key with another name would be a command for some programs. */
bool keymap_is_misplaced(int code, KeySym sym)
{
	return code > LAST_LETTER_KEY && code != YEN_KEY && !keymap_is_keypad(sym) &&
	       keys_to_char(sym) > ' ' && keys_to_char(sym) != 0x7f;
}

static void add_given(struct keymap *k, int code, bool shift, KeySym sym)
{
	/* The keypad's second level hangs on Num Lock, and its characters are those of other keys.
	 */
	if (sym == NoSymbol || (shift && keymap_is_keypad(sym)) || keymap_is_misplaced(code, sym)) {
		return;
	}
	k->given[k->n_given++] = (struct given){
		.sym = sym,
		.ch = keymap_is_keypad(sym) ? 0 : keys_to_char(sym),
		.key = { (KeyCode)code, shift },
	};
}

static void read_key(struct keymap *k, int code)
{
	if (XkbKeyNumGroups(k->xkb, code) == 0) {
		return;
	}
	XkbKeyTypePtr type = XkbKeyKeyType(k->xkb, code, 0);
	int plain = keymap_level_of(type, 0), shifted = keymap_level_of(type, ShiftMask);
	add_given(k, code, false, sym_at(k->xkb, code, plain));
	if (shifted != plain) {
		add_given(k, code, true, sym_at(k->xkb, code, shifted));
	}
}

/* The only keysym of a key that may be used as a spare, including NoSymbol; false if the layout
 * needs it. */
static bool is_free(const struct keymap *k, int code, KeySym *ret_sym)
{
	int n = XkbKeyNumSyms(k->xkb, code);
	*ret_sym = n > 0 ? XkbKeySymsPtr(k->xkb, code)[0] : NoSymbol;
	if (k->xkb->map->modmap[code] || !k->is_nameless[code]) {
		return false;
	}
	for (int i = 0; i < n; i++) {
		KeySym sym = XkbKeySymsPtr(k->xkb, code)[i];
		bool ours = k->spares[code].is_spare && keymap_small_of(sym) == k->spares[code].sym;
		if (sym != NoSymbol && !(sym >= FIRST_XF86 && sym <= LAST_XF86) && !ours) {
			return false;
		}
	}
	return true;
}

/* A spare whose keysym is the one we assigned keeps its history; others start anew. */
static void read_spare(struct keymap *k, int code)
{
	KeySym sym;
	struct spare *spare = &k->spares[code];
	if (!is_free(k, code, &sym)) {
		*spare = (struct spare){ .held = spare->held };
		read_key(k, code);
	} else if (!spare->is_spare || spare->sym != sym) {
		*spare = (struct spare){
			.is_spare = true, .sym = sym, .waiting = spare->waiting, .held = spare->held
		};
	}
}

bool keymap_refresh(struct keymap *k, struct err *err)
{
	XSync(display_x(k->display), False);
	return keymap_update(k, err);
}

bool keymap_update(struct keymap *k, struct err *err)
{
	display_catch_up(k->display);
	if (k->serial == display_layout(k->display)->maps) {
		return true;
	}
	drop_map(k);
	k->serial = display_layout(k->display)->maps;
	k->xkb = XkbGetMap(display_x(k->display),
		XkbKeyTypesMask | XkbKeySymsMask | XkbModifierMapMask, XkbUseCoreKbd);
	if (!k->xkb || display_is_lost(k->display)) {
		k->serial = UINT64_MAX;
		return display_is_restarting(err);
	}
	k->n_given = 0;
	k->first_new = KEYMAP_CODES;
	k->last_new = 0;
	for (int code = k->xkb->min_key_code; code <= k->xkb->max_key_code; code++) {
		read_spare(k, code);
	}
	return true;
}

/* ---- lookup ---- */

bool keymap_find_spare(struct keymap *k, KeySym sym, struct key *ret)
{
	KeySym small = keymap_small_of(sym);
	for (int code = 0; code < KEYMAP_CODES; code++) {
		if (k->spares[code].is_spare && k->spares[code].sym == small) {
			*ret = (struct key){ (KeyCode)code, sym != small };
			return true;
		}
	}
	return false;
}

bool keymap_find(struct keymap *k, KeySym sym, struct key *ret_key)
{
	uint32_t ch = keymap_is_keypad(sym) ? 0 : keys_to_char(sym);
	for (int i = 0; i < k->n_given; i++) {
		if (k->given[i].sym == sym || (ch && k->given[i].ch == ch)) {
			*ret_key = k->given[i].key;
			return true;
		}
	}
	return keymap_find_spare(k, sym, ret_key);
}

/* ---- for keymap_way.c ---- */

XkbDescPtr keymap_xkb(const struct keymap *k)
{
	return k->xkb;
}

bool keymap_is_spare(const struct keymap *k, int code)
{
	return k->spares[code].is_spare;
}
