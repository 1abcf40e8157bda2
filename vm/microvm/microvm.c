/*
 * Sandboxes as VMs: QEMU's microvm, booted from an image (vm/image/) or mapped from a saved VM.
 * vm/microvm/boot.c determines what it boots from, vm/microvm/qemu.c runs it, vm/microvm/save.c
 * saves and vm/microvm/load.c loads it.  This file has its life: the process, the monitor, the
 * link, and the reason of its end.
 *
 * The sockets (monitor, link, serial line) are created here, listen in the sandbox's directory and
 * are passed to QEMU, so that QEMU needs no directory and a later server still finds them.
 * vm/microvm/adopt.c reattaches to a VM.
 */

#include "vm/microvm/microvm.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/confine/bwrap.h"
#include "vm/confine/cgroup.h"
#include "vm/confine/host.h"
#include "vm/microvm/network.h"
#include "vm/microvm/process_identity.h"
#include "vm/microvm/qemu.h"
#include "vm/microvm/sockets.h"
#include "vm/microvm/tsc.h"
#include "vm/state/state.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define PANIC "Kernel panic - not syncing"
#define HALTED "reboot: System halted"
#define END_WAIT_MS 2000       /* for a killed process, when the pool is freed */
#define OVERHEAD_MIB 512       /* QEMU's own memory, including translated code */
#define MAPPED_MIB 4096        /* QEMU's mappings in addition to the guest's memory */
#define THREADS_MAX 128        /* of QEMU */
#define FILES_MAX 256          /* open files of QEMU */
#define DEVICES_MAX (64 << 20) /* limit of files that QEMU writes */

struct microvm *microvm_of(struct vm *vm)
{
	assert(vm->backend == &vm_backend_microvm);
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
static void on_words(void *data)
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
	m->console.on_words = on_words;
	m->console.data = m;
}

static bool stop(struct vm *vm)
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

static void release(struct vm *vm)
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

/* ---- running ---- */

static struct machine as_machine(struct microvm *m)
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

static void hand_over_link(struct microvm *m)
{
	vm_has_link(&m->vm, take_fd(&m->link));
}

static void on_loaded(const struct err *err, void *data)
{
	struct microvm *m = data;
	if (err) {
		microvm_kill_because(m, err);
		return;
	}
	saved_close(take_ptr(&m->saved));
	hand_over_link(m);
}

/* Reads {"child-pid": N, ...}, written before QEMU started. */
static bool learn_pid(struct microvm *m, struct err *err)
{
	char text[1024];
	auto_close int info = take_fd(&m->info);
	ssize_t n = read(info, text, sizeof(text));
	json_auto_t *json =
		n > 0 ? json_loadb(text, (size_t)n, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
	json_int_t pid = json_integer_value(json_object_get(json, "child-pid"));
	if (pid <= 1 || pid > INT32_MAX) {
		return err_set(err, ERR_HOST, "bwrap did not report QEMU's process id");
	}
	m->pid = (pid_t)pid;
	return true;
}

/* QEMU has started and is stopped. */
static void on_up(const json_t *ret, const struct err *err, void *data)
{
	struct microvm *m = data;
	struct err why;
	(void)ret;
	if (err) {
		microvm_kill_because(m, err);
		return;
	}
	if (!learn_pid(m, &why) || !process_note(m->vm.dir, m->pid, &why)) {
		microvm_kill_because(m, &why);
		return;
	}
	if (m->vm.outlives) {
		microvm_remember(m);
	}
	if (m->saved) {
		struct machine machine = as_machine(m);
		saved_load(m->saved, &machine, on_loaded, m);
	} else {
		qmp_command(m->qmp, "cont", NULL, NULL, NULL);
		hand_over_link(m);
	}
}

static void on_up_or_gone(const json_t *ret, const struct err *err, void *data)
{
	if (!err || err->kind != ERR_GONE) { /* otherwise the end of QEMU has the reason */
		on_up(ret, err, data);
	}
}

/* ---- start ---- */

/* *ret_fd: -1 if no cgroup is available. */
static bool make_cgroup(struct microvm *m, int *ret_fd, struct err *err)
{
	struct vm_limits limits = m->boot.spec.limits;
	struct err none;
	const char *dir = cgroup_delegated(&none);
	limits.memory_mib += OVERHEAD_MIB;
	limits.processes = THREADS_MAX;
	limits.cpus += limits.cpus > 0; /* for QEMU's work in addition to the guest */
	*ret_fd = dir ? cgroup_make(dir, m->vm.id, &limits, err) : -1;
	m->cgroup = *ret_fd >= 0 ? must(strdup(dir)) : NULL;
	return !dir || *ret_fd >= 0;
}

/* Reading never blocks. */
static bool make_pipe(int ends[2], struct err *err)
{
	if (pipe2(ends, O_CLOEXEC) < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) {
		return err_errno(err, "cannot make a pipe");
	}
	return true;
}

static void watch(struct microvm *m, pid_t child)
{
	m->monitor = child;
	m->running = true;
	if (sd_event_add_child(vm_pool_event(m->vm.pool), &m->end, child, WEXITED, on_child, m) <
		0) {
		abort(); /* out of memory, or SIGCHLD is not blocked: a programming error */
	}
}

static void use_channels(struct microvm *m, struct sockets *s)
{
	sd_event *event = vm_pool_event(m->vm.pool);
	m->link = take_fd(&s->connected[SOCKET_LINK]);
	console_add(&m->console, event, take_fd(&s->connected[SOCKET_CONSOLE]));
	m->qmp = qmp_new(event, take_fd(&s->connected[SOCKET_QMP]), QMP_LIMIT_MS,
		&microvm_monitor_handlers, m);
}

static pid_t spawn_qemu(
	struct microvm *m, struct qemu_plan *plan, int errors, int info, struct err *err)
{
	auto_qemu struct qemu q = { 0 };
	/* The only limits without a cgroup.  Memory counts mappings, so the limit is generous. */
	const struct spawn_limit limits[] = {
		{ RLIMIT_AS, ((uint64_t)m->boot.spec.limits.memory_mib + MAPPED_MIB) << 20 },
		{ RLIMIT_NOFILE, FILES_MAX },
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_FSIZE, DEVICES_MAX },
	};
	struct spawn how = { .die_with_us = !m->vm.outlives, .oom_score_adj = VM_OOM_SCORE_ADJ };
	auto_close int cgroup = -1, card = -1;
	if (!make_cgroup(m, &cgroup, err) || !host_pick_user(&how.uid, err)) {
		return -1;
	}
	how.gid = how.uid;
	how.cgroup_fd = cgroup;
	how.limits = limits;
	how.n_limits = sizeof(limits) / sizeof(limits[0]);
	if (m->boot.spec.network == VM_NETWORK_INTERNET &&
		(card = uplink_start(vm_pool_event(m->vm.pool), m->vm.id, errors, &how, err)) < 0) {
		return -1;
	}
	plan->card = card;
	qemu_describe(&q, plan);
	return qemu_start(&q, errors, info, &how, err);
}

static bool run(struct microvm *m, struct err *err)
{
	const struct vm_config *config = vm_pool_config(m->vm.pool);
	auto_sockets struct sockets sockets = NO_SOCKETS;
	int errors[2], info[2];
	auto_close int root = boot_open_root(&m->boot, err);
	auto_close int kernel = -1, initrd = -1;
	const struct tsc tsc = tsc_read();
	if (root < 0 || !sockets_make(&sockets, m->vm.dir, err)) {
		return false;
	}
	if (!m->saved && ((kernel = boot_open_kernel(&m->boot, err)) < 0 ||
				 (initrd = boot_open_initrd(&m->boot, config, err)) < 0)) {
		return false;
	}
	if (!make_pipe(errors, err)) {
		return false;
	}
	console_add(&m->console, vm_pool_event(m->vm.pool), errors[0]);
	auto_close int their_errors = errors[1];
	if (!make_pipe(info, err)) {
		return false;
	}
	m->info = info[0];
	auto_close int their_info = info[1];
	struct qemu_plan plan = {
		.name = m->vm.id,
		.spec = &m->boot.spec,
		.ram = ram_fd(m->ram),
		.root = root,
		.kernel = kernel,
		.initrd = initrd,
		.grace_ms = boot_grace_ms(config),
		.qmp = sockets.listening[SOCKET_QMP],
		.link = sockets.listening[SOCKET_LINK],
		.console = sockets.listening[SOCKET_CONSOLE],
		.tsc_khz = kernel < 0 || m->boot.accel.kvm ? 0 : tsc_khz(&tsc),
		.kvm = m->boot.accel.kvm,
	};
	pid_t child = spawn_qemu(m, &plan, their_errors, their_info, err);
	if (child < 0) {
		return false;
	}
	watch(m, child);
	use_channels(m, &sockets);
	qmp_command(m->qmp, "query-status", NULL, on_up_or_gone, m);
	m->vm.is_emulated = !m->boot.accel.kvm;
	log_debug("sandbox=%s pid=%d accel=%s key=%s", m->vm.id, child,
		m->boot.accel.kvm ? "kvm" : "tcg", m->boot.key);
	return true;
}

static void on_saved(const struct err *err, void *data)
{
	struct microvm *m = data;
	struct err why;
	if (err) {
		why = *err;
	} else {
		m->ram = ram_ref(saved_ram(m->saved));
		if (run(m, &why)) {
			return;
		}
	}
	vm_has_died(&m->vm, &why);
}

static bool find_boot(
	struct vm_pool *pool, const struct vm_spec *spec, struct boot *ret_boot, struct err *err)
{
	struct state *state = vm_pool_state(pool, err);
	return state && boot_find(vm_pool_config(pool), state_dir(state), spec, ret_boot, err);
}

static bool start(struct vm *vm, struct err *err)
{
	struct microvm *m = microvm_of(vm);
	microvm_init(m);
	if (!find_boot(vm->pool, vm->spec, &m->boot, err)) {
		return false;
	}
	vm_settle(vm, m->boot.image.id, m->boot.spec.limits.memory_mib, m->boot.spec.limits.cpus);
	if (vm->from) {
		m->saved = saved_open(vm_pool_event(vm->pool), vm->from, m->boot.fit, on_saved, m);
		return true;
	}
	m->ram = ram_new(m->boot.spec.limits.memory_mib, err);
	return m->ram && run(m, err);
}

/* ---- saving ---- */

static void on_was_saved(const struct err *err, void *data)
{
	struct microvm *m = data;
	m->save = NULL;
	vm_was_saved(&m->vm, err);
}

static void save(struct vm *vm, const char *dir, bool last)
{
	struct microvm *m = microvm_of(vm);
	struct machine machine = as_machine(m);
	m->save = machine_save(&machine, dir, last, on_was_saved, m);
}

static bool check(struct vm *vm, const char *dir, struct err *err)
{
	auto_boot struct boot boot = { 0 };
	return find_boot(vm->pool, vm->spec, &boot, err) && saved_check(dir, boot.fit, err);
}

static char *template_key(struct vm_pool *pool, const struct vm_spec *spec, struct err *err)
{
	auto_boot struct boot boot = { 0 };
	return find_boot(pool, spec, &boot, err) ? take_ptr(&boot.key) : NULL;
}

static bool is_likely(struct vm_pool *pool, const struct vm_spec *spec, struct err *err)
{
	struct state *state = vm_pool_state(pool, err);
	return state && boot_is_likely(state_dir(state), spec->image, err);
}

/* ---- probe ---- */

static pid_t start_version(bool kvm, int errors, int info, struct err *err)
{
	auto_qemu struct qemu q = { .kvm = kvm };
	struct spawn how = { .die_with_us = true };
	if (!host_pick_user(&how.uid, err)) {
		return -1;
	}
	how.gid = how.uid;
	qemu_put(&q, "--version");
	return qemu_start(&q, errors, info, &how, err);
}

/* Runs QEMU in isolation, to print its version. */
static bool try_walls(bool kvm, struct err *err)
{
	auto_buf struct buf words = { 0 };
	int errors[2], info[2];
	if (!make_pipe(errors, err)) {
		return false;
	}
	auto_close int said = errors[0], their_errors = errors[1];
	if (!make_pipe(info, err)) {
		return false;
	}
	auto_close int told = info[0], their_info = info[1];
	pid_t pid = start_version(kvm, their_errors, their_info, err);
	(void)told; /* must stay open until the end */
	close(take_fd(&their_errors));
	close(take_fd(&their_info));
	if (pid > 0 && host_await(pid, said, &words, err)) {
		return true;
	}
	const char *advice = host_advice(buf_text(&words));
	struct err why = *err;
	return advice ? err_set(err, why.kind, "%.300s; %s", why.text, advice) : false;
}

static bool probe(const struct vm_config *config, char **ret_detail, struct err *err)
{
	auto_boot struct boot boot = { 0 };
	struct buf detail = { 0 };
	auto_free char *dir =
		config->state_dir ? must(strdup(config->state_dir)) : state_default_dir(err);
	if (!dir || !boot_find(config, dir, &config->preset, &boot, err) ||
		!try_walls(boot.accel.kvm, err)) {
		return false;
	}
	buf_printf(&detail, "image %s (%s); %s%s", boot.image.name, boot.image.id,
		boot.accel.kvm ? "KVM" : "software emulation", boot.accel.why[0] ? ", since " : "");
	buf_printf(&detail, "%s", boot.accel.why);
	*ret_detail = (char *)detail.data;
	return true;
}

const struct vm_backend vm_backend_microvm = {
	.name = "microvm",
	.size = sizeof(struct microvm),
	.needs_dir = true,
	.has_images = true,
	.has_network = true,
	.how_to_have = "'vitrine image build', then --backend microvm",
	.probe = probe,
	.is_likely = is_likely,
	.start = start,
	.check = check,
	.template_key = template_key,
	.save = save,
	.adopt = microvm_adopt,
	.leave = microvm_leave,
	.relink = microvm_relink,
	.is_left = microvm_is_left,
	.reap = microvm_reap,
	.stop = stop,
	.release = release,
};
