#ifndef VM_MICROVM_QEMU_H
#define VM_MICROVM_QEMU_H

#include "base/buf.h"
#include "base/spawn.h"
#include "vm/core/vm.h"

#include <stdint.h>

/*
 * The one place that knows QEMU's command line, and what a QEMU sees of the host: its own files,
 * read-only, and the descriptors it was given.  It has no user, no capability, no network and no
 * path it could write to.
 */

/* The path of the program; ERR_UNSUPPORTED names the package. */
const char *qemu_program(struct err *err) NODISCARD;
/* Of the installed QEMU: another one for another build, the same wherever a build was unpacked;
 * free() it. */
char *qemu_identity(struct err *err) NODISCARD;
/* The same of a program at some path. */
char *qemu_identity_of(const char *path, struct err *err) NODISCARD;

/* A command line under construction.  A zeroed struct is an empty one. */
struct qemu {
	struct buf words; /* each ended by a NUL */
	size_t n_words;
	struct spawn_fd fds[SPAWN_FDS_MAX];
	size_t n_fds;
	bool kvm;     /* sees /dev/kvm */
	bool network; /* has the host's; QEMU has not */
};

#define auto_qemu __attribute__((cleanup(qemu_done)))
void qemu_done(struct qemu *qemu); /* the descriptors stay the caller's */

/* One argument; printf-like. */
void qemu_put(struct qemu *qemu, const char *fmt, ...) PRINTF(2, 3);
/* A descriptor that stays the caller's; its number in QEMU. */
int qemu_put_fd(struct qemu *qemu, int fd);

/* What every QEMU of ours begins with: no device, no file, no window but those asked for. */
void qemu_begin(struct qemu *qemu, bool kvm);

/* A machine. */
struct qemu_plan {
	const char *name;           /* of the process, for vm/microvm/process_identity.h */
	const struct vm_spec *spec; /* memory and cpus filled in */
	int ram;                    /* a memory file of that size, mapped privately */
	int root;                   /* the image's file system, read only */
	int kernel, initrd;         /* -1: it comes from a saved machine */
	int64_t grace_ms;           /* how long the guest goes on without us; -1: for ever */
	int qmp, link, console;     /* sockets that listen */
	int card;                   /* qemu_start_net() has its other end; -1: no network */
	uint64_t tsc_khz;           /* 0: the guest finds out */
	bool kvm;
};

/* Stopped: it waits for `cont`, or where there is no kernel for migrate-incoming. */
void qemu_describe(struct qemu *qemu, const struct qemu_plan *plan);

/*
 * Starts it, confined.  errors_fd becomes its stderr.  info_fd: a pipe; {"child-pid": N} with
 * QEMU's own pid is in it before QEMU runs.  how: user, cgroup, die_with_us.  Returns the process
 * around it, which leads a process group with QEMU in it and ends as QEMU does.
 */
pid_t qemu_start(struct qemu *qemu, int errors_fd, int info_fd, const struct spawn *how,
	struct err *err) NODISCARD;

/* vitrine-net (vm/net/), between the same walls, but with the host's network.  program: its binary.
 * Ends when the other end of `card` is closed. */
pid_t qemu_start_net(
	int program, int card, int errors_fd, const struct spawn *how, struct err *err) NODISCARD;

#endif
