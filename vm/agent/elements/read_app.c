/* Finds the program of a window on the accessibility bus, by its pid. */
#include "vm/agent/elements/read_impl.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>

#define REGISTRY "org.a11y.atspi.Registry"
#define ADDRESS_MAX 200 /* more than a path of a socket has */
#define ROOT "/org/a11y/atspi/accessible/root"
#define APPLICATION "org.a11y.atspi.Application"

void read_forget_apps(struct read *r)
{
	for (size_t i = 0; i < r->n_apps; i++) {
		free(r->apps[i].bus);
		free(r->apps[i].path);
	}
	r->n_apps = 0;
}

/* ---- 2: the program ---- */

static void keep(char *to, size_t size, sd_bus_message *answer)
{
	const char *text;
	if (calls_read_text(answer, &text)) {
		char *kept = node_text(text, size - 1);
		snprintf(to, size, "%s", kept);
		free(kept);
	}
}

static void on_app_name(sd_bus_message *answer, void *data)
{
	struct read *r = data;
	keep(r->name, sizeof(r->name), answer);
}

static void on_toolkit(sd_bus_message *answer, void *data)
{
	struct read *r = data;
	keep(r->toolkit, sizeof(r->toolkit), answer);
}

static void on_version(sd_bus_message *answer, void *data)
{
	struct read *r = data;
	keep(r->version, sizeof(r->version), answer);
}

static void on_pid(sd_bus_message *answer, void *data)
{
	struct app *app = data;
	uint32_t pid;
	if (answer && sd_bus_message_read(answer, "u", &pid) > 0 &&
		(pid_t)pid == app->read->target.pid) {
		app->read->app = app;
	}
}

static void on_own_address(sd_bus_message *answer, void *data)
{
	struct read *r = data;
	const char *address;
	if (answer && sd_bus_message_read(answer, "s", &address) > 0) {
		r->address = node_text(address, ADDRESS_MAX);
	}
}

void read_no_app(struct read *r)
{
	struct err err;
	err_set(&err, ERR_UNSUPPORTED,
		"the program of the window \"%.100s\" (pid %d) does not report its elements; use "
		"screenshot, or, for a browser based on Chromium, end it and launch it again with "
		"the argument --force-renderer-accessibility",
		r->target.title, r->target.pid);
	read_fail(r, &err);
}

static int on_arrival(sd_bus_message *signal, void *data, sd_bus_error *ignored)
{
	struct read *r = data;
	(void)signal, (void)ignored;
	if (!r->app && r->step == NULL) {
		read_find_app(r);
	}
	return 0;
}

/* Programs that wait to be told that elements are wanted register only then. */
static bool await_app(struct read *r)
{
	return a11y_bus_is_young(r->agent->elements->bus) &&
	       sd_bus_match_signal_async(r->bus, &r->arrival, REGISTRY, NULL, NULL,
		       "ChildrenChanged", on_arrival, NULL, r) >= 0;
}

static void describe_app(struct read *r)
{
	if (!r->app && !r->arrival && await_app(r)) {
		read_find_app(r); /* it may have come before the match is in place */
		return;
	}
	if (!r->app && r->arrival) {
		r->step = NULL;
		return;
	}
	if (!r->app) {
		read_no_app(r);
		return;
	}
	r->step = read_windows;
	calls_get(r->calls, read_app_ref(r), ACCESSIBLE, "Name", on_app_name, r);
	calls_get(r->calls, read_app_ref(r), APPLICATION, "ToolkitName", on_toolkit, r);
	calls_get(r->calls, read_app_ref(r), APPLICATION, "Version", on_version, r);
	calls_ask(r->calls, read_app_ref(r), APPLICATION, "GetApplicationBusAddress",
		on_own_address, r, NULL);
	calls_check(r->calls);
}

/* ---- 1: all programs ---- */

static void on_apps(sd_bus_message *answer, void *data)
{
	struct read *r = data;
	const char *bus, *path;
	if (!answer || sd_bus_message_enter_container(answer, 'a', "(so)") <= 0) {
		return;
	}
	while (r->n_apps < READ_APPS_MAX && sd_bus_message_read(answer, "(so)", &bus, &path) > 0) {
		struct app *app = &r->apps[r->n_apps++];
		*app = (struct app){ r, must(strdup(bus)), must(strdup(path)) };
		calls_ask(r->calls,
			(struct bus_ref){ "org.freedesktop.DBus", "/org/freedesktop/DBus" },
			"org.freedesktop.DBus", "GetConnectionUnixProcessID", on_pid, app, "s",
			bus);
	}
}

void read_find_app(struct read *r)
{
	read_forget_apps(r);
	r->step = describe_app;
	calls_ask(r->calls, (struct bus_ref){ REGISTRY, ROOT }, ACCESSIBLE, "GetChildren", on_apps,
		r, NULL);
	calls_check(r->calls);
}
