#ifndef VM_MICROVM_SOCKETS_H
#define VM_MICROVM_SOCKETS_H

#include "base/err.h"

#include <stddef.h>

/*
 * The sockets between the server and a QEMU: its monitor, the link, the serial line.  They are
 * created here, listen in the sandbox's directory, and are passed to QEMU as descriptors, so it
 * needs no directory, and a later server still finds them.
 */

enum { SOCKET_QMP, SOCKET_LINK, SOCKET_CONSOLE, SOCKETS };

struct sockets {
	/* -1: none; take those to keep with take_fd() */
	int dir, listening[SOCKETS], connected[SOCKETS];
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

/* Creates them and connects our ends before QEMU runs, because data is queued. */
bool sockets_make(struct sockets *sockets, const char *dir, struct err *err) NODISCARD;
/* Connects one of them to a running QEMU; if it is in use, when that connection closes. */
bool sockets_connect(
	struct sockets *sockets, const char *dir, size_t which, struct err *err) NODISCARD;

#endif
