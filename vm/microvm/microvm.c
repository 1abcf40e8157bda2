/*
 * Sandboxes as VMs: QEMU's microvm, booted from an image (vm/image/) or mapped from a saved VM.
 * vm/microvm/boot.c determines what it boots from, vm/microvm/start.c starts it with the command line
 * of vm/microvm/qemu.c, vm/microvm/save.c saves and vm/microvm/load.c loads it.  This file has its
 * life: the process, the monitor, and the reason of its end.
 */

#include "vm/microvm/microvm.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/confine/bwrap.h"
#include "vm/confine/cgroup.h"

#include <assert.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#define PANIC "Kernel panic - not syncing"
#define HALTED "reboot: System halted"
#define END_WAIT_MS 2000 /* for a killed process, when the pool is freed */

struct microvm *microvm_of(struct vm *vm)
{
	assert(vm->backend->size == sizeof(struct microvm));
	return (struct microvm *)vm;
}

/* ---- end ---- */

static void describe_end(struct microvm *m, const siginfo_t *end, struct err *why)
{
	int status = end ? bwrap_wstatus(end) : 0;
	console_drain(&m->console);
	if (m->why.kind) {
		*why = m->why;
	} else if (m->powered_off && status == 0) {
		err_set(why, ERR_HOST, "its VM powered off");
	} else if (m->restarted && status == 0) {
		err_set(why, ERR_HOST, "%s",
			console_said(&m->console, PANIC) ? "its guest kernel panicked"
							 : "its VM rebooted");
	} else {
		err_set(why, ERR_HOST, "its VM exited (QEMU %s)",
			end ? spawn_describe_end(status) : "is gone");
	}
	console_explain(&m->console, vm_state(&m->vm) == VM_STARTING, why);
}

void microvm_forget_channels(struct microvm *m)
{
	machine_save_drop(take_ptr(&m->save));
	saved_close(take_ptr(&m->saved));
	qmp_free(take_ptr(&m->qmp));
	loop_drop(&m->relink);
}

void microvm_has_ended(struct microvm *m, const siginfo_t *end)
{
	struct err why;
	m->running = false;
	if (m->qmp) {
		qmp_drain(m->qmp); /* it may have reported the reason */
	}
	microvm_forget_channels(m);
	describe_end(m, end, &why);
	vm_has_died(&m->vm, &why);
}

static int on_child(sd_event_source *source, const siginfo_t *end, void *data)
{
	struct microvm *m = data;
	(void)source;
	kill(-m->monitor, SIGKILL); /* if the process around QEMU has ended, but not QEMU */
	microvm_has_ended(m, end);
	return 0;
}

void microvm_watch(struct microvm *m, pid_t child)
{
	m->monitor = child;
	m->running = true;
	if (sd_event_add_child(vm_pool_event(m->vm.pool), &m->end, child, WEXITED, on_child, m) <
		0) {
		abort(); /* out of memory, or SIGCHLD is not blocked: a programming error */
	}
}

static void kill_it(struct microvm *m)
{
	if (!m->running) {
		return;
	}
	if (m->monitor) {
		kill(-m->monitor, SIGKILL); /* QEMU is in its group */
	} else {
		pidfd_send_signal(m->pidfd, SIGKILL, NULL, 0);
	}
}

void microvm_kill_because(struct microvm *m, const struct err *why)
{
	if (m->running && !m->why.kind) {
		m->why = *why;
		kill_it(m);
	}
}

/* A halted VM continues as an idle one, which QEMU does not report. */
static void on_output(void *data)
{
	struct microvm *m = data;
	struct err why;
	if (console_said(&m->console, HALTED)) {
		err_set(&why, ERR_HOST, "its VM was halted");
		microvm_kill_because(m, &why);
	}
}

void microvm_init(struct microvm *m)
{
	m->pidfd = m->info = m->link = -1;
	console_init(&m->console, m->vm.id, m->vm.dir);
	m->console.on_output = on_output;
	m->console.data = m;
}

bool microvm_stop(struct vm *vm)
{
	struct microvm *m = microvm_of(vm);
	microvm_forget_channels(m);
	kill_it(m);
	return !m->running;
}

static void await_end(struct microvm *m)
{
	int pidfd = m->monitor ? sd_event_source_get_child_pidfd(m->end) : m->pidfd;
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	if (poll(&end, 1, END_WAIT_MS) != 1) {
		log_warning("sandbox=%s pid=%d does not exit", m->vm.id, m->pid);
	}
	loop_drop(&m->end);
	if (m->monitor) {
		waitpid(m->monitor, NULL, WNOHANG);
	}
}

static void close_slot(int *fd)
{
	if (*fd > 0) {
		close(*fd);
	}
	*fd = -1;
}

void microvm_release(struct vm *vm)
{
	struct microvm *m = microvm_of(vm);
	microvm_forget_channels(m);
	if (m->running) {
		await_end(m);
	}
	loop_drop(&m->end);
	console_done(&m->console);
	close_slot(&m->pidfd);
	close_slot(&m->info);
	close_slot(&m->link);
	ram_unref(take_ptr(&m->ram));
	boot_done(&m->boot);
	if (m->cgroup) {
		cgroup_remove(m->cgroup, vm->id);
	}
	free(take_ptr(&m->cgroup));
}

/* ---- monitor ---- */

static void on_status(const json_t *ret, const struct err *err, void *data)
{
	struct microvm *m = data;
	const char *status = json_string_value(json_object_get(ret, "status"));
	struct err why;
	if (err || !status) {
		return; /* its end has more information */
	}
	if (strcmp(status, "internal-error") == 0 || strcmp(status, "io-error") == 0 ||
		strcmp(status, "guest-panicked") == 0) {
		err_set(&why, ERR_HOST, "its VM stopped (%.40s)", status);
		microvm_kill_because(m, &why);
	}
}

/* QEMU is about to exit: requested by the guest, or by a signal. */
static void on_shutdown(struct microvm *m, const json_t *values)
{
	const char *reason = json_string_value(json_object_get(values, "reason"));
	m->powered_off = reason && strcmp(reason, "guest-shutdown") == 0;
	m->restarted = reason && strcmp(reason, "guest-reset") == 0;
}

static void on_event(const char *name, const json_t *values, void *data)
{
	struct microvm *m = data;
	saved_event(m->saved, name, values);
	if (strcmp(name, "SHUTDOWN") == 0) {
		on_shutdown(m, values);
	} else if (strcmp(name, "STOP") == 0 && !m->save && !m->saved) {
		qmp_command(m->qmp, "query-status", NULL, on_status, m);
	}
}

static void on_monitor_closed(const struct err *why, void *data)
{
	struct microvm *m = data;
	log_debug("sandbox=%s %s", m->vm.id, why->text);
	if (why->kind != ERR_GONE || strstr(why->text, "broke")) {
		microvm_kill_because(m, why);
	}
}

const struct qmp_handlers microvm_monitor_handlers = { on_event, on_monitor_closed };

struct machine microvm_machine(struct microvm *m)
{
	return (struct machine){
		.event = vm_pool_event(m->vm.pool),
		.qmp = m->qmp,
		.pid = m->pid,
		.ram = m->ram,
		.key = m->boot.fit,
		.id = m->vm.id,
	};
}
