/*
 * Numbers the elements that can be clicked: those of `ui_tree` that a click would reach.  Two that
 * are the same to a person, by their box or by their name and place, get one number.
 */
#include "vm/agent/elements/marks.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/elements/marks_impl.h"
#include "vm/agent/elements/reach.h"
#include "vm/agent/elements/read.h"
#include "vm/agent/elements/role.h"
#include "vm/agent/x11/display.h"
#include "vm/wire/action.h"
#include "vm/wire/messages_act.h"

#include <stdlib.h>
#include <string.h>

#define CANDIDATES_MAX 300
#define EDGE_LEAST 4 /* pixels */

struct reading {
	struct marks_work work; /* first */
	struct agent *agent;
	struct msg_ui_tree args;
	struct read *read;
	sd_event_source *refusal;
	struct err why;
	marks_read_fn *fn;
	void *data;
};

struct chosen {
	const struct node *node;
	const struct read_window *window;
	struct rect at; /* on the screen */
};

struct choice {
	struct reading *reading;
	const struct read_result *res;
	struct reach reach;
	struct chosen all[MARKS_MAX];
	size_t n;
	int64_t found;
};

/* ---- which ---- */

/* In GTK 3, the entries of an open menu are below the menu's name in the window. */
static bool is_in_menu(const struct chosen *one)
{
	for (const struct node *node = one->node->parent; node; node = node->parent) {
		if (node->role == ROLE_MENU || node->role == ROLE_POPUP_MENU ||
			node->role == ROLE_COMBO_BOX) {
			return true;
		}
	}
	return !one->window->on_screen;
}

static bool is_reached(const struct choice *c, const struct chosen *one, struct point at)
{
	bool alone = c->reading->args.window != 0;
	const struct target_window *w = one->window->on_screen;
	int window = w ? (int)(w - c->res->target->windows) : REACH_MENU;
	struct read_popup in;
	bool popup =
		c->res->in_window ? read_popup_of(one->node, one->window, &in) : is_in_menu(one);
	if (popup && reach_has(&c->reach, REACH_MENU, at)) {
		return true;
	}
	return alone ? reach_has_alone(&c->reach, window, at) : reach_has(&c->reach, window, at);
}

static bool is_usable(const struct choice *c, const struct chosen *one)
{
	struct point centre = rect_centre(one->at);
	uint64_t states = one->node->states;
	bool enabled = state_has(states, STATE_ENABLED) || state_has(states, STATE_SENSITIVE);
	return enabled && one->at.width >= EDGE_LEAST && one->at.height >= EDGE_LEAST &&
	       is_reached(c, one, centre);
}

static bool is_same(int a, int b)
{
	return abs(a - b) <= 1;
}

static bool is_same_box(const struct rect *a, const struct rect *b)
{
	return is_same(a->x, b->x) && is_same(a->y, b->y) && is_same(a->width, b->width) &&
	       is_same(a->height, b->height);
}

/* Firefox has two elements for a button of its window. */
static bool is_same_thing(const struct chosen *a, const struct chosen *b)
{
	const char *one = a->node->name, *other = b->node->name;
	return a->node->role == b->node->role && one && *one && other && strcmp(one, other) == 0 &&
	       rect_overlaps(a->at, b->at);
}

static struct chosen *find_same(struct choice *c, const struct chosen *one)
{
	for (size_t i = 0; i < c->n; i++) {
		if (is_same_box(&c->all[i].at, &one->at) || is_same_thing(&c->all[i], one)) {
			return &c->all[i];
		}
	}
	return NULL;
}

static bool has_name(const struct node *node)
{
	return node->name && *node->name;
}

/* Its own name, or that of the first label in it. */
static const char *name_of(const struct node *root)
{
	const struct node *node = root;
	while (node && !(has_name(node) && (node == root || node->role == ROLE_LABEL))) {
		node = node_next(node, root);
	}
	return node ? node->name : NULL;
}

/* The picture of an entry or of a button. */
static bool is_decoration(const struct node *node)
{
	const struct node *above = node->parent;
	while (above && !above->listed) {
		above = above->parent;
	}
	return above && node->role == ROLE_ICON;
}

static void consider(struct choice *c, const struct node *node)
{
	struct chosen one = { .node = node, .window = read_window_of(c->res->windows, node) };
	struct size screen = display_size(c->reading->agent->display);
	if (is_decoration(node) || !read_box(node, one.window, screen, &one.at) ||
		!is_usable(c, &one)) {
		return;
	}
	struct chosen *same = find_same(c, &one);
	if (same) {
		*same = has_name(same->node) || !has_name(node) ? *same : one;
		return;
	}
	c->found++;
	if (c->n < MARKS_MAX) {
		c->all[c->n++] = one;
	}
}

static void choose(struct choice *c)
{
	uint32_t numbers[TARGET_WINDOWS_MAX];
	const struct target *target = c->res->target;
	for (size_t i = 0; i < target->n; i++) {
		numbers[i] = target->windows[i].number;
	}
	reach_init(&c->reach, c->reading->agent->display, numbers, target->n);
	for (size_t i = 0; i < c->res->n_listed; i++) {
		consider(c, c->res->listed[i]);
	}
	c->found += (int64_t)(c->res->found - c->res->n_listed);
}

/* ---- the answer ---- */

static json_t *encode(const struct chosen *one, int number)
{
	auto_buf struct buf name = { 0 }, value = { 0 }, states = { 0 };
	state_format(&states, one->node->role, one->node->states);
	const struct msg_mark mark = {
		.mark = number,
		.role = role_name(one->node->role),
		.name = node_plain(&name, name_of(one->node)),
		.value = node_plain(&value, one->node->value),
		.states = states.len ? buf_text(&states) : NULL,
	};
	return must(field_encode(msg_mark_fields, &mark));
}

static void keep(const struct choice *c)
{
	struct kept_mark *marks = elements_keep_marks(c->reading->agent->elements, c->n);
	for (size_t i = 0; i < c->n; i++) {
		const struct chosen *one = &c->all[i];
		const struct node *node = one->node;
		struct read_popup popup = { 0 };
		bool in_popup = read_popup_of(node, one->window, &popup);
		marks[i] = (struct kept_mark){
			.element = kept_element_new(node->bus, node->path, node->name, node->role),
			.box = one->at,
			.in_window = c->res->in_window,
			.percent = one->window->map.percent,
			.popup = popup.id,
			.origin = popup.origin,
			.in_menu = in_popup || is_in_menu(one),
			.window = one->window->on_screen ? one->window->on_screen->number : 0,
			.anchor = c->res->target->windows[0].number,
		};
	}
}

static const char *note_of(const struct choice *c)
{
	return c->res->late ? "The program did not answer in time; some elements have no mark."
	       : c->n == 0  ? "the program reports nothing that a click would reach."
			    : NULL;
}

static void finish(struct reading *r, const struct marks_read *read)
{
	marks_read_fn *fn = r->fn;
	void *data = r->data;
	loop_drop(&r->refusal);
	free(r);
	fn(read, data);
}

static void give_none(struct reading *r, const char *why)
{
	json_auto_t *none = must(json_array());
	(void)elements_keep_marks(r->agent->elements, 0);
	finish(r, &(struct marks_read){ .rows = none, .note = why });
}

static void give(const struct choice *c)
{
	struct picture_mark marks[MARKS_MAX];
	json_auto_t *rows = must(json_array());
	for (size_t i = 0; i < c->n; i++) {
		marks[i] = (struct picture_mark){ (int)i + 1, c->all[i].at };
		json_array_append_new(rows, encode(&c->all[i], (int)i + 1));
	}
	finish(c->reading, &(struct marks_read){ marks, c->n, rows, c->found, note_of(c) });
}

static void on_read(const struct read_result *res, const struct err *err, void *data)
{
	struct reading *r = data;
	struct err lost = { 0 };
	if (err || !display_is_up(r->agent->display, &lost)) {
		struct err why = err ? *err : lost;
		give_none(r, why.text);
		return;
	}
	struct choice c = { .reading = r, .res = res };
	choose(&c);
	keep(&c);
	give(&c);
}

/* ---- the start ---- */

static void drop_reading(struct marks_work *work)
{
	struct reading *r = (struct reading *)work;
	read_free(r->read);
	loop_drop(&r->refusal);
	free(r);
}

static int on_refusal(sd_event_source *source, void *data)
{
	struct reading *r = data;
	struct err why = r->why;
	(void)source;
	give_none(r, why.text);
	return 0;
}

static struct marks_work *marks_read(
	struct agent *agent, uint32_t window, uint64_t ms, marks_read_fn *fn, void *data)
{
	struct reading *r = must(calloc(1, sizeof(*r)));
	struct target target;
	*r = (struct reading){ { drop_reading }, .agent = agent, .fn = fn, .data = data };
	r->args = (struct msg_ui_tree){ .window = window,
		.depth = ELEMENTS_LEVELS_MAX,
		.limit = CANDIDATES_MAX,
		.timeout_ms = (int64_t)ms,
		.filter = ELEMENTS_ACTIVE };
	if (target_find(agent->display, window, &target, &r->why)) {
		r->read = read_new(agent, &target, &r->args, on_read, r);
	} else {
		r->refusal = loop_defer(agent->event, on_refusal, r);
	}
	return &r->work;
}

static void drop(struct marks_work *work)
{
	work->drop(work);
}

const struct marks_source elements_marks = {
	.read = marks_read,
	.find = marks_find,
	.drop = drop,
};
