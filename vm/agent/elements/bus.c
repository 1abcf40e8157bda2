#include "vm/agent/elements/bus.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/x11/display.h"

#include <X11/Xatom.h>
#include <errno.h>
#include <string.h>
#include <sys/queue.h>

#define START_US 10000000 /* both programs of the bus start, slowly on an emulated CPU */
#define YOUNG_US 8000000
#define ADDRESS_MAX 400
#define NAME "org.a11y.Bus"
#define PATH "/org/a11y/bus"

struct a11y_wait {
	LIST_ENTRY(a11y_wait) entry;
	a11y_bus_fn *fn;
	void *data;
};

struct a11y_bus {
	sd_event *event;
	sd_bus *session; /* while connecting */
	sd_bus *bus;
	char *address; /* of bus */
	sd_bus_slot *asked;
	LIST_HEAD(, a11y_wait) waits;
	sd_event_source *soon;
	uint64_t enabled_us; /* when programs were told */
};

/* ---- connections ---- */

static sd_bus *drop_bus(sd_bus *bus)
{
	if (bus) {
		sd_bus_detach_event(bus);
	}
	return sd_bus_close_unref(bus);
}

/* A program may say any address; sd-bus would start a program for some. */
static bool is_socket(const char *address)
{
	return address && !strchr(address, ';') &&
	       (strncmp(address, "unix:path=", strlen("unix:path=")) == 0 ||
		       strncmp(address, "unix:abstract=", strlen("unix:abstract=")) == 0);
}

/* Unix sockets connect at once; everything after that is done by the loop. */
static int connect_to(sd_event *event, const char *address, bool is_bus, sd_bus **ret)
{
	sd_bus *bus = NULL;
	int r = is_socket(address) ? sd_bus_new(&bus) : -ENOENT;
	if (r < 0 || (r = sd_bus_set_address(bus, address)) < 0 ||
		(r = sd_bus_set_bus_client(bus, is_bus)) < 0 || (r = sd_bus_start(bus)) < 0 ||
		(r = sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL)) < 0) {
		drop_bus(bus);
		return r;
	}
	*ret = bus;
	return 0;
}

static sd_bus *open_bus(sd_event *event, const char *address, struct err *err)
{
	sd_bus *bus = NULL;
	int r = connect_to(event, address, true, &bus);
	if (r < 0) {
		err_set(err, ERR_STATE, "the desktop's bus cannot be reached: %s; try again",
			strerror(-r));
	}
	return bus;
}

sd_bus *a11y_peer_open(sd_event *event, const char *address)
{
	sd_bus *peer = NULL;
	(void)connect_to(event, address, false, &peer);
	return peer;
}

void a11y_peer_close(sd_bus *peer)
{
	drop_bus(peer);
}

static void close_session(struct a11y_bus *b)
{
	b->asked = sd_bus_slot_unref(b->asked);
	b->session = drop_bus(b->session);
}

/* A callback may cancel others, so each iteration starts at the front. */
static void tell(struct a11y_bus *b, const struct err *err)
{
	struct a11y_wait *wait;
	while ((wait = LIST_FIRST(&b->waits))) {
		a11y_bus_fn *fn = wait->fn;
		void *data = wait->data;
		a11y_wait_cancel(wait);
		fn(err ? NULL : b->bus, err, data);
	}
}

/* ---- connecting ---- */

static int on_enabled(sd_bus_message *answer, void *data, sd_bus_error *ignored)
{
	struct a11y_bus *b = data;
	(void)answer, (void)ignored; /* an old launcher has no such property */
	b->enabled_us = loop_now_us();
	close_session(b);
	tell(b, NULL);
	return 0;
}

static bool enable(struct a11y_bus *b, struct err *err)
{
	b->asked = sd_bus_slot_unref(b->asked);
	int r = sd_bus_call_method_async(b->session, &b->asked, NAME, PATH,
		"org.freedesktop.DBus.Properties", "Set", on_enabled, b, "ssv", "org.a11y.Status",
		"IsEnabled", "b", true);
	return r >= 0 || err_set(err, ERR_STATE, "the accessibility bus: %s", strerror(-r));
}

static void no_bus(struct a11y_bus *b, const sd_bus_error *why)
{
	struct err err;
	bool absent = sd_bus_error_has_name(why, SD_BUS_ERROR_SERVICE_UNKNOWN);
	if (absent) {
		err_set(&err, ERR_UNSUPPORTED,
			"this desktop does not report elements: install the Debian package "
			"at-spi2-core in its image, or on the server (namespace)");
	} else {
		err_set(&err, ERR_STATE, "the accessibility bus did not start: %.200s",
			why && why->message ? why->message : "no answer");
	}
	close_session(b);
	tell(b, &err);
}

static int on_address(sd_bus_message *answer, void *data, sd_bus_error *ignored)
{
	struct a11y_bus *b = data;
	const char *address;
	struct err err;
	(void)ignored;
	if (sd_bus_message_is_method_error(answer, NULL) ||
		sd_bus_message_read(answer, "s", &address) < 0) {
		no_bus(b, sd_bus_message_get_error(answer));
		return 0;
	}
	b->bus = drop_bus(b->bus);
	b->bus = open_bus(b->event, address, &err);
	free(b->address);
	b->address = must(strdup(address));
	if (!b->bus || !enable(b, &err)) {
		close_session(b);
		tell(b, &err);
	}
	return 0;
}

static bool ask_address(struct a11y_bus *b, struct err *err)
{
	sd_bus_message *call = NULL;
	b->session = open_bus(b->event, getenv("DBUS_SESSION_BUS_ADDRESS"), err);
	if (!b->session) {
		return false;
	}
	int r = sd_bus_message_new_method_call(b->session, &call, NAME, PATH, NAME, "GetAddress");
	r = r < 0 ? r : sd_bus_call_async(b->session, &b->asked, call, on_address, b, START_US);
	sd_bus_message_unref(call);
	return r >= 0 || err_set(err, ERR_STATE, "the session bus: %s", strerror(-r));
}

static int on_soon(sd_event_source *source, void *data)
{
	struct a11y_bus *b = data;
	struct err err;
	(void)source;
	loop_drop(&b->soon);
	if (b->bus && !b->session && sd_bus_is_open(b->bus) > 0) {
		tell(b, NULL);
	} else if (!b->session && !ask_address(b, &err)) {
		close_session(b);
		tell(b, &err);
	}
	return 0;
}

struct a11y_wait *a11y_bus_connect(struct a11y_bus *b, a11y_bus_fn *fn, void *data)
{
	struct a11y_wait *wait = must(calloc(1, sizeof(*wait)));
	*wait = (struct a11y_wait){ .fn = fn, .data = data };
	LIST_INSERT_HEAD(&b->waits, wait, entry);
	if (!b->soon) {
		b->soon = loop_defer(b->event, on_soon, b);
	}
	return wait;
}

/* A change would wake up all that watch the root window. */
static bool is_announced(Display *x, Window root, Atom property, const char *address)
{
	Atom type;
	int format;
	unsigned long n = 0, left = 0;
	unsigned char *now = NULL;
	bool same = XGetWindowProperty(x, root, property, 0, ADDRESS_MAX / 4, False, XA_STRING,
			    &type, &format, &n, &left, &now) == Success &&
		    now && format == 8 && !left && strcmp((const char *)now, address) == 0;
	if (now) {
		XFree(now);
	}
	return same;
}

void a11y_bus_announce(const struct a11y_bus *b, struct display *d)
{
	if (!d || display_is_lost(d) || !b->address || strlen(b->address) > ADDRESS_MAX) {
		return;
	}
	Display *x = display_x(d);
	Atom property = XInternAtom(x, "AT_SPI_BUS", False);
	if (!is_announced(x, display_root(d), property, b->address)) {
		XChangeProperty(x, display_root(d), property, XA_STRING, 8, PropModeReplace,
			(const unsigned char *)b->address, (int)strlen(b->address));
	}
}

bool a11y_bus_is_young(const struct a11y_bus *b)
{
	return loop_now_us() - b->enabled_us < YOUNG_US;
}

void a11y_wait_cancel(struct a11y_wait *wait)
{
	if (wait) {
		LIST_REMOVE(wait, entry);
		free(wait);
	}
}

struct a11y_bus *a11y_bus_new(sd_event *event)
{
	struct a11y_bus *b = must(calloc(1, sizeof(*b)));
	b->event = event;
	LIST_INIT(&b->waits);
	return b;
}

void a11y_bus_free(struct a11y_bus *b)
{
	if (!b) {
		return;
	}
	while (LIST_FIRST(&b->waits)) {
		a11y_wait_cancel(LIST_FIRST(&b->waits));
	}
	loop_drop(&b->soon);
	close_session(b);
	drop_bus(b->bus);
	free(b->address);
	free(b);
}
