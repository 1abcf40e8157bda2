#ifndef VM_MICROVM_SOCKETS_H
#define VM_MICROVM_SOCKETS_H

#include "base/err.h"

#include <stddef.h>

/*
 * The sockets between us and a QEMU: its monitor, the link, the serial line.  We make them, they
 * listen in the sandbox's directory, and QEMU gets them as descriptors; so it sees no directory,
 * and a later server still finds them.
 */

enum { SOCKET_QMP, SOCKET_LINK, SOCKET_CONSOLE, SOCKETS };

struct sockets {
	int dir, listening[SOCKETS], connected[SOCKETS]; /* -1: none; take_fd() what is kept */
};

#define NO_SOCKETS \
	{ \
		-1, { -1, -1, -1 }, \
		{ \
			-1, -1, -1 \
		} \
	}
#define auto_sockets __attribute__((cleanup(sockets_done)))
void sockets_done(struct sockets *sockets);

/* Makes them anew and connects our ends: before QEMU runs, for what is said waits. */
bool sockets_make(struct sockets *sockets, const char *dir, struct err *err) NODISCARD;
/* One of them, to a QEMU that runs; when it has somebody there already, as soon as that one goes. */
bool sockets_connect(
	struct sockets *sockets, const char *dir, size_t which, struct err *err) NODISCARD;

#endif
