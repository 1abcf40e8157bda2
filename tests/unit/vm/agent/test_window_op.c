// USES agent
/* Windows of programs that write what they like into their properties. */
#include "tests/support/agent_client.h"

#include "base/utf8.h"

#include <X11/Xatom.h>
#include <X11/Xlib.h>

static struct client c;
static Display *x;

/* The display of the agent's server, from the environment of a command. */
static void start(void)
{
	struct shell sh;
	client_start_ready(&c);
	shell_run(&c, "printf %s \"$DISPLAY\"", &sh);
	x = XOpenDisplay(buf_text(&sh.out));
	shell_done(&sh);
	cr_assert(x);
}

static void stop(void)
{
	XCloseDisplay(x);
	client_stop(&c);
}

TestSuite(window_op, .init = start, .fini = stop, .timeout = 120);

static Window open_window(void)
{
	XEvent event;
	Window window = XCreateSimpleWindow(x, DefaultRootWindow(x), 0, 0, 300, 200, 0, 0, 0);
	XSelectInput(x, window, StructureNotifyMask);
	XMapWindow(x, window);
	do {
		XNextEvent(x, &event);
	} while (event.type != MapNotify);
	return window;
}

static void set_text(Window window, const char *name, const void *bytes, size_t len)
{
	XChangeProperty(x, window, XInternAtom(x, name, False),
		XInternAtom(x, "UTF8_STRING", False), 8, PropModeReplace, bytes, (int)len);
	XSync(x, False);
}

/* The window that the list has; free it. */
static json_t *only_window(void)
{
	struct answer a;
	client_call(&c, "windows", json_object(), &a);
	cr_assert(a.result, "%s", a.err.text);
	const json_t *all = json_object_get(a.result, "windows");
	cr_assert_eq(json_array_size(all), 1u);
	json_t *one = json_incref(json_array_get(all, 0));
	answer_done(&a);
	return one;
}

static void expect_bounded_title(Window window, const void *bytes, size_t len)
{
	set_text(window, "_NET_WM_NAME", bytes, len);
	json_auto_t *one = only_window();
	const char *title = json_string_value(json_object_get(one, "title"));
	cr_assert(title);
	cr_expect_leq(strlen(title), 255u);
	cr_expect(utf8_is_valid((const uint8_t *)title, strlen(title)));
}

Test(window_op, titles_are_bounded_text)
{
	Window window = open_window();
	size_t len = 1 << 20;
	char *large = malloc(len);
	memset(large, 'x', len);
	expect_bounded_title(window, "a\n\t\x1b[31m\x01", 9);
	expect_bounded_title(window, "\xe2\x80\xae reversed \xe2\x81\xa6", 17);
	expect_bounded_title(window, "\xff\xfe\x80 no text", 11);
	expect_bounded_title(window, "\0hidden", 7);
	for (size_t at = 0; at < 200000; at += 50000) { /* a request has at most 256 KiB */
		expect_bounded_title(window, large, 200000 - at);
	}
	free(large);
}

Test(window_op, properties_of_another_type_are_no_answer)
{
	Window window = open_window();
	long lies[] = { -1, 0x7fffffff };
	XChangeProperty(x, window, XInternAtom(x, "_NET_WM_PID", False), XA_CARDINAL, 32,
		PropModeReplace, (unsigned char *)lies, 1);
	XChangeProperty(x, window, XInternAtom(x, "_NET_WM_DESKTOP", False), XA_CARDINAL, 32,
		PropModeReplace, (unsigned char *)lies, 1);
	set_text(window, "_NET_FRAME_EXTENTS", "text", 4);
	json_auto_t *one = only_window();
	cr_expect_geq(json_integer_value(json_object_get(one, "pid")), 0);
	cr_expect_geq(json_integer_value(json_object_get(one, "desktop")), -1);
}

static void change(json_t *args, struct answer *a)
{
	client_call(&c, "window_change", args, a);
}

Test(window_op, a_program_that_ignores_its_end_is_still_there)
{
	struct answer a;
	Window window = open_window();
	Atom protocol = XInternAtom(x, "WM_DELETE_WINDOW", False);
	XSetWMProtocols(x, window, &protocol, 1);
	XSync(x, False);
	json_auto_t *one = only_window();
	change(json_pack("{s:O, s:s}", "window", json_object_get(one, "id"), "verb", "close"), &a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect_not(json_is_true(json_object_get(a.result, "done")));
	cr_expect(json_object_get(a.result, "window"));
	answer_done(&a);
}

/* Before it comes to its end. */
Test(window_op, a_window_that_closes_meanwhile_is_told_of)
{
	struct answer a;
	Window window = open_window();
	json_auto_t *one = only_window();
	json_t *id = json_object_get(one, "id");
	XDestroyWindow(x, window);
	XSync(x, False);
	change(json_pack("{s:O, s:s}", "window", id, "verb", "focus"), &a);
	cr_expect(!a.result || !json_is_true(json_object_get(a.result, "done")));
	answer_done(&a);
}
