/*
 * The XSETTINGS protocol: the owner of the selection _XSETTINGS_S0 keeps all settings in one
 * property of its window, and its clients read that again when it changes.  A program that takes the
 * selection is the manager from then on, and knows better.
 */
#include "vm/agent/desktop/scale.h"

#include "base/buf.h"
#include "base/cleanup.h"

#include <X11/Xatom.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

#define RESOURCES_MAX (256 * 1024) /* in words of four bytes */
#define DPI_NAME "Xft.dpi:"

enum { SELECTION, SETTINGS, MANAGER, ATOMS };

struct scale {
	struct display *display;
	Window window;
	Atom atoms[ATOMS];
	uint32_t serial; /* of the settings */
};

/* ---- resources ---- */

/* The default terminal font of 6x13 pixels is hard to read for models and users. */
static const char ours[] = "Xft.antialias: 1\nXft.hinting: 1\nXTerm*faceName: monospace\n"
			   "XTerm*faceSize: 11\n";

/* Appends all lines but that of the DPI: those of programs (xrdb) stay. */
static void keep_others(struct buf *to, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		if (len > 0 && strncmp(text, DPI_NAME, strlen(DPI_NAME)) != 0) {
			buf_append(to, text, len);
			buf_append(to, "\n", 1);
		}
		text += len + (text[len] == '\n');
	}
}

static void set_resources(struct scale *s, int percent)
{
	Display *x = display_x(s->display);
	Window root = display_root(s->display);
	auto_buf struct buf text = { 0 };
	Atom type = None;
	int format = 0;
	unsigned long n = 0, left = 0;
	unsigned char *now = NULL;
	bool known = XGetWindowProperty(x, root, XA_RESOURCE_MANAGER, 0, RESOURCES_MAX, False,
			     XA_STRING, &type, &format, &n, &left, &now) == Success &&
		     now && format == 8;
	buf_printf(&text, DPI_NAME " %d\n", scale_dpi(percent));
	keep_others(&text, known ? (const char *)now : ours);
	if (now) {
		XFree(now);
	}
	XChangeProperty(x, root, XA_RESOURCE_MANAGER, XA_STRING, 8, PropModeReplace, text.data,
		(int)text.len);
}

/* ---- settings ---- */

static void put_number(struct buf *to, uint32_t number)
{
	buf_append(to, &number, sizeof(number));
}

static void put_integer(struct buf *to, const char *name, uint32_t serial, int value)
{
	static const char padding[4];
	uint16_t len = (uint16_t)strlen(name);
	buf_append(to, "\0", 2); /* type 0: an integer; unused */
	buf_append(to, &len, sizeof(len));
	buf_append(to, name, len);
	buf_append(to, padding, (4 - len % 4) % 4);
	put_number(to, serial);
	put_number(to, (uint32_t)value);
}

/* GTK's icons and lines only know whole factors; the rest is that of its text. */
static void set_settings(struct scale *s, int percent)
{
	const uint8_t order[4] = { BYTE_ORDER == BIG_ENDIAN };
	int factor = percent / 100 > 1 ? percent / 100 : 1, dpi = 1024 * scale_dpi(percent);
	auto_buf struct buf all = { 0 };
	buf_append(&all, order, sizeof(order));
	put_number(&all, s->serial);
	put_number(&all, 3);
	put_integer(&all, "Gdk/UnscaledDPI", s->serial, dpi / factor);
	put_integer(&all, "Gdk/WindowScalingFactor", s->serial, factor);
	put_integer(&all, "Xft/DPI", s->serial, dpi);
	s->serial++;
	XChangeProperty(display_x(s->display), s->window, s->atoms[SETTINGS], s->atoms[SETTINGS], 8,
		PropModeReplace, all.data, (int)all.len);
}

/* Tells programs that are running already. */
static void announce(struct scale *s)
{
	Display *x = display_x(s->display);
	Window root = display_root(s->display);
	XEvent event = { .xclient = { .type = ClientMessage,
				 .window = root,
				 .message_type = s->atoms[MANAGER],
				 .format = 32 } };
	event.xclient.data.l[0] = CurrentTime;
	event.xclient.data.l[1] = (long)s->atoms[SELECTION];
	event.xclient.data.l[2] = (long)s->window;
	XSendEvent(x, root, False, StructureNotifyMask, &event);
}

/* ---- for others ---- */

void scale_set(struct scale *s, int percent)
{
	if (s) {
		set_resources(s, percent);
		set_settings(s, percent);
		XFlush(display_x(s->display));
	}
}

static void become_manager(struct scale *s)
{
	Display *x = display_x(s->display);
	if (XGetSelectionOwner(x, s->atoms[SELECTION]) == None) {
		XSetSelectionOwner(x, s->atoms[SELECTION], s->window, CurrentTime);
		announce(s);
	}
}

struct scale *scale_new(struct display *d, int percent)
{
	static const char *const names[ATOMS] = { "_XSETTINGS_S0", "_XSETTINGS_SETTINGS",
		"MANAGER" };
	struct scale *s = must(calloc(1, sizeof(*s)));
	Display *x = display_x(d);
	s->display = d;
	s->window = XCreateSimpleWindow(x, display_root(d), -1, -1, 1, 1, 0, 0, 0);
	XInternAtoms(x, (char **)names, ATOMS, False, s->atoms);
	scale_set(s, percent);
	become_manager(s);
	return s;
}

void scale_free(struct scale *s)
{
	if (!s) {
		return;
	}
	if (!display_is_lost(s->display)) {
		XDestroyWindow(display_x(s->display), s->window);
	}
	free(s);
}
