#ifndef VM_MICROVM_TSC_H
#define VM_MICROVM_TSC_H

#include <stdint.h>

/*
 * How fast the processor's time stamp counter runs, which an emulated processor's does too.  A
 * guest that has to find out by itself counts against an emulated timer, and on a busy host it
 * gives up.
 */

struct tsc {
	uint64_t ticks, ns;
};

struct tsc tsc_read(void);
/* In kHz, from a reading some milliseconds ago; 0 where there is no such counter. */
uint64_t tsc_khz(const struct tsc *since);

#endif
