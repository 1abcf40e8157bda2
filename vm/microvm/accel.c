/* Selects the accelerator. */

#include "vm/microvm/accel.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/confine/host.h"
#include "vm/microvm/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#define TRY_MS 3000
#define EXIT_OK 33 /* the device maps the guest's 0x10 to this */
#define CACHE "accel"

/* ---- test guest ---- */

/* A message of KVM about a guest that cannot continue; the process stays, so waiting is useless. */
static bool is_hopeless(const struct buf *output)
{
	return strstr(buf_text(output), "KVM internal error") != NULL;
}

/* -1: it had to be killed; otherwise its wait status. */
static int await(pid_t pid, int errors, struct buf *output)
{
	auto_close int pidfd = pidfd_open(pid, 0);
	struct pollfd fds[] = { { pidfd, POLLIN, 0 }, { errors, POLLIN, 0 } };
	uint64_t end = loop_now_us() + TRY_MS * 1000;
	int status = -1;
	for (uint64_t now;
		!fds[0].revents && !is_hopeless(output) && (now = loop_now_us()) < end;) {
		if (poll(fds, 2, (int)((end - now) / 1000) + 1) > 0 && fds[1].revents &&
			!host_read_output(errors, output)) {
			fds[1].fd = -1;
		}
	}
	bool ended = fds[0].revents;
	kill(-pid, SIGKILL);
	waitpid(pid, &status, 0);
	return ended ? status : -1;
}

static int firmware_file(struct err *err)
{
	auto_close int fd = memfd_create("firmware", MFD_CLOEXEC);
	uint8_t firmware[ACCEL_GUEST_SIZE];
	accel_guest(firmware);
	if (fd < 0 || write(fd, firmware, sizeof(firmware)) != sizeof(firmware)) {
		err_errno(err, "cannot create a memory file");
		return -1;
	}
	return take_fd(&fd);
}

static pid_t run_guest(bool kvm, int firmware, struct qemu_pipes *pipes, struct err *err)
{
	auto_qemu struct qemu q = { 0 };
	qemu_begin(&q, kvm);
	args_put(&q.args, "-M");
	args_put(&q.args, "microvm,rtc=off");
	args_put(&q.args, "-m");
	args_put(&q.args, "16M");
	args_put(&q.args, "-bios");
	args_put(&q.args, "/proc/self/fd/%d", qemu_put_fd(&q, firmware));
	args_put(&q.args, "-device");
	args_put(&q.args, "isa-debug-exit,iobase=0xf4,iosize=1");
	return qemu_start_brief(&q, pipes, err);
}

/* The last line that is not only a warning. */
static const char *complaint(struct buf *output)
{
	const char *found = "";
	char *save = NULL;
	if (!output->len) {
		return found;
	}
	for (char *line = strtok_r((char *)output->data, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		bool is_message = !strstr(line, "warning:") && strlen(line) > 10;
		if (is_message && (!*found || strstr(line, "rror"))) {
			found = line;
		}
		if (strstr(line, "KVM internal error")) {
			break; /* registers follow */
		}
	}
	return found;
}

static bool try_guest(bool kvm, struct err *err)
{
	auto_buf struct buf output = { 0 };
	auto_close int firmware = firmware_file(err);
	auto_qemu_pipes struct qemu_pipes pipes = NO_QEMU_PIPES;
	pid_t pid = firmware < 0 ? -1 : run_guest(kvm, firmware, &pipes, err);
	if (pid < 0) {
		return false;
	}
	int status = await(pid, pipes.errors, &output);
	if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_OK) {
		return true;
	}
	const char *said = complaint(&output);
	return err_set(err, ERR_UNSUPPORTED, "%s%s%.150s",
		status < 0 ? "a test guest does not respond" : "cannot start a test guest",
		*said ? ": " : "", said);
}

bool accel_try_kvm(struct err *err)
{
	if (access("/dev/kvm", F_OK) < 0) {
		return err_set(err, ERR_UNSUPPORTED, "/dev/kvm does not exist");
	}
	auto_close int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		return err_set(err, ERR_UNSUPPORTED, "/dev/kvm cannot be opened (%s)%s",
			strerror(errno), errno == EACCES ? ": add this user to the group kvm" : "");
	}
	struct stat st;
	if (geteuid() == 0 && fstat(fd, &st) == 0 && (st.st_mode & 06) != 06 &&
		((st.st_mode & 060) != 060 || st.st_gid == 0)) {
		return err_set(err, ERR_UNSUPPORTED,
			"only root can open /dev/kvm, and VMs do not run as root: chgrp kvm "
			"/dev/kvm && chmod 660 /dev/kvm");
	}
	return try_guest(true, err);
}

/* ---- stored results ---- */

/* A result is valid for one boot of the host, one kernel, one QEMU. */
static bool make_stamp(struct buf *stamp, struct err *err)
{
	struct utsname name;
	auto_free char *identity = qemu_identity(err);
	char boot[64];
	if (!identity) {
		return false;
	}
	uname(&name);
	(void)file_read_text(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
	boot[strcspn(boot, "\n")] = '\0';
	buf_printf(stamp, "%s %u %s %s", identity, geteuid(), name.release, boot);
	return true;
}

static char *cache_path(const char *state_dir)
{
	struct buf path = { 0 };
	buf_printf(&path, "%s/" CACHE, state_dir);
	return (char *)path.data;
}

/* The file: the stamp on one line; then why KVM does not work, or an empty line. */
static bool recall(const char *state_dir, const struct buf *stamp, char *ret_why, size_t size)
{
	struct err err;
	auto_free char *path = cache_path(state_dir);
	auto_buf struct buf text = { 0 };
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || !file_read(fd, 2000, path, &text, &err) || text.len <= stamp->len ||
		memcmp(text.data, stamp->data, stamp->len) != 0 || text.data[stamp->len] != '\n') {
		return false;
	}
	const char *why = buf_text(&text) + stamp->len + 1, *end = strchr(why, '\n');
	if (!end) {
		return false;
	}
	snprintf(ret_why, size, "%.*s", (int)(end - why), why);
	return true;
}

/* A failure is harmless: the guest is run again next time. */
static void remember(const char *state_dir, const struct buf *stamp, const char *why)
{
	auto_free char *path = cache_path(state_dir);
	auto_buf struct buf text = { 0 }, fresh = { 0 };
	buf_printf(&fresh, "%s.%d", path, getpid());
	buf_printf(&text, "%s\n%s\n", buf_text(stamp), why);
	auto_close int fd =
		open(buf_text(&fresh), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && (write(fd, text.data, text.len) != (ssize_t)text.len ||
			       rename(buf_text(&fresh), path) < 0)) {
		unlink(buf_text(&fresh));
	}
}

/* ---- selection ---- */

/* Why KVM does not work, "" if it does; determined once per process. */
static const char *why_no_kvm(const char *state_dir)
{
	static char why[300];
	static bool known;
	struct err err = { 0 };
	auto_buf struct buf stamp = { 0 };
	if (known) {
		return why;
	}
	bool has_stamp = make_stamp(&stamp, &err);
	if (!has_stamp || !recall(state_dir, &stamp, why, sizeof(why))) {
		snprintf(why, sizeof(why), "%.290s", accel_try_kvm(&err) ? "" : err.text);
		if (has_stamp) {
			remember(state_dir, &stamp, why);
		}
	}
	known = true;
	if (why[0]) {
		log_warning("microVMs use software emulation, which is slow: %s", why);
	}
	return why;
}

/* A VM that used the host's CPU features cannot run on another CPU. */
static void name_cpu(bool kvm, char *ret_name, size_t size)
{
	char text[4096] = "";
	uint64_t hash = 0xcbf29ce484222325;
	if (kvm) {
		(void)file_read_text(AT_FDCWD, "/proc/cpuinfo", text, sizeof(text));
	}
	for (char *save = NULL, *line = strtok_r(text, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		bool names = strncmp(line, "model", 5) == 0 || strncmp(line, "stepping", 8) == 0 ||
			     strncmp(line, "flags", 5) == 0 || strncmp(line, "vendor", 6) == 0;
		for (; names && *line; line++) {
			hash = (hash ^ (uint8_t)*line) * 0x100000001b3;
		}
	}
	snprintf(ret_name, size, kvm ? "kvm-%016llx" : "tcg", (unsigned long long)hash);
}

bool accel_choose(const struct vm_config *config, const char *state_dir, struct accel *ret_accel,
	struct err *err)
{
	const char *wanted = config->accel ? config->accel : "auto";
	struct accel accel = { 0 };
	if (strcmp(wanted, "tcg") != 0) {
		snprintf(accel.why, sizeof(accel.why), "%s", why_no_kvm(state_dir));
		accel.kvm = !accel.why[0];
	}
	if (!accel.kvm && strcmp(wanted, "kvm") == 0) {
		return err_set(err, ERR_UNSUPPORTED,
			"KVM is selected but does not work: %.300s; use --accel auto", accel.why);
	}
	name_cpu(accel.kvm, accel.cpu, sizeof(accel.cpu));
	*ret_accel = accel;
	return true;
}
