/*
 * Opens the connections in a thread, because Xlib cannot cancel this: it ends when the X server
 * responds or exits.  If the server exits in between, Xlib calls the handler of I/O errors and
 * would exit when that returns, hence the jump.
 */
#include "vm/agent/x11/connect.h"

#include "base/cleanup.h"
#include "base/work.h"

#include <X11/extensions/XTest.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

struct connect {
	char name[32];
	struct connections made;
	connect_fn *fn; /* NULL: cancelled */
	void *data;
};

static _Thread_local jmp_buf *opening;

/* Connections whose server exited while they were opened.  Xlib offers no way to free them. */
static struct lost {
	Display *x;
	struct lost *next;
} * _Atomic all_lost;

static void keep_lost(Display *x)
{
	struct lost *lost = must(malloc(sizeof(*lost)));
	*lost = (struct lost){ x, all_lost };
	while (!atomic_compare_exchange_weak(&all_lost, &lost->next, lost)) {
	}
}

static int on_io_error(Display *x)
{
	if (opening) {
		close(ConnectionNumber(x));
		keep_lost(x);
		longjmp(*opening, 1);
	}
	return 0;
}

static void on_exit_wanted(Display *x, void *data)
{
	(void)x, (void)data;
}

static Display *try_open(const char *name)
{
	jmp_buf here;
	Display *volatile x = NULL;
	if (setjmp(here) == 0) {
		opening = &here;
		x = XOpenDisplay(name);
	}
	opening = NULL;
	return x;
}

static Display *open_unstoppable(const char *name)
{
	Display *x = try_open(name);
	if (x) {
		XSetIOErrorExitHandler(x, on_exit_wanted, NULL);
		XTestGrabControl(x, True);
		XSync(x, False);
	}
	return x;
}

struct connections connect_now(const char *name)
{
	XInitThreads();
	XSetIOErrorHandler(on_io_error);
	struct connections made = { .x = open_unstoppable(name) };
	made.recorder = made.x ? open_unstoppable(name) : NULL;
	return made;
}

void connections_close(struct connections *made)
{
	if (made->x) {
		XCloseDisplay(made->x);
	}
	if (made->recorder) {
		XCloseDisplay(made->recorder);
	}
	*made = (struct connections){ 0 };
}

static void open_both(void *data)
{
	struct connect *c = data;
	c->made = connect_now(c->name);
}

static void on_opened(void *data)
{
	struct connect *c = data;
	if (c->fn) {
		c->fn(c->made, c->data);
	} else {
		connections_close(&c->made);
	}
	free(c);
}

struct connect *connect_start(sd_event *event, const char *name, connect_fn *fn, void *data)
{
	struct connect *c = must(calloc(1, sizeof(*c)));
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->fn = fn;
	c->data = data;
	work_run(event, open_both, on_opened, c);
	return c;
}

void connect_cancel(struct connect *c)
{
	if (c) {
		c->fn = NULL;
	}
}
