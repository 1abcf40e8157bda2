#ifndef TRANSPORT_RFB_VNC_SERVER_H
#define TRANSPORT_RFB_VNC_SERVER_H

#include "transport/rfb/websocket_proxy.h"

#include <systemd/sd-event.h>

/*
 * VNC viewers other than browsers: RFB 3.8 on a separate socket.  They authenticate with a name and
 * a password (VeNCrypt's Plain, inside TLS if there is a certificate; on this machine TLS is the
 * viewer's choice).  Then, like a browser's viewer of a stream, they are a socket and a pipe.
 */

struct vnc;        /* a listener */
struct vnc_viewer; /* a connection, authenticated or not */

struct vnc_handlers {
	/* Authenticates.  True: accepted, and vnc_attach() was called inside.  ret_data is passed
	 * to the functions below.  False: err is sent to the viewer. */
	bool (*login)(struct vnc_viewer *viewer, const char *name, const char *password,
		void **ret_data, void *data, struct err *err);
	/* Called once for each accepted viewer, from the loop: it has disconnected, and its pipe is
	 * closed. */
	void (*closed)(void *viewer_data);
};

struct vnc_options {
	const char *listen;             /* "127.0.0.1:5901", "[::]:5901" or "unix:PATH" */
	const char *tls_cert, *tls_key; /* files; NULL: only viewers of this machine are allowed */
};

/* ERR_ARGUMENT, ERR_HOST: cannot listen there. */
struct vnc *vnc_new(sd_event *event, const struct vnc_options *options,
	const struct vnc_handlers *handlers, void *data, struct err *err) NODISCARD;
/* Closes all viewers, each with its closed().  NULL-safe. */
void vnc_free(struct vnc *vnc);
const char *vnc_address(const struct vnc *vnc); /* "127.0.0.1:5901", "unix:PATH" */

void vnc_attach(struct vnc_viewer *viewer, const struct stream_pipe *ops, void *pipe);
void vnc_pipe_data(struct vnc_viewer *viewer, const void *bytes, size_t len);
void vnc_pipe_writable(struct vnc_viewer *viewer);
/* The pipe has ended; it is not used or closed afterwards.  RFB has no field for a reason. */
void vnc_pipe_ended(struct vnc_viewer *viewer);
/* Drops the viewer's input immediately; closed() follows soon. */
void vnc_kick(struct vnc_viewer *viewer);

#define VNC_VIEWERS_MAX 64 /* if full, the oldest one that has not logged in is closed */
#define VNC_LOGIN_MAX 256  /* bytes of a name, and of a password */

#endif
