/* From the program's windows to its elements, step by step; read_app.c finds the program. */
#include "vm/agent/elements/read_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/elements/role.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define TEXT "org.a11y.atspi.Text"

/* ---- the end ---- */

void read_free(struct read *r)
{
	if (!r) {
		return;
	}
	a11y_wait_cancel(r->wait);
	loop_drop(&r->deadline);
	sd_bus_slot_unref(r->arrival);
	calls_free(r->calls);
	a11y_peer_close(r->peer);
	free(r->address);
	walk_free(r->walk);
	read_forget_apps(r);
	free(r);
}

void read_fail(struct read *r, const struct err *err)
{
	r->fn(NULL, err, r->data);
	read_free(r);
}

/* GTK 4 does not know where its windows are. */
static uint32_t coordinates(const struct read *r)
{
	return strcmp(r->toolkit, "GTK") == 0 && r->version[0] == '4' ? IN_WINDOW : IN_SCREEN;
}

static void finish(struct read *r, bool late)
{
	struct read_result result = {
		.target = &r->target,
		.walk = r->walk,
		.windows = r->windows,
		.n_windows = r->n_windows,
		.listed = r->listed,
		.n_listed = r->n_listed,
		.found = r->found,
		.in_window = coordinates(r) == IN_WINDOW,
		.late = late || r->late + calls_late(r->calls) > 0,
	};
	snprintf(result.program, sizeof(result.program), "%s%s%s%s%s", r->name,
		*r->name && *r->toolkit ? ", " : "", r->toolkit, *r->version ? " " : "",
		r->version);
	r->fn(&result, NULL, r->data);
	read_free(r);
}

static void give_up(struct read *r)
{
	struct err err;
	err_set(&err, ERR_TIMEOUT,
		"the program of the window \"%.100s\" (pid %d) did not answer within %lld ms; it may "
		"be busy. Try again, or use screenshot",
		r->target.title, r->target.pid, (long long)r->args->timeout_ms);
	read_fail(r, &err);
}

static void choose(struct read *r);

static int on_deadline(sd_event_source *source, uint64_t usec, void *data)
{
	struct read *r = data;
	(void)source, (void)usec;
	if (r->n_windows > 0 && walk_count(r->walk) > r->n_windows) {
		choose(r);
		finish(r, true);
	} else if (r->arrival && !r->app) {
		read_no_app(r);
	} else {
		give_up(r);
	}
	return 0;
}

static void next_step(void *data)
{
	struct read *r = data;
	r->step(r);
}

/* ---- 6: names and values of what is listed ---- */

static void on_box(sd_bus_message *answer, void *data)
{
	struct node *node = data;
	node->has_box = calls_read_box(answer, &node->box);
}

static void on_late_name(sd_bus_message *answer, void *data)
{
	struct node *node = data;
	const char *name;
	if (!node->name && calls_read_text(answer, &name)) {
		node->name = node_text(name, NODE_NAME_MAX);
	}
}

static void on_text(sd_bus_message *answer, void *data)
{
	struct node *node = data;
	const char *text;
	if (answer && !node->value && sd_bus_message_read(answer, "s", &text) > 0) {
		node->value = node_text(text, NODE_VALUE_MAX);
	}
}

/* Qt and Firefox give nothing for an end beyond that of the text. */
static void on_length(sd_bus_message *answer, void *data)
{
	struct node *node = data;
	int32_t n;
	if (calls_read_count(answer, &n) && n > 0) {
		calls_ask(walk_calls(node->walk), node_ref(node), TEXT, "GetText", on_text, node,
			"ii", 0, n < NODE_VALUE_MAX ? n : NODE_VALUE_MAX);
	}
}

static void on_number(sd_bus_message *answer, void *data)
{
	struct node *node = data;
	if (!node->value) {
		node->value = calls_read_number_text(answer);
	}
}

static void ask_box(struct read *r, struct node *node, uint32_t coordinates)
{
	calls_ask(
		r->calls, node_ref(node), COMPONENT, "GetExtents", on_box, node, "u", coordinates);
}

static void ask_details(struct read *r, struct node *node)
{
	struct bus_ref ref = node_ref(node);
	enum role_value value = role_value(node->role, node->states);
	if (!node->name) {
		calls_get(r->calls, ref, ACCESSIBLE, "Name", on_late_name, node);
	}
	if (value == VALUE_TEXT) {
		calls_get(r->calls, ref, TEXT, "CharacterCount", on_length, node);
	} else if (value == VALUE_NUMBER) {
		calls_get(r->calls, ref, "org.a11y.atspi.Value", "CurrentValue", on_number, node);
	}
}

/* Entries of lists often have no name, but a label. */
static void ask_label(struct read *r, struct node *entry)
{
	struct node *n = entry;
	if (entry->role != ROLE_LIST_ITEM && entry->role != ROLE_TREE_ITEM) {
		return;
	}
	while ((n = node_next(n, entry)) && n->role != ROLE_LABEL) {
	}
	if (n && !n->name) {
		calls_get(r->calls, node_ref(n), ACCESSIBLE, "Name", on_late_name, n);
	}
}

static void end_details(struct read *r)
{
	finish(r, false);
}

/* Elements that are acted on must be on the screen. */
static void choose(struct read *r)
{
	struct size screen = r->agent->screen;
	bool active = strcmp(r->args->filter, ELEMENTS_ACTIVE) == 0;
	size_t n = 0;
	for (size_t i = 0; i < r->n_listed && !r->is_chosen; i++) {
		struct node *node = r->listed[i];
		struct rect at;
		bool fits =
			!active || read_box(node, read_window_of(r->windows, node), screen, &at);
		r->found -= !fits;
		node->listed = fits && n < (size_t)r->args->limit;
		if (node->listed) {
			r->listed[n++] = node;
		}
	}
	r->n_listed = r->is_chosen ? r->n_listed : n;
	r->is_chosen = true;
}

static void read_details(struct read *r)
{
	choose(r);
	r->step = end_details;
	for (size_t i = 0; i < r->n_listed; i++) {
		ask_details(r, r->listed[i]);
		ask_label(r, r->listed[i]);
	}
	calls_check(r->calls);
}

/* ---- 5: which elements match, and where they are ---- */

static bool is_named(const struct node *node, const char *part)
{
	return (node->name && strcasestr(node->name, part)) ||
	       strcasestr(role_name(node->role), part);
}

static bool matches(const struct read *r, const struct node *node)
{
	const char *filter = r->args->filter;
	if (!node->has_role || !node->has_states) {
		return false;
	}
	if (strcmp(filter, ELEMENTS_ALL) == 0) {
		return walk_is_shown(r->walk, node);
	}
	if (strcmp(filter, ELEMENTS_ACTIVE) == 0) {
		return walk_is_shown(r->walk, node) &&
		       role_is_interactive(node->role, node->states);
	}
	return is_named(node, filter);
}

static void list_below(struct read *r, struct node *root)
{
	for (struct node *n = node_next(root, root); n; n = node_next(n, root)) {
		if (!matches(r, n)) {
			if (r->popups.n) { /* it may be one */
				ask_box(r, n, coordinates(r));
			}
			continue;
		}
		r->found++;
		if (r->n_listed < READ_CANDIDATES_MAX) {
			r->listed[r->n_listed++] = n;
			ask_box(r, n, coordinates(r));
		}
	}
}

static void list_elements(struct read *r)
{
	r->step = read_details;
	for (size_t i = 0; i < r->n_windows; i++) {
		if (r->windows[i].wanted) {
			list_below(r, r->windows[i].node);
		}
	}
	calls_check(r->calls);
}

/* ---- 4: the elements ---- */

static void place_window(struct read *r, struct read_window *w, int percent)
{
	struct node *node = w->node;
	struct rect box = read_scaled(node->box, percent);
	w->map.percent = percent;
	w->on_screen = target_match(&r->target, node->name, node->has_box ? &box : NULL);
	if (!w->on_screen && r->target.n == 1 && node->role == ROLE_FRAME && r->n_windows == 1) {
		w->on_screen = &r->target.windows[0];
	}
	if (w->on_screen && coordinates(r) == IN_WINDOW) {
		w->popups = &r->popups;
		w->map.shift = (struct point){ w->on_screen->rect.x, w->on_screen->rect.y };
	}
	bool is_other = w->on_screen && w->on_screen != &r->target.windows[0];
	w->wanted = node->has_states && !(r->target.only && is_other);
}

static void find_popups(struct read *r)
{
	struct display *d = r->agent->display;
	Window window = d ? windows_find(d, r->target.windows[0].number) : None;
	if (window && coordinates(r) == IN_WINDOW) {
		r->popups.n = window_group_popups(d, window, r->popups.all, READ_POPUPS_MAX);
	}
}

static void read_elements(struct read *r)
{
	/* Chromium's places are pixels, but not those of its windows. */
	int percent = strcmp(r->toolkit, "Chromium") == 0
			      ? 100
			      : read_percent(&r->target, r->windows, r->n_windows, r->agent->scale);
	r->step = list_elements;
	find_popups(r);
	for (size_t i = 0; i < r->n_windows; i++) {
		place_window(r, &r->windows[i], percent);
		if (r->windows[i].wanted && walk_is_shown(r->walk, r->windows[i].node)) {
			walk_below(r->walk, r->windows[i].node, (int)r->args->depth);
		}
	}
	calls_check(r->calls);
}

/* ---- 3: the program's windows ---- */

static void on_windows(sd_bus_message *answer, void *data)
{
	struct read *r = data;
	const char *bus, *path;
	if (!answer || sd_bus_message_enter_container(answer, 'a', "(so)") <= 0) {
		return;
	}
	while (r->n_windows < READ_WINDOWS_MAX &&
		sd_bus_message_read(answer, "(so)", &bus, &path) > 0) {
		struct node *node = walk_window(r->walk, (struct bus_ref){ bus, path });
		if (node) {
			r->windows[r->n_windows++].node = node;
			ask_box(r, node, coordinates(r));
		}
	}
}

/* Asked directly, GTK 3, Firefox and LibreOffice answer in half of the time. */
static void ask_directly(struct read *r)
{
	r->peer = r->address ? a11y_peer_open(r->agent->event, r->address) : NULL;
	if (r->peer) {
		r->late += calls_late(r->calls);
		calls_free(r->calls);
		r->calls = calls_new(r->peer, (uint64_t)r->args->timeout_ms * 1000, next_step, r);
	}
}

void read_windows(struct read *r)
{
	ask_directly(r);
	bool named = strcmp(r->args->filter, ELEMENTS_ALL) != 0 &&
		     strcmp(r->args->filter, ELEMENTS_ACTIVE) != 0;
	const struct walk_how how = {
		.hidden = named,
		.names = named,
		.visible_is_shown = coordinates(r) == IN_WINDOW,
	};
	r->step = read_elements;
	r->walk = walk_new(r->calls, &how);
	calls_ask(r->calls, read_app_ref(r), ACCESSIBLE, "GetChildren", on_windows, r, NULL);
	calls_check(r->calls);
}

static void on_bus(sd_bus *bus, const struct err *err, void *data)
{
	struct read *r = data;
	r->wait = NULL;
	if (err) {
		read_fail(r, err);
		return;
	}
	r->calls = calls_new(bus, (uint64_t)r->args->timeout_ms * 1000, next_step, r);
	r->bus = bus;
	r->deadline = loop_after_ms(r->agent->event, (uint64_t)r->args->timeout_ms, on_deadline, r);
	read_find_app(r);
}

struct read *read_new(struct agent *agent, const struct target *target,
	const struct msg_ui_tree *args, read_fn *fn, void *data)
{
	struct read *r = must(calloc(1, sizeof(*r)));
	r->agent = agent;
	r->target = *target;
	r->args = args;
	r->fn = fn;
	r->data = data;
	r->wait = a11y_bus_connect(agent->elements->bus, on_bus, r);
	return r;
}
