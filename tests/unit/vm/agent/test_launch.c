// USES agent
/* Programs and the windows they open. */
#include "tests/support/agent_client.h"

#include <X11/Xatom.h>
#include <X11/Xlib.h>
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

TestSuite(launch, .init = start, .fini = stop, .timeout = 120);

static json_t *of(const char *application, const char *uri, int timeout_ms)
{
	return json_pack("{s:s, s:s*, s:i}", "application", application, "uri", uri, "timeout_ms",
		timeout_ms);
}

static const char *title(const struct answer *a)
{
	const char *text =
		json_string_value(json_object_get(json_object_get(a->result, "window"), "title"));
	return text ? text : "";
}

static json_int_t number(const struct answer *a, const char *key)
{
	return json_integer_value(json_object_get(json_object_get(a->result, "window"), key));
}

/* A program of the test's own, in the home directory; returns its path. */
static const char *write_program(const char *name, const char *text)
{
	static char path[256];
	snprintf(path, sizeof(path), "%s/%s", c.dir, name);
	FILE *file = fopen(path, "we");
	fputs(text, file);
	fclose(file);
	chmod(path, 0755);
	return path;
}

static void write_entry(const char *id, const char *text)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/.local", c.dir);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/.local/share", c.dir);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/.local/share/applications", c.dir);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), ".local/share/applications/%s.desktop", id);
	write_program(path, text);
}

Test(launch, answers_with_the_window)
{
	struct answer a;
	client_call(&c, "launch", of("xterm", NULL, 20000), &a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect_gt(number(&a, "id"), 0);
	cr_expect_gt(number(&a, "width"), 100);
	cr_expect_gt(number(&a, "height"), 100);
	cr_expect_gt(strlen(title(&a)), 0);
	cr_expect(process_is_alive((pid_t)json_integer_value(json_object_get(a.result, "pid"))));
	answer_done(&a);
	client_call(&c, "info", NULL, &a);
	const json_t *window = json_array_get(json_object_get(a.result, "windows"), 0);
	cr_expect_str_eq(json_string_value(json_object_get(window, "class")), "XTerm");
	cr_expect(json_is_true(json_object_get(window, "active")), "a new window has the focus");
	answer_done(&a);
}

Test(launch, knows_desktop_entries)
{
	struct answer a;
	client_call(&c, "launch", of("org.xfce.mousepad.desktop", NULL, 20000), &a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect(strstr(title(&a), "Mousepad"), "%s", title(&a));
	answer_done(&a);
}

Test(launch, hands_the_uri_over)
{
	struct answer a;
	write_program("some notes.txt", "hello\n");
	char uri[300];
	snprintf(uri, sizeof(uri), "file://%s/some%%20notes.txt", c.dir);
	client_call(&c, "launch", of("org.xfce.mousepad", uri, 20000), &a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect(strstr(title(&a), "some notes.txt"), "%s", title(&a));
	answer_done(&a);
}

/* The second mousepad asks the first, by D-Bus, to come to the front, and ends. */
Test(launch, finds_the_window_of_a_single_instance)
{
	struct answer a, b;
	client_call(&c, "launch", of("mousepad", NULL, 20000), &a);
	client_call(&c, "launch", of("xterm", NULL, 20000), &b);
	answer_done(&b);
	client_call(&c, "launch", of("mousepad", NULL, 20000), &b);
	cr_assert(a.result && b.result);
	cr_expect_eq(number(&a, "id"), number(&b, "id"));
	cr_expect(json_object_get(b.result, "note"));
	answer_done(&a);
	answer_done(&b);
}

static const char *note(const struct answer *a)
{
	const char *text = json_string_value(json_object_get(a->result, "note"));
	return text ? text : "";
}

/* A GTK program: `more` makes its windows. */
static const char *write_gtk(const char *name, const char *more)
{
	char text[1500];
	snprintf(text, sizeof(text),
		"#!/usr/bin/python3\nimport os, sys, gi\n"
		"gi.require_version('Gtk', '3.0')\nfrom gi.repository import Gtk, GLib\n"
		"def window(title, **how):\n"
		"\tw = Gtk.Window(title=title, **how)\n\tw.set_default_size(300, 200)\n"
		"\treturn w\n%s\nGtk.main()\n",
		more);
	return write_program(name, text);
}

/* As browsers do: it shows what it was asked for in the window that is there, and says nothing. */
Test(launch, names_the_window_that_an_instance_has_used)
{
	struct answer a, b, other;
	const char *solo = write_gtk("solo",
		"if os.path.exists('door'): open('door', 'w').close(); sys.exit()\n"
		"w = window('one'); w.show(); os.mkfifo('door')\n"
		"fd = os.open('door', os.O_RDONLY | os.O_NONBLOCK)\n"
		"GLib.io_add_watch(fd, GLib.IO_HUP, lambda *e: w.set_title('two'))\n");
	client_call(&c, "launch", of(solo, NULL, 20000), &a);
	client_call(&c, "launch", of("xterm", NULL, 20000), &other);
	client_call(&c, "launch", of(solo, NULL, 20000), &b);
	cr_assert(a.result && b.result, "%s%s", a.err.text, b.err.text);
	cr_expect_str_eq(title(&a), "one");
	cr_expect_str_eq(title(&b), "two");
	cr_expect_eq(number(&a, "id"), number(&b, "id"));
	cr_expect(strstr(note(&b), "has used this window"), "%s", note(&b));
	answer_done(&a);
	answer_done(&b);
	answer_done(&other);
}

Test(launch, names_a_window_without_a_manager)
{
	struct answer a;
	client_call(&c, "launch",
		of(write_gtk("bare", "w = window('bare', type=Gtk.WindowType.POPUP); w.show()"),
			NULL, 20000),
		&a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect_eq(number(&a, "width"), 300);
	cr_expect(strstr(note(&a), "no frame"), "%s", note(&a));
	answer_done(&a);
}

Test(launch, names_a_window_that_starts_minimised)
{
	struct answer a;
	client_call(&c, "launch",
		of(write_gtk("small", "w = window('small'); w.iconify(); w.show()"), NULL, 20000),
		&a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect_str_eq(title(&a), "small");
	cr_expect(strstr(note(&a), "minimised"), "%s", note(&a));
	answer_done(&a);
}

Test(launch, does_not_take_a_splash_screen_for_the_window)
{
	struct answer a;
	client_call(&c, "launch",
		of(write_gtk("splash",
			   "s = window('splash', decorated=False, resizable=False)\n"
			   "s.set_size_request(300, 200); s.show(); w = window('real')\n"
			   "GLib.timeout_add(700, lambda: s.destroy() or w.show())"),
			NULL, 20000),
		&a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect_str_eq(title(&a), "real");
	answer_done(&a);
}

/* X gives the ids of windows that are gone to others. */
Test(launch, takes_no_new_window_for_an_old_one)
{
	struct answer a, b;
	struct shell sh;
	char command[200];
	client_call(&c, "launch", of("xterm", NULL, 20000), &a);
	client_ask(&c, "launch",
		of(write_program("late",
			   "#!/bin/sh\nmkfifo door\ncat door > /dev/null\nexec xterm -T late\n"),
			NULL, 5000),
		&b);
	pid_t pid = (pid_t)json_integer_value(json_object_get(a.result, "pid"));
	snprintf(command, sizeof(command),
		"until [ -p door ]; do sleep .05; done; kill %d; "
		"while kill -0 %d; do sleep .05; done; echo > door",
		pid, pid);
	shell_run(&c, command, &sh);
	shell_done(&sh);
	cr_assert(client_until(&c, b.came));
	cr_assert(b.result, "%s", b.err.text);
	cr_expect_str_eq(title(&b), "late");
	answer_done(&a);
	answer_done(&b);
}

static Display *open_display(void);

Test(launch, says_that_a_menu_keeps_the_keyboard)
{
	struct answer a;
	Display *x = open_display();
	XSetWindowAttributes with = { .override_redirect = True };
	Window menu = XCreateWindow(x, DefaultRootWindow(x), 5, 5, 99, 99, 0, CopyFromParent,
		InputOutput, CopyFromParent, CWOverrideRedirect, &with);
	XMapRaised(x, menu);
	XSync(x, False);
	XGrabKeyboard(x, menu, False, GrabModeAsync, GrabModeAsync, CurrentTime);
	XSync(x, False);
	client_call(&c, "launch", of("xterm", NULL, 20000), &a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect(strstr(note(&a), "keeps the keyboard"), "%s", note(&a));
	answer_done(&a);
	XCloseDisplay(x);
	client_call(&c, "launch", of("xterm", NULL, 20000), &a);
	cr_expect_str_eq(note(&a), "");
	answer_done(&a);
}

Test(launch, tells_the_whole_of_a_window_at_the_edge)
{
	struct answer a;
	client_call(&c, "launch",
		of(write_gtk("full", "w = window('full'); w.fullscreen(); w.show()"), NULL, 20000),
		&a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect_eq(number(&a, "width"), 1280);
	cr_expect_eq(number(&a, "height"), 800);
	answer_done(&a);
}

/* Looks at the screen when it has settled and that window has been painted. */
static void settle(const struct answer *launched, int timeout_ms, struct answer *ret_seen)
{
	json_t *observe = json_pack("{s:s, s:I, s:i}", "mode", "settled", "window",
		number(launched, "id"), "timeout_ms", timeout_ms);
	client_call(&c, "act", json_pack("{s:o}", "observe", observe), ret_seen);
	cr_assert(ret_seen->result, "%s", ret_seen->err.text);
}

Test(launch, is_not_settled_before_the_program_has_painted)
{
	struct answer a, seen;
	char painted[128];
	client_call(&c, "launch",
		of(write_gtk("slow",
			   "w = window('slow'); w.show()\n"
			   "def paint():\n\tw.add(Gtk.Label(label='hello')); w.show_all()\n"
			   "\topen('painted', 'w').close()\n"
			   "GLib.timeout_add(1500, paint)"),
			NULL, 20000),
		&a);
	settle(&a, 20000, &seen);
	snprintf(painted, sizeof(painted), "%s/painted", c.dir);
	cr_expect_eq(access(painted, F_OK), 0, "it was looked at too early");
	cr_expect(json_is_true(json_object_get(seen.result, "settled")));
	cr_expect_not(json_object_get(seen.result, "blank"));
	answer_done(&a);
	answer_done(&seen);
	client_call(&c, "launch",
		of(write_gtk("blank", "w = window('blank'); w.show()"), NULL, 20000), &a);
	settle(&a, 700, &seen);
	cr_expect_not(json_is_true(json_object_get(seen.result, "settled")));
	cr_expect(json_is_true(json_object_get(seen.result, "blank")));
	answer_done(&a);
	answer_done(&seen);
}

/* The window comes from a process that was there before and is no child of the launched one. */
Test(launch, finds_a_window_that_somebody_else_opened)
{
	struct answer a, b;
	client_ask(&c, "launch",
		of(write_program("server",
			   "#!/bin/sh\nmkfifo door\ncat door > /dev/null\nexec xterm -T other\n"),
			NULL, 2000),
		&a);
	client_call(&c, "launch",
		of(write_program("knock",
			   "#!/bin/sh\nuntil [ -p door ]; do sleep .1; done\necho > door\n"),
			NULL, 20000),
		&b);
	cr_assert(b.result, "%s", b.err.text);
	cr_expect_str_eq(title(&b), "");
	cr_assert(client_until(&c, a.came));
	cr_expect_str_eq(title(&a), "other", "a window of another launch is not taken away");
	answer_done(&a);
	answer_done(&b);
}

Test(launch, keeps_launches_apart)
{
	struct answer a, b;
	client_ask(&c, "launch",
		of(write_program("slow", "#!/bin/sh\nsleep 2\nexec xterm -T slow\n"), NULL, 20000),
		&a);
	client_ask(&c, "launch",
		of(write_program("fast", "#!/bin/sh\nexec xterm -T fast\n"), NULL, 20000), &b);
	cr_assert(client_until(&c, a.came && b.came));
	cr_expect_str_eq(title(&a), "slow");
	cr_expect_str_eq(title(&b), "fast");
	answer_done(&a);
	answer_done(&b);
}

/* The second window of an earlier launch comes first, when the program itself has ended already. */
Test(launch, waits_for_what_came_of_a_program_that_ended)
{
	struct answer a, b;
	client_call(&c, "launch",
		of(write_program("two",
			   "#!/bin/sh\nmkfifo door\nxterm -T first &\ncat door > /dev/null\n"
			   "exec xterm -T second\n"),
			NULL, 20000),
		&a);
	cr_expect_str_eq(title(&a), "first");
	client_call(&c, "launch",
		of(write_program(
			   "parent", "#!/bin/sh\necho > door\n(sleep 1; exec xterm -T own) &\n"),
			NULL, 20000),
		&b);
	cr_assert(b.result, "%s", b.err.text);
	cr_expect_str_eq(title(&b), "own");
	answer_done(&a);
	answer_done(&b);
}

/* A wrapper that leaves its program behind as an orphan in a session of its own. */
Test(launch, follows_a_program_that_detaches)
{
	struct answer a;
	client_call(&c, "launch",
		of(write_program(
			   "wrapper", "#!/bin/sh\n(sleep 3; setsid xterm -T orphan) &\nexit 0\n"),
			NULL, 20000),
		&a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect_str_eq(title(&a), "orphan");
	answer_done(&a);
}

/* On the desktop, as a program of its own would be. */
static Display *open_display(void)
{
	struct shell sh;
	shell_run(&c, "printf %s \"$DISPLAY\"", &sh);
	Display *x = XOpenDisplay(buf_text(&sh.out));
	cr_assert(x, "%s", buf_text(&sh.out));
	shell_done(&sh);
	return x;
}

/* As many changes of the root window's properties as hundreds of windows make. */
static void flood(Display *x)
{
	Atom property = XInternAtom(x, "VITRINE_TEST", False);
	for (unsigned char i = 0; i < 20; i++) {
		XMapWindow(x, XCreateSimpleWindow(x, DefaultRootWindow(x), i, i, 50, 50, 0, 0, 0));
	}
	XSync(x, False);
	for (long i = 0; i < 40000; i++) {
		XChangeProperty(x, DefaultRootWindow(x), property, XA_CARDINAL, 32, PropModeReplace,
			(unsigned char *)&i, 1);
	}
	XSync(x, False);
}

/* Each change may mean a new window; looking at all of them each time would take minutes. */
Test(launch, a_flood_of_changes_holds_nobody_up)
{
	struct answer a, b;
	Display *x = open_display();
	client_ask(&c, "launch",
		of(write_program("none", "#!/bin/sh\nexec sleep 100\n"), NULL, 60000), &a);
	client_call(&c, "info", NULL, &b);
	answer_done(&b);
	flood(x);
	cr_assert(client_until(&c, a.came), "one of the windows is taken for the program's");
	cr_expect(a.result, "%s", a.err.text);
	client_call(&c, "info", NULL, &b);
	cr_expect(b.result);
	answer_done(&a);
	answer_done(&b);
	XCloseDisplay(x);
}

Test(launch, suggests_what_was_meant)
{
	struct answer a;
	client_call(&c, "launch", of("mousepda", NULL, 20000), &a);
	cr_expect_eq(a.err.kind, ERR_NOT_FOUND);
	cr_expect(strstr(a.err.text, "mousepad"), "%s", a.err.text);
	client_call(&c, "launch", of("/no/such/program", NULL, 20000), &a);
	cr_expect_eq(a.err.kind, ERR_NOT_FOUND);
	client_call(&c, "launch", of("qqqqqqqqqqqqqqqqqqq", NULL, 20000), &a);
	cr_expect(strstr(a.err.text, "org.xfce.mousepad"), "%s", a.err.text);
}

Test(launch, says_where_a_command_line_belongs)
{
	struct answer a;
	client_call(&c, "launch", of("xterm -e top", NULL, 20000), &a);
	cr_expect_eq(a.err.kind, ERR_NOT_FOUND);
	cr_expect(strstr(a.err.text, "arguments") && strstr(a.err.text, "run_command"), "%s",
		a.err.text);
}

static Display *open_display(void);

static void expect_title(const struct answer *info, const char *want)
{
	size_t i;
	json_t *window;
	json_array_foreach(json_object_get(info->result, "windows"), i, window)
	{
		if (strcmp(json_string_value(json_object_get(window, "title")), want) == 0) {
			return;
		}
	}
	cr_expect_fail("no window has the title %s", want);
}

/* WM_NAME of type STRING is Latin-1; many programs write UTF-8 there. */
Test(launch, reads_titles_of_old_programs)
{
	struct answer a;
	client_call(&c, "info", NULL, &a);
	size_t before = json_array_size(json_object_get(a.result, "windows"));
	answer_done(&a);
	Display *x = open_display();
	for (int i = 0; i < 2; i++) {
		Window window = XCreateSimpleWindow(x, DefaultRootWindow(x), 9, 9, 90, 90, 0, 0, 0);
		XStoreName(x, window, i ? "caf\xe9" : "th\xc3\xa9");
		XMapWindow(x, window);
	}
	XSync(x, False);
	do {
		client_call(&c, "info", NULL, &a);
	} while (json_array_size(json_object_get(a.result, "windows")) < before + 2 &&
		 (answer_done(&a), usleep(20000), true));
	expect_title(&a, "café");
	expect_title(&a, "thé");
	answer_done(&a);
	XCloseDisplay(x);
}

static bool was_unfocused(const char *action)
{
	struct answer a;
	client_call(&c, "act",
		json_pack("{s:[{s:s, s:s, s:i}]}", "actions", "action", action, "text", "a",
			strcmp(action, "key") == 0 ? "repeat" : "ms", 1),
		&a);
	cr_assert(a.result, "%s", a.err.text);
	const json_t *done = json_array_get(json_object_get(a.result, "done"), 0);
	bool unfocused = json_is_true(json_object_get(done, "unfocused"));
	answer_done(&a);
	return unfocused;
}

Test(launch, gives_keys_a_window)
{
	struct answer a;
	cr_expect(was_unfocused("key"));
	cr_expect(was_unfocused("hold_key"));
	client_call(&c, "launch", of("xterm", NULL, 20000), &a);
	cr_assert(a.result, "%s", a.err.text);
	answer_done(&a);
	cr_expect_not(was_unfocused("key"));
	cr_expect_not(was_unfocused("hold_key"));
}

Test(launch, tells_why_a_program_failed)
{
	struct answer a;
	client_call(&c, "launch",
		of(write_program("broken", "#!/bin/sh\necho no such luck >&2\nexit 7\n"), NULL,
			20000),
		&a);
	cr_expect_eq(a.err.kind, ERR_HOST);
	cr_expect(strstr(a.err.text, "status 7") && strstr(a.err.text, "no such luck"), "%s",
		a.err.text);
}

Test(launch, says_so_when_there_is_no_window)
{
	struct answer a;
	client_call(&c, "launch", of("true", NULL, 20000), &a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect_not(json_object_get(a.result, "window"));
	cr_expect_str_eq(note(&a), "The program exited with status 0 without having opened "
				   "a window and wrote nothing.");
	answer_done(&a);
	client_call(
		&c, "launch", of(write_program("says", "#!/bin/sh\necho done\n"), NULL, 20000), &a);
	cr_expect(strstr(note(&a), "status 0") && strstr(note(&a), "last output was: \"done"), "%s",
		note(&a));
	answer_done(&a);
	client_call(&c, "launch",
		of(write_program("silent", "#!/bin/sh\nexec sleep 1000\n"), NULL, 300), &a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect(strstr(json_string_value(json_object_get(a.result, "note")), "still running"));
	cr_expect(process_is_alive((pid_t)json_integer_value(json_object_get(a.result, "pid"))));
	answer_done(&a);
}

Test(launch, ends_the_program_on_cancel)
{
	struct answer a;
	struct shell sh;
	uint32_t id = client_ask(&c, "launch",
		of(write_program("hang", "#!/bin/sh\necho $$ > pid\nsleep 1000\n"), NULL, 20000),
		&a);
	shell_run(&c, "until [ -s pid ]; do sleep .05; done; cat pid", &sh);
	link_cancel(c.link, id);
	cr_assert(client_until(&c, a.came));
	cr_expect_eq(a.err.kind, ERR_CANCELLED);
	cr_expect(process_ends((pid_t)atol(buf_text(&sh.out))));
	shell_done(&sh);
}

static const json_t *find_application(const struct answer *a, const char *id)
{
	size_t i;
	json_t *app;
	json_array_foreach(json_object_get(a->result, "applications"), i, app)
	{
		if (strcmp(json_string_value(json_object_get(app, "id")), id) == 0) {
			return app;
		}
	}
	return NULL;
}

Test(launch, lists_applications)
{
	struct answer a;
	write_entry("test.Plain",
		"[Desktop Entry]\nType=Application\nName=Plain\nComment=A comment\n"
		"Exec=xterm -T \"%c and 100%%\" %i %U\n");
	write_entry("test.Hidden",
		"[Desktop Entry]\nType=Application\nName=Hidden\nExec=true\nNoDisplay=true\n");
	write_entry("test.Missing",
		"[Desktop Entry]\nType=Application\nName=M\nExec=true\nTryExec=/no/such\n");
	write_entry("test.Broken", "[Desktop Ent\n\377\376");
	client_call(&c, "applications", NULL, &a);
	cr_assert(a.result, "%s", a.err.text);
	const json_t *app = find_application(&a, "test.Plain");
	cr_assert(app);
	cr_expect_str_eq(json_string_value(json_object_get(app, "name")), "Plain");
	cr_expect_str_eq(json_string_value(json_object_get(app, "comment")), "A comment");
	cr_expect_str_eq(json_string_value(json_object_get(app, "program")), "xterm");
	cr_expect_not(find_application(&a, "test.Hidden"));
	cr_expect_not(find_application(&a, "test.Missing"));
	cr_expect_not(find_application(&a, "test.Broken"));
	cr_expect(find_application(&a, "org.xfce.mousepad"));
	answer_done(&a);
	client_call(&c, "launch", of("test.Plain", NULL, 20000), &a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect_str_eq(title(&a), "Plain and 100%");
	answer_done(&a);
}
