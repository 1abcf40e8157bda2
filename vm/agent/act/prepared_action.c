/* The checks that need the keyboard's names and the screen's size; nothing is done before a whole
 * list has passed. */
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
			"'%s' (%lld, %lld) is outside the screen: x goes from 0 to %d, y from 0 to "
			"%d",
			what, (long long)x, (long long)y, frame.width - 1, frame.height - 1);
	}
	*ret = geometry_to_screen((struct point){ (int)x, (int)y }, frame, screen);
	return true;
}

static bool check_keys(struct todo *todo, struct err *err)
{
	const struct action *a = &todo->action;
	if (a->kind == ACTION_HOLD_KEY) {
		return keys_parse("text", a->text, &todo->held, 1, err) > 0;
	}
	if (a->kind == ACTION_KEY) {
		todo->chords = must(calloc(CHORDS_MAX, sizeof(*todo->chords)));
		todo->n_chords = keys_parse("text", a->text, todo->chords, CHORDS_MAX, err);
		return todo->n_chords > 0;
	}
	if (a->kind == ACTION_TYPE) {
		return strokes_check_text("text", a->text, err);
	}
	bool held = a->modifiers && a->modifiers[strspn(a->modifiers, " ")];
	return !held || keys_parse("text", a->modifiers, &todo->held, 1, err) > 0;
}

bool todo_init(struct todo *todo, const struct action *action, struct size frame,
	struct size screen, struct err *err)
{
	*todo = (struct todo){ .action = *action };
	if (check_point("coordinate", &action->at, frame, screen, &todo->at, err) &&
		check_point("start_coordinate", &action->from, frame, screen, &todo->from, err) &&
		check_keys(todo, err)) {
		return true;
	}
	todo_done(todo);
	return false;
}

void todo_done(struct todo *todo)
{
	free(todo->chords);
	todo->chords = NULL;
}
