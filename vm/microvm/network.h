#ifndef VM_MICROVM_NETWORK_H
#define VM_MICROVM_NETWORK_H

#include "base/spawn.h"

#include <systemd/sd-event.h>

/* The way out of a machine that may reach the internet: a vitrine-net (vm/net/) of its own beside
 * its QEMU.  It ends by itself when QEMU's end of the socket between them is closed. */

/* QEMU's end; -1 on failure.  how: as QEMU's own; where there is a user, it gets another one. */
int uplink_start(sd_event *event, const char *id, int errors_fd, const struct spawn *how,
	struct err *err) NODISCARD;

#endif
