/* What prevents typing, before a segment is sent and after. */
#include "vm/agent/act/typing_impl.h"

/* A client looks up a key's character when it reads the event, so unread ones are uncertain. */
bool typing_check_layout(const struct typing *t, struct err *err)
{
	bool same = display_layout(t->in->display)->others_maps == t->layout.others_maps;
	if (!t->is_text || t->done == t->read || (same && !t->wrong_group)) {
		return true;
	}
	return err_set(err, ERR_STATE,
		"the keyboard layout changed during typing: %lld of %zu characters were "
		"sent, and the last %lld may have arrived as others; check the result",
		(long long)t->done, t->strokes.complete, (long long)(t->done - t->read));
}

bool typing_prepare(struct typing *t, struct err *err)
{
	bool first = t->at == 0 && !t->planned;
	if (!display_is_up(t->in->display, err)) {
		return false;
	}
	if (t->is_text && first && !client_sync_has_focus(t->in->display)) {
		return err_set(err, ERR_STATE,
			"no window has the keyboard focus, so the text would be lost; click into a "
			"window first");
	}
	if (t->refused) {
		return err_set(err, ERR_UNSUPPORTED,
			"the focused program (QtWebEngine 5) misinterprets characters above "
			"U+FFFF, such as U+%04X, so nothing was typed; type such characters "
			"in another program, such as an editor, and copy and paste them",
			t->refused);
	}
	if (t->composed) {
		return err_set(err, ERR_UNSUPPORTED,
			"the focused program (GTK 3) takes the key U+%04X for a dead key or "
			"Compose, so nothing was pressed; use type for this character",
			t->composed);
	}
	if (!keymap_refresh(t->map, err) || !typing_check_layout(t, err)) {
		return false;
	}
	if (t->is_text) {
		input_release_all_keys(t->in); /* a user's Shift would change what arrives */
	}
	t->layout = *display_layout(t->in->display);
	segment_begin(&t->segment);
	if (first && segment_is_frozen(&t->segment)) {
		return err_set(err, ERR_STATE,
			"another program has grabbed the keyboard and receives all keys, so "
			"nothing was pressed; end its grab (for example with a click), or wait");
	}
	return true;
}

/* Without spares, characters that the layout does not have are refused before the first key. */
bool typing_check_plan(const struct typing *t, size_t n, struct err *err)
{
	bool first = t->at == 0;
	if ((n == 0 && t->waited) ||
		(first && segment_lacks_spares(&t->segment, t->strokes.all, t->strokes.n))) {
		return err_set(
			err, ERR_UNSUPPORTED, "the keyboard has no spare keycode for a character");
	}
	if (!segment_has_shift(&t->segment, n)) {
		return err_set(err, ERR_UNSUPPORTED,
			"the keyboard layout has no Shift key for a character");
	}
	if (t->changes > TYPING_CHANGES_MAX) {
		return err_set(err, ERR_STATE,
			"another program keeps changing the keyboard map; try again when it has "
			"ended");
	}
	return true;
}
