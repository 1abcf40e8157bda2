// USES vm
/*
 * What is asked of systemd, and what comes of its answers: a private bus with a manager that plays
 * a part.  That the real one does what is asked of it is not tested here.
 */

#include "base/cleanup.h"
#include "base/loop.h"
#include "base/spawn.h"
#include "tests/support/scratch.h"
#include "vm/confine/scope.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>

enum part { DONE, FAILED, REFUSES, IS_SILENT, NEVER_DONE };

static struct {
	enum part part;
	int told; /* what it was asked for goes there */
} manager;

static pid_t bus_pid, manager_pid;

/* ---- the manager, in a process of its own ---- */

static void tell_request(sd_bus_message *m)
{
	char text[800];
	const char *unit, *mode, *name, *value = "", *type;
	unsigned pid = 0;
	uint64_t tasks = 0;
	int delegate = -1, len = 0;
	cr_assert_geq(sd_bus_message_read(m, "ss", &unit, &mode), 0);
	cr_assert_gt(sd_bus_message_enter_container(m, 'a', "(sv)"), 0);
	while (sd_bus_message_enter_container(m, 'r', "sv") > 0) {
		sd_bus_message_read(m, "s", &name);
		sd_bus_message_peek_type(m, NULL, &type);
		if (strcmp(type, "au") == 0) {
			sd_bus_message_read(m, "v", "au", 1, &pid);
		} else if (strcmp(type, "b") == 0) {
			sd_bus_message_read(m, "v", "b", &delegate);
		} else if (strcmp(name, "TasksMax") == 0) {
			sd_bus_message_read(m, "v", "t", &tasks);
		} else {
			sd_bus_message_read(m, "v", "s", &value);
		}
		sd_bus_message_exit_container(m);
	}
	len = snprintf(text, sizeof(text), "%s %s pid=%u delegate=%d tasks=%s", unit, mode, pid,
		delegate, tasks == UINT64_MAX ? "infinity" : "limited");
	cr_assert_eq(write(manager.told, text, (size_t)len), len);
}

static int on_start(sd_bus_message *m, void *data, sd_bus_error *error)
{
	sd_bus *bus = sd_bus_message_get_bus(m);
	const char *unit;
	(void)data;
	cr_assert_geq(sd_bus_message_read(m, "s", &unit), 0);
	char *name = strdup(unit);
	sd_bus_message_rewind(m, true);
	tell_request(m);
	if (manager.part == REFUSES) {
		return sd_bus_error_set(
			error, "org.freedesktop.DBus.Error.AccessDenied", "not you");
	}
	if (manager.part == IS_SILENT) {
		return 1;
	}
	/* The jobs of others end, too, and one's own may before the answer is there. */
	sd_bus_emit_signal(bus, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
		"JobRemoved", "uoss", 6, "/job/6", "other.scope", "failed");
	if (manager.part != NEVER_DONE) {
		sd_bus_emit_signal(bus, "/org/freedesktop/systemd1",
			"org.freedesktop.systemd1.Manager", "JobRemoved", "uoss", 7, "/job/7", name,
			manager.part == DONE ? "done" : "failed");
	}
	free(name);
	return sd_bus_reply_method_return(m, "o", "/job/7");
}

static int on_subscribe(sd_bus_message *m, void *data, sd_bus_error *error)
{
	(void)data;
	(void)error;
	return sd_bus_reply_method_return(m, "");
}

static const sd_bus_vtable methods[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Subscribe", "", "", on_subscribe, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("StartTransientUnit", "ssa(sv)a(sa(sv))", "o", on_start,
		SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static _Noreturn void be_the_manager(int ready)
{
	sd_bus *bus = NULL;
	int r = geteuid() == 0 ? sd_bus_open_system(&bus) : sd_bus_open_user(&bus);
	r = r < 0 ? r
		  : sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/systemd1",
			    "org.freedesktop.systemd1.Manager", methods, NULL);
	r = r < 0 ? r : sd_bus_request_name(bus, "org.freedesktop.systemd1", 0);
	if (r < 0 || write(ready, "x", 1) != 1) {
		fprintf(stderr, "manager: %s\n", strerror(-r));
		_exit(1);
	}
	for (;;) {
		if (sd_bus_process(bus, NULL) == 0) {
			sd_bus_wait(bus, UINT64_MAX);
		}
	}
}

/* ---- the bus ---- */

static void write_config(void)
{
	FILE *file = fopen(in_scratch("bus.conf"), "we");
	cr_assert_not_null(file);
	fprintf(file,
		"<busconfig><type>session</type><listen>unix:path=%s</listen>"
		"<policy context='default'><allow user='*'/><allow own='*'/>"
		"<allow send_destination='*'/><allow receive_sender='*'/></policy></busconfig>",
		in_scratch("bus"));
	fclose(file);
}

static void start_bus(void)
{
	char option[300], address[300], byte;
	struct err err;
	int ends[2];
	scratch_make();
	write_config();
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	snprintf(option, sizeof(option), "--config-file=%s", in_scratch("bus.conf"));
	const char *argv[] = { "dbus-daemon", "--nofork", "--nopidfile", "--print-address=3",
		option, NULL };
	struct spawn_fd fds[] = { { ends[1], 3 } };
	bus_pid = spawn_start(
		&(struct spawn){ .argv = argv, .fds = fds, .n_fds = 1, .die_with_us = true }, &err);
	cr_assert_gt(bus_pid, 0, "%s", err.text);
	close(ends[1]);
	cr_assert_eq(read(ends[0], &byte, 1), 1, "the bus does not start");
	close(ends[0]);
	snprintf(address, sizeof(address), "unix:path=%s", in_scratch("bus"));
	setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
	setenv("DBUS_SESSION_BUS_ADDRESS", address, 1);
}

static void end(pid_t *pid)
{
	if (*pid > 0) {
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
	}
	*pid = 0;
}

static void stop_bus(void)
{
	end(&manager_pid);
	end(&bus_pid);
	scratch_remove();
}

TestSuite(scope, .init = start_bus, .fini = stop_bus, .timeout = 60);

/* Returns where the manager tells what it is asked for. */
static int start_manager(enum part part)
{
	int ready[2], told[2];
	char byte;
	cr_assert_eq(pipe2(ready, O_CLOEXEC), 0);
	cr_assert_eq(pipe2(told, O_CLOEXEC | O_NONBLOCK), 0);
	manager.part = part;
	manager.told = told[1];
	manager_pid = fork();
	if (manager_pid == 0) {
		be_the_manager(ready[1]);
	}
	close(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 1, "the manager does not start");
	return told[0];
}

/* Returns what the manager was asked for, once scope_enter() has returned. */
static const char *enter(enum part part, bool *ret_entered, struct err *err)
{
	static char asked[800];
	int told = start_manager(part);
	*ret_entered = scope_enter(err);
	ssize_t n = read(told, asked, sizeof(asked) - 1);
	asked[n > 0 ? n : 0] = '\0';
	return asked;
}

Test(scope, is_delegated_and_holds_this_process)
{
	struct err err;
	bool entered;
	char want[80];
	const char *asked = enter(DONE, &entered, &err);
	cr_assert(entered, "%s", err.text);
	snprintf(want, sizeof(want), "vitrine-%d-", getpid());
	cr_expect_eq(strncmp(asked, want, strlen(want)), 0, "%s", asked);
	snprintf(want, sizeof(want), ".scope fail pid=%d delegate=1 tasks=infinity", getpid());
	cr_expect_not_null(strstr(asked, want), "%s", asked);
}

#define USER 65534
#define USERS_BUS "/run/user/65534/bus"

/* This process becomes one of an ordinary user, whose bus is where a login session has it. */
static void become_user(void)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0) {
		cr_skip_test("only root can mount a /run/user of its own");
	}
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_eq(mount("tmpfs", "/run", "tmpfs", 0, NULL), 0);
	cr_assert_eq(mkdir("/run/user", 0755) | mkdir("/run/user/65534", 0755), 0);
	int fd = open(USERS_BUS, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	close(fd);
	cr_assert_eq(mount(in_scratch("bus"), USERS_BUS, NULL, MS_BIND, NULL), 0);
}

Test(scope, a_user_is_found_whatever_bus_the_environment_names)
{
	static const char *const buses[] = { "", "unix:path=/nonexistent" };
	become_user();
	for (size_t i = 0; i < 2; i++) {
		struct err err;
		bool entered;
		*buses[i] ? setenv("DBUS_SESSION_BUS_ADDRESS", buses[i], 1)
			  : unsetenv("DBUS_SESSION_BUS_ADDRESS");
		setenv("XDG_RUNTIME_DIR", "/run/user/0", 1); /* as su leaves it */
		start_manager(DONE);
		cr_assert_eq(setresuid(USER, USER, 0), 0);
		entered = scope_enter(&err);
		cr_assert_eq(setresuid(0, 0, 0), 0);
		end(&manager_pid);
		cr_expect(entered, "'%s': %s", buses[i], err.text);
	}
}

static void expect_refusal(enum part part, enum err_kind kind, const char *words)
{
	struct err err;
	bool entered;
	const char *asked = enter(part, &entered, &err);
	cr_assert(!entered);
	cr_expect_neq(asked[0], '\0', "it was not asked");
	cr_expect_eq(err.kind, kind, "%s", err.text);
	cr_expect_not_null(strstr(err.text, words), "%s", err.text);
}

Test(scope, a_job_that_fails_gives_its_result)
{
	expect_refusal(FAILED, ERR_UNSUPPORTED, "ended with 'failed'");
}

Test(scope, a_refusal_gives_its_reason)
{
	expect_refusal(REFUSES, ERR_UNSUPPORTED, "not you");
}

Test(scope, silence_is_not_waited_for_long)
{
	expect_refusal(IS_SILENT, ERR_TIMEOUT, "StartTransientUnit");
}

Test(scope, a_job_that_never_ends_is_not_waited_for_long)
{
	expect_refusal(NEVER_DONE, ERR_TIMEOUT, "the job");
}

Test(scope, without_a_manager_it_says_so)
{
	struct err err;
	cr_assert(!scope_enter(&err));
	cr_expect_eq(err.kind, ERR_UNSUPPORTED, "%s", err.text);
	cr_expect_not_null(strstr(err.text, "systemd did not create a scope"), "%s", err.text);
}

Test(scope, without_a_bus_it_says_so)
{
	struct err err;
	end(&bus_pid);
	cr_assert(!scope_enter(&err));
	cr_expect_eq(err.kind, ERR_UNSUPPORTED, "%s", err.text);
	cr_expect_not_null(strstr(err.text, "bus"), "%s", err.text);
}
