#ifndef TESTS_TINY_MACHINE_H
#define TESTS_TINY_MACHINE_H

/*
 * A real QEMU with a guest of 84 bytes, which copies itself into RAM first, for QEMU does not put
 * firmware into a machine that is to be loaded.  It answers each byte on its serial line.  i:
 * counts up, in memory, and answers the count; f and z: fill a byte of another page with 0xaa, with
 * zero, and answer it; anything else: answers that byte.
 */

#include "base/cleanup.h"
#include "base/spawn.h"
#include "vm/microvm/qmp.h"
#include "vm/microvm/save.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define TINY_MIB 32

struct tiny {
	pid_t pid;
	int serial;
	struct qmp *qmp;
	struct ram *ram;
	struct saved *saved;
	struct machine machine;
	bool closed;
};

/* wrap: words before QEMU's own, or NULL.  Takes the ram. */
void tiny_start(
	struct tiny *tiny, sd_event *event, struct ram *ram, bool waits, const char *const *wrap);

/* Waits: the guest answers whatever the loop does. */
int tiny_ask(struct tiny *tiny, char what);

void tiny_end(struct tiny *tiny);

#endif
