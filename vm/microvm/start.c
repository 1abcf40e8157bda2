/*
 * Starting a VM: its files, its sockets, its QEMU, until the link is handed over.
 *
 * The sockets (monitor, link, serial line) are created here, listen in the sandbox's directory and
 * are passed to QEMU, so that QEMU needs no directory and a later server still finds them.
 * vm/microvm/reattach.c reattaches to a VM.
 */

#include "vm/microvm/microvm.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "vm/confine/cgroup.h"
#include "vm/confine/host.h"
#include "vm/microvm/network.h"
#include "vm/microvm/process_identity.h"
#include "vm/microvm/qemu.h"
#include "vm/microvm/sockets.h"
#include "vm/microvm/tsc.h"
#include "vm/state/state.h"

#include <string.h>
#include <sys/resource.h>

#define OVERHEAD_MIB 512       /* QEMU's own memory, including translated code */
#define MAPPED_MIB 4096        /* QEMU's mappings in addition to the guest's memory */
#define THREADS_MAX 128        /* of QEMU */
#define FILES_MAX 256          /* open files of QEMU */
#define DEVICES_MAX (64 << 20) /* limit of files that QEMU writes */

/* ---- QEMU runs ---- */

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
		struct machine machine = microvm_machine(m);
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

/* ---- QEMU is started ---- */

/* *ret_fd: -1 if no cgroup is available. */
static bool make_cgroup(struct microvm *m, int *ret_fd, struct err *err)
{
	struct vm_limits limits = m->boot.spec.limits;
	limits.memory_mib += OVERHEAD_MIB;
	limits.processes = THREADS_MAX;
	limits.cpus += limits.cpus > 0; /* for QEMU's work in addition to the guest */
	return cgroup_make_delegated(m->vm.id, &limits, ret_fd, &m->cgroup, err);
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
	struct microvm *m, struct qemu_plan *plan, const struct qemu_pipes *pipes, struct err *err)
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
		(card = uplink_start(vm_pool_event(m->vm.pool), m->vm.id, pipes->their_errors, &how,
			 err)) < 0) {
		return -1;
	}
	plan->card = card;
	qemu_describe(&q, plan);
	return qemu_start(&q, pipes, &how, err);
}

/* What it boots from; a saved VM needs the root only. */
struct files {
	int root, kernel, initrd;
};

static void close_files(struct files *files)
{
	cleanup_close(&files->root);
	cleanup_close(&files->kernel);
	cleanup_close(&files->initrd);
}

static bool open_files(struct microvm *m, struct files *files, struct err *err)
{
	files->root = boot_open_root(&m->boot, err);
	if (files->root < 0 || m->saved) {
		return files->root >= 0;
	}
	files->kernel = boot_open_kernel(&m->boot, err);
	if (files->kernel < 0) {
		return false;
	}
	files->initrd = boot_open_initrd(&m->boot, vm_pool_config(m->vm.pool), err);
	return files->initrd >= 0;
}

static struct qemu_plan plan_of(
	struct microvm *m, const struct files *files, const struct sockets *sockets)
{
	return (struct qemu_plan){
		.name = m->vm.id,
		.spec = &m->boot.spec,
		.ram = ram_fd(m->ram),
		.root = files->root,
		.kernel = files->kernel,
		.initrd = files->initrd,
		.grace_ms = boot_grace_ms(vm_pool_config(m->vm.pool)),
		.qmp = sockets->listening[SOCKET_QMP],
		.link = sockets->listening[SOCKET_LINK],
		.console = sockets->listening[SOCKET_CONSOLE],
		.kvm = m->boot.accel.kvm,
	};
}

static bool run(struct microvm *m, struct err *err)
{
	auto_sockets struct sockets sockets = NO_SOCKETS;
	auto_qemu_pipes struct qemu_pipes pipes = NO_QEMU_PIPES;
	__attribute__((cleanup(close_files))) struct files files = { -1, -1, -1 };
	const struct tsc tsc = tsc_read();
	if (!open_files(m, &files, err) || !sockets_make(&sockets, m->vm.dir, err) ||
		!qemu_pipes_make(&pipes, err)) {
		return false;
	}
	console_add(&m->console, vm_pool_event(m->vm.pool), take_fd(&pipes.errors));
	m->info = take_fd(&pipes.info);
	struct qemu_plan plan = plan_of(m, &files, &sockets);
	plan.tsc_khz = files.kernel < 0 || plan.kvm ? 0 : tsc_khz(&tsc);
	pid_t child = spawn_qemu(m, &plan, &pipes, err);
	if (child < 0) {
		return false;
	}
	microvm_watch(m, child);
	use_channels(m, &sockets);
	qmp_command(m->qmp, "query-status", NULL, on_up_or_gone, m);
	m->vm.is_emulated = !plan.kvm;
	log_debug("sandbox=%s pid=%d accel=%s key=%s", m->vm.id, child, plan.kvm ? "kvm" : "tcg",
		m->boot.key);
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

bool microvm_find_boot(
	struct vm_pool *pool, const struct vm_spec *spec, struct boot *ret_boot, struct err *err)
{
	struct state *state = vm_pool_state(pool, err);
	return state && boot_find(vm_pool_config(pool), state_dir(state), spec, ret_boot, err);
}

bool microvm_start(struct vm *vm, struct err *err)
{
	struct microvm *m = microvm_of(vm);
	microvm_init(m);
	if (!microvm_find_boot(vm->pool, vm->spec, &m->boot, err)) {
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
