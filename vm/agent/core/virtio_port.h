#ifndef VM_AGENT_CORE_VIRTIO_PORT_H
#define VM_AGENT_CORE_VIRTIO_PORT_H

#include "base/err.h"

#include <systemd/sd-event.h>

/* The virtio-serial port to the host. */

#define VIRTIO_PORT_NAME "vitrine.link"

/* Opens it; blocks until it appears, at most ms.  Only for the first process, which has nothing else
 * to do at that time.  -1: ERR_TIMEOUT, ERR_HOST. */
int virtio_port_open(int ms, struct err *err) NODISCARD;

/* fn is called from the loop when the host's end is open, soon if it already is.  Drop the source
 * then. */
sd_event_source *virtio_port_await(sd_event *event, int fd, sd_event_io_handler_t fn, void *data);
/* Whether these events mean that it is open; otherwise keep the source. */
bool virtio_port_is_open(uint32_t events);

#endif
