// USES agent
/* Numbers on the elements of a real program: what is seen, what a number clicks, and when it is
 * refused. */
#include "tests/support/agent_client.h"

#include <sys/stat.h>

#define PATIENCE_MARKS_MS 30000

static struct client c;

static void start(void)
{
	client_start_ready(&c);
}

static void stop(void)
{
	client_stop(&c);
}

TestSuite(marks, .init = start, .fini = stop, .timeout = 200);

/* ---- programs ---- */

static json_int_t launch(const char *application, pid_t *ret_pid)
{
	struct answer a;
	client_call(&c, "launch",
		json_pack("{s:s, s:i}", "application", application, "timeout_ms", 60000), &a);
	cr_assert(a.result, "%s", a.err.text);
	json_int_t id =
		json_integer_value(json_object_get(json_object_get(a.result, "window"), "id"));
	*ret_pid = (pid_t)json_integer_value(json_object_get(a.result, "pid"));
	cr_assert_gt(id, 0, "no window");
	answer_done(&a);
	client_call(&c, "act",
		json_pack("{s:[], s:{s:s}}", "actions", "observe", "mode", "settled"), &a);
	answer_done(&a);
	return id;
}

static void place(json_int_t window, int x, int y)
{
	struct answer a;
	client_call(&c, "window_change",
		json_pack("{s:I, s:s, s:[ii]}", "window", window, "verb", "set", "place", x, y),
		&a);
	cr_assert(a.result, "%s", a.err.text);
	answer_done(&a);
}

/* ---- marks ---- */

static void look(struct answer *a, json_int_t window, json_int_t since)
{
	client_call(&c, "act",
		json_pack("{s:[], s:{s:s, s:s, s:i, s:I, s:I}}", "actions", "observe", "mode",
			"frame", "format", "png", "marks_ms", PATIENCE_MARKS_MS, "of_window",
			window, "since", since),
		a);
	cr_assert(a->result, "%s", a->err.text);
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));
	return value ? value : "";
}

/* 0: there is none. */
static json_int_t number(const struct answer *a, const char *role, const char *name)
{
	size_t i;
	json_t *mark;
	json_array_foreach(json_object_get(a->result, "marks"), i, mark)
	{
		cr_expect_eq(json_integer_value(json_object_get(mark, "mark")), (json_int_t)i + 1);
		if (strcmp(text(mark, "role"), role) == 0 &&
			strcmp(text(mark, "name"), name) == 0) {
			return (json_int_t)i + 1;
		}
	}
	return 0;
}

static json_int_t marked(const char *role, const char *name)
{
	struct answer a;
	look(&a, 0, 0);
	json_int_t mark = number(&a, role, name);
	cr_assert_gt(mark, 0, "no %s %s in %s", role, name, json_dumps(a.result, 0));
	answer_done(&a);
	return mark;
}

static void click(struct answer *a, json_int_t first, json_int_t second)
{
	json_t *actions = json_pack("[{s:s, s:I}]", "action", "click", "mark", first);
	if (second) {
		json_array_append_new(
			actions, json_pack("{s:s, s:I}", "action", "click", "mark", second));
	}
	client_call(&c, "act",
		json_pack("{s:o, s:{s:s}}", "actions", actions, "observe", "mode", "settled"), a);
}

static void expect_refused(json_int_t first, json_int_t second, const char *says)
{
	struct answer before, a, after;
	client_call(&c, "act", json_pack("{s:[], s:{}}", "actions", "observe"), &before);
	click(&a, first, second);
	client_call(&c, "act", json_pack("{s:[], s:{}}", "actions", "observe"), &after);
	cr_expect_null(a.result);
	cr_expect(strstr(a.err.text, says) && strstr(a.err.text, "screenshot with marks"), "%s",
		a.err.text);
	cr_expect(json_equal(json_object_get(before.result, "pointer"),
			  json_object_get(after.result, "pointer")),
		"nothing was done");
	answer_done(&before);
	answer_done(&a);
	answer_done(&after);
}

/* The box of an element, as ui_tree says. */
static bool is_inside(const json_t *point, const char *role, const char *name)
{
	struct answer a;
	size_t i;
	json_t *element;
	bool inside = false;
	client_call(&c, "ui_tree",
		json_pack("{s:s, s:i, s:i, s:i}", "filter", name, "depth", 60, "limit", 100,
			"timeout_ms", PATIENCE_MARKS_MS),
		&a);
	cr_assert(a.result, "%s", a.err.text);
	json_int_t x = json_integer_value(json_array_get(point, 0));
	json_int_t y = json_integer_value(json_array_get(point, 1));
	json_array_foreach(json_object_get(a.result, "elements"), i, element)
	{
		const json_t *box = json_object_get(element, "box");
		inside |= strcmp(text(element, "role"), role) == 0 &&
			  strcmp(text(element, "name"), name) == 0 &&
			  x > json_integer_value(json_array_get(box, 0)) &&
			  y > json_integer_value(json_array_get(box, 1)) &&
			  x < json_integer_value(json_array_get(box, 2)) &&
			  y < json_integer_value(json_array_get(box, 3));
	}
	answer_done(&a);
	return inside;
}

/* ---- what is clicked ---- */

Test(marks, a_menu_is_opened_and_its_entry_chosen)
{
	struct answer a;
	pid_t pid;
	launch("mousepad", &pid);
	look(&a, 0, 0);
	cr_expect_gt(number(&a, "menu", "File"), 0);
	cr_expect_eq(number(&a, "menu item", "Select All"), 0, "its menu is closed");
	cr_expect_gt(a.tail.len, 1000u);
	json_int_t edit = number(&a, "menu", "Edit");
	answer_done(&a);
	click(&a, edit, 0);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect(is_inside(json_object_get(a.result, "pointer"), "menu", "Edit"));
	answer_done(&a);
	json_int_t entry = marked("menu item", "Select All");
	click(&a, entry, 0);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect(json_is_true(json_object_get(a.result, "changed")));
	answer_done(&a);
	look(&a, 0, 0);
	cr_expect_eq(number(&a, "menu item", "Select All"), 0, "its menu is closed again");
	answer_done(&a);
}

Test(marks, are_kept_while_nothing_changes)
{
	struct answer a;
	pid_t pid;
	launch("mousepad", &pid);
	look(&a, 0, 0);
	json_int_t edit = number(&a, "menu", "Edit");
	answer_done(&a);
	look(&a, 0, 999999999); /* no frame is as new as this one */
	cr_expect_null(json_object_get(a.result, "frame"));
	cr_expect_null(json_object_get(a.result, "marks"));
	answer_done(&a);
	click(&a, edit, 0);
	cr_expect(a.result, "%s", a.err.text);
	answer_done(&a);
}

Test(marks, are_of_one_window_if_one_is_shown)
{
	struct answer a;
	pid_t pid;
	json_int_t editor = launch("mousepad", &pid);
	launch("xterm", &pid);
	look(&a, editor, 0);
	json_int_t file = number(&a, "menu", "File");
	cr_expect_gt(file, 0, "%s", json_dumps(a.result, 0));
	cr_expect(json_object_get(json_object_get(a.result, "frame"), "place"));
	answer_done(&a);
}

static void expect_bounded(const char *toolkit)
{
	char path[300];
	struct answer a;
	size_t i;
	json_t *mark;
	pid_t pid;
	snprintf(path, sizeof(path), "%s/hostile", c.dir);
	FILE *file = fopen(path, "we");
	fprintf(file, "#!/bin/sh\nexec %s/tests/support/hostile_elements.py %s\n",
		getenv("VITRINE_SOURCE"), toolkit);
	fclose(file);
	chmod(path, 0755);
	json_int_t window = launch(path, &pid);
	look(&a, 0, 0);
	cr_expect_eq(json_array_size(json_object_get(a.result, "marks")), 0u,
		"where they say that they are, there is no window");
	answer_done(&a);
	place(window, 10, 10);
	look(&a, 0, 0);
	json_array_foreach(json_object_get(a.result, "marks"), i, mark)
	{
		const char *name = text(mark, "name");
		cr_expect_leq(strlen(name), 300);
		cr_expect_eq(strcspn(name, "\n\x1b"), strlen(name));
	}
	/* All of its elements that can be clicked say that they are at the same place. */
	cr_expect_eq(i, 1u, "%s", json_dumps(json_object_get(a.result, "marks"), 0));
	answer_done(&a);
}

Test(marks, of_a_program_that_lies_are_bounded)
{
	expect_bounded("hostile");
}

Test(marks, of_a_cache_that_lies_are_bounded)
{
	expect_bounded("gtk");
}

/* ---- what is refused ---- */

Test(marks, of_what_has_moved_or_is_gone_are_refused)
{
	pid_t pid;
	json_int_t window = launch("mousepad", &pid);
	place(window, 100, 100);
	json_int_t file = marked("menu", "File");
	place(window, 160, 140);
	expect_refused(file, 0, "moved");
	file = marked("menu", "File");
	expect_refused(file, 79, "no mark 79");
	kill(pid, SIGKILL);
	cr_assert(process_ends(pid));
	expect_refused(file, 0, "gone");
}

Test(marks, of_what_is_covered_are_refused)
{
	struct answer a;
	pid_t pid;
	json_int_t window = launch("mousepad", &pid);
	place(window, 100, 100);
	json_int_t file = marked("menu", "File");
	json_int_t terminal = launch("xterm", &pid);
	place(terminal, 60, 60);
	expect_refused(file, 0, "covered");
	client_call(&c, "window_change", json_pack("{s:I, s:s}", "window", window, "verb", "focus"),
		&a);
	answer_done(&a);
	click(&a, file, 0);
	cr_expect(a.result, "it is in front again: %s", a.err.text);
	answer_done(&a);
}

Test(marks, are_missing_where_a_program_has_no_elements)
{
	struct answer a;
	pid_t pid;
	client_call(&c, "act",
		json_pack("{s:[], s:{s:s, s:i}}", "actions", "observe", "mode", "frame", "marks_ms",
			2000),
		&a);
	cr_expect(strstr(text(a.result, "marks_note"), "no window is active"), "%s",
		json_dumps(a.result, 0));
	cr_expect_gt(a.tail.len, 1000u, "the picture is there nevertheless");
	answer_done(&a);
	launch("xterm", &pid);
	client_call(&c, "act",
		json_pack("{s:[], s:{s:s, s:i}}", "actions", "observe", "mode", "frame", "marks_ms",
			2000),
		&a);
	cr_expect(strstr(text(a.result, "marks_note"), "does not report"), "%s",
		json_dumps(a.result, 0));
	cr_expect_eq(json_array_size(json_object_get(a.result, "marks")), 0u);
	answer_done(&a);
	expect_refused(1, 0, "no mark 1");
}
