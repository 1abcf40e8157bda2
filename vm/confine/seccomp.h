#ifndef VM_CONFINE_SECCOMP_H
#define VM_CONFINE_SECCOMP_H

#include "base/err.h"

/*
 * The system calls that programs in a sandbox may use, as two filters (the kernel applies the
 * stricter result): one of names, one of arguments.  Sealed memory files of BPF, for bwrap
 * --add-seccomp-fd.
 */
enum { SECCOMP_NAMES, SECCOMP_ARGUMENTS, SECCOMP_FILTERS };

/* For desktop programs (and vitrine-net); for programs whose memory no cgroup counts, which get no
 * memory files (memfd_create); or for QEMU, which gets less: one process with threads, unix
 * sockets, no System V shared memory and no file watches. */
enum seccomp_for { SECCOMP_FOR_PROGRAMS, SECCOMP_FOR_UNCOUNTED, SECCOMP_FOR_MACHINE };

/* The caller owns the descriptors. */
bool seccomp_export(enum seccomp_for whom, int ret_fds[SECCOMP_FILTERS], struct err *err) NODISCARD;

#endif
