/* The newest window has a menu, a check box and the text field. */
#include "vm/fake/fake.h"

#include "base/cleanup.h"

#include <string.h>
#include <strings.h>

struct element {
	const char *role, *name, *states;
	struct rect at;
	bool active;
};

static const struct element all[] = {
	{ "menu", "File", NULL, { 10, 10, 40, 20 }, true },
	{ "label", "Name", NULL, { 10, 40, 60, 20 }, false },
	{ "text", NULL, "focused", { 80, 40, 200, 20 }, true },
	{ "check box", "Bold", "checked", { 10, 70, 60, 20 }, true },
};
#define N (sizeof(all) / sizeof(all[0]))

static bool matches(const struct element *e, const char *filter)
{
	return strcmp(filter, ELEMENTS_ALL) == 0 ||
	       (strcmp(filter, ELEMENTS_ACTIVE) == 0 && e->active) || strcasestr(e->role, filter) ||
	       (e->name && strcasestr(e->name, filter));
}

static const char *states_of(const struct fake_desktop *d, const struct element *e)
{
	return strcmp(e->role, "check box") == 0 && d->is_plain ? NULL : e->states;
}

bool fake_element_called(const struct fake_desktop *d, const char *name, struct msg_text_match *ret)
{
	for (size_t i = 0; d->n_windows && i < N; i++) {
		if (all[i].name && strcasestr(all[i].name, name)) {
			*ret = (struct msg_text_match){ all[i].name, all[i].role,
				rect_edges(all[i].at), 100 };
			return true;
		}
	}
	return false;
}

static json_t *encode(const struct fake_desktop *d, const struct element *e, int64_t id)
{
	const struct rect *r = &e->at;
	const struct msg_element element = {
		.id = id,
		.role = e->role,
		.name = e->name,
		.value = e->name || !d->typed.len ? NULL : buf_text(&d->typed),
		.states = states_of(d, e),
		.box = { 4, { r->x, r->y, r->x + r->width, r->y + r->height } },
	};
	return must(field_encode(msg_element_fields, &element));
}

static const struct fake_window *find(const struct fake_desktop *d, int64_t id)
{
	if (id) {
		return fake_window_find(d, id);
	}
	return d->n_windows ? &d->windows[d->n_windows - 1] : NULL;
}

bool fake_ui_tree(struct fake_request *req, struct err *err)
{
	const struct msg_ui_tree *args = req->args;
	struct fake_desktop *d = &req->fake->desktop;
	const struct fake_window *w = find(d, args->window);
	json_auto_t *windows = must(json_array()), *elements = must(json_array());
	int64_t found = 0;
	d->n_listed = 0;
	if (!w) {
		return args->window ? err_set(err, ERR_NOT_FOUND,
					      "there is no window %lld; it may have closed",
					      (long long)args->window)
				    : err_set(err, ERR_NOT_FOUND,
					      "no window is active; click one, or pass 'window'");
	}
	const struct msg_ui_window window = { w->id, "frame", w->title };
	json_array_append_new(windows, must(field_encode(msg_ui_window_fields, &window)));
	for (size_t i = 0; i < N; i++) {
		if (matches(&all[i], args->filter) && ++found <= args->limit) {
			json_array_append_new(elements, encode(d, &all[i], found));
			d->listed[d->n_listed++] = i;
		}
	}
	fake_answer(req, &message_ui_tree,
		&(struct msg_ui_tree_answer){
			.tree = ++d->last_tree,
			.frame_id = d->frame_id,
			.found = found,
			.program = w->class,
			.windows = windows,
			.elements = elements,
		});
	return true;
}

/* ---- marks ---- */

json_t *fake_marks(struct fake_desktop *d, int64_t window, const char **ret_note)
{
	const struct fake_window *w = find(d, window);
	json_t *rows = must(json_array());
	d->n_marks = 0;
	d->marked = w ? w->id : 0;
	*ret_note = w ? NULL : "no window is active; click one, or pass 'window'";
	for (size_t i = 0; w && i < N; i++) {
		if (all[i].active) {
			d->marks[d->n_marks++] = all[i].at;
			const struct msg_mark mark = { .mark = (int64_t)d->n_marks,
				.role = all[i].role,
				.name = all[i].name,
				.states = states_of(d, &all[i]) };
			json_array_append_new(rows, must(field_encode(msg_mark_fields, &mark)));
		}
	}
	return rows;
}

/* A newer window has other elements at the same place. */
bool fake_mark_check(const struct fake_desktop *d, int64_t mark, struct err *err)
{
	if (!mark) {
		return true;
	}
	if ((size_t)mark > d->n_marks) {
		return err_set(err, ERR_NOT_FOUND,
			"there is no mark %lld; take a new screenshot with marks", (long long)mark);
	}
	return fake_window_is_top(d, d->marked) ||
	       err_set(err, ERR_STATE,
		       "mark %lld is covered by another window; take a new screenshot with marks",
		       (long long)mark);
}

/* ---- acting ---- */

static bool perform(struct fake_desktop *d, const struct element *e, const struct msg_ui_act *args,
	enum ui_act_effect *ret, struct err *err)
{
	*ret = UI_ACT_UNSEEN;
	if (args->value && strcmp(e->role, "text") == 0) {
		buf_consume(&d->typed, d->typed.len);
		buf_printf(&d->typed, "%s", args->value);
		*ret = UI_ACT_DONE;
	} else if (args->value) {
		return err_set(err, ERR_UNSUPPORTED,
			"the %s has no value that can be set; click it and use type", e->role);
	} else if (strcmp(e->role, "check box") == 0) {
		d->is_plain = !d->is_plain;
		*ret = UI_ACT_DONE;
	}
	d->frame_id += *ret == UI_ACT_DONE;
	return true;
}

bool fake_ui_act(struct fake_request *req, struct err *err)
{
	const struct msg_ui_act *args = req->args;
	struct fake_desktop *d = &req->fake->desktop;
	enum ui_act_effect effect;
	if (args->tree != d->last_tree || (size_t)args->element > d->n_listed) {
		return err_set(err, ERR_NOT_FOUND,
			"there is no element e%lld.%lld; call ui_tree and use an id of its answer",
			(long long)args->tree, (long long)args->element);
	}
	const struct element *e = &all[d->listed[args->element - 1]];
	if (!perform(d, e, args, &effect, err)) {
		return false;
	}
	if (effect == UI_ACT_DONE) {
		fake_changed(req->fake);
	}
	fake_answer(req, &message_ui_act,
		&(struct msg_ui_act_answer){
			.effect = effect,
			.role = e->role,
			.name = e->name,
			.action = args->action,
			.value = args->value,
			.states = states_of(d, e),
			.changed = effect == UI_ACT_DONE,
		});
	return true;
}
