/* What the namespace backend requires of the host: programs, the agent's binary, unused users,
 * sysctls. */

#include "vm/confine/host.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/loop.h"
#include "base/spawn.h"
#include "base/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/random.h>
#include <sys/wait.h>

#define WAIT_MS 5000
#define OUTPUT_MAX 4096

/* ---- programs ---- */

static const struct {
	const char *name, *package;
} programs[] = {
	{ "bwrap", "bubblewrap" },
	{ "Xvnc", "tigervnc-standalone-server" },
	{ "openbox", "openbox" },
	{ "dbus-daemon", "dbus" },
};

static bool is_installed(const char *name)
{
	static const char *const dirs[] = { "/usr/local/bin", "/usr/bin", "/bin" };
	char path[100];
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
		if (access(path, X_OK) == 0) {
			return true;
		}
	}
	return false;
}

bool host_has_programs(struct err *err)
{
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (!is_installed(programs[i].name)) {
			return err_set(err, ERR_UNSUPPORTED,
				"%s is not installed: apt-get install %s", programs[i].name,
				programs[i].package);
		}
	}
	return true;
}

/* ---- the agent ---- */

#define OURS_MAX 80 /* in bytes */

/* In the directory of this program, or where it was installed. */
static int open_ours(const char *name, struct err *err)
{
	char path[4096];
	int fd = -1;
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - OURS_MAX);
	if (n > 0) {
		path[n] = '\0';
		snprintf(strrchr(path, '/'), OURS_MAX, "/%s", name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0) {
		snprintf(path, sizeof(path), VITRINE_LIBEXECDIR "/%s", name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0) {
		err_set(err, ERR_UNSUPPORTED,
			"%s is neither in this program's directory nor in " VITRINE_LIBEXECDIR
			": install all programs of Vitrine together",
			name);
	}
	return fd;
}

int host_open_recipe_file(const char *path)
{
	char file[OURS_MAX];
	struct err ignored;
	snprintf(file, sizeof(file), "recipes/minimal/files%s", path);
	return open_ours(file, &ignored);
}

int host_open_agent(const struct vm_config *config, struct err *err)
{
	if (config->agent) {
		int fd = open(config->agent, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			err_errno(err, "cannot open the agent '%s'", config->agent);
		}
		return fd;
	}
	return open_ours("vitrine-agent", err);
}

int host_open_net(struct err *err)
{
	return open_ours("vitrine-net", err);
}

int host_open_remote(struct err *err)
{
	return open_ours("vitrine-remote", err);
}

/* ---- users ---- */

/* The first range is above those that systems assign.  The second, which systemd leaves unused, is
 * for containers with few ids. */
static const struct {
	uint32_t first, count;
} ranges[] = {
	{ 0x76000000, 0x10000 },
	{ 60600, 500 },
};

bool host_pick_user(uid_t *ret_uid, struct err *err)
{
	static uint32_t next;
	if (geteuid() != 0) {
		*ret_uid = 0;
		return true;
	}
	if (!next && getrandom(&next, sizeof(next), 0) != sizeof(next)) {
		/* so that concurrent servers begin at different users */
		return err_errno(err, "cannot get random bytes");
	}
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		uint32_t first = ranges[i].first, count = ranges[i].count;
		if (userns_has_ids(first, count)) {
			*ret_uid = first + next++ % count;
			return true;
		}
	}
	return err_set(err, ERR_UNSUPPORTED,
		"root has no other user ids here (/proc/self/uid_map): run this as an ordinary user");
}

/* ---- advice ---- */

static bool reads(const char *path, const char *value)
{
	char text[16];
	return file_read_text(AT_FDCWD, path, text, sizeof(text)) > 0 &&
	       strncmp(text, value, strlen(value)) == 0 && text[strlen(value)] == '\n';
}

/* bwrap's messages if it cannot create namespaces, and the setting that causes them; the first
 * match counts. */
static const struct {
	const char *output, *file, *value, *advice;
} advices[] = {
	{ "amespace", "/proc/sys/kernel/unprivileged_userns_clone", "0",
		"unprivileged user namespaces are off: sysctl -w "
		"kernel.unprivileged_userns_clone=1" },
	{ "amespace", "/proc/sys/user/max_user_namespaces", "0",
		"user namespaces are off: sysctl -w user.max_user_namespaces=10000" },
	{ "uid map", "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
		"AppArmor restricts user namespaces: sysctl -w "
		"kernel.apparmor_restrict_unprivileged_userns=0" },
	{ "ermission", "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
		"AppArmor restricts user namespaces: sysctl -w "
		"kernel.apparmor_restrict_unprivileged_userns=0" },
	{ "mount proc", NULL, NULL,
		"the container hides parts of /proc: start it with --security-opt "
		"systempaths=unconfined" },
	{ "amespace", NULL, NULL,
		"in a container: start it with --security-opt seccomp=unconfined" },
};

const char *host_advice(const char *output)
{
	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++) {
		if (strstr(output, advices[i].output) &&
			(!advices[i].file || reads(advices[i].file, advices[i].value))) {
			return advices[i].advice;
		}
	}
	return NULL;
}

bool host_advise(const char *output, struct err *err)
{
	const char *advice = host_advice(output);
	struct err why = *err;
	return advice ? err_set(err, why.kind, "%.300s; %s", why.text, advice) : false;
}

/* ---- short programs ---- */

bool host_read_output(int fd, struct buf *output)
{
	char bytes[1024];
	ssize_t n = read(fd, bytes, sizeof(bytes));
	if (n > 0 && output->len < OUTPUT_MAX) {
		buf_append(output, bytes, (size_t)n);
	}
	return n > 0;
}

bool host_await(pid_t pid, int errors_fd, struct buf *output, struct err *err)
{
	auto_close int pidfd = pidfd_open(pid, 0);
	struct pollfd fds[] = { { pidfd, POLLIN, 0 }, { errors_fd, POLLIN, 0 } };
	uint64_t end = loop_now_us() + WAIT_MS * 1000;
	int status = 0;
	for (uint64_t now; !fds[0].revents && (now = loop_now_us()) < end;) {
		if (poll(fds, 2, (int)((end - now) / 1000) + 1) > 0 && fds[1].revents &&
			!host_read_output(errors_fd, output)) {
			fds[1].fd = -1;
		}
	}
	if (!fds[0].revents) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return err_set(err, ERR_TIMEOUT, "bwrap did not exit within %d s", WAIT_MS / 1000);
	}
	if (fds[1].fd >= 0) {
		fcntl(errors_fd, F_SETFL, O_NONBLOCK);
		while (host_read_output(errors_fd, output)) {
		}
	}
	waitpid(pid, &status, 0);
	if (status != 0) {
		output->len -= output->len && output->data[output->len - 1] == '\n';
		return err_set(err, ERR_UNSUPPORTED, "bwrap %s: %.*s", spawn_describe_end(status),
			(int)(output->len < 300 ? output->len : 300), buf_text(output));
	}
	return true;
}
