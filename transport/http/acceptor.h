#ifndef TRANSPORT_HTTP_ACCEPTOR_H
#define TRANSPORT_HTTP_ACCEPTOR_H

#include "transport/http/sockets.h"

#include <systemd/sd-event.h>

/* Takes connections from listening sockets, a few in each turn of the loop.  When no descriptor or
 * no memory is left it waits a moment; the clients wait in the kernel's queue. */
struct acceptor {
	sd_event *event;
	struct http_sockets *sockets;
	const char *what; /* of connections, for the log: "HTTP" */
	/* Takes fd, which is non-blocking. */
	void (*accepted)(int fd, const struct sockaddr_storage *from, socklen_t len, void *data);
	void (*turned)(void *data); /* after those of one turn; may be NULL */
	void *data;
	/* Its own. */
	sd_event_source *sources[HTTP_SOCKETS_MAX], *later;
};

/* From now on, with the members above set.  The struct must stay where it is. */
void acceptor_start(struct acceptor *acceptor);
void acceptor_stop(struct acceptor *acceptor); /* the sockets stay open */

#endif
