// USES agent
/* The elements of programs: of a real one, of one that lies, of one that hangs and of one that has
 * none. */
#include "tests/support/agent_client.h"

#include <sys/stat.h>

static struct client c;

static void start(void)
{
	client_start_ready(&c);
}

static void stop(void)
{
	client_stop(&c);
}

TestSuite(elements, .init = start, .fini = stop, .timeout = 200);

static pid_t launch(const char *application)
{
	struct answer a;
	client_call(&c, "launch",
		json_pack("{s:s, s:i}", "application", application, "timeout_ms", 60000), &a);
	cr_assert(a.result, "%s", a.err.text);
	cr_assert(json_object_get(a.result, "window"), "no window");
	pid_t pid = (pid_t)json_integer_value(json_object_get(a.result, "pid"));
	answer_done(&a);
	return pid;
}

static void launch_hostile(const char *address)
{
	char path[300];
	snprintf(path, sizeof(path), "%s/hostile", c.dir);
	FILE *file = fopen(path, "we");
	fprintf(file, "#!/bin/sh\nexec %s/tests/support/hostile_elements.py '%s'\n",
		getenv("VITRINE_SOURCE"), address);
	fclose(file);
	chmod(path, 0755);
	launch(path);
}

static void ask(struct answer *a, const char *filter, int limit, int timeout_ms)
{
	client_call(&c, "ui_tree",
		json_pack("{s:s, s:i, s:i, s:i}", "filter", filter, "depth", 60, "limit", limit,
			"timeout_ms", timeout_ms),
		a);
}

static const json_t *elements(const struct answer *a)
{
	cr_assert(a->result, "%s", a->err.text);
	return json_object_get(a->result, "elements");
}

static const char *text(const json_t *element, const char *key)
{
	const char *value = json_string_value(json_object_get(element, key));
	return value ? value : "";
}

static const json_t *find(const struct answer *a, const char *role, const char *name)
{
	size_t i;
	json_t *element;
	json_array_foreach(elements(a), i, element)
	{
		if (strcmp(text(element, "role"), role) == 0 &&
			strncmp(text(element, "name"), name, strlen(name)) == 0) {
			return element;
		}
	}
	return NULL;
}

static json_int_t edge(const json_t *element, size_t i)
{
	return json_integer_value(json_array_get(json_object_get(element, "box"), i));
}

static int64_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* ---- a real program ---- */

Test(elements, are_where_they_are)
{
	struct answer a;
	launch("mousepad");
	ask(&a, "interactive", 100, 30000);
	const json_t *menu = find(&a, "menu", "File"), *field = find(&a, "text", "");
	cr_assert(menu && field, "%s", json_dumps(a.result, 0));
	cr_expect_gt(edge(menu, 2), edge(menu, 0));
	cr_expect_gt(edge(field, 2) - edge(field, 0), 300, "the text fills the window");
	cr_expect_leq(edge(menu, 3), edge(field, 1), "the menu is above the text");
	cr_expect(strstr(text(field, "states"), "focused"), "%s", text(field, "states"));
	cr_expect_null(find(&a, "menu bar", ""), "it cannot be acted on");
	answer_done(&a);
	ask(&a, "all", 100, 30000);
	cr_expect(find(&a, "menu bar", ""));
	answer_done(&a);
	ask(&a, "save as", 100, 30000);
	const json_t *entry = find(&a, "menu item", "Save As");
	cr_assert(entry, "entries of a closed menu are found by name");
	cr_expect(strstr(text(entry, "states"), "hidden"));
	answer_done(&a);
}

#define ASK_FOR "dbus-send --session --print-reply=literal --dest=org.a11y.Bus /org/a11y/bus "
#define IS_ENABLED \
	ASK_FOR "org.freedesktop.DBus.Properties.Get string:org.a11y.Status string:IsEnabled"

/* Where their bus is, at the display and on the session bus. */
static void expect_offered(void)
{
	char said[300];
	snprintf(said, sizeof(said), "AT_SPI_BUS(STRING) = \"unix:path=%s/a11y-bus\"\n", c.dir);
	shell_expect(&c, "xprop -root AT_SPI_BUS", said);
	snprintf(said, sizeof(said), "   unix:path=%s/a11y-bus", c.dir);
	shell_expect(&c, ASK_FOR "org.a11y.Bus.GetAddress", said);
}

/* Qt 5 loses it when the session bus has its name, and the display does not say where it is. */
Test(elements, programs_find_their_bus_before_anybody_asks_for_a_tree)
{
	struct answer a;
	expect_offered();
	shell_expect(&c, IS_ENABLED, "   variant       boolean false\n");
	launch("mousepad");
	ask(&a, "interactive", 100, 30000);
	answer_done(&a);
	shell_expect(&c, IS_ENABLED, "   variant       boolean true\n");
}

static void restart(const char *program)
{
	size_t before = json_array_size(c.events);
	kill(client_pid_of(&c, program), SIGKILL);
	client_expect(&c, "restarted", before);
}

Test(elements, are_there_after_a_crash_of_any_part)
{
	static const char *const parts[] = { "dbus-daemon --config-file", "Xvnc",
		"dbus-daemon --session" };
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct answer a;
		restart(parts[i]);
		expect_offered();
		pid_t pid = launch("mousepad");
		ask(&a, "interactive", 100, 30000);
		cr_expect(find(&a, "menu", "File"), "after the end of %s", parts[i]);
		answer_done(&a);
		kill(pid, SIGKILL);
		cr_assert(process_ends(pid));
	}
}

/* GTK 3 tells half of the pixels then. */
Test(elements, are_where_they_are_at_twice_the_size)
{
	struct answer a;
	client_call(&c, "display_set", json_pack("{s:i}", "scale", 200), &a);
	cr_assert(a.result, "%s", a.err.text);
	answer_done(&a);
	client_call(&c, "launch",
		json_pack("{s:s, s:i}", "application", "mousepad", "timeout_ms", 60000), &a);
	cr_assert(a.result, "%s", a.err.text);
	const json_t *window = json_object_get(a.result, "window");
	json_int_t x = number(window, "x"), y = number(window, "y");
	json_int_t right = x + number(window, "width"), bottom = y + number(window, "height");
	answer_done(&a);
	ask(&a, "interactive", 100, 30000);
	const json_t *menu = find(&a, "menu", "File"), *field = find(&a, "text", "");
	cr_assert(menu && field, "%s", json_dumps(a.result, 0));
	cr_expect_lt(edge(menu, 0) - x, 20, "at the left");
	cr_expect_gt(edge(menu, 3) - edge(menu, 1), 35, "twice as high");
	cr_expect_lt(labs((long)(right - edge(field, 2))), 30, "the text fills the window");
	cr_expect_lt(bottom - edge(field, 3), 120, "down to its status");
	answer_done(&a);
}

Test(elements, are_as_many_as_were_asked_for)
{
	struct answer a;
	launch("mousepad");
	ask(&a, "all", 3, 30000);
	cr_expect_eq(json_array_size(elements(&a)), 3);
	cr_expect_gt(json_integer_value(json_object_get(a.result, "found")), 3);
	answer_done(&a);
}

Test(elements, a_program_without_them_is_told)
{
	struct answer a;
	launch("xterm");
	ask(&a, "interactive", 100, 3000);
	cr_expect_eq(a.err.kind, ERR_UNSUPPORTED, "%s", a.err.text);
	answer_done(&a);
}

Test(elements, no_window_is_told)
{
	struct answer a;
	ask(&a, "interactive", 100, 30000);
	cr_expect_eq(a.err.kind, ERR_NOT_FOUND, "%s", a.err.text);
	answer_done(&a);
}

/* ---- one that hangs, and one that lies ---- */

Test(elements, a_program_that_hangs_costs_a_timeout)
{
	struct answer a;
	pid_t pid = launch("mousepad");
	ask(&a, "interactive", 100, 30000);
	answer_done(&a);
	kill(pid, SIGSTOP);
	ask(&a, "interactive", 100, 500);
	cr_expect_eq(a.err.kind, ERR_TIMEOUT, "%s", a.err.text);
	answer_done(&a);
	client_call(&c, "ping", NULL, &a);
	cr_expect(a.result);
	answer_done(&a);
	kill(pid, SIGCONT);
	ask(&a, "interactive", 100, 30000);
	cr_expect(find(&a, "menu", "File"));
	answer_done(&a);
}

static void expect_bounded(const struct answer *a)
{
	size_t i;
	json_t *element;
	json_array_foreach(elements(a), i, element)
	{
		const char *name = text(element, "name");
		cr_expect_leq(strlen(name), 300);
		cr_expect_eq(strcspn(name, "\n\x1b"), strlen(name));
		cr_expect_null(strstr(name, "\xe2\x80\xae"), "a direction mark");
		cr_expect(edge(element, 0) >= 0 && edge(element, 2) <= 16384);
	}
}

Test(elements, lies_are_bounded)
{
	struct answer a;
	launch_hostile("");
	ask(&a, "all", 500, 30000);
	expect_bounded(&a);
	cr_expect(find(&a, "button", "last"));
	cr_expect_lt(json_array_size(elements(&a)), 20, "each is listed once");
	answer_done(&a);
	ask(&a, "interactive", 500, 30000);
	expect_bounded(&a);
	cr_expect_null(find(&a, "button", "far"));
	answer_done(&a);
	ask(&a, "last", 500, 30000);
	cr_expect_eq(json_array_size(elements(&a)), 1);
	answer_done(&a);
}

/* For some addresses, a library would start a program. */
Test(elements, an_address_that_lies_is_not_used)
{
	struct answer a;
	char address[200], file[120];
	snprintf(file, sizeof(file), "%s/started", c.dir);
	snprintf(address, sizeof(address), "unixexec:path=/usr/bin/touch,argv1=%s", file);
	launch_hostile(address);
	ask(&a, "all", 500, 30000);
	cr_expect(find(&a, "button", "last"));
	cr_expect_neq(access(file, F_OK), 0, "it started a program");
	answer_done(&a);
	launch_hostile("unix:path=/nowhere");
	ask(&a, "all", 500, 30000);
	cr_expect(find(&a, "button", "last"));
	answer_done(&a);
}

Test(elements, a_program_that_is_silent_at_its_address_costs_a_timeout)
{
	struct answer a;
	launch_hostile("silent");
	ask(&a, "all", 500, 1000);
	cr_expect_eq(a.err.kind, ERR_TIMEOUT, "%s", a.err.text);
	answer_done(&a);
	client_call(&c, "ping", NULL, &a);
	cr_expect(a.result);
	answer_done(&a);
}

/* ---- acting ---- */

static void act(struct answer *a, int64_t tree, int64_t id, const char *action, const char *value)
{
	client_call(&c, "ui_act",
		json_pack("{s:I, s:I, s:s*, s:s*, s:i}", "tree", (json_int_t)tree, "element",
			(json_int_t)id, "action", action, "value", value, "timeout_ms", 20000),
		a);
}

static const char *effect(const struct answer *a)
{
	return text(a->result, "effect");
}

Test(elements, a_value_is_set_and_read_back)
{
	struct answer a, b;
	launch("mousepad");
	ask(&a, "interactive", 100, 30000);
	act(&b, number(a.result, "tree"), number(find(&a, "text", ""), "id"), NULL, "t\xc3\xa9xt");
	cr_expect_str_eq(effect(&b), "done", "%s", b.err.text);
	answer_done(&a);
	answer_done(&b);
	ask(&a, "interactive", 100, 30000);
	cr_expect_str_eq(text(find(&a, "text", ""), "value"), "t\xc3\xa9xt");
	answer_done(&a);
}

Test(elements, a_menu_opens_and_its_entry_is_chosen)
{
	struct answer a, b;
	launch("mousepad");
	ask(&a, "interactive", 100, 30000);
	act(&b, number(a.result, "tree"), number(find(&a, "menu", "File"), "id"), "click", NULL);
	cr_expect_str_eq(effect(&b), "done", "%s", b.err.text);
	cr_expect(json_is_true(json_object_get(b.result, "changed")));
	answer_done(&a);
	answer_done(&b);
	ask(&a, "menu item", 300, 30000);
	const json_t *entry = find(&a, "menu item", "New Window");
	cr_assert(entry && json_object_get(entry, "box"), "it is on the screen now");
	answer_done(&a);
}

Test(elements, what_is_not_there_is_not_acted_on)
{
	struct answer a, b;
	pid_t pid = launch("mousepad");
	act(&b, 1, 1, "click", NULL);
	cr_expect_eq(b.err.kind, ERR_NOT_FOUND, "%s", b.err.text);
	answer_done(&b);
	ask(&a, "interactive", 100, 30000);
	int64_t tree = number(a.result, "tree"), id = number(find(&a, "menu", "File"), "id");
	act(&b, tree, id, "fly", NULL);
	cr_expect_eq(b.err.kind, ERR_UNSUPPORTED, "%s", b.err.text);
	cr_expect(strstr(b.err.text, "click"), "it says what there is: %s", b.err.text);
	answer_done(&b);
	act(&b, tree, 500, "click", NULL);
	cr_expect_eq(b.err.kind, ERR_NOT_FOUND, "%s", b.err.text);
	answer_done(&b);
	kill(pid, SIGKILL);
	cr_assert(process_ends(pid));
	act(&b, tree, id, "click", NULL);
	cr_expect_eq(b.err.kind, ERR_NOT_FOUND, "%s", b.err.text);
	answer_done(&b);
	answer_done(&a);
}
