/* The operation `ui_tree`: what was read, as a list with places on the screen. */
#include "base/cleanup.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/core/op.h"
#include "vm/agent/elements/read.h"
#include "vm/agent/elements/role.h"
#include "vm/agent/x11/display.h"

#include <string.h>

struct ui_tree {
	struct request *req;
	const struct msg_ui_tree *args;
	struct read *read;
};

/* ---- the answer ---- */

static json_t *encode_windows(const struct read_result *res)
{
	json_t *all = must(json_array());
	for (size_t i = 0; i < res->n_windows; i++) {
		const struct read_window *w = &res->windows[i];
		auto_buf struct buf title = { 0 };
		const struct msg_ui_window window = {
			.id = w->on_screen ? w->on_screen->number : 0,
			.role = role_name(w->node->role),
			.title = node_plain(&title, w->node->name),
		};
		json_array_append_new(all, must(field_encode(msg_ui_window_fields, &window)));
	}
	return all;
}

static int listed_above(const struct node *node)
{
	int n = 0;
	while ((node = node->parent)) {
		n += node->listed;
	}
	return n;
}

static json_t *encode_element(
	struct agent *agent, const struct read_result *res, const struct node *node, int64_t id)
{
	auto_buf struct buf name = { 0 }, value = { 0 }, states = { 0 };
	const struct read_window *w = read_window_of(res->windows, node);
	struct size screen = display_size(agent->display);
	struct rect at;
	bool is_there = read_box(node, w, screen, &at);
	state_format(&states, node->role, node->states);
	if (!walk_is_shown(res->walk, node)) {
		buf_printf(&states, "%shidden", states.len ? ", " : "");
	}
	const struct msg_element element = {
		.id = id,
		.window = w - res->windows,
		.depth = listed_above(node),
		.role = role_name(node->role),
		.name = node_plain(&name, node->name),
		.value = node_plain(&value, node->value),
		.states = states.len ? buf_text(&states) : NULL,
		.box = is_there ? rect_edges(geometry_rect_to_frame(at, agent->frame, screen))
				: (struct field_ints){ 0 },
	};
	return must(field_encode(msg_element_fields, &element));
}

static const char *note_of(const struct read_result *res)
{
	return res->late ? "The program did not answer in time; the tree is incomplete." : NULL;
}

static void answer(struct ui_tree *t, const struct read_result *res)
{
	struct agent *agent = request_agent(t->req);
	size_t n = res->n_listed;
	struct kept_tree *tree = elements_keep(agent->elements, n);
	json_auto_t *elements = must(json_array()), *windows = encode_windows(res);
	auto_buf struct buf program = { 0 };
	for (size_t i = 0; i < n; i++) {
		const struct node *node = res->listed[i];
		tree->elements[i] = kept_element_new(node->bus, node->path, node->name, node->role);
		json_array_append_new(elements, encode_element(agent, res, node, (int64_t)i + 1));
	}
	request_answer(t->req, &(struct msg_ui_tree_answer){
				       .tree = tree->number,
				       .frame_id = (int64_t)display_frame_id(agent->display),
				       .program = node_plain(&program, res->program),
				       .windows = windows,
				       .elements = elements,
				       .found = (int64_t)res->found,
				       .cut = walk_is_cut(res->walk),
				       .note = note_of(res),
			       });
}

static void on_read(const struct read_result *res, const struct err *err, void *data)
{
	auto_free struct ui_tree *t = data;
	struct err lost;
	if (res && !request_agent(t->req)->display) {
		(void)display_is_restarting(&lost);
		err = &lost;
	}
	if (err) {
		request_fail(t->req, err);
	} else {
		answer(t, res);
	}
}

static void on_cancel(void *data)
{
	auto_free struct ui_tree *t = data;
	struct err err;
	read_free(t->read);
	err_set(&err, ERR_CANCELLED, "reading the elements was cancelled");
	request_fail(t->req, &err);
}

static void run(struct request *req, const void *data)
{
	const struct msg_ui_tree *args = data;
	struct agent *agent = request_agent(req);
	struct target target;
	struct err err;
	if (!display_is_up(agent->display, &err) ||
		!target_find(agent->display, (uint32_t)args->window, &target, &err)) {
		request_fail(req, &err);
		return;
	}
	struct ui_tree *t = must(calloc(1, sizeof(*t)));
	t->req = req;
	t->args = args;
	t->read = read_new(agent, &target, args, on_read, t);
	request_on_cancel(req, on_cancel, t);
}

const struct op op_ui_tree = { .message = &message_ui_tree, .run = run };
