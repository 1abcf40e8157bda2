/* Sizes and options of a sandbox's private file systems. */
#include "vm/confine/private_fs.h"

#include "base/cleanup.h"
#include "base/spawn.h"
#include "vm/confine/host.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>

/* A file uses about 1 KiB of kernel memory, however short it is. */
#define FILES_PER_MIB 128
#define FILES_MIN 4096

const struct private_mount private_mounts[PRIVATE_MOUNTS] = {
	[PRIVATE_SHM] = { PRIVATE_DIR "shm", "/dev/shm" },
	[PRIVATE_TMP] = { PRIVATE_DIR "tmp", "/tmp" },
	[PRIVATE_RUN] = { PRIVATE_DIR "run", "/run" },
	[PRIVATE_HOME] = { PRIVATE_DIR "home", "/home/user" },
};

static const char *const modes[PRIVATE_MOUNTS] = { "1777", "1777", "0755", "0700" };

static void describe_mounts(struct private *p, const struct vm_limits *limits)
{
	long long files = (long long)limits->disk_mib * FILES_PER_MIB;
	files = files > FILES_MIN ? files : FILES_MIN;
	for (size_t i = 0; i < PRIVATE_MOUNTS; i++) {
		snprintf(p->options[i], sizeof(p->options[i]), "size=%lldm,nr_inodes=%lld,mode=%s",
			(long long)limits->disk_mib, files, modes[i]);
		p->mounts[i] = (struct room_item){ private_mounts[i].from, p->options[i] };
	}
}

/* Shared memory up to the sandbox's memory in total; queues and semaphores up to Linux's long-time
 * defaults. */
static void describe_settings(struct private *p, const struct vm_limits *limits)
{
	snprintf(p->segments, sizeof(p->segments), "%lld", (long long)limits->memory_mib << 20);
	snprintf(p->pages, sizeof(p->pages), "%lld",
		((long long)limits->memory_mib << 20) / sysconf(_SC_PAGESIZE));
	p->settings[0] = (struct room_item){ "/proc/sys/kernel/shmmax", p->segments };
	p->settings[1] = (struct room_item){ "/proc/sys/kernel/shmall", p->pages };
	p->settings[2] = (struct room_item){ "/proc/sys/kernel/msgmni", "32" };
	p->settings[3] = (struct room_item){ "/proc/sys/kernel/sem", "250 32000 32 128" };
}

static void describe(struct private *p, const struct vm_limits *limits, bool limits_ipc)
{
	describe_mounts(p, limits);
	describe_settings(p, limits);
	p->room = (struct room){ .dir = PRIVATE_DIR,
		.mounts = p->mounts,
		.n_mounts = PRIVATE_MOUNTS,
		.settings = p->settings,
		.n_settings = limits_ipc ? PRIVATE_SETTINGS : 0 };
}

void private_init(struct private *p, const struct vm_limits *limits)
{
	describe(p, limits, private_limits_ipc());
}

static bool try_ipc(void)
{
	static const char *const argv[] = { "true", NULL };
	struct err err;
	struct private p;
	uid_t uid;
	describe(&p, &(struct vm_limits){ .memory_mib = 64, .disk_mib = 1 }, true);
	if (!host_pick_user(&uid, &err)) {
		return false;
	}
	pid_t pid = spawn_start(
		&(struct spawn){ .argv = argv, .uid = uid, .gid = uid, .room = &p.room }, &err);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
	}
	return pid > 0;
}

bool private_limits_ipc(void)
{
	static bool known, works;
	if (!known) {
		works = try_ipc();
		known = true;
	}
	return works;
}
