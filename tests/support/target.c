#include "tests/support/target.h"

void target_open(struct target *t, struct agent_fixture *fixture, int x, int y, int width,
	int height, bool managed)
{
	t->x = XOpenDisplay(fixture->name);
	cr_assert(t->x);
	XSetWindowAttributes with = {
		.override_redirect = !managed,
		.event_mask = TARGET_MASK | ExposureMask,
		.background_pixel = 0x336699,
	};
	t->window = XCreateWindow(t->x, DefaultRootWindow(t->x), x, y, (unsigned)width,
		(unsigned)height, 0, CopyFromParent, InputOutput, CopyFromParent,
		CWOverrideRedirect | CWEventMask | CWBackPixel, &with);
	XMapRaised(t->x, t->window);
	XEvent event;
	XWindowEvent(t->x, t->window, ExposureMask, &event);
	t->n = 0;
}

void target_close(struct target *t)
{
	XCloseDisplay(t->x);
}

void target_read(struct target *t)
{
	XSync(t->x, False);
	while (XPending(t->x) > 0 && t->n < TARGET_EVENTS) {
		XNextEvent(t->x, &t->events[t->n]);
		t->n += t->events[t->n].type != Expose && t->events[t->n].type != MappingNotify;
	}
}

int target_count(struct target *t, int type)
{
	int n = 0;
	target_read(t);
	for (int i = 0; i < t->n; i++) {
		n += t->events[i].type == type;
	}
	return n;
}

const XEvent *target_event(struct target *t, int type, int index)
{
	target_read(t);
	for (int i = 0; i < t->n; i++) {
		if (t->events[i].type == type && index-- == 0) {
			return &t->events[i];
		}
	}
	cr_assert_fail("only %d events, of type %d too few", t->n, type);
	return NULL;
}

KeySym target_key(struct target *t, int type, int index)
{
	XKeyEvent event = target_event(t, type, index)->xkey;
	char text[16];
	KeySym sym = NoSymbol;
	XLookupString(&event, text, sizeof(text), &sym, NULL);
	return sym;
}

bool target_keys_up(struct target *t)
{
	char keys[32];
	XQueryKeymap(t->x, keys);
	for (int i = 0; i < 32; i++) {
		if (keys[i]) {
			return false;
		}
	}
	return true;
}

unsigned target_buttons_down(struct target *t)
{
	Window root, child;
	int x, y, wx, wy;
	unsigned mask;
	XQueryPointer(t->x, DefaultRootWindow(t->x), &root, &child, &x, &y, &wx, &wy, &mask);
	return mask & (Button1Mask | Button2Mask | Button3Mask);
}
