#include "tests/support/user_input_fixture.h"

#include "tests/support/text.h"
#include "vm/agent/x11/keys.h"

#include <X11/Xutil.h>
#include <xkbcommon/xkbcommon.h>

struct agent_fixture fixture;
struct user_input *user;
struct user_program seen;

/* ---- the program ---- */

static void append_char(uint32_t ch)
{
	char bytes[8];
	int n = xkb_keysym_to_utf8((xkb_keysym_t)keys_of_char(ch), bytes, sizeof(bytes));
	buf_append(&seen.text, bytes, n > 1 ? (size_t)n - 1 : 0);
}

static void take_key(XKeyEvent *event)
{
	char unused[16];
	KeySym sym = NoSymbol;
	XLookupString(event, unused, sizeof(unused), &sym, NULL);
	cr_assert_lt(seen.n_keys, SEEN);
	seen.keys[seen.n_keys].down = event->type == KeyPress;
	seen.keys[seen.n_keys].code = event->keycode;
	seen.keys[seen.n_keys].state = event->state;
	seen.keys[seen.n_keys++].sym = sym;
	uint32_t ch = keys_to_char(sym);
	if (event->type == KeyPress && ch && !(event->state & (ControlMask | Mod1Mask))) {
		append_char(ch);
	}
}

static void take_message(XEvent *event)
{
	if ((Atom)event->xclient.data.l[0] == XInternAtom(seen.x, "_NET_WM_PING", False)) {
		event->xclient.window = DefaultRootWindow(seen.x);
		XSendEvent(seen.x, event->xclient.window, False,
			SubstructureNotifyMask | SubstructureRedirectMask, event);
	}
}

static void take(XEvent *event)
{
	switch (event->type) {
	case KeyPress:
	case KeyRelease:
		take_key(&event->xkey);
		break;
	case ButtonPress:
	case ButtonRelease:
		seen.buttons[seen.n_buttons++ % 64] =
			event->xbutton.button + (event->type == ButtonRelease ? 100 : 0);
		seen.at = (struct point){ event->xbutton.x, event->xbutton.y };
		break;
	case MappingNotify:
		XRefreshKeyboardMapping(&event->xmapping);
		break;
	case ClientMessage:
		take_message(event);
		break;
	default:
		break;
	}
}

static void read_all(void)
{
	while (!seen.asleep && XPending(seen.x) > 0) {
		XEvent event;
		XNextEvent(seen.x, &event);
		take(&event);
	}
	XFlush(seen.x);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *data)
{
	(void)source;
	(void)fd;
	(void)events;
	(void)data;
	read_all();
	return 0;
}

void program_sleep(bool asleep)
{
	seen.asleep = asleep;
	loop_enable(seen.readable, !asleep);
	read_all();
}

void program_settle(void)
{
	XSync(display_x(fixture.agent.display), False);
	XSync(seen.x, False);
	read_all();
}

void program_open(void)
{
	memset(&seen, 0, sizeof(seen));
	seen.x = XOpenDisplay(fixture.name);
	seen.window =
		XCreateSimpleWindow(seen.x, DefaultRootWindow(seen.x), 0, 0, 1280, 800, 0, 0, 0);
	Atom ping = XInternAtom(seen.x, "_NET_WM_PING", False);
	XSetWMProtocols(seen.x, seen.window, &ping, 1);
	XSelectInput(seen.x, seen.window,
		KeyPressMask | KeyReleaseMask | ButtonPressMask | ButtonReleaseMask);
	XMapWindow(seen.x, seen.window);
	XSync(seen.x, False);
	XSetInputFocus(seen.x, seen.window, RevertToParent, CurrentTime);
	XSync(seen.x, False);
	seen.readable = loop_add_io(
		fixture.agent.event, ConnectionNumber(seen.x), EPOLLIN, on_readable, NULL);
}

void program_close(void)
{
	loop_drop(&seen.readable);
	XCloseDisplay(seen.x);
	buf_done(&seen.text);
}

void user_start(void)
{
	agent_fixture_start(&fixture, "1280x800", false);
	program_open();
	user = user_input_new(&fixture.agent, NULL, NULL);
}

void user_stop(void)
{
	user_input_free(user);
	program_close();
	agent_fixture_stop(&fixture);
}

/* ---- the user ---- */

uint32_t user_sym(uint32_t ch)
{
	return ch == '\n' ? XK_Return : xkb_utf32_to_keysym(ch);
}

void user_taps(uint32_t sym)
{
	user_input_key(user, sym, true);
	user_input_key(user, sym, false);
}

void user_types(const char *text)
{
	for (uint32_t ch; (ch = keys_next_char(&text));) {
		user_taps(user_sym(ch));
	}
}

void expect_text(const char *want)
{
	agent_fixture_until(&fixture, !user_input_is_waiting(user));
	program_settle();
	cr_assert_str_eq(buf_text(&seen.text), want);
}

void expect_key(int i, bool down, KeySym sym)
{
	program_settle();
	cr_assert_lt(i, seen.n_keys, "only %d key events", seen.n_keys);
	cr_expect_eq(seen.keys[i].sym, sym, "key %d is 0x%lx", i, seen.keys[i].sym);
	cr_expect_eq(seen.keys[i].down, down, "key %d", i);
}

bool all_keys_up(void)
{
	char down[32], none[32] = { 0 };
	XQueryKeymap(display_x(fixture.agent.display), down);
	return memcmp(down, none, sizeof(none)) == 0;
}

XkbStateRec keyboard_state(void)
{
	XkbStateRec found;
	XkbGetState(display_x(fixture.agent.display), XkbUseCoreKbd, &found);
	return found;
}

void text_append_letters(struct buf *text, unsigned first, int n)
{
	for (int i = 0; i < n; i++) {
		text_append_char(text, first + (unsigned)i);
	}
}
