/*
 * The spare keycodes.  New keysyms are sent to the server in one XkbSetMap over the range that
 * contains them: one notification, one reload per client, and the keys in between keep their exact
 * types.  Each spare has two levels, a letter and its capital, or its keysym twice, for clients that
 * would derive a capital from a single one.
 */
#include "vm/agent/x11/keymap_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"

/* Empty ones first, then multimedia keys, then the least recently used one. */
static bool better(const struct spare *a, const struct spare *b)
{
	if (a->used != b->used) {
		return a->used < b->used;
	}
	return a->sym == NoSymbol && b->sym != NoSymbol;
}

bool keymap_assign(struct keymap *k, KeySym sym, struct key *ret_key)
{
	int best = -1;
	for (int code = 0; code < KEYMAP_CODES; code++) {
		const struct spare *spare = &k->spares[code];
		if (spare->is_spare && !spare->waiting && !spare->held &&
			(best < 0 || better(spare, &k->spares[best]))) {
			best = code;
		}
	}
	if (best < 0) {
		return false;
	}
	/* Waiting from now on: what a segment assigns must outlive the segment. */
	k->spares[best] = (struct spare){ true, keymap_small_of(sym), ++k->clock, true, false };
	k->first_new = best < k->first_new ? best : k->first_new;
	k->last_new = best > k->last_new ? best : k->last_new;
	*ret_key = (struct key){ (KeyCode)best, sym != keymap_small_of(sym) };
	return true;
}

/* Written directly, because XkbChangeTypesOfKey() requires the keys' actions, which were not
 * fetched. */
static void write_spare(struct keymap *k, int code)
{
	KeySym *syms = must(XkbResizeKeySyms(k->xkb, code, 2));
	XkbSymMapPtr key = &k->xkb->map->key_sym_map[code];
	key->kt_index[0] = XkbTwoLevelIndex;
	key->group_info = XkbSetNumGroups(0, 1);
	key->width = 2;
	syms[0] = k->spares[code].sym;
	syms[1] = keymap_capital_of(syms[0]);
}

bool keymap_apply(struct keymap *k)
{
	if (k->first_new > k->last_new) {
		return false;
	}
	XkbMapChangesRec changes = { 0 };
	for (int code = k->first_new; code <= k->last_new; code++) {
		if (k->spares[code].is_spare && k->spares[code].sym) {
			write_spare(k, code);
		}
	}
	changes.changed = XkbKeySymsMask;
	changes.first_key_sym = (KeyCode)k->first_new;
	changes.num_key_syms = (unsigned char)(k->last_new - k->first_new + 1);
	layout_expect_own(display_layout(k->display), display_x(k->display));
	XkbChangeMap(display_x(k->display), k->xkb, &changes);
	k->first_new = KEYMAP_CODES;
	k->last_new = 0;
	k->changes++;
	k->changed_us = loop_now_us();
	return true;
}

uint64_t keymap_changes(const struct keymap *k)
{
	return k->changes;
}

uint64_t keymap_changed_us(const struct keymap *k)
{
	return k->changed_us;
}

static void on_read(void *data)
{
	struct keymap *k = data;
	k->settled = k->awaited;
	k->read(k->read_data);
}

bool keymap_await_readers(struct keymap *k, Window window, readers_fn *fn, void *data)
{
	k->read = fn;
	k->read_data = data;
	k->awaited = k->changes;
	if (readers_await(k->readers, k->changes, window, on_read, k)) {
		return true;
	}
	k->settled = k->changes;
	return false;
}

bool keymap_is_settled(const struct keymap *k)
{
	return k->settled == k->changes;
}

bool keymap_await_client(struct keymap *k, Window window, uint64_t ms, readers_fn *fn, void *data)
{
	return readers_catch_up(k->readers, window, ms, fn, data);
}

void keymap_used(struct keymap *k, KeyCode code)
{
	k->spares[code].used = ++k->clock;
	k->spares[code].waiting = true;
}

void keymap_hold(struct keymap *k, KeyCode code, bool held)
{
	k->spares[code].held = held;
}

uint64_t keymap_mark(const struct keymap *k)
{
	return k->clock;
}

void keymap_caught_up(struct keymap *k, uint64_t mark)
{
	for (int code = 0; code < KEYMAP_CODES; code++) {
		k->spares[code].waiting &= k->spares[code].used > mark;
	}
}

int keymap_spares(const struct keymap *k)
{
	int n = 0;
	for (int code = 0; code < KEYMAP_CODES; code++) {
		n += k->spares[code].is_spare;
	}
	return n;
}
