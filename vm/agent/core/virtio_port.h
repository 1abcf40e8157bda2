#ifndef VM_AGENT_CORE_VIRTIO_PORT_H
#define VM_AGENT_CORE_VIRTIO_PORT_H

#include "base/err.h"

#include <systemd/sd-event.h>

/* The virtio-serial port that leads to the host. */

#define VIRTIO_PORT_NAME "vitrine.link"

/* Opens it; blocks until it appears, for ms at most.  Only for the first process, which has nothing
 * else to do then.  -1: ERR_TIMEOUT, ERR_HOST. */
int virtio_port_open(int ms, struct err *err) NODISCARD;

/* Fires, from the loop, when the host's end is open: soon, if it is now.  Drop the source then. */
sd_event_source *virtio_port_await(sd_event *event, int fd, sd_event_io_handler_t fn, void *data);
/* Whether these events say so; else the source keeps waiting. */
bool virtio_port_is_open(uint32_t events);

#endif
