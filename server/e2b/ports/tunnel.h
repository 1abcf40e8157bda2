#ifndef SERVER_E2B_PORTS_TUNNEL_H
#define SERVER_E2B_PORTS_TUNNEL_H

#include "base/buf.h"
#include "transport/http/http.h"

/* After a 101: the bytes of another protocol (WebSocket) between a client and a program in a sandbox, of
 * which nothing is interpreted. */

struct conversation;
struct port_tunnel;

/* The client is sent head first.  The conversation stays the caller's, who tells its news. */
struct port_tunnel *port_tunnel_new(
	sd_event *event, struct http_exchange *x, struct conversation *c, const struct buf *head);
void port_tunnel_free(struct port_tunnel *t); /* when x has closed; NULL-safe */

void port_tunnel_data(struct port_tunnel *t, const void *bytes, size_t len);
void port_tunnel_writable(struct port_tunnel *t);
/* The program sends no more.  gone: the conversation has ended. */
void port_tunnel_closed(struct port_tunnel *t, bool gone);

#endif
