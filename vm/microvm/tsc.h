#ifndef VM_MICROVM_TSC_H
#define VM_MICROVM_TSC_H

#include <stdint.h>

/*
 * The frequency of the CPU's time stamp counter, which an emulated CPU's has, too.  A guest that
 * measures it against an emulated timer may fail on a busy host.
 */

struct tsc {
	uint64_t ticks, ns;
};

struct tsc tsc_read(void);
/* In kHz, from a reading some milliseconds ago; 0 if there is no such counter. */
uint64_t tsc_khz(const struct tsc *since);

#endif
