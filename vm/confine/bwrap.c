/*
 * The contents of a sandbox.  The root is a file system in memory: /usr and a short list from /etc
 * are the host's, read-only; the rest of /etc is written here; /tmp, /run, /home/user and /dev/shm
 * are private memory of bounded size.  The host's disks are never written, so nothing is left
 * behind.
 */

#include "vm/confine/bwrap.h"

#include "base/cleanup.h"
#include "vm/confine/host.h"
#include "vm/confine/seccomp.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>

_Static_assert(BWRAP_FDS_MAX + 2 <= SPAWN_FDS_MAX, "spawn_start() must accept them all");

#define FIRST_FD 10 /* 3 is the link */

/* ---- arguments ---- */

#define ARGS(b, ...) ARGS_PUT(&(b)->args, __VA_ARGS__)

/* Takes fd.  Returns its number in the child, as text for the next argument, valid until the next
 * call. */
static const char *put_fd(struct bwrap *b, int fd)
{
	static char word[16];
	int to = FIRST_FD + (int)b->n_fds;
	if (b->n_fds == BWRAP_FDS_MAX) {
		abort();
	}
	b->fds[b->n_fds++] = (struct spawn_fd){ fd, to };
	snprintf(word, sizeof(word), "%d", to);
	return word;
}

void bwrap_done(struct bwrap *b)
{
	for (size_t i = 0; i < b->n_fds; i++) {
		close(b->fds[i].from);
	}
	args_done(&b->args);
	*b = (struct bwrap){ 0 };
}

static int memory_file(const void *bytes, size_t len, struct err *err)
{
	auto_close int fd = memfd_create("vitrine", MFD_CLOEXEC);
	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) < 0) {
		err_errno(err, "cannot create a memory file");
		return -1;
	}
	return take_fd(&fd);
}

static bool put_file(struct bwrap *b, const char *path, const char *text, struct err *err)
{
	int fd = memory_file(text, strlen(text), err);
	if (fd < 0) {
		return false;
	}
	ARGS(b, "--perms", "0444", "--ro-bind-data", put_fd(b, fd), path);
	return true;
}

/* ---- from the host ---- */

static const char *const system_dirs[] = { "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32",
	NULL };

/* Configuration of programs.  No accounts, keys, networks, mounts, nor an administrator's
 * profiles. */
static const char *const shared[] = {
	"/etc/alsa",
	"/etc/alternatives",
	"/etc/bash.bashrc",
	"/etc/dbus-1",
	"/etc/dconf",
	"/etc/firefox",
	"/etc/firefox-esr",
	"/etc/fonts",
	"/etc/glvnd",
	"/etc/gtk-2.0",
	"/etc/gtk-3.0",
	"/etc/gtk-4.0",
	"/etc/inputrc",
	"/etc/ld.so.cache",
	"/etc/ld.so.conf",
	"/etc/ld.so.conf.d",
	"/etc/libreoffice",
	"/etc/locale.alias",
	"/etc/localtime",
	"/etc/matplotlibrc",
	"/etc/mime.types",
	"/etc/protocols",
	"/etc/python3",
	"/etc/python3.11", /* Debian 12 */
	"/etc/python3.13", /* Debian 13 */
	"/etc/services",
	"/etc/ssl/certs",
	"/etc/ssl/openssl.cnf",
	"/etc/terminfo",
	"/etc/timezone",
	"/etc/vulkan",
	"/etc/X11",
	"/etc/xdg",
	"/var/cache/fontconfig",
	"/var/lib/xkb",
};

/* Java requires its settings to start.  Administrators may keep passwords in other files of the
 * directory. */
static void put_java(struct bwrap *b)
{
	static const char *const versions[] = { "17", "21", "25" }; /* of Debian 12 and 13 */
	static const char *const parts[] = { "accessibility.properties", "jvm-amd64.cfg",
		"logging.properties", "net.properties", "psfontj2d.properties", "security",
		"sound.properties", "swing.properties" };
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++) {
			char path[80];
			snprintf(path, sizeof(path), "/etc/java-%s-openjdk/%s", versions[i],
				parts[k]);
			ARGS(b, "--ro-bind-try", path, path);
		}
	}
}

static void put_system(struct bwrap *b)
{
	ARGS(b, "--ro-bind", "/usr", "/usr");
	args_put_system(&b->args, system_dirs);
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
		ARGS(b, "--ro-bind-try", shared[i], shared[i]);
	}
	put_java(b);
	ARGS(b, "--symlink", "../usr/lib/os-release", "/etc/os-release");
}

/* ---- generated files ---- */

static const struct {
	const char *path, *text;
} written[] = {
	{ "/etc/passwd", "root:x:0:0:root:/:/usr/sbin/nologin\n"
			 "user:x:1000:1000:User:/home/user:/bin/bash\n"
			 "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n" },
	{ "/etc/group", "root:x:0:\ntty:x:5:\nuser:x:1000:\nnogroup:x:65534:\n" },
	{ "/etc/hostname", "desktop\n" },
	{ "/etc/hosts", "127.0.0.1 localhost desktop\n::1 localhost desktop\n" },
	{ "/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"
				"services: files\nprotocols: files\n" },
	{ "/etc/resolv.conf", "" },
	{ "/etc/profile",
		"PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games\n"
		"[ -z \"$E2B_SANDBOX\" ] || PATH=/opt/vitrine/e2b:$PATH\n"
		"export PATH\nPS1='\\u@\\h:\\w\\$ '\n"
		"[ -z \"$BASH_VERSION\" ] || [ ! -r /etc/bash.bashrc ] || . /etc/bash.bashrc\n" },
	/*
	 * A browser's sandbox requires namespaces, which the filter denies, because they expose
	 * much of the kernel to programs in here.  This sandbox is the boundary; without the flag
	 * Chromium would not start.
	 */
	{ "/etc/chromium.d/vitrine", "CHROMIUM_FLAGS=\"$CHROMIUM_FLAGS --no-sandbox --test-type "
				     "--no-first-run --password-store=basic\"\n" },
};

static bool put_written(struct bwrap *b, struct err *err)
{
	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
		if (!put_file(b, written[i].path, written[i].text, err)) {
			return false;
		}
	}
	uint8_t random[16];
	char id[34];
	if (getrandom(random, sizeof(random), 0) != sizeof(random)) {
		return err_errno(err, "cannot get random bytes");
	}
	for (size_t i = 0; i < sizeof(random); i++) {
		snprintf(id + 2 * i, 3, "%02x", random[i]);
	}
	snprintf(id + 32, 2, "\n");
	return put_file(b, "/etc/machine-id", id, err);
}

/* What E2B's desktop SDK starts, as in an image. */
static void put_desktop_sdk(struct bwrap *b)
{
	static const char *const programs[] = { "/opt/vitrine/e2b/Xvfb", "/opt/vitrine/e2b/scrot",
		"/opt/vitrine/e2b/startxfce4", "/opt/vitrine/e2b/x11vnc",
		"/opt/vitrine/e2b/xdpyinfo", "/opt/noVNC/utils/novnc_proxy" };
	static const char *const others[] = { "xfce4-session", "xfwm4", "xfdesktop" };
	char path[60];
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		int fd = host_open_recipe_file(programs[i]);
		if (fd >= 0) {
			ARGS(b, "--perms", "0555", "--ro-bind-data", put_fd(b, fd), programs[i]);
		}
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(path, sizeof(path), "/opt/vitrine/e2b/%s", others[i]);
		ARGS(b, "--symlink", "Xvfb", path);
	}
}

/* File by file, because one more is added to the directory. */
static void put_chromium(struct bwrap *b)
{
	DIR *dir = opendir("/etc/chromium.d");
	char path[400];
	if (!dir) {
		return;
	}
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, "vitrine") != 0) {
			snprintf(path, sizeof(path), "/etc/chromium.d/%s", entry->d_name);
			ARGS(b, "--ro-bind-try", path, path);
		}
	}
	closedir(dir);
}

/* ---- private file systems ---- */

static void put_private(struct bwrap *b)
{
	/* The kernel lets the root of a namespace write its settings without any capability, and an
	 * ordinary user is that root. */
	ARGS(b, "--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev");
	for (size_t i = 0; i < PRIVATE_MOUNTS; i++) {
		ARGS(b, "--bind", private_mounts[i].from, private_mounts[i].to);
	}
	ARGS(b, "--perms", "0700", "--dir", "/run/user/1000", "--symlink", "/tmp", "/var/tmp");
	ARGS(b, "--symlink", "/run", "/var/run");
}

static const char *const isolation[] = {
	"--unshare-user", /* the IPC namespace is its room's (vm/confine/private_fs.h) */
	"--unshare-pid",
	"--unshare-net",
	"--unshare-uts",
	"--unshare-cgroup-try",
	/* bwrap's own init would be accessible to every program inside, and without limits */
	"--as-pid-1",
	"--die-with-parent",
	"--new-session",
	"--uid",
	"1000",
	"--gid",
	"1000",
	"--hostname",
	"desktop",
	"--clearenv",
	"--cap-drop",
	"ALL",
	NULL,
};

bool bwrap_describe(struct bwrap *b, const struct vm_limits *limits, bool counted, int agent_fd,
	struct err *err)
{
	enum seccomp_for whom = counted ? SECCOMP_FOR_PROGRAMS : SECCOMP_FOR_UNCOUNTED;
	int filters[SECCOMP_FILTERS];
	const char *agent = put_fd(b, agent_fd);
	args_put_all(&b->args, isolation);
	private_init(&b->memory, limits);
	put_private(b);
	ARGS(b, "--perms", "0555", "--ro-bind-data", agent, BWRAP_AGENT);
	put_system(b);
	put_chromium(b);
	put_desktop_sdk(b);
	if (!put_written(b, err) || !seccomp_export(whom, filters, err)) {
		return false;
	}
	for (size_t i = 0; i < SECCOMP_FILTERS; i++) {
		ARGS(b, "--add-seccomp-fd", put_fd(b, filters[i]));
	}
	/* Both were writable while mount points were created in them. */
	ARGS(b, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/home/user");
	return true;
}

/* ---- running ---- */

#define COMMAND_MAX 32

pid_t bwrap_start(struct bwrap *b, const char *const *command, int link_fd, int errors_fd,
	const struct spawn *how, struct err *err)
{
	/* A separate environment, because programs can read that of the sandbox's first process. */
	static const char *const env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", NULL };
	struct spawn_fd fds[BWRAP_FDS_MAX + 2];
	const char *argv[COMMAND_MAX] = { "bwrap", "--args" };
	struct spawn spawn = *how;
	int args = memory_file(b->args.words.data, b->args.words.len, err);
	if (args < 0) {
		return -1;
	}
	argv[2] = put_fd(b, args);
	argv[3] = "--";
	for (size_t i = 4; i + 1 < COMMAND_MAX && *command; i++) {
		argv[i] = *command++;
	}
	memcpy(fds, b->fds, sizeof(b->fds));
	size_t n = b->n_fds;
	fds[n++] = (struct spawn_fd){ errors_fd, STDERR_FILENO };
	if (link_fd >= 0) {
		fds[n++] = (struct spawn_fd){ link_fd, BWRAP_LINK_FD };
	}
	spawn.argv = argv;
	spawn.env = env;
	spawn.cwd = "/";
	spawn.fds = fds;
	spawn.n_fds = n;
	spawn.new_session = true;
	spawn.room = &b->memory.room;
	spawn.die_with_us = true;
	pid_t pid = spawn_start(&spawn, err);
	if (pid < 0) { /* the namespaces that come before bwrap */
		host_advise(err->text, err);
	}
	return pid;
}

int bwrap_wstatus(const siginfo_t *end)
{
	bool killed = end->si_code == CLD_EXITED && end->si_status > 128;
	return killed ? end->si_status & 0x7f : spawn_wstatus(end);
}
