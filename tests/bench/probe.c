/*
 * A program for the desktop to be measured: a window that says what it received, and when.
 *
 *   bench-probe type FILE      collects typed text; Escape ends a round and reports it
 *   bench-probe paint FILE     repaints itself in another colour at every click, and reports that
 *   bench-probe animate FILE   repaints a page of text fifty times a second
 *   bench-probe video FILE     shows another picture, full of colour, thirty times a second
 *   bench-probe window FILE    writes down when its window was mapped
 *
 * A report is one line in FILE: "probe ROUND A B C".  type: time of the last character, hash of the
 * text, its characters; paint: time of the press, of the finished repaint, 0.  Times are
 * CLOCK_MONOTONIC in microseconds, which a sandbox shares with its host, so both ends of a
 * measurement are on one clock.
 */
#include "tests/bench/probe.h"

#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <X11/keysym.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xkbcommon/xkbcommon.h>

struct probe {
	Display *display;
	Window window;
	GC gc;
	int file;
	unsigned long long round, last, hash, chars;
	unsigned frame;
};

static unsigned long long now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ull + t.tv_nsec / 1000;
}

static void report(
	struct probe *p, unsigned long long a, unsigned long long b, unsigned long long c)
{
	char line[128];
	int len = snprintf(
		line, sizeof(line), "probe %010llu %020llu %020llu %020llu\n", ++p->round, a, b, c);
	if (pwrite(p->file, line, len, 0) != len) {
		exit(1);
	}
}

static void begin_round(struct probe *p)
{
	p->hash = PROBE_HASH_START;
	p->chars = 0;
}

static void typed(struct probe *p, XKeyEvent *event)
{
	KeySym sym = NoSymbol;
	char latin[8], text[8];
	XLookupString(event, latin, sizeof(latin), &sym, NULL);
	if (sym == XK_Escape) {
		report(p, p->last, p->hash, p->chars);
		begin_round(p);
		return;
	}
	int len = xkb_keysym_to_utf8(
		sym == XK_Return ? XKB_KEY_Linefeed : (xkb_keysym_t)sym, text, sizeof(text));
	if (len <= 1 || IsModifierKey(sym)) {
		return;
	}
	p->last = now_us();
	p->hash = probe_hash(p->hash, text, len - 1);
	p->chars++;
}

static void paint(struct probe *p)
{
	XSetForeground(p->display, p->gc, probe_colours[p->round % PROBE_COLOURS]);
	XFillRectangle(p->display, p->window, p->gc, 0, 0, PROBE_WIDTH, PROBE_HEIGHT);
}

static void pressed(struct probe *p)
{
	unsigned long long at = now_us();
	p->round++;
	paint(p);
	XSync(p->display, False);
	p->round--; /* report counts it */
	report(p, at, now_us(), 0);
}

static void animate(struct probe *p)
{
	char line[100];
	XSetForeground(p->display, p->gc, 0xffffff);
	XFillRectangle(p->display, p->window, p->gc, 0, 0, PROBE_WIDTH, PROBE_HEIGHT);
	XSetForeground(p->display, p->gc, 0x202020);
	p->frame++;
	for (int row = 0; row < PROBE_HEIGHT / 16; row++) {
		int len = snprintf(line, sizeof(line),
			"%08u  the quick brown fox jumps over the lazy dog, row %d",
			p->frame * 2654435761u + row, row);
		XDrawString(p->display, p->window, p->gc, 8, 14 + row * 16, line, len);
	}
	XFlush(p->display);
}

/* Smooth and moving all over, with a little noise, as films are. */
static void film(struct probe *p)
{
	static XImage *image;
	static unsigned noise = 1;
	if (!image) {
		uint32_t *pixels = calloc(PROBE_WIDTH * PROBE_HEIGHT, sizeof(*pixels));
		image = XCreateImage(p->display, DefaultVisual(p->display, 0), 24, ZPixmap, 0,
			(char *)pixels, PROBE_WIDTH, PROBE_HEIGHT, 32, 0);
	}
	uint32_t *pixel = (uint32_t *)image->data;
	unsigned t = 4 * p->frame++;
	for (unsigned y = 0; y < PROBE_HEIGHT; y++) {
		for (unsigned x = 0; x < PROBE_WIDTH; x++) {
			noise = noise * 1664525 + 1013904223;
			unsigned grain = noise >> 29;
			*pixel++ = ((x + t) / 3 % 248 + grain) << 16 |
				   ((y + 2 * t) / 2 % 248 + grain) << 8 |
				   ((x + y - t) / 4 % 248 + grain);
		}
	}
	XPutImage(p->display, p->window, p->gc, image, 0, 0, 0, 0, PROBE_WIDTH, PROBE_HEIGHT);
	XSync(p->display, False);
}

static void open_window(struct probe *p, const char *mode)
{
	p->display = XOpenDisplay(NULL);
	if (!p->display) {
		fprintf(stderr, "bench-probe: no display\n");
		exit(1);
	}
	Window root = DefaultRootWindow(p->display);
	p->window = XCreateSimpleWindow(p->display, root, PROBE_X, PROBE_Y, PROBE_WIDTH,
		PROBE_HEIGHT, 0, 0, probe_colours[0]);
	XSizeHints hints = { .flags = USPosition | USSize,
		.x = PROBE_X,
		.y = PROBE_Y,
		.width = PROBE_WIDTH,
		.height = PROBE_HEIGHT };
	XSetWMNormalHints(p->display, p->window, &hints);
	XStoreName(p->display, p->window, mode);
	long maps = strcmp(mode, "window") == 0 ? StructureNotifyMask : 0;
	XSelectInput(p->display, p->window, KeyPressMask | ButtonPressMask | ExposureMask | maps);
	p->gc = XCreateGC(p->display, p->window, 0, NULL);
	XMapWindow(p->display, p->window);
	XFlush(p->display);
}

static void handle(struct probe *p, XEvent *event)
{
	switch (event->type) {
	case MappingNotify:
		XRefreshKeyboardMapping(&event->xmapping);
		break;
	case KeyPress:
		typed(p, &event->xkey);
		break;
	case ButtonPress:
		pressed(p);
		break;
	case MapNotify:
		report(p, now_us(), 0, 0);
		break;
	case Expose:
		paint(p);
		break;
	}
}

int main(int argc, char **argv)
{
	struct probe p = { .file = -1 };
	if (argc != 3 || (p.file = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0644)) < 0) {
		fprintf(stderr, "usage: bench-probe type|paint|animate|video|window FILE\n");
		return 2;
	}
	bool moving = strcmp(argv[1], "animate") == 0, filming = strcmp(argv[1], "video") == 0;
	open_window(&p, argv[1]);
	begin_round(&p);
	for (struct pollfd fd = { .fd = ConnectionNumber(p.display), .events = POLLIN };;) {
		while (XPending(p.display)) {
			XEvent event;
			XNextEvent(p.display, &event);
			handle(&p, &event);
		}
		if (poll(&fd, 1, filming ? 33 : moving ? 20 : -1) == 0) {
			(filming ? film : animate)(&p);
		}
	}
}
