#ifndef TRANSPORT_HTTP_ACCEPTOR_H
#define TRANSPORT_HTTP_ACCEPTOR_H

#include "transport/http/sockets.h"

#include <systemd/sd-event.h>

/* Accepts connections from listening sockets, a few per iteration of the loop.  If descriptors or
 * memory are exhausted, it pauses briefly; clients wait in the kernel's queue. */
struct acceptor {
	sd_event *event;
	struct http_sockets *sockets;
	const char *what; /* name of the connections in the log: "HTTP" */
	/* Takes fd, which is non-blocking. */
	void (*accepted)(int fd, const struct sockaddr_storage *from, socklen_t len, void *data);
	void (*turned)(void *data); /* called after the connections of one iteration; may be NULL */
	void *data;
	/* Private. */
	sd_event_source *sources[HTTP_SOCKETS_MAX], *later;
};

/* Starts accepting, with the members above set.  The struct must not move. */
void acceptor_start(struct acceptor *acceptor);
void acceptor_stop(struct acceptor *acceptor); /* the sockets stay open */

#endif
