#include "vm/agent/elements/bus.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/agent/x11/display.h"

#include <X11/Xatom.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/queue.h>

#define YOUNG_US 8000000
#define NAME "org.a11y.Bus"
#define PATH "/org/a11y/bus"

struct a11y_wait {
	LIST_ENTRY(a11y_wait) entry;
	a11y_bus_fn *fn;
	void *data;
};

struct a11y_bus {
	sd_event *event;
	sd_bus *session; /* where it is offered */
	sd_bus *bus;
	char *address;       /* of bus; NULL: it is not offered */
	int enabled, reader; /* org.a11y.Status: booleans, as sd-bus has them */
	a11y_offered_fn *offered;
	void *offered_data;
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

static void enable(struct a11y_bus *b)
{
	b->enabled = true;
	b->enabled_us = loop_now_us();
	(void)sd_bus_emit_properties_changed(
		b->session, PATH, "org.a11y.Status", "IsEnabled", NULL);
}

static bool connect_bus(struct a11y_bus *b, struct err *err)
{
	if (!b->address) {
		return err_set(err, ERR_UNSUPPORTED,
			"this desktop does not report elements: install the Debian package "
			"at-spi2-core in its image, or on the server (namespace)");
	}
	b->bus = drop_bus(b->bus);
	b->bus = open_bus(b->event, b->address, err);
	if (b->bus) {
		enable(b);
	}
	return b->bus;
}

static int on_soon(sd_event_source *source, void *data)
{
	struct a11y_bus *b = data;
	struct err err;
	(void)source;
	loop_drop(&b->soon);
	bool good = (b->bus && sd_bus_is_open(b->bus) > 0) || connect_bus(b, &err);
	tell(b, good ? NULL : &err);
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

/* ---- telling where it is ---- */

void a11y_bus_announce(const char *address, struct display *d)
{
	Display *x = display_x(d);
	XChangeProperty(x, display_root(d), XInternAtom(x, "AT_SPI_BUS", False), XA_STRING, 8,
		PropModeReplace, (const unsigned char *)address, (int)strlen(address));
	XFlush(x);
}

static int on_get_address(sd_bus_message *call, void *data, sd_bus_error *ignored)
{
	const struct a11y_bus *b = data;
	(void)ignored;
	return sd_bus_reply_method_return(call, "s", b->address);
}

static const sd_bus_vtable bus_methods[] = {
	SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("GetAddress", "", "s", on_get_address, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

#define STATUS(name, member) \
	SD_BUS_WRITABLE_PROPERTY(name, "b", NULL, NULL, offsetof(struct a11y_bus, member), \
		SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE | SD_BUS_VTABLE_UNPRIVILEGED)
static const sd_bus_vtable status_properties[] = {
	SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
	STATUS("IsEnabled", enabled),
	STATUS("ScreenReaderEnabled", reader),
	SD_BUS_VTABLE_END,
};

static int on_named(sd_bus_message *answer, void *data, sd_bus_error *ignored)
{
	struct a11y_bus *b = data;
	(void)ignored;
	if (sd_bus_message_is_method_error(answer, NULL)) {
		log_warning("the session bus refuses the name " NAME ": %s",
			sd_bus_message_get_error(answer)->message);
	}
	b->offered(b->offered_data);
	return 0;
}

static bool offer(struct a11y_bus *b, const char *session, struct err *err)
{
	b->session = open_bus(b->event, session, err);
	if (!b->session) {
		return false;
	}
	int r = sd_bus_add_object_vtable(b->session, NULL, PATH, NAME, bus_methods, b);
	r = r < 0 ? r
		  : sd_bus_add_object_vtable(
			    b->session, NULL, PATH, "org.a11y.Status", status_properties, b);
	r = r < 0 ? r
		  : sd_bus_request_name_async(
			    b->session, NULL, NAME, SD_BUS_NAME_REPLACE_EXISTING, on_named, b);
	return r >= 0 || err_set(err, ERR_STATE, "the session bus: %s", strerror(-r));
}

bool a11y_bus_offer(struct a11y_bus *b, const char *session, const char *address,
	a11y_offered_fn *fn, void *data)
{
	struct err err;
	free(b->address);
	b->address = must(strdup(address));
	b->offered = fn;
	b->offered_data = data;
	b->session = drop_bus(b->session);
	bool good = offer(b, session, &err);
	if (!good) {
		log_warning("the accessibility bus is not offered to programs: %s", err.text);
	}
	return good;
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
	drop_bus(b->session);
	drop_bus(b->bus);
	free(b->address);
	free(b);
}
