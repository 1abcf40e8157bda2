#ifndef VM_CONFINE_SECCOMP_H
#define VM_CONFINE_SECCOMP_H

#include "base/err.h"

/*
 * What programs in a sandbox may ask the kernel for, as two filters (the kernel takes the stricter
 * answer): one of names, one of arguments.  Sealed memory files of BPF, ready for bwrap
 * --add-seccomp-fd.
 */
enum { SECCOMP_NAMES, SECCOMP_ARGUMENTS, SECCOMP_FILTERS };

/* For desktop programs (and vitrine-net); for those whose memory no control group counts, which get
 * no memory files (memfd_create); or for QEMU, which gets less: one process with threads, unix
 * sockets, no shared System V memory and no watching of files. */
enum seccomp_for { SECCOMP_FOR_PROGRAMS, SECCOMP_FOR_UNCOUNTED, SECCOMP_FOR_MACHINE };

/* The descriptors are the caller's. */
bool seccomp_export(enum seccomp_for whom, int ret_fds[SECCOMP_FILTERS], struct err *err) NODISCARD;

#endif
