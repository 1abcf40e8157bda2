/*
 * Calls StartTransientUnit of systemd and waits for the signal that its job has ended, on a
 * separate bus connection, once per server before its first sandbox.
 */
#include "vm/confine/scope.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define LIMIT_US 5000000
#define MANAGER "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"

#define auto_bus __attribute__((cleanup(sd_bus_flush_close_unrefp)))
#define auto_message __attribute__((cleanup(sd_bus_message_unrefp)))
#define auto_bus_error __attribute__((cleanup(sd_bus_error_free)))

struct job {
	char unit[64];
	char result[32]; /* "" until it has ended */
};

static bool fail(int r, const char *what, struct err *err)
{
	errno = -r;
	bool late = r == -ETIMEDOUT;
	return err_set(err, late ? ERR_TIMEOUT : ERR_UNSUPPORTED,
		"systemd did not create a "
		"scope: %s: %s",
		what, strerror(-r));
}

static int on_job_removed(sd_bus_message *message, void *data, sd_bus_error *error)
{
	struct job *job = data;
	uint32_t id;
	const char *path, *unit, *result;
	(void)error;
	if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) >= 0 &&
		strcmp(unit, job->unit) == 0) {
		snprintf(job->result, sizeof(job->result), "%s", result);
	}
	return 0;
}

/* The bus of the user's systemd manager, independent of the environment. */
static int open_runtime_bus(sd_bus **ret_bus)
{
	char address[64];
	auto_bus sd_bus *bus = NULL;
	snprintf(address, sizeof(address), "unix:path=/run/user/%u/bus", geteuid());
	int r = sd_bus_new(&bus);
	r = r < 0 ? r : sd_bus_set_address(bus, address);
	r = r < 0 ? r : sd_bus_set_bus_client(bus, true);
	r = r < 0 ? r : sd_bus_start(bus);
	if (r >= 0) {
		*ret_bus = take_ptr(&bus);
	}
	return r;
}

/* Only subscribers receive the signal. */
static int subscribe(sd_bus *bus, struct job *job)
{
	int r = sd_bus_set_method_call_timeout(bus, LIMIT_US);
	r = r < 0 ? r
		  : sd_bus_match_signal(bus, NULL, MANAGER, MANAGER_PATH, MANAGER_INTERFACE,
			    "JobRemoved", on_job_removed, job);
	return r < 0 ? r
		     : sd_bus_call_method(bus, MANAGER, MANAGER_PATH, MANAGER_INTERFACE,
			       "Subscribe", NULL, NULL, "");
}

static int reach(int (*open)(sd_bus **), sd_bus **ret_bus, struct job *job)
{
	auto_bus sd_bus *bus = NULL;
	int r = open(&bus);
	r = r < 0 ? r : subscribe(bus, job);
	if (r >= 0) {
		*ret_bus = take_ptr(&bus);
	}
	return r;
}

/*
 * A user's environment may name no bus, that of another user (after su), or one without systemd
 * (after dbus-run-session).
 */
static int reach_manager(sd_bus **ret_bus, struct job *job)
{
	if (geteuid() == 0) {
		return reach(sd_bus_open_system, ret_bus, job);
	}
	int r = reach(sd_bus_open_user, ret_bus, job);
	return r >= 0 ? r : reach(open_runtime_bus, ret_bus, job);
}

/* Each desktop has a limit on tasks; the default of the scope, 15 % of the system's, would be
 * shared by them and the server. */
static bool ask(sd_bus *bus, const struct job *job, struct err *err)
{
	auto_message sd_bus_message *call = NULL;
	auto_bus_error sd_bus_error error = SD_BUS_ERROR_NULL;
	int r = sd_bus_message_new_method_call(
		bus, &call, MANAGER, MANAGER_PATH, MANAGER_INTERFACE, "StartTransientUnit");
	r = r < 0 ? r
		  : sd_bus_message_append(call, "ssa(sv)a(sa(sv))", job->unit, "fail", 5,
			    "Description", "s", "Vitrine and its desktops", "PIDs", "au", 1,
			    (uint32_t)getpid(), "Delegate", "b", 1, "TasksMax", "t", UINT64_MAX,
			    "CollectMode", "s", "inactive-or-failed", 0);
	if (r < 0) {
		return fail(r, "the request", err);
	}
	r = sd_bus_call(bus, call, LIMIT_US, &error, NULL);
	if (r < 0 && error.message && r != -ETIMEDOUT) {
		return err_set(
			err, ERR_UNSUPPORTED, "systemd did not create a scope: %s", error.message);
	}
	return r >= 0 || fail(r, "StartTransientUnit", err);
}

static bool await(sd_bus *bus, const struct job *job, struct err *err)
{
	uint64_t end = loop_now_us() + LIMIT_US;
	int r = 0;
	while (!job->result[0] && r >= 0) {
		uint64_t now = loop_now_us();
		r = now >= end ? -ETIMEDOUT : sd_bus_process(bus, NULL);
		if (r == 0) {
			r = sd_bus_wait(bus, end - now);
		}
	}
	if (r < 0) {
		return fail(r, "the job", err);
	}
	return strcmp(job->result, "done") == 0 ||
	       err_set(err, ERR_UNSUPPORTED,
		       "systemd did not create a scope: its job ended with "
		       "'%s'",
		       job->result);
}

bool scope_enter(struct err *err)
{
	struct job job = { .result = "" };
	auto_bus sd_bus *bus = NULL;
	snprintf(job.unit, sizeof(job.unit), "vitrine-%d-%llx.scope", getpid(),
		(unsigned long long)loop_now_us());
	int r = reach_manager(&bus, &job);
	if (r < 0) {
		return fail(r, geteuid() == 0 ? "the system's bus" : "the user's bus", err);
	}
	return ask(bus, &job, err) && await(bus, &job, err);
}
