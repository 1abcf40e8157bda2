/*
 * Sandboxes in the host's kernel: bubblewrap creates the namespaces (vm/confine/bwrap.c defines
 * their contents), and the agent inside is connected by a socket pair.  As root, each sandbox runs
 * under a separate user id without an account; otherwise under the caller's.  The agent is the
 * first process of the PID namespace: signals from inside do not reach it, and no process inside is
 * older than its limits.  Killing the one process that was started kills all of them.
 */

#include "vm/namespace/namespace.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/confine/bwrap.h"
#include "vm/confine/cgroup.h"
#include "vm/confine/console.h"
#include "vm/confine/host.h"
#include "vm/wire/link.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define END_WAIT_MS 2000 /* for killed processes, when the pool is freed */

struct namespace_vm {
	struct vm vm;
	pid_t pid;
	bool running;
	char *cgroup; /* the delegated directory; NULL: only rlimits */
	sd_event_source *child;
	struct console console; /* stderr of bwrap, then of the agent */
};

static struct namespace_vm *namespace_of(struct vm *vm)
{
	assert(vm->backend == &vm_backend_namespace);
	return (struct namespace_vm *)vm;
}

/* ---- end ---- */

static void describe_end(struct namespace_vm *ns, const siginfo_t *end, struct err *why)
{
	err_set(why, ERR_HOST, "its agent %s", spawn_describe_end(bwrap_wstatus(end)));
	console_drain(&ns->console);
	console_explain(&ns->console, vm_state(&ns->vm) == VM_STARTING, why);
}

static int on_child(sd_event_source *source, const siginfo_t *end, void *data)
{
	struct namespace_vm *ns = data;
	struct err why;
	(void)source;
	ns->running = false;
	describe_end(ns, end, &why);
	vm_has_died(&ns->vm, &why);
	return 0;
}

static bool stop(struct vm *vm)
{
	struct namespace_vm *ns = namespace_of(vm);
	if (ns->running) {
		/* The group, too: during bwrap's start its second process may not be tied to the
		 * first. */
		kill(-ns->pid, SIGKILL);
		kill(ns->pid, SIGKILL);
	}
	return !ns->running;
}

static void await_end(struct namespace_vm *ns)
{
	struct pollfd end = { .fd = sd_event_source_get_child_pidfd(ns->child), .events = POLLIN };
	if (poll(&end, 1, END_WAIT_MS) != 1) {
		log_warning("sandbox=%s pid=%d does not exit", ns->vm.id, ns->pid);
	}
	loop_drop(&ns->child);
	waitpid(ns->pid, NULL, WNOHANG);
}

static void release(struct vm *vm)
{
	struct namespace_vm *ns = namespace_of(vm);
	if (ns->running) {
		await_end(ns);
	}
	loop_drop(&ns->child);
	console_done(&ns->console);
	if (ns->cgroup) {
		cgroup_remove(ns->cgroup, vm->id);
	}
	free(take_ptr(&ns->cgroup));
}

/* ---- start ---- */

static bool make_channels(int link[2], int errors[2], struct err *err)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link) < 0) {
		return err_errno(err, "cannot make a socket pair");
	}
	link_enlarge_buffer(link[0]);
	link_enlarge_buffer(link[1]);
	return pipe2(errors, O_CLOEXEC) == 0 || err_errno(err, "cannot make a pipe");
}

static pid_t run_agent(struct namespace_vm *ns, struct bwrap *b, int link, int errors,
	const struct spawn *how, struct err *err)
{
	const struct vm_spec *spec = ns->vm.spec;
	char screen[32], scale[24], fd[8], memory[24], processes[24], files[24];
	snprintf(screen, sizeof(screen), "%dx%d", spec->screen.width, spec->screen.height);
	snprintf(scale, sizeof(scale), "%lld", (long long)spec->scale);
	snprintf(fd, sizeof(fd), "%d", BWRAP_LINK_FD);
	snprintf(memory, sizeof(memory), "%lld", (long long)spec->limits.memory_mib);
	snprintf(processes, sizeof(processes), "%lld", (long long)spec->limits.processes);
	snprintf(files, sizeof(files), "%lld", (long long)spec->limits.files);
	const char *const command[] = { BWRAP_AGENT, "--link-fd", fd, "--screen", screen, "--scale",
		scale, "--max-memory", memory, "--max-processes", processes, "--max-files", files,
		NULL };
	return bwrap_start(b, command, link, errors, how, err);
}

static const char *no_limit_on(const char *cgroup)
{
	if (!cgroup) {
		return private_limits_ipc()
			       ? "shared anonymous memory, socket buffers, total memory of all "
				 "programs (the limit applies to each) and CPU time"
			       : "shared anonymous memory, System V memory, socket buffers, "
				 "total memory of all programs (the limit applies to each) and CPU "
				 "time";
	}
	return cgroup_shares_cpu(cgroup) ? NULL : "processor time";
}

/* counted: a cgroup limits it. */
static bool describe(const struct vm_config *config, const struct vm_limits *limits, bool counted,
	struct bwrap *b, struct spawn *how, struct err *err)
{
	int agent = host_open_agent(config, err);
	if (agent < 0 || !bwrap_describe(b, limits, counted, agent, err) ||
		!host_pick_user(&how->uid, err)) {
		return false;
	}
	how->gid = how->uid;
	return true;
}

static void watch(struct namespace_vm *ns)
{
	ns->running = true;
	if (sd_event_add_child(
		    vm_pool_event(ns->vm.pool), &ns->child, ns->pid, WEXITED, on_child, ns) < 0) {
		abort(); /* out of memory, or SIGCHLD is not blocked: a programming error */
	}
}

static bool start(struct vm *vm, struct err *err)
{
	struct namespace_vm *ns = namespace_of(vm);
	int link[2] = { -1, -1 }, errors[2] = { -1, -1 };
	auto_bwrap struct bwrap b = { 0 };
	struct spawn how = { .oom_score_adj = VM_OOM_SCORE_ADJ };
	struct err no_cgroup;
	const char *dir = cgroup_delegated(&no_cgroup);
	if (!host_has_programs(err) || !describe(vm_pool_config(vm->pool), &vm->spec->limits,
					       dir != NULL, &b, &how, err)) {
		return false;
	}
	bool made = make_channels(link, errors, err);
	auto_close int ours = link[0], theirs = link[1], theirs_errors = errors[1], group = -1;
	if (!made) {
		return false;
	}
	console_init(&ns->console, vm->id, NULL);
	console_add(&ns->console, vm_pool_event(vm->pool), errors[0]);
	if (!cgroup_make_delegated(vm->id, &vm->spec->limits, &group, &ns->cgroup, err)) {
		return false;
	}
	how.cgroup_fd = group;
	vm->no_limit_on = no_limit_on(dir);
	ns->pid = run_agent(ns, &b, theirs, theirs_errors, &how, err);
	if (ns->pid < 0) {
		return false;
	}
	watch(ns);
	log_debug("sandbox=%s pid=%d uid=%u limits=%s", vm->id, ns->pid, how.uid,
		dir ? dir : "rlimits");
	vm_has_link(vm, take_fd(&ours));
	return true;
}

/* ---- probe ---- */

/* Runs `true` in the same isolation.  ret_words: its output. */
static bool try_it(const struct vm_config *config, struct buf *words, struct err *err)
{
	static const char *const command[] = { "/usr/bin/true", NULL };
	auto_bwrap struct bwrap b = { 0 };
	struct spawn how = { 0 };
	struct err no_cgroup;
	bool counted = cgroup_delegated(&no_cgroup);
	int errors[2];
	if (!describe(config, &config->default_spec.limits, counted, &b, &how, err)) {
		return false;
	}
	if (pipe2(errors, O_CLOEXEC) < 0) {
		return err_errno(err, "cannot make a pipe");
	}
	auto_close int ours = errors[0], theirs = errors[1];
	pid_t pid = bwrap_start(&b, command, -1, theirs, &how, err);
	close(take_fd(&theirs));
	return pid > 0 && host_await(pid, ours, words, err);
}

static bool probe_once(const struct vm_config *config, char **ret_detail, struct err *err)
{
	auto_buf struct buf words = { 0 };
	struct err no_cgroup;
	if (!host_has_programs(err)) {
		return false;
	}
	if (!try_it(config, &words, err)) {
		return host_advise(buf_text(&words), err);
	}
	struct buf detail = { 0 };
	const char *dir = cgroup_delegated(&no_cgroup);
	const char *none = no_limit_on(dir);
	buf_printf(&detail, "limits: %s%s%s%s%s; sandboxes run as %s",
		dir ? "cgroup " : "rlimits only, because ", dir ? dir : no_cgroup.text,
		dir ? ", and rlimits" : "", none ? "; not limited: " : "", none ? none : "",
		geteuid() == 0 ? "a separate user each" : "the calling user");
	*ret_detail = (char *)detail.data;
	return true;
}

static bool probe(const struct vm_config *config, char **ret_detail, struct err *err)
{
	static struct err result;
	static char *detail;
	static bool known, works;
	if (!known) {
		works = probe_once(config, &detail, &result);
		known = true;
	}
	*err = result;
	*ret_detail = detail ? must(strdup(detail)) : NULL;
	return works;
}

const struct vm_backend vm_backend_namespace = {
	.name = "namespace",
	.size = sizeof(struct namespace_vm),
	.memory_mib = 4096,
	.last_resort = true,
	.probe = probe,
	.start = start,
	.stop = stop,
	.release = release,
};
