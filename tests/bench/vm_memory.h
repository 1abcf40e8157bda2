#ifndef BENCH_VM_MEMORY_H
#define BENCH_VM_MEMORY_H

#include "base/err.h"

#include <sys/types.h>

/* What a QEMU takes, MiB: guest is what the guest has changed of its RAM, or all of it where the
 * RAM is nobody else's; own is all else that is private to it; pss its share of everything. */
struct vm_memory {
	double guest, own, pss;
};

/* pid: QEMU's, or of the program around it.  The guest's RAM is the mapping that has `ram` in its
 * name, or without a name (ram NULL) at least mib MiB. */
bool vm_memory_of(
	pid_t pid, const char *ram, int64_t mib, struct vm_memory *ret, struct err *err) NODISCARD;

/* The slope of a straight line through n points. */
double vm_slope(const double *x, const double *y, size_t n);

#endif
