/*
 * Sets up the VM after boot with tables of mounts and directories.  The image is read-only under a
 * layer in memory, so everything written here affects this VM only.
 */
#include "vm/agent/init/guest_setup.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/id.h"
#include "vm/agent/init/network.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#define USER_ID 1000
#define RUNTIME "/run/user/1000"
#define HOSTNAME_MAX 63
#define SAFE (MS_NOSUID | MS_NODEV)

/* ---- file systems ---- */

static const struct {
	const char *type, *path, *how;
	unsigned long flags;
} mounts[] = {
	{ "proc", "/proc", NULL, SAFE | MS_NOEXEC },
	{ "sysfs", "/sys", NULL, SAFE | MS_NOEXEC },
	{ "devtmpfs", "/dev", "mode=0755", MS_NOSUID },
	{ "devpts", "/dev/pts", "mode=0620,gid=5,ptmxmode=0666", MS_NOSUID | MS_NOEXEC },
	/* In percent of the memory, so that none of them alone can exhaust it. */
	{ "tmpfs", "/dev/shm", "mode=1777,size=40%", SAFE },
	{ "tmpfs", "/tmp", "mode=1777,size=40%", SAFE },
	{ "tmpfs", RUNTIME, "mode=0700,uid=1000,gid=1000,size=10%", SAFE },
};

/* With these modes, independent of the umask. */
static const struct {
	const char *path;
	mode_t mode;
} directories[] = {
	{ "/run", 0755 },
	{ "/run/user", 0755 },
	{ "/run/lock", 01777 },
	/* Created by root, because the X server requires it. */
	{ "/tmp/.X11-unix", 01777 },
	{ "/tmp/.ICE-unix", 01777 },
};

/* Missing in minimal device trees. */
static const struct {
	const char *path, *to;
} links[] = {
	{ "/dev/fd", "/proc/self/fd" },
	{ "/dev/stdin", "/proc/self/fd/0" },
	{ "/dev/stdout", "/proc/self/fd/1" },
	{ "/dev/stderr", "/proc/self/fd/2" },
};

static bool make_directory(const char *path, mode_t mode, struct err *err)
{
	if (mkdir(path, mode) < 0 && errno != EEXIST) {
		return err_errno(err, "cannot create the directory %s", path);
	}
	return true;
}

/* A mount point is on a different device than its parent. */
static bool is_mounted(const char *path)
{
	char around[64];
	struct stat here, above;
	snprintf(around, sizeof(around), "%s/..", path);
	return stat(path, &here) == 0 && stat(around, &above) == 0 && here.st_dev != above.st_dev;
}

static bool mount_all(struct err *err)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		const char *path = mounts[i].path;
		if (is_mounted(path)) {
			continue;
		}
		if (!make_directory(path, 0755, err)) {
			return false;
		}
		if (mount(mounts[i].type, path, mounts[i].type, mounts[i].flags, mounts[i].how) <
			0) {
			return err_errno(err, "cannot mount %s on %s", mounts[i].type, path);
		}
	}
	return true;
}

static bool make_directories(size_t from, size_t to, struct err *err)
{
	for (size_t i = from; i < to; i++) {
		if (!make_directory(directories[i].path, directories[i].mode, err)) {
			return false;
		}
		if (chmod(directories[i].path, directories[i].mode) < 0) {
			return err_errno(err, "cannot set the mode of the directory %s",
				directories[i].path);
		}
	}
	return true;
}

bool guest_setup_mount(const struct guest_user *user, struct err *err)
{
	const size_t all = sizeof(directories) / sizeof(*directories), on_root = 3;
	if (!make_directories(0, on_root, err) || !mount_all(err) ||
		!make_directories(on_root, all, err)) {
		return false;
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		if (symlink(links[i].to, links[i].path) < 0 && errno != EEXIST) {
			return err_errno(err, "cannot create the link %s", links[i].path);
		}
	}
	if (access(user->home, F_OK) < 0 && (!make_directory(user->home, 0755, err) ||
						    chown(user->home, user->uid, user->gid) < 0)) {
		return err_errno(err, "cannot create the home directory %s", user->home);
	}
	return true;
}

/* ---- the user ---- */

void guest_setup_find_user(struct guest_user *ret_user)
{
	struct guest_user user = { USER_ID, USER_ID, "user", "/home/user", "/bin/bash" };
	FILE *file = fopen("/etc/passwd", "re");
	struct passwd *row;
	/* Not getpwuid(), which would load the image's libraries. */
	while (file && (row = fgetpwent(file))) {
		if (row->pw_uid == USER_ID) {
			user.gid = row->pw_gid;
			snprintf(user.name, sizeof(user.name), "%s", row->pw_name);
			snprintf(user.home, sizeof(user.home), "%s", row->pw_dir);
			snprintf(user.shell, sizeof(user.shell), "%s", row->pw_shell);
			break;
		}
	}
	if (file) {
		fclose(file);
	}
	*ret_user = user;
}

/* ---- names ---- */

static bool write_text(const char *path, int flags, const char *text, struct err *err)
{
	auto_close int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | flags, 0644);
	size_t len = strlen(text);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len) {
		return err_errno(err, "cannot write %s", path);
	}
	return true;
}

static bool set_hostname(const char *name, struct err *err)
{
	char hosts[3 * HOSTNAME_MAX];
	if (sethostname(name, strlen(name)) < 0) {
		return err_errno(err, "cannot set the hostname '%s'", name);
	}
	/* sudo and others resolve the host name. */
	snprintf(hosts, sizeof(hosts),
		"127.0.0.1\tlocalhost\n127.0.1.1\t%s\n::1\tlocalhost ip6-localhost\n", name);
	return write_text("/etc/hosts", O_CREAT, hosts, err);
}

static bool set_machine_id(const char *id, struct err *err)
{
	char line[40];
	snprintf(line, sizeof(line), "%s\n", id);
	struct stat dbus;
	return write_text("/etc/machine-id", O_CREAT, line, err) &&
	       (lstat("/var/lib/dbus/machine-id", &dbus) < 0 || S_ISLNK(dbus.st_mode) ||
		       write_text("/var/lib/dbus/machine-id", 0, line, err));
}

static bool make_machine_id(struct err *err)
{
	uint8_t bytes[16];
	char id[33];
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
		return err_errno(err, "cannot get random bytes");
	}
	for (size_t i = 0; i < sizeof(bytes); i++) {
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
	}
	return set_machine_id(id, err);
}

/* The image's host name, if it has a valid one. */
static void read_hostname(char ret_name[HOSTNAME_MAX + 1])
{
	struct privileged_request names = { .time_us = PRIVILEGED_TIME_MIN };
	struct err ignored;
	(void)file_read_text(AT_FDCWD, "/etc/hostname", names.hostname, sizeof(names.hostname));
	names.hostname[strcspn(names.hostname, " \t\n")] = '\0';
	bool usable = *names.hostname && privileged_request_check(&names, &ignored);
	snprintf(ret_name, HOSTNAME_MAX + 1, "%s", usable ? names.hostname : "vitrine");
}

bool guest_setup_names(struct err *err)
{
	char name[HOSTNAME_MAX + 1];
	read_hostname(name);
	return set_hostname(name, err) && make_machine_id(err) && network_up(err);
}

/* ---- privileged request ---- */

static bool set_clock(int64_t time_us, struct err *err)
{
	struct timespec now = { time_us / 1000000, time_us % 1000000 * 1000 };
	if (clock_settime(CLOCK_REALTIME, &now) < 0) {
		return err_errno(err, "cannot set the clock");
	}
	return true;
}

/* Credited as entropy and mixed in immediately, because two clones must not generate the same
 * numbers. */
static bool feed_entropy(const uint8_t bytes[PRIVILEGED_ENTROPY], struct err *err)
{
	struct {
		struct rand_pool_info info;
		uint8_t bytes[PRIVILEGED_ENTROPY];
	} pool = { .info = { .entropy_count = PRIVILEGED_ENTROPY * 8,
			   .buf_size = PRIVILEGED_ENTROPY } };
	memcpy(pool.bytes, bytes, PRIVILEGED_ENTROPY);
	auto_close int fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, RNDADDENTROPY, &pool) < 0 || ioctl(fd, RNDRESEEDCRNG) < 0) {
		return err_errno(err, "cannot feed entropy");
	}
	return true;
}

bool guest_setup_restored(const struct privileged_request *request, struct err *err)
{
	return set_clock(request->time_us, err) && feed_entropy(request->entropy, err) &&
	       (!*request->hostname || set_hostname(request->hostname, err)) &&
	       (!*request->machine_id || set_machine_id(request->machine_id, err)) &&
	       (!*request->mac || network_set_mac(request->mac, err));
}
