#ifndef TRANSPORT_RFB_VNC_SERVER_H
#define TRANSPORT_RFB_VNC_SERVER_H

#include "transport/rfb/filter.h"
#include "transport/rfb/websocket_proxy.h"

#include <systemd/sd-event.h>

/*
 * VNC viewers that are no browser: RFB 3.8 on a socket of its own.  They come in with a name and a
 * password (VeNCrypt's Plain, inside TLS where there is a certificate, and where the viewer likes
 * on this machine), and are then what a stream's viewer in a browser is: a filter and a pipe.
 */

struct vnc;        /* a listener */
struct vnc_viewer; /* one who came in, or is about to */

struct vnc_handlers {
	/* Who is it?  True: it comes in, and vnc_attach() is called inside.  ret_data is handed to
	 * the functions below.  False: err is told to the viewer. */
	bool (*login)(struct vnc_viewer *viewer, const char *name, const char *password,
		void **ret_data, void *data, struct err *err);
	/* What it may, asked before anything of it is let through.  presses: how often it would
	 * have liked to press something while it might only look. */
	enum rfb_policy (*policy)(uint64_t presses, void *viewer_data);
	/* Once for each that came in, from the loop: it is gone, its pipe closed. */
	void (*closed)(void *viewer_data);
};

struct vnc_options {
	const char *listen;             /* "127.0.0.1:5901", "[::]:5901" or "unix:PATH" */
	const char *tls_cert, *tls_key; /* files; NULL: others than this machine are refused */
};

/* ERR_ARGUMENT, ERR_HOST: it cannot listen there. */
struct vnc *vnc_new(sd_event *event, const struct vnc_options *options,
	const struct vnc_handlers *handlers, void *data, struct err *err) NODISCARD;
/* Closes all viewers, each with its closed().  NULL-safe. */
void vnc_free(struct vnc *vnc);
const char *vnc_address(const struct vnc *vnc); /* "127.0.0.1:5901", "unix:PATH" */

void vnc_attach(struct vnc_viewer *viewer, const struct stream_pipe *ops, void *pipe);
void vnc_pipe_data(struct vnc_viewer *viewer, const void *bytes, size_t len);
void vnc_pipe_writable(struct vnc_viewer *viewer);
/* The pipe is over, and not used or closed any more.  RFB has no word for why. */
void vnc_pipe_ended(struct vnc_viewer *viewer);
/* At once nothing of the viewer's arrives any more; closed() follows soon. */
void vnc_kick(struct vnc_viewer *viewer);

#define VNC_VIEWERS_MAX 64 /* when full, the oldest that has not logged in makes room */
#define VNC_LOGIN_MAX 256  /* bytes of a name, and of a password */

#endif
