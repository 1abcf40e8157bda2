#include "vm/agent/text/named.h"

#include "base/cleanup.h"
#include "vm/agent/elements/read.h"
#include "vm/agent/elements/role.h"
#include "vm/agent/text/fold.h"
#include "vm/agent/x11/display.h"
#include "vm/agent/x11/window_group.h"
#include "vm/agent/x11/windows.h"

#include <string.h>

#define CANDIDATES 200

struct named {
	struct agent *agent;
	const char *text;
	char filter[TEXT_BYTES_MAX + 1];
	struct rect area;
	struct msg_ui_tree how;
	struct read *read;
	named_fn *fn;
	void *data;
};

/* ---- what can be seen ---- */

/* A popup is not a managed window, and lies above them. */
static bool is_covered(
	struct display *d, const struct read_window *w, const struct node *node, struct point at)
{
	struct read_popup popup;
	struct err ignored;
	if (read_popup_of(node, w, &popup)) {
		return window_group_at(d, at) != popup.id;
	}
	if (!w->on_screen) {
		return false;
	}
	Window window = windows_find(d, w->on_screen->number);
	display_trap(d);
	bool covered = window == None || window_group_top(d, window) != window_group_at(d, at);
	return !display_untrap(d, &ignored) || covered;
}

static bool is_seen(const struct named *n, const struct read_result *res, const struct node *node,
	struct rect *ret)
{
	struct display *d = n->agent->display;
	const struct read_window *w = read_window_of(res->windows, node);
	if (!walk_is_shown(res->walk, node) || !read_box(node, w, display_size(d), ret)) {
		return false;
	}
	return rect_has_centre(n->area, *ret) && !is_covered(d, w, node, rect_centre(*ret));
}

/* ---- what it is called ---- */

static bool has_part(const struct fold *name, const struct fold *text)
{
	for (size_t i = 0; text->n && i + text->n <= name->n; i++) {
		struct fold part = { name->at + i, text->n, 0 };
		if (fold_equal(&part, text)) {
			return true;
		}
	}
	return false;
}

enum fit { FIT_NOT, FIT_PART, FIT_WHOLE };

static enum fit fit_of(const struct node *node, const char *text)
{
	struct fold name = { 0 }, want = { 0 };
	fold_add(&name, node->name, 0);
	fold_add(&want, text, 0);
	bool to_click = role_is_interactive(node->role, node->states) &&
			!state_has(node->states, STATE_EDITABLE);
	enum fit fit = fold_equal(&name, &want)             ? FIT_WHOLE
		       : to_click && has_part(&name, &want) ? FIT_PART
							    : FIT_NOT;
	fold_done(&name);
	fold_done(&want);
	return fit;
}

static void collect(
	const struct named *n, const struct read_result *res, enum fit fit, struct named_result *to)
{
	for (size_t i = 0; i < res->n_listed && to->n < TEXT_MATCHES_MAX; i++) {
		const struct node *node = res->listed[i];
		struct rect at;
		if (node->name && fit_of(node, n->text) == fit && is_seen(n, res, node, &at)) {
			to->at[to->n++] =
				(struct named_element){ node->name, role_name(node->role), at };
		}
	}
}

static void on_read(const struct read_result *res, const struct err *err, void *data)
{
	auto_free struct named *n = data;
	struct named_result result = { 0 };
	struct err lost;
	if (res && !display_is_up(n->agent->display, &lost)) {
		err = &lost;
	}
	if (!err) {
		result.program = res->program;
		collect(n, res, FIT_WHOLE, &result);
		collect(n, res, FIT_PART, &result);
	}
	n->fn(err ? NULL : &result, err, n->data);
}

/* ---- the question ---- */

/* The filter compares ASCII letters in any case; in lower case it may be one of the words that mean
 * something else. */
static void set_filter(struct named *n)
{
	g_autofree char *upper = g_ascii_strup(n->text, -1);
	g_strstrip(upper);
	g_strlcpy(n->filter, upper, sizeof(n->filter));
}

struct named *named_new(struct agent *agent, const char *text, struct rect area, int64_t timeout_ms,
	named_fn *fn, void *data, struct err *err)
{
	struct target target;
	if (!display_is_up(agent->display, err) || !target_find(agent->display, 0, &target, err)) {
		return NULL;
	}
	struct named *n = must(calloc(1, sizeof(*n)));
	*n = (struct named){ .agent = agent, .text = text, .area = area, .fn = fn, .data = data };
	set_filter(n);
	n->how = (struct msg_ui_tree){ .depth = ELEMENTS_LEVELS_MAX,
		.limit = CANDIDATES,
		.timeout_ms = timeout_ms,
		.filter = n->filter };
	n->read = read_new(agent, &target, &n->how, on_read, n);
	return n;
}

void named_free(struct named *n)
{
	if (n) {
		read_free(n->read);
		free(n);
	}
}
