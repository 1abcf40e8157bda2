/* The checks that require key names and the screen's size.  The complete list is checked before the
 * first action. */
#include "vm/agent/act/prepared_action.h"

#include "base/cleanup.h"
#include "vm/agent/act/strokes.h"

#include <string.h>

static bool check_point(const char *what, const struct field_ints *at, struct size frame,
	struct size screen, struct point *ret, struct err *err)
{
	if (at->count == 0) {
		return true;
	}
	int64_t x = at->at[0], y = at->at[1];
	if (x < 0 || y < 0 || x >= frame.width || y >= frame.height) {
		return err_set(err, ERR_ARGUMENT,
			"'%s' (%lld, %lld) is outside the screen: x ranges from 0 to %d, y from 0 to "
			"%d",
			what, (long long)x, (long long)y, frame.width - 1, frame.height - 1);
	}
	*ret = geometry_to_screen((struct point){ (int)x, (int)y }, frame, screen);
	return true;
}

static bool check_keys(struct prepared_action *prepared, struct err *err)
{
	const struct action *a = &prepared->action;
	if (a->kind == ACTION_HOLD_KEY || a->kind == ACTION_KEY_DOWN || a->kind == ACTION_KEY_UP) {
		return keys_parse("text", a->text, &prepared->held, 1, err) > 0;
	}
	if (a->kind == ACTION_KEY) {
		prepared->chords = must(calloc(CHORDS_MAX, sizeof(*prepared->chords)));
		prepared->n_chords = keys_parse("text", a->text, prepared->chords, CHORDS_MAX, err);
		return prepared->n_chords > 0;
	}
	if (a->kind == ACTION_TYPE) {
		return strokes_check_text("text", a->text, err);
	}
	if (a->kind == ACTION_PASTE) {
		struct chord ignored;
		return !a->keys || keys_parse("keys", a->keys, &ignored, 1, err) > 0;
	}
	bool held = a->modifiers && a->modifiers[strspn(a->modifiers, " ")];
	return !held || keys_parse("text", a->modifiers, &prepared->held, 1, err) > 0;
}

bool prepared_action_init(struct prepared_action *prepared, const struct action *action,
	struct size frame, struct size screen, struct err *err)
{
	*prepared = (struct prepared_action){ .action = *action };
	if (check_point("coordinate", &action->at, frame, screen, &prepared->at, err) &&
		check_point(
			"start_coordinate", &action->from, frame, screen, &prepared->from, err) &&
		check_keys(prepared, err)) {
		return true;
	}
	prepared_action_done(prepared);
	return false;
}

void prepared_action_done(struct prepared_action *prepared)
{
	free(prepared->chords);
	prepared->chords = NULL;
}
