/* The isolation of a QEMU and of a vitrine-net: what they see of the host, and their start. */

#include "vm/microvm/qemu.h"

#include "base/cleanup.h"
#include "vm/confine/host.h"
#include "vm/confine/seccomp.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define NET_PROGRAM "/vitrine-net" /* path inside the isolation */

/* ---- pipes ---- */

bool qemu_pipes_make(struct qemu_pipes *pipes, struct err *err)
{
	int errors[2], info[2];
	if (pipe2(errors, O_CLOEXEC) < 0) {
		return err_errno(err, "cannot make a pipe");
	}
	pipes->errors = errors[0];
	pipes->their_errors = errors[1];
	if (pipe2(info, O_CLOEXEC) < 0) {
		return err_errno(err, "cannot make a pipe");
	}
	pipes->info = info[0];
	pipes->their_info = info[1];
	return (fcntl(pipes->errors, F_SETFL, O_NONBLOCK) == 0 &&
		       fcntl(pipes->info, F_SETFL, O_NONBLOCK) == 0) ||
	       err_errno(err, "cannot make a pipe");
}

void qemu_pipes_done(struct qemu_pipes *pipes)
{
	cleanup_close(&pipes->errors);
	cleanup_close(&pipes->their_errors);
	cleanup_close(&pipes->info);
	cleanup_close(&pipes->their_info);
}

/* ---- isolation ---- */

static const char *const walls[] = {
	"bwrap",
	"--unshare-user",
	"--unshare-ipc",
	"--unshare-pid",
	"--unshare-uts",
	"--unshare-cgroup-try",
	"--as-pid-1",
	"--uid",
	"1000",
	"--gid",
	"1000",
	"--cap-drop",
	"ALL",
	"--clearenv",
	"--ro-bind",
	"/usr",
	"/usr",
	"--ro-bind-try",
	"/etc/ld.so.cache",
	"/etc/ld.so.cache",
	"--proc",
	"/proc",
	"--dev",
	"/dev",
	NULL,
};

static const char *const system_dirs[] = { "/bin", "/lib", "/lib64", NULL };

static void put_isolation(struct qemu *q, const struct spawn *how)
{
	args_put_all(&q->args, walls);
	args_put_system(&q->args, system_dirs);
	if (q->network) {
		ARGS_PUT(&q->args, "--ro-bind-try", "/etc/resolv.conf", "/etc/resolv.conf");
	} else {
		ARGS_PUT(&q->args, "--unshare-net");
	}
	if (q->kvm) {
		ARGS_PUT(&q->args, "--dev-bind-try", "/dev/kvm", "/dev/kvm");
	}
	if (how->die_with_us) {
		ARGS_PUT(&q->args, "--die-with-parent");
	}
}

/* Makes read-only what was writable while mount points were created in it. */
static void close_isolation(struct qemu *q)
{
	ARGS_PUT(&q->args, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/", "--");
}

/* The owner of /dev/kvm may differ from QEMU's user; its group may be QEMU's. */
static gid_t kvm_group(const struct qemu *q, gid_t own)
{
	struct stat st;
	bool joins = q->kvm && own && stat("/dev/kvm", &st) == 0 && (st.st_mode & 060) == 060 &&
		     st.st_gid != 0;
	return joins ? st.st_gid : own;
}

static pid_t start(struct qemu *q, int errors_fd, const struct spawn *how, struct err *err)
{
	static const char *const env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", NULL };
	if (q->n_fds == SPAWN_FDS_MAX) {
		abort();
	}
	q->fds[q->n_fds++] = (struct spawn_fd){ errors_fd, STDERR_FILENO };
	auto_free const char **argv = args_list(&q->args);
	struct spawn spawn = *how;
	spawn.gid = kvm_group(q, how->gid);
	spawn.argv = argv;
	spawn.env = env;
	spawn.cwd = "/";
	spawn.fds = q->fds;
	spawn.n_fds = q->n_fds;
	spawn.new_session = true;
	return spawn_start(&spawn, err);
}

/* The caller closes ret_filters after the process was started. */
static bool put_filters(
	struct qemu *q, enum seccomp_for whom, int ret_filters[SECCOMP_FILTERS], struct err *err)
{
	if (!seccomp_export(whom, ret_filters, err)) {
		return false;
	}
	for (size_t i = 0; i < SECCOMP_FILTERS; i++) {
		ARGS_PUT(&q->args, "--add-seccomp-fd");
		args_put(&q->args, "%d", qemu_put_fd(q, ret_filters[i]));
	}
	return true;
}

static void close_filters(const int filters[SECCOMP_FILTERS])
{
	for (size_t i = 0; i < SECCOMP_FILTERS; i++) {
		close(filters[i]);
	}
}

pid_t qemu_start(
	struct qemu *q, const struct qemu_pipes *pipes, const struct spawn *how, struct err *err)
{
	const char *program = qemu_program(err);
	auto_qemu struct qemu all =
		*q; /* the isolation comes first, and numbers its descriptors last */
	all.args = (struct args){ 0 };
	int filters[SECCOMP_FILTERS];
	if (!program || q->n_fds + 2 + SECCOMP_FILTERS > SPAWN_FDS_MAX) {
		return -1;
	}
	put_isolation(&all, how);
	if (!put_filters(&all, SECCOMP_FOR_MACHINE, filters, err)) {
		return -1;
	}
	args_put(&all.args, "--info-fd");
	args_put(&all.args, "%d", qemu_put_fd(&all, pipes->their_info));
	close_isolation(&all);
	args_put(&all.args, "%s", program);
	args_append(&all.args, &q->args);
	pid_t pid = start(&all, pipes->their_errors, how, err);
	close_filters(filters);
	return pid;
}

pid_t qemu_start_brief(struct qemu *q, struct qemu_pipes *pipes, struct err *err)
{
	struct spawn how = { .die_with_us = true };
	if (!qemu_pipes_make(pipes, err) || !host_pick_user(&how.uid, err)) {
		return -1;
	}
	how.gid = how.uid;
	pid_t pid = qemu_start(q, pipes, &how, err);
	close(take_fd(&pipes->their_errors));
	close(take_fd(&pipes->their_info));
	return pid;
}

/* Its binary may be in a directory that its user cannot access. */
pid_t qemu_start_net(int program, int card, int errors_fd, const struct spawn *how, struct err *err)
{
	int filters[SECCOMP_FILTERS];
	auto_qemu struct qemu q = { .network = true };
	qemu_put_fd(&q, card); /* the first: vm/net/main.c expects this number */
	put_isolation(&q, how);
	ARGS_PUT(&q.args, "--perms", "0555", "--ro-bind-data");
	args_put(&q.args, "%d", qemu_put_fd(&q, program));
	ARGS_PUT(&q.args, NET_PROGRAM);
	if (!put_filters(&q, SECCOMP_FOR_PROGRAMS, filters, err)) {
		return -1;
	}
	close_isolation(&q);
	ARGS_PUT(&q.args, NET_PROGRAM);
	pid_t pid = start(&q, errors_fd, how, err);
	close_filters(filters);
	return pid;
}
