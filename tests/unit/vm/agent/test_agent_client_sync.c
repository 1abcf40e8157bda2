// USES agent
/* Window managers of ours, which answer in one way and not in another. */
#include "tests/support/agent_fixture.h"

#include <X11/Xatom.h>

static struct agent_fixture fixture;

static struct {
	Display *x;
	Window check;
	bool grants; /* what a window asks for; else it tells frame extents alone */
	int requests, extents;
} wm;

static Atom atom(const char *name)
{
	return XInternAtom(wm.x, name, False);
}

static void start(void)
{
	agent_fixture_start(&fixture, "640x480", false);
	memset(&wm, 0, sizeof(wm));
	wm.x = XOpenDisplay(fixture.name);
	Window root = DefaultRootWindow(wm.x);
	wm.check = XCreateSimpleWindow(wm.x, root, 0, 0, 1, 1, 0, 0, 0);
	XSelectInput(wm.x, root, SubstructureRedirectMask | SubstructureNotifyMask);
	XChangeProperty(wm.x, root, atom("_NET_SUPPORTING_WM_CHECK"), XA_WINDOW, 32,
		PropModeReplace, (unsigned char *)&wm.check, 1);
	XSync(wm.x, False);
}

static void stop(void)
{
	XCloseDisplay(wm.x);
	agent_fixture_stop(&fixture);
}

static void grant(const XConfigureRequestEvent *event)
{
	wm.requests++;
	if (wm.grants) {
		XWindowChanges to = { .x = event->x };
		XConfigureWindow(wm.x, event->window, (unsigned)event->value_mask, &to);
	}
}

static void tell_extents(Window window)
{
	static const unsigned long none[4];
	wm.extents++;
	XChangeProperty(wm.x, window, atom("_NET_FRAME_EXTENTS"), XA_CARDINAL, 32, PropModeReplace,
		(const unsigned char *)none, 4);
}

static bool works(const bool *done)
{
	while (XPending(wm.x) > 0) {
		XEvent event;
		XNextEvent(wm.x, &event);
		if (event.type == ConfigureRequest) {
			grant(&event.xconfigurerequest);
		} else if (event.type == ClientMessage) {
			tell_extents(event.xclient.window);
		}
	}
	XFlush(wm.x);
	return *done;
}

static enum client_sync_answer last;

static void on_answer(enum client_sync_answer answer, void *data)
{
	last = answer;
	*(bool *)data = true;
}

static enum client_sync_answer ask(void)
{
	bool done = false;
	struct client_sync *s = client_sync_window_manager(fixture.agent.display, on_answer, &done);
	cr_assert(s);
	agent_fixture_until(&fixture, works(&done));
	client_sync_free(s);
	return last;
}

Test(client_sync, asks_a_window_manager_twice_and_for_little, .init = start, .fini = stop)
{
	wm.grants = true;
	cr_assert_eq(ask(), CLIENT_SYNC_ANSWERED);
	cr_assert_eq(ask(), CLIENT_SYNC_ANSWERED);
	cr_assert_eq(wm.requests, 4, "%d", wm.requests);
	cr_assert_eq(wm.extents, 0);
}

Test(client_sync, asks_one_that_grants_nothing_for_extents, .init = start, .fini = stop)
{
	cr_assert_eq(ask(), CLIENT_SYNC_SILENT);
	cr_assert_eq(wm.extents, 0);
	cr_assert_eq(ask(), CLIENT_SYNC_ANSWERED);
	cr_assert_eq(wm.extents, 2, "%d", wm.extents);
	cr_assert_eq(wm.requests, 1, "%d", wm.requests);
}

/* It is never asked for extents: nobody was silent before. */
Test(client_sync, knows_that_openbox_grants)
{
	agent_fixture_start(&fixture, "640x480", true);
	for (int i = 0; i < 3; i++) {
		bool done = false;
		struct client_sync *s =
			client_sync_window_manager(fixture.agent.display, on_answer, &done);
		agent_fixture_until(&fixture, done);
		client_sync_free(s);
		cr_assert_eq(last, CLIENT_SYNC_ANSWERED);
	}
	agent_fixture_stop(&fixture);
}
