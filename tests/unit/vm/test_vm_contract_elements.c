// USES vm
/* The elements of a program, on each backend. */

#include "tests/support/contract.h"

#include "vm/wire/messages.h"

static struct got tree_of(struct bench *b, const char *filter)
{
	const struct msg_ui_tree how = { 0, ELEMENTS_LEVELS_MAX, 100, 20000, filter };
	struct got tree = { 0 };
	guest_ui_tree(vm_guest(b->vm), &how, on_got, &tree);
	cr_assert(!tree.done, "from the loop");
	host_until(&b->host, &tree.done);
	return tree;
}

/* Its id; 0: there is none. */
static int64_t find(const struct got *tree, const char *role, const char *name)
{
	size_t i;
	json_t *element;
	json_array_foreach(json_object_get(tree->json, "elements"), i, element)
	{
		const char *is = json_string_value(json_object_get(element, "role"));
		const char *called = json_string_value(json_object_get(element, "name"));
		if (strcmp(is, role) == 0 && strcmp(called ? called : "", name) == 0) {
			return json_integer_value(json_object_get(element, "id"));
		}
	}
	return 0;
}

static void without_a_window_there_are_none(struct bench *b)
{
	struct got tree = tree_of(b, ELEMENTS_ACTIVE);
	cr_expect_eq(tree.err.kind, ERR_NOT_FOUND, "%s", tree.err.text);
}

static void an_editor_has_a_menu_and_a_text(struct bench *b)
{
	struct answer *a = answer_new();
	bool fake = strcmp(b->dialect->backend, "fake") == 0;
	guest_launch(vm_guest(b->vm), fake ? "editor" : "mousepad", NULL, 60000, on_launch, a);
	host_until(&b->host, &a->done);
	cr_assert(a->launch.has_window, "%s", a->err.text);
	answer_free(a);
	struct got tree = tree_of(b, ELEMENTS_ACTIVE);
	cr_assert(tree.json, "%s", tree.err.text);
	cr_expect(find(&tree, "menu", "File"), "%s", json_dumps(tree.json, 0));
	cr_expect(find(&tree, "text", ""));
	json_decref(tree.json);
	tree = tree_of(b, "nothing is called like this");
	cr_assert(tree.json, "%s", tree.err.text);
	cr_expect_eq(json_array_size(json_object_get(tree.json, "elements")), 0);
	json_decref(tree.json);
}

static void a_value_is_set(struct bench *b)
{
	struct got tree = tree_of(b, ELEMENTS_ACTIVE), acted = { 0 };
	cr_assert(tree.json, "%s", tree.err.text);
	const struct msg_ui_act how = {
		.tree = json_integer_value(json_object_get(tree.json, "tree")),
		.element = find(&tree, "text", ""),
		.value = "set by its element",
		.timeout_ms = 20000,
	};
	guest_ui_act(vm_guest(b->vm), &how, on_got, &acted);
	host_until(&b->host, &acted.done);
	cr_assert(acted.json, "%s", acted.err.text);
	cr_expect_str_eq(json_string_value(json_object_get(acted.json, "effect")), "done", "%s",
		json_dumps(acted.json, 0));
	cr_expect_str_eq(
		json_string_value(json_object_get(acted.json, "value")), "set by its element");
	json_decref(acted.json);
	json_decref(tree.json);
}

struct seen {
	bool done;
	json_t *marks;
	struct point pointer;
	size_t image;
	struct err err;
};

static void on_seen(const struct guest_act *res, const struct err *err, void *data)
{
	struct seen *seen = data;
	seen->done = true;
	if (err) {
		seen->err = *err;
		return;
	}
	seen->marks = json_deep_copy(res->marks);
	seen->pointer = res->pointer;
	seen->image = res->frame.len;
}

static struct seen click_mark(struct bench *b, int64_t mark)
{
	const struct action click = { .kind = ACTION_CLICK, .mark = mark, .count = 1 };
	struct seen seen = { 0 };
	guest_act(vm_guest(b->vm), &click, 1, NULL, on_seen, &seen);
	host_until(&b->host, &seen.done);
	return seen;
}

/* In that editor. */
static void a_mark_is_clicked(struct bench *b)
{
	struct seen seen = { 0 };
	struct observe how;
	observe_init(&how, OBSERVE_FRAME);
	how.marks_ms = 20000;
	guest_act(vm_guest(b->vm), NULL, 0, &how, on_seen, &seen);
	host_until(&b->host, &seen.done);
	cr_assert_eq(seen.err.kind, ERR_NONE, "%s", seen.err.text);
	cr_expect_gt(seen.image, 0u);
	const json_t *first = json_array_get(seen.marks, 0);
	cr_assert(first, "%s", json_dumps(seen.marks, 0));
	cr_expect_str_eq(json_string_value(json_object_get(first, "role")), "menu");
	cr_expect_str_eq(json_string_value(json_object_get(first, "name")), "File");
	cr_expect_eq(json_integer_value(json_object_get(first, "mark")), 1);
	int64_t n = (int64_t)json_array_size(seen.marks);
	json_decref(seen.marks);
	struct seen none = click_mark(b, n + 1), clicked = click_mark(b, 1);
	cr_expect_eq(none.err.kind, ERR_NOT_FOUND, "%s", none.err.text);
	cr_expect(strstr(none.err.text, "screenshot with marks"), "%s", none.err.text);
	cr_assert_eq(clicked.err.kind, ERR_NONE, "%s", clicked.err.text);
	cr_expect(clicked.pointer.x > 0 && clicked.pointer.y > 0);
}

static const struct contract cases[] = {
	CASE(without_a_window_there_are_none), /* none is open at first */
	CASE(an_editor_has_a_menu_and_a_text),
	CASE(a_value_is_set), /* in that editor */
	CASE(a_mark_is_clicked),
};

CONTRACT(elements, cases)
