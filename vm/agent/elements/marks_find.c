/*
 * Finds numbered elements again.  Each must be what it was, by the same test as for `ui_act`, and
 * where it was, so that a click there is what the model means by the number it has seen.
 */
#include "vm/agent/elements/marks_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/elements/look.h"
#include "vm/agent/elements/reach.h"
#include "vm/agent/elements/read.h"
#include "vm/agent/elements/role.h"
#include "vm/agent/x11/display.h"
#include "vm/wire/action.h"

#include <string.h>

#define FIND_US 3000000
#define AGAIN "take a new screenshot with marks"

struct sought {
	int64_t number;
	struct kept_mark mark; /* owned: later marks may replace it */
	struct look now;
};

struct finding {
	struct marks_work work; /* first */
	struct agent *agent;
	struct a11y_wait *wait;
	struct calls *calls;
	sd_event_source *refusal;
	struct err why;
	marks_found_fn *fn;
	void *data;
	size_t n;
	struct sought all[];
};

/* ---- the end ---- */

static void finding_free(struct finding *f)
{
	a11y_wait_cancel(f->wait);
	calls_free(f->calls);
	loop_drop(&f->refusal);
	for (size_t i = 0; i < f->n; i++) {
		kept_element_done(&f->all[i].mark.element);
		look_done(&f->all[i].now);
	}
	free(f);
}

static void finish(struct finding *f, const struct point *points, const struct err *why)
{
	marks_found_fn *fn = f->fn;
	void *data = f->data;
	struct err kept = why ? *why : (struct err){ 0 };
	finding_free(f);
	fn(points, why ? &kept : NULL, data);
}

/* ---- the check ---- */

static bool is_changed(const struct sought *s, struct err *err, const char *how)
{
	const struct kept_element *e = &s->mark.element;
	return err_set(err, ERR_STATE, "mark %lld, the %s \"%.80s\", %s; " AGAIN,
		(long long)s->number, role_name(e->role), e->name ? e->name : "", how);
}

static bool is_answered(const struct finding *f, const struct sought *s, struct err *err)
{
	if (s->now.has_role && s->now.has_states) {
		return true;
	}
	return calls_late(f->calls)
		       ? err_set(err, ERR_TIMEOUT,
				 "the program of mark %lld does not answer; it may be busy. Try again, "
				 "or click at a point",
				 (long long)s->number)
		       : is_changed(s, err, "is gone");
}

static bool is_what_it_was(const struct sought *s, struct err *err)
{
	const struct look *now = &s->now;
	const struct kept_element *was = &s->mark.element;
	if (now->role != was->role ||
		(was->name && strcmp(was->name, now->name ? now->name : "") != 0)) {
		return is_changed(s, err, "is another element now");
	}
	bool shown = state_has(now->states, STATE_SHOWING) ||
		     (s->mark.in_window && state_has(now->states, STATE_VISIBLE));
	bool enabled =
		state_has(now->states, STATE_ENABLED) || state_has(now->states, STATE_SENSITIVE);
	if (!shown) {
		return is_changed(s, err, "is no longer on the screen");
	}
	return enabled || is_changed(s, err, "is disabled now");
}

static struct read_map map_of(struct display *d, const struct kept_mark *mark)
{
	struct window_info info;
	Window id = mark->in_window ? windows_find(d, mark->window) : None;
	struct read_map map = { .percent = mark->percent };
	struct window_popup popup;
	if (mark->popup && window_group_popup(d, mark->popup, &popup)) {
		map.shift = read_popup_shift(mark->origin, popup.rect);
	} else if (id && windows_describe(d, id, &info)) {
		map.shift = (struct point){ info.x, info.y };
	}
	return map;
}

static bool is_there(struct display *d, const struct sought *s, struct err *err)
{
	struct rect at;
	if (!s->now.has_box || !read_place(s->now.box, map_of(d, &s->mark), display_size(d), &at)) {
		return is_changed(s, err, "is no longer on the screen");
	}
	return rect_equal(at, s->mark.box) || is_changed(s, err, "has moved");
}

static bool is_uncovered(struct display *d, const struct sought *s, struct err *err)
{
	const struct kept_mark *mark = &s->mark;
	struct reach reach;
	uint32_t number = mark->window ? mark->window : mark->anchor;
	reach_init(&reach, d, &number, 1);
	struct point centre = rect_centre(mark->box);
	bool has = (mark->window && reach_has(&reach, 0, centre)) ||
		   (mark->in_menu && reach_has(&reach, REACH_MENU, centre));
	return has || err_set(err, ERR_STATE,
			      "mark %lld, the %s \"%.80s\", is covered by another window; "
			      "call window_focus with its window, then " AGAIN,
			      (long long)s->number, role_name(mark->element.role),
			      mark->element.name ? mark->element.name : "");
}

static void on_looked(void *data)
{
	struct finding *f = data;
	struct display *d = f->agent->display;
	struct point points[ACTION_LIST_MAX];
	struct err err;
	for (size_t i = 0; i < f->n; i++) {
		const struct sought *s = &f->all[i];
		if (!display_is_up(d, &err) || !is_answered(f, s, &err) ||
			!is_what_it_was(s, &err) || !is_there(d, s, &err) ||
			!is_uncovered(d, s, &err)) {
			finish(f, NULL, &err);
			return;
		}
		points[i] = rect_centre(s->mark.box);
	}
	finish(f, points, NULL);
}

/* ---- the start ---- */

static void on_bus(sd_bus *bus, const struct err *err, void *data)
{
	struct finding *f = data;
	f->wait = NULL;
	if (err) {
		finish(f, NULL, err);
		return;
	}
	f->calls = calls_new(bus, FIND_US, on_looked, f);
	for (size_t i = 0; i < f->n; i++) {
		const struct kept_mark *mark = &f->all[i].mark;
		struct bus_ref ref = { mark->element.bus, mark->element.path };
		look_ask(&f->all[i].now, f->calls, ref);
		look_ask_box(
			&f->all[i].now, f->calls, ref, mark->in_window ? IN_WINDOW : IN_SCREEN);
	}
	calls_check(f->calls);
}

static int on_refusal(sd_event_source *source, void *data)
{
	struct finding *f = data;
	struct err why = f->why;
	(void)source;
	finish(f, NULL, &why);
	return 0;
}

static void drop_finding(struct marks_work *work)
{
	finding_free((struct finding *)work);
}

static bool seek(struct finding *f, const int64_t *numbers, size_t n, struct err *err)
{
	const struct elements *e = f->agent->elements;
	for (; f->n < n; f->n++) {
		int64_t number = numbers[f->n];
		if (number < 1 || (size_t)number > e->n_marks) {
			return err_set(err, ERR_NOT_FOUND,
				"there is no mark %lld; the last screenshot with marks has %zu; " AGAIN,
				(long long)number, e->n_marks);
		}
		const struct kept_mark *mark = &e->marks[number - 1];
		const struct kept_element *was = &mark->element;
		f->all[f->n] = (struct sought){ .number = number, .mark = *mark };
		f->all[f->n].mark.element =
			kept_element_new(was->bus, was->path, was->name, was->role);
	}
	return true;
}

struct marks_work *marks_find(
	struct agent *agent, const int64_t *numbers, size_t n, marks_found_fn *fn, void *data)
{
	struct finding *f = must(calloc(1, sizeof(*f) + n * sizeof(f->all[0])));
	*f = (struct finding){ { drop_finding }, .agent = agent, .fn = fn, .data = data };
	if (seek(f, numbers, n, &f->why)) {
		f->wait = a11y_bus_connect(agent->elements->bus, on_bus, f);
	} else {
		f->refusal = loop_defer(agent->event, on_refusal, f);
	}
	return &f->work;
}
