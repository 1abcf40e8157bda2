#ifndef VM_MICROVM_QEMU_H
#define VM_MICROVM_QEMU_H

#include "base/spawn.h"
#include "vm/confine/args.h"
#include "vm/core/vm.h"

#include <stdint.h>

/*
 * The only file that knows QEMU's command line, and what a QEMU sees of the host: its own files,
 * read-only, and the descriptors passed to it.  It has no user, capability or network, and no path
 * that it could write to.
 */

/* The path of the program; ERR_UNSUPPORTED names the package. */
const char *qemu_program(struct err *err) NODISCARD;
/* Identifies the installed build of QEMU, wherever it is unpacked; to free(). */
char *qemu_identity(struct err *err) NODISCARD;
/* The same for a program at any path. */
char *qemu_identity_of(const char *path, struct err *err) NODISCARD;

/* A command line under construction.  A zeroed struct is an empty one. */
struct qemu {
	struct args args;
	struct spawn_fd fds[SPAWN_FDS_MAX];
	size_t n_fds;
	bool kvm;     /* sees /dev/kvm */
	bool network; /* uses the host's network; QEMU does not */
};

#define auto_qemu __attribute__((cleanup(qemu_done)))
void qemu_done(struct qemu *qemu); /* the caller keeps the descriptors */

/* Passes a descriptor, which stays the caller's; returns its number in QEMU. */
int qemu_put_fd(struct qemu *qemu, int fd);

/* The common start of all command lines: no devices, files or windows except those added later. */
void qemu_begin(struct qemu *qemu, bool kvm);

/* A VM. */
struct qemu_plan {
	const char *name;           /* of the process, for vm/microvm/process_identity.h */
	const struct vm_spec *spec; /* with memory and cpus set */
	int ram;                    /* a memory file of that size, mapped privately */
	int root;                   /* the image's file system, read-only */
	int kernel, initrd;         /* -1: from a saved VM */
	int64_t grace_ms;           /* how long the guest continues without a server; -1: forever */
	int qmp, link, console;     /* listening sockets */
	int card;                   /* qemu_start_net() has its other end; -1: no network */
	uint64_t tsc_khz;           /* 0: the guest measures it */
	bool kvm;
};

/* Stopped: it waits for `cont`, or without a kernel for migrate-incoming. */
void qemu_describe(struct qemu *qemu, const struct qemu_plan *plan);

/* Two pipes of a QEMU.  -1: closed, or taken with take_fd().  Reading never blocks. */
struct qemu_pipes {
	int errors, their_errors; /* its stderr */
	int info,
		their_info; /* receives {"child-pid": N}, QEMU's pid, before QEMU runs; ours must stay
				 open until then */
};
#define NO_QEMU_PIPES \
	{ \
		-1, -1, -1, -1 \
	}
#define auto_qemu_pipes __attribute__((cleanup(qemu_pipes_done)))
bool qemu_pipes_make(struct qemu_pipes *pipes, struct err *err) NODISCARD;
void qemu_pipes_done(struct qemu_pipes *pipes);

/*
 * Starts it in isolation.  how: user, cgroup, die_with_us.  Returns the process around it, which
 * leads a process group with QEMU in it and exits when QEMU does.
 */
pid_t qemu_start(struct qemu *qemu, const struct qemu_pipes *pipes, const struct spawn *how,
	struct err *err) NODISCARD;
/* The same for a short test: makes the pipes, of which ours stay, and runs it as any unused user. */
pid_t qemu_start_brief(struct qemu *qemu, struct qemu_pipes *pipes, struct err *err) NODISCARD;

/* vitrine-net (vm/net/), in the same isolation, but with the host's network.  program: its binary.
 * Exits when the other end of `card` is closed. */
pid_t qemu_start_net(
	int program, int card, int errors_fd, const struct spawn *how, struct err *err) NODISCARD;

#endif
