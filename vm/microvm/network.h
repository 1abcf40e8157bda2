#ifndef VM_MICROVM_NETWORK_H
#define VM_MICROVM_NETWORK_H

#include "base/spawn.h"

#include <systemd/sd-event.h>

/* The network of a VM with internet access: a separate vitrine-net (vm/net/) for its QEMU.  It
 * exits when QEMU's end of the socket between them is closed. */

/* Returns QEMU's end; -1 on failure.  how: as for QEMU, but with a different user, if any. */
int uplink_start(sd_event *event, const char *id, int errors_fd, const struct spawn *how,
	struct err *err) NODISCARD;

#endif
