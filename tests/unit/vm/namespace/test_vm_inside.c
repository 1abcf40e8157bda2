// USES vm
/*
 * A namespace sandbox seen from inside and from outside: what the filter denies, what of the host
 * is visible, what stays behind.  Skipped, saying why, where the backend does not work.
 */

#include "tests/support/vm_host.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "vm/confine/cgroup.h"
#include "vm/confine/private_fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static char agent_path[4096];
static char why_not[500];

static void on_probe(const char *backend, const struct err *err, const char *detail, void *data)
{
	(void)detail;
	if (strcmp(backend, "namespace") == 0) {
		*(bool *)data = !err;
		snprintf(why_not, sizeof(why_not), "%s", err ? err->text : "");
	}
}

static struct vm_config config(void)
{
	const char *build = getenv("VITRINE_BUILD");
	snprintf(agent_path, sizeof(agent_path), "%s/vitrine-agent", build ? build : "build-debug");
	return (struct vm_config){ .backend = "namespace",
		.agent = agent_path,
		.default_spec.limits = {
			.processes = 300, .files = 1000, .disk_mib = 16, .memory_mib = 1024 } };
}

static void open_sandbox_with(struct host *host, struct vm_config with, struct vm **ret_vm)
{
	bool works = false;
	vm_probe(&with, vm_backends, on_probe, &works);
	if (!works) {
		fprintf(stderr, "skipped: %s\n", why_not);
		cr_skip_test("%s", why_not);
	}
	host_init(host, with);
	*ret_vm = host_vm(host);
}

static void open_sandbox(struct host *host, struct vm **ret_vm)
{
	open_sandbox_with(host, config(), ret_vm);
}

Test(inside, says_what_is_missing)
{
	struct host host;
	struct err err;
	host_init(&host, (struct vm_config){ .backend = "namespace", .agent = "/nowhere/agent" });
	cr_assert_null(vm_create(host.pool, "alice", NULL, &err));
	cr_assert(strstr(err.text, "/nowhere/agent") || strstr(err.text, "apt-get install"), "%s",
		err.text);
	cr_assert_null(vm_at(host.pool, "alice", 0));
	host_done(&host);
}

Test(inside, a_program_that_is_no_agent_could_not_start, .timeout = 60)
{
	struct host host;
	struct vm *vm;
	struct err err;
	open_sandbox(&host, &vm);
	host_done(&host);
	host_init(&host, (struct vm_config){ .backend = "namespace", .agent = "/usr/bin/false" });
	vm = vm_create(host.pool, "alice", NULL, &err);
	struct waited waited = host_wait(&host, vm);
	cr_assert_not_null(strstr(waited.err.text, "could not start"), "%s", waited.err.text);
	cr_assert_not_null(strstr(waited.err.text, "exited with status 1"), "%s", waited.err.text);
	host_done(&host);
}

/* ---- the system-call filter ---- */

struct denial {
	const char *what;
	const char *perl; /* makes the call and gives its result; perl is on every Debian */
	int error;        /* 0 for success */
};

#define CALL(nr, ...) "syscall(" #nr ", " #__VA_ARGS__ ")"

/* Numbers of x86_64. */
static const struct denial denials[] = {
	{ "mount", CALL(165, 0, 0, 0, 0, 0), EPERM },
	{ "umount2", CALL(166, 0, 0), EPERM },
	{ "pivot_root", CALL(155, 0, 0), EPERM },
	{ "chroot", CALL(161, $s), EPERM },
	{ "move_mount", CALL(429, 0, 0, 0, 0, 0), EPERM },
	{ "open_tree", CALL(428, 0, 0, 0), EPERM },
	{ "fsopen", CALL(430, $s, 0), EPERM },
	{ "fsmount", CALL(432, 0, 0, 0), EPERM },
	{ "fsconfig", CALL(431, 0, 0, 0, 0, 0), EPERM },
	{ "fspick", CALL(433, 0, 0, 0), EPERM },
	{ "mount_setattr", CALL(442, 0, 0, 0, 0, 0), EPERM },
	{ "ptrace a child", CALL(101, 16, 1, 0, 0), EPERM },
	{ "process_vm_readv", CALL(310, 1, 0, 0, 0, 0, 0), EPERM },
	{ "process_vm_writev", CALL(311, 1, 0, 0, 0, 0, 0), EPERM },
	{ "kcmp", CALL(312, 1, 1, 0, 0, 0), EPERM },
	{ "bpf", CALL(321, 0, 0, 0), EPERM },
	{ "add_key", CALL(248, 0, 0, 0, 0, 0), EPERM },
	{ "request_key", CALL(249, 0, 0, 0, 0), EPERM },
	{ "keyctl", CALL(250, 0, 0, 0, 0, 0), EPERM },
	{ "perf_event_open", CALL(298, 0, 0, 0, 0, 0), EPERM },
	{ "userfaultfd", CALL(323, 0), EPERM },
	{ "userfaultfd, user mode only", CALL(323, 1), EPERM },
	{ "kexec_load", CALL(246, 0, 0, 0, 0), EPERM },
	{ "kexec_file_load", CALL(320, 0, 0, 0, 0, 0), EPERM },
	{ "init_module", CALL(175, 0, 0, 0), EPERM },
	{ "finit_module", CALL(313, 0, 0, 0), EPERM },
	{ "delete_module", CALL(176, 0, 0), EPERM },
	{ "reboot", CALL(169, 0, 0, 0, 0), EPERM },
	{ "swapon", CALL(167, 0, 0), EPERM },
	{ "swapoff", CALL(168, 0), EPERM },
	{ "settimeofday", CALL(164, 0, 0), EPERM },
	{ "clock_settime", CALL(227, 0, 0), EPERM },
	{ "adjtimex", CALL(159, 0), EPERM },
	{ "iopl", CALL(172, 3), EPERM },
	{ "ioperm", CALL(173, 0, 1, 1), EPERM },
	{ "quotactl", CALL(179, 0, 0, 0, 0), EPERM },
	{ "setns", CALL(308, 0, 0), EPERM },
	{ "unshare a user namespace", CALL(272, 0x10000000), EPERM },
	{ "clone into a user namespace", CALL(56, 0x10000011, 0, 0, 0, 0), EPERM },
	{ "clone into a mount namespace", CALL(56, 0x00020011, 0, 0, 0, 0), EPERM },
	{ "clone into two", CALL(56, 0x10020011, 0, 0, 0, 0), EPERM },
	{ "clone3", CALL(435, 0, 0), ENOSYS },
	{ "io_uring_setup", CALL(425, 1, 0), EPERM },
	{ "open_by_handle_at", CALL(304, 0, 0, 0), EPERM },
	{ "a call of the future", CALL(600, 0), ENOSYS },
	{ "TIOCSTI", CALL(16, 0, 0x5412, $s), EPERM },
	{ "TIOCSTI with more above", CALL(16, 0, 0x100005412, $s), EPERM },
	{ "TIOCLINUX", CALL(16, 0, 0x541c, $s), EPERM },
	{ "a packet socket", CALL(41, 17, 3, 0), EAFNOSUPPORT },
	{ "a vsock socket", CALL(41, 40, 1, 0), EAFNOSUPPORT },
	{ "a bluetooth socket", CALL(41, 31, 3, 0), EAFNOSUPPORT },
	{ "an AX.25 socket", CALL(41, 3, 2, 0), EAFNOSUPPORT },
	{ "a family hidden above", CALL(41, 0x100000011, 3, 0), EAFNOSUPPORT },
	{ "netlink audit", CALL(41, 16, 3, 9), EAFNOSUPPORT },
	{ "netlink route", CALL(41, 16, 3, 0), 0 },
	{ "a unix socket", CALL(41, 1, 1, 0), 0 },
	{ "an inet socket", CALL(41, 2, 1, 0), 0 },
	{ "an inet6 socket", CALL(41, 10, 1, 0), 0 },
	{ "a child", "do { my $p = fork; exit 0 unless $p; waitpid($p, 0) }", 0 },
};
#define N_DENIALS (sizeof(denials) / sizeof(denials[0]))

Test(inside, the_filter_denies, .timeout = 60)
{
	struct host host;
	struct vm *vm;
	auto_buf struct buf script = { 0 };
	open_sandbox(&host, &vm);
	buf_printf(&script,
		"perl - <<'END'\n$| = 1; my $s = 'x' x 100;\n"
		"sub row { printf \"row %%d: %%d.\\n\", $_[0], $_[1] == -1 ? $! : 0; }\n");
	for (size_t i = 0; i < N_DENIALS; i++) {
		buf_printf(&script, "row(%zu, %s);\n", i, denials[i].perl);
	}
	buf_printf(&script, "END");
	struct answer *a = host_exec(&host, vm, buf_text(&script), 30000);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	for (size_t i = 0; i < N_DENIALS; i++) {
		char want[80];
		snprintf(want, sizeof(want), "row %zu: %d.\n", i, denials[i].error);
		cr_expect_not_null(strstr(a->out, want), "%s: not %s", denials[i].what,
			strerror(denials[i].error));
	}
	cr_assert_eq(a->exec.status, 0, "%s\n%s", a->out, a->errors);
	answer_free(a);
	host_done(&host);
}

/* ---- what is visible ---- */

struct look {
	const char *command, *want; /* the whole output */
};

static const struct look looks[] = {
	{ "id -u; id -g; id -G; whoami; hostname; pwd",
		"1000\n1000\n1000\nuser\ndesktop\n/home/user\n" },
	{ "ls /home; ls -A /home/user /tmp | grep -v -e '^[./]' -e '^$'", "user\n" },
	{ "ls -d /root /work /boot /srv /mnt /sys /media /var/log /etc/shadow /etc/ssh "
	  "/etc/ssl/private /etc/environment /etc/fstab /dev/vda /dev/kvm /dev/mem 2>/dev/null",
		"" },
	{ "ls /opt /opt/vitrine", "/opt:\nnoVNC\nvitrine\n\n/opt/vitrine:\ne2b\n" },
	{ "ls /sys/class/net /proc/sys/kernel/none 2>/dev/null; tail -n +3 /proc/net/dev | cut -d: "
	  "-f1",
		"    lo\n" },
	{ "env | grep -c SECRET; tr '\\0' '\\n' < /proc/1/environ 2>/dev/null | grep -v ^PATH=",
		"0\n" },
	{ "grep -c build /proc/1/cmdline", "0\n" },
	{ "for d in / /usr /usr/bin /etc /dev /run/vitrine/vitrine-agent /etc/passwd; do "
	  "test -w $d && echo $d; done",
		"" },
	{ "touch / /x /etc/x /dev/x /usr/x 2>/dev/null; ls /x /etc/x /dev/x /usr/x 2>/dev/null",
		"" },
	{ "for d in /tmp /run /home/user /dev/shm; do head -c 20000000 /dev/zero > $d/big "
	  "2>/dev/null; "
	  "stat -c %s $d/big; rm $d/big; done | sort -u | awk '$1 > 16777216'",
		"" },
	{ "ulimit -n; ulimit -u; ulimit -c", "1000\n300\n0\n" },
	/* Nobody else's memory, descriptors or output to write to, and nothing without limits. */
	{ "for f in mem fd/2 syscall maps environ; do (exec 3<>/proc/1/$f) 2>/dev/null && "
	  "echo $f; head -c1 /proc/1/$f 2>/dev/null | wc -c | grep -v 0; done",
		"" },
	{ "for p in /proc/[0-9]*; do grep -hE '^Max (processes|open files|core) ' $p/limits; done "
	  "2>/dev/null | awk '{ print $(NF-2), $(NF-1) }' | sort -u",
		"0 0\n1000 1000\n300 300\n" },
	{ "sort -u /proc/[0-9]*/oom_score_adj", "1000\n" },
	{ "tr '\\0' ' ' < /proc/1/cmdline | cut -d' ' -f1; pgrep -x bwrap",
		"/run/vitrine/vitrine-agent\n" },
	{ "grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t'",
		"CapEff:0000000000000000\nCapBnd:0000000000000000\nNoNewPrivs:1\nSeccomp:2\n" },
	{ "find /proc/sys -type f -writable; for f in kernel/shmall net/ipv4/ip_forward; do "
	  "(echo 1 > /proc/sys/$f) 2>/dev/null && echo $f; done",
		"" },
	{ "cat /proc/self/uid_map /proc/self/gid_map | tr -s ' '; cat /proc/self/setgroups",
		" 1000 0 1\n 1000 0 1\ndeny\n" },
	{ "kill -0 1 && ls /proc | grep -c '^[0-9]' | awk '$1 > 40'", "" },
};

Test(inside, nothing_of_the_host_is_visible, .timeout = 60)
{
	struct host host;
	struct vm *vm;
	setenv("SECRET", "of the host", 1);
	open_sandbox(&host, &vm);
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		struct answer *a = host_exec(&host, vm, looks[i].command, 20000);
		cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
		cr_expect_str_eq(
			a->out, looks[i].want, "%s: %s%s", looks[i].command, a->out, a->errors);
		answer_free(a);
	}
	host_done(&host);
}

Test(inside, two_sandboxes_are_strangers, .timeout = 60)
{
	struct host host;
	struct vm *vm;
	open_sandbox(&host, &vm);
	struct vm *other = host_vm(&host);
	struct answer *a = host_exec(&host, vm, "touch /tmp/mine; cat /etc/machine-id", 20000);
	struct answer *b =
		host_exec(&host, other, "ls /tmp/mine 2>/dev/null; cat /etc/machine-id", 20000);
	cr_assert_eq(strlen(a->out), 33);
	cr_assert_eq(strlen(b->out), 33);
	cr_assert_str_neq(a->out, b->out);
	answer_free(a);
	answer_free(b);
	host_done(&host);
}

/* Takes every place that gets free, so that commands are refused from some time on. */
Test(inside, a_desktop_full_of_processes_says_so, .timeout = 60)
{
	struct host host;
	struct vm *vm;
	open_sandbox(&host, &vm);
	struct answer *a = host_exec(&host, vm,
		"perl -e 'for (;;) { my $p = fork; exec \"sleep\", 1000 if defined $p && !$p; "
		"select undef, undef, undef, 0.01 unless $p }' >/dev/null 2>&1 &",
		20000);
	while (a->err.kind == ERR_NONE) {
		answer_free(a);
		a = host_exec(&host, vm, "true", 20000);
	}
	cr_expect_eq(a->err.kind, ERR_LIMIT, "%s", a->err.text);
	cr_expect(strstr(a->err.text, "300"), "%s", a->err.text);
	answer_free(a);
	host_done(&host);
}

/* ---- memory ---- */

/* A command that makes a call and prints 1, or the name of its error. */
#define ASK(call) \
	"perl -MErrno -e '$! = 0; my $r = " call \
	"; print $r < 0 ? (grep { $!{$_} } keys %!)[0] : 1, \"\\n\"'"

static void expect_said(struct host *host, struct vm *vm, const char *command, const char *want)
{
	struct answer *a = host_exec(host, vm, command, 60000);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	cr_expect_str_eq(a->out, want, "%s: %s%s", command, a->out, a->errors);
	answer_free(a);
}

/* Empty files and long links take the kernel's memory, not the file system's blocks. */
#define FILL \
	"for d in /tmp /run /dev/shm /home/user; do perl -e '" \
	"use Errno; mkdir \"$ARGV[0]/many\"; my $n = 0; $! = 0; " \
	"while ($n < 400000 && open(my $f, \">\", \"$ARGV[0]/many/$n\")) { $n++ } " \
	"my $e = $!{ENOSPC} ? \"ENOSPC\" : \"$!\"; " \
	"my $l = symlink(\"x\" x 4000, \"$ARGV[0]/link\") ? \"a link\" : \"no link\"; " \
	"print $n > 4000 && $n < 4096 ? \"bounded\" : $n, \" $e $l\\n\"' $d; rm -r $d/many; done"

Test(inside, files_are_bounded_in_number, .timeout = 120)
{
	struct host host;
	struct vm *vm;
	open_sandbox(&host, &vm);
	expect_said(&host, vm, FILL,
		"bounded ENOSPC no link\nbounded ENOSPC no link\n"
		"bounded ENOSPC no link\nbounded ENOSPC no link\n");
	expect_said(
		&host, vm, "touch /tmp/one /run/one /dev/shm/one ~/one && echo again", "again\n");
	struct answer *a = answer_new();
	guest_launch(vm_guest(vm), "xterm", NULL, 30000, on_launch, a);
	host_until(&host, &a->done);
	cr_assert(a->err.kind == ERR_NONE && a->launch.has_window, "%s", a->err.text);
	answer_free(a);
	host_done(&host);
}

/* 1,024 MiB in all: one too large, then too many, then room again. */
Test(inside, system_v_memory_is_bounded, .timeout = 60)
{
	struct host host;
	struct vm *vm;
	open_sandbox(&host, &vm);
	if (!private_limits_ipc()) {
		host_done(&host);
		cr_skip_test("an ordinary user cannot limit it on this kernel");
	}
	expect_said(&host, vm, ASK("syscall(29, 0, 1100 << 20, 01600)"), "EINVAL\n");
	expect_said(&host, vm,
		"for i in 1 2 3; do " ASK("syscall(29, 0, 400 << 20, 01600)") "; done",
		"1\n1\nENOSPC\n");
	expect_said(&host, vm, "ipcrm -a && " ASK("syscall(29, 0, 400 << 20, 01600)"), "1\n");
	expect_said(&host, vm, ASK("syscall(64, 0, 1000, 01600)"), "EINVAL\n");
	expect_said(&host, vm,
		"perl -e '$n++ while $n < 1000 && syscall(68, 0, 01600) >= 0; print $n'", "32");
	expect_said(&host, vm,
		"for f in shmall shmmax shmmni msgmni sem; do "
		"(echo 1 > /proc/sys/kernel/$f) 2>/dev/null && echo $f; done",
		"");
	host_done(&host);
}

Test(inside, memory_files_need_a_control_group, .timeout = 60)
{
	struct host host;
	struct vm *vm;
	struct err err;
	open_sandbox(&host, &vm);
	bool counted = cgroup_delegated(&err);
	expect_said(
		&host, vm, ASK("syscall(319, my $name = \"x\", 0)"), counted ? "1\n" : "ENOSYS\n");
	const char *none = vm_no_limit_on(vm);
	cr_expect_eq(none && strstr(none, "shared anonymous memory"), !counted, "%s", none);
	cr_expect_eq(none && strstr(none, "System V memory"), !counted && !private_limits_ipc());
	host_done(&host);
}

/* ---- programs ---- */

Test(inside, desktop_programs_run_under_the_filter, .timeout = 120)
{
	struct host host;
	struct vm *vm;
	static const char *const programs[] = { "xterm", "mousepad" };
	open_sandbox(&host, &vm);
	for (size_t i = 0; i < 2; i++) {
		struct answer *a = answer_new();
		guest_launch(vm_guest(vm), programs[i], NULL, 30000, on_launch, a);
		host_until(&host, &a->done);
		cr_assert_eq(a->err.kind, ERR_NONE, "%s: %s", programs[i], a->err.text);
		cr_assert(a->launch.has_window, "%s has no window", programs[i]);
		answer_free(a);
	}
	host_done(&host);
}

Test(inside, a_browser_runs_under_the_filter, .timeout = 120)
{
	struct host host;
	struct vm *vm;
	if (access("/usr/bin/chromium", X_OK) < 0) {
		cr_skip_test("chromium is not installed");
	}
	/* Without a control group all that it shares is in /dev/shm. */
	struct vm_config with = config();
	with.default_spec.limits.disk_mib = 64;
	open_sandbox_with(&host, with, &vm);
	struct answer *a = host_exec(&host, vm,
		"chromium --headless --dump-dom "
		"'data:text/html,<p>6<script>document.write(6*7)</script>'",
		90000);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	cr_assert_not_null(strstr(a->out, "42"), "%s\n%s", a->out, a->errors);
	answer_free(a);
	host_done(&host);
}

/* ---- what stays behind ---- */

#define FAMILY_MAX 200

struct family {
	pid_t pid[FAMILY_MAX];
	int pidfd[FAMILY_MAX];
	size_t n;
};

/* All descendants of pid, held by descriptors, so that a number used again is not mistaken for
 * them. */
static void collect(struct family *family, pid_t pid);

/* Each thread has children of its own. */
static void collect_of(struct family *family, pid_t pid, const char *thread)
{
	char path[300];
	pid_t child;
	snprintf(path, sizeof(path), "/proc/%d/task/%s/children", pid, thread);
	FILE *children = fopen(path, "re");
	while (children && fscanf(children, "%d", &child) == 1 && family->n < FAMILY_MAX) {
		family->pid[family->n] = child;
		family->pidfd[family->n] = pidfd_open(child, 0);
		family->n += family->pidfd[family->n] >= 0;
		collect(family, child);
	}
	if (children) {
		fclose(children);
	}
}

static void collect(struct family *family, pid_t pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *threads = opendir(path);
	for (struct dirent *entry; threads && (entry = readdir(threads));) {
		if (entry->d_name[0] != '.') {
			collect_of(family, pid, entry->d_name);
		}
	}
	if (threads) {
		closedir(threads);
	}
}

static void expect_all_dead(struct family *family)
{
	for (size_t i = 0; i < family->n; i++) {
		struct pollfd end = { family->pidfd[i], POLLIN, 0 };
		cr_expect_eq(poll(&end, 1, 10000), 1, "process %d lives on", family->pid[i]);
		close(family->pidfd[i]);
	}
}

Test(inside, a_freed_pool_leaves_no_process, .timeout = 60)
{
	struct host host;
	struct vm *vm;
	struct err err;
	struct family family = { 0 };
	open_sandbox(&host, &vm);
	struct answer *a = answer_new();
	/* One that has left its session and ignores signals. */
	guest_exec(vm_guest(vm), "trap '' TERM HUP; setsid sleep 1000", NULL, 2000000, on_exec, a);
	cr_assert_not_null(
		vm_create(host.pool, "young", NULL, &err)); /* killed in the middle of its start */
	host_for_ms(&host, 100);
	collect(&family, getpid());
	cr_assert_geq(family.n, 6);
	vm_pool_free(host.pool);
	cr_assert_eq(a->times, 1);
	expect_all_dead(&family);
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "a child is not reaped");
	cr_assert_eq(errno, ECHILD);
	answer_free(a);
	sd_event_unref(host.event);
}

Test(inside, a_stopped_sandbox_leaves_no_process, .timeout = 60)
{
	struct host host;
	struct vm *vm;
	struct family family = { 0 };
	open_sandbox(&host, &vm);
	collect(&family, getpid());
	vm_stop(vm, "enough");
	cr_assert_eq(vm_state(vm), VM_STOPPING);
	while (vm_state(vm) != VM_GONE) {
		sd_event_run(host.event, UINT64_MAX);
	}
	expect_all_dead(&family);
	host_done(&host);
}

/* A server in a process of its own, which may become somebody else first; it tells when its sandbox
 * is ready. */
static pid_t start_server(uid_t uid, int *ret_told)
{
	int ends[2];
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct host host;
		struct vm_config with = config();
		char agent[40];
		/* Whoever we become need not reach the build folder. */
		snprintf(agent, sizeof(agent), "/proc/self/fd/%d",
			open(with.agent, O_RDONLY | O_CLOEXEC));
		with.agent = agent;
		if (uid && (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0 ||
				   prctl(PR_SET_DUMPABLE, 1) < 0)) {
			_exit(1);
		}
		host_init(&host, with);
		struct vm *vm = host_vm(&host);
		struct answer *a = host_exec(&host, vm, "id -u", 20000);
		ssize_t n = write(ends[1], a->out, strlen(a->out));
		_exit(n > 0 ? sd_event_loop(host.event) : 2);
	}
	close(ends[1]);
	*ret_told = ends[0];
	return pid;
}

static void serve_and_die(uid_t uid)
{
	struct family family = { 0 };
	char told[16] = "";
	int in;
	pid_t pid = start_server(uid, &in);
	cr_assert_gt(read(in, told, sizeof(told) - 1), 0, "the server got no sandbox");
	cr_assert_str_eq(told, "1000\n");
	collect(&family, pid);
	cr_assert_geq(family.n, 6);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	expect_all_dead(&family);
	close(in);
}

Test(inside, a_killed_server_takes_all_along, .timeout = 60)
{
	struct host host;
	struct vm *vm;
	open_sandbox(&host, &vm); /* skips where there is none */
	host_done(&host);
	serve_and_die(0);
}

Test(inside, an_ordinary_user_can_do_it, .timeout = 60)
{
	struct host host;
	struct vm *vm;
	open_sandbox(&host, &vm);
	host_done(&host);
	if (geteuid() != 0) {
		cr_skip_test("the other tests run as an ordinary user already");
	}
	serve_and_die(70001);
}
