/*
 * vitrine-init, the first program of a microVM.  It loads the required modules, mounts the image
 * with a writable layer in memory above it, and runs the agent, whose files are in the initramfs.
 * Static, small, and with one reaction to errors: a line on the console, and power off.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DISK "/dev/vda"
#define DISK_WAIT_MS 10000
#define OPTION "vitrine.disk=" /* size in MiB of the writable layer */
#define TEXT_MAX 4096

static _Noreturn void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static _Noreturn void fail(const char *fmt, ...)
{
	int sys = errno;
	va_list args;
	va_start(args, fmt);
	dprintf(STDERR_FILENO, "vitrine-init: ");
	vdprintf(STDERR_FILENO, fmt, args);
	dprintf(STDERR_FILENO, "%s%s\n", sys ? ": " : "", sys ? strerror(sys) : "");
	va_end(args);
	reboot(RB_POWER_OFF);
	reboot(RB_AUTOBOOT); /* QEMU runs with -no-reboot */
	for (;;) {
		pause();
	}
}

static void mount_at(const char *what, const char *at, const char *type, unsigned long flags,
	const char *options)
{
	if ((mkdir(at, 0755) < 0 && errno != EEXIST && errno != EROFS) ||
		mount(what, at, type, flags, options) < 0) {
		fail("cannot mount %s at %s", what, at);
	}
}

/* Reads at most size - 1 bytes of the file. */
static void read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;
	if (fd < 0) {
		fail("cannot open %s", path);
	}
	while (len < size - 1 && (n = read(fd, text + len, size - 1 - len)) > 0) {
		len += (size_t)n;
	}
	text[len] = '\0';
	close(fd);
}

/* ---- modules ---- */

static void load_module(const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "/modules/%s", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)) {
		fail("cannot load the module %s", name);
	}
	close(fd);
}

static void load_modules(void)
{
	char list[TEXT_MAX], *rest = NULL;
	read_text("/modules.list", list, sizeof(list));
	for (char *name = strtok_r(list, "\n", &rest); name; name = strtok_r(NULL, "\n", &rest)) {
		load_module(name);
	}
}

/* ---- disk ---- */

/* Opened before the modules are loaded, so that no event is missed. */
static int open_uevents(void)
{
	struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	if (fd < 0 || bind(fd, (struct sockaddr *)&all, sizeof(all)) < 0) {
		fail("cannot listen to the kernel's events");
	}
	return fd;
}

static void await_disk(int uevents)
{
	char event[TEXT_MAX];
	struct pollfd ready = { .fd = uevents, .events = POLLIN };
	while (access(DISK, F_OK) < 0) {
		if (poll(&ready, 1, DISK_WAIT_MS) == 0) {
			errno = 0;
			fail("the VM has no disk: " DISK " did not appear within %d s",
				DISK_WAIT_MS / 1000);
		}
		if (recv(uevents, event, sizeof(event), 0) < 0 && errno != ENOBUFS &&
			errno != EINTR) {
			fail("cannot read the kernel's events");
		}
	}
	close(uevents);
}

/* ---- new root ---- */

static void layer_options(char *ret_options, size_t size)
{
	char line[TEXT_MAX];
	read_text("/proc/cmdline", line, sizeof(line));
	const char *option = strstr(line, OPTION);
	unsigned long mib = option ? strtoul(option + strlen(OPTION), NULL, 10) : 0;
	if (mib) {
		snprintf(ret_options, size, "mode=0755,size=%luM", mib);
	} else {
		snprintf(ret_options, size, "mode=0755,size=50%%");
	}
}

static void make_root(void)
{
	char options[64];
	layer_options(options, sizeof(options));
	mount_at(DISK, "/image", "erofs", MS_RDONLY, NULL);
	mount_at("layer", "/layer", "tmpfs", 0, options);
	if (mkdir("/layer/upper", 0755) < 0 || mkdir("/layer/work", 0755) < 0) {
		fail("cannot create the writable layer");
	}
	mount_at("root", "/root", "overlay", 0,
		"lowerdir=/image,upperdir=/layer/upper,workdir=/layer/work");
	mount_at("run", "/root/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=20%");
	/* A bind mount, so the files stay where the kernel unpacked them. */
	mount_at("/vitrine", "/root/run/vitrine", NULL, MS_BIND, NULL);
}

static void move_mounts(void)
{
	static const char *const moved[][2] = {
		{ "/dev", "/root/dev" },
		{ "/proc", "/root/proc" },
		{ "/sys", "/root/sys" },
	};
	for (size_t i = 0; i < sizeof(moved) / sizeof(*moved); i++) {
		mount_at(moved[i][0], moved[i][1], NULL, MS_MOVE, NULL);
	}
}

/* Frees the memory of files needed only here; the agent's files stay. */
static void remove_ours(void)
{
	char list[TEXT_MAX], path[256], *rest = NULL;
	read_text("/modules.list", list, sizeof(list));
	for (char *name = strtok_r(list, "\n", &rest); name; name = strtok_r(NULL, "\n", &rest)) {
		snprintf(path, sizeof(path), "/modules/%s", name);
		unlink(path);
	}
	unlink("/modules.list");
	unlink("/init");
}

static void enter_root(void)
{
	if (chdir("/root") < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
		chdir("/") < 0) {
		fail("cannot change to the image's root");
	}
}

static _Noreturn void run_agent(void)
{
	static char *argv[] = { "/run/vitrine/ld.so", "--library-path", "/run/vitrine/lib",
		"/run/vitrine/vitrine-agent", "--init", NULL };
	static char *env[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root", "LANG=C.UTF-8", NULL };
	execve(argv[0], argv, env);
	fail("cannot run the agent (%s)", argv[0]);
}

int main(void)
{
	if (getpid() != 1) {
		dprintf(STDERR_FILENO, "vitrine-init: must run as the first process of a "
				       "microVM\n");
		return 1;
	}
	umask(022);
	mount_at("dev", "/dev", "devtmpfs", MS_NOSUID, NULL);
	mount_at("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_at("sys", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	int uevents = open_uevents();
	load_modules();
	await_disk(uevents);
	make_root();
	remove_ours();
	move_mounts();
	enter_root();
	run_agent();
}
