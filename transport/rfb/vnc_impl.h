#ifndef TRANSPORT_RFB_VNC_IMPL_H
#define TRANSPORT_RFB_VNC_IMPL_H

/* Shared by the files of vnc_server.h: vnc_server.c listens, vnc_client.c has a viewer's socket and
 * pipe, vnc_login.c the handshake before the desktop's RFB. */

#include "base/buf.h"
#include "transport/http/acceptor.h"
#include "transport/http/sockets.h"
#include "transport/rfb/vnc_server.h"

#include <gnutls/gnutls.h>
#include <sys/queue.h>

#define VNC_HELLO "RFB 003.008\n"

LIST_HEAD(viewers, vnc_viewer);

struct vnc {
	sd_event *event;
	const struct vnc_handlers *handlers;
	void *data;
	struct http_sockets sockets;
	struct acceptor acceptor;
	struct viewers viewers;
	size_t count;
	gnutls_certificate_credentials_t certificate; /* NULL: none */
	gnutls_anon_server_credentials_t none;
};

struct vnc_viewer {
	LIST_ENTRY(vnc_viewer) link;
	struct vnc *vnc;
	int fd;
	sd_event_source *io, *deadline, *ending;
	gnutls_session_t tls; /* NULL: none */
	bool shaken;          /* TLS handshake complete */
	size_t stage;
	uint32_t subtype;
	size_t name_len, password_len;
	struct buf in;  /* of a stage */
	struct buf out; /* to the viewer, not yet accepted by its socket */
	bool closing;   /* closes once everything is written */
	bool over, let_in;
	void *data; /* of the handlers */

	const struct stream_pipe *ops; /* NULL: no pipe */
	void *pipe;
	struct buf to_pipe;  /* from the viewer, not yet written */
	struct buf greeting; /* of the desktop, to be dropped */
	bool greeted;
	size_t owed; /* received from the pipe, not yet in the socket */
};

/* ---- a viewer ---- */

void viewer_new(struct vnc *vnc, int fd); /* takes fd */
void viewer_free(struct vnc_viewer *v);
/* Deferred to the loop, because callers still use the viewer. */
void viewer_end(struct vnc_viewer *v);
void viewer_send(struct vnc_viewer *v, const void *bytes, size_t len);
void viewer_say_u32(struct vnc_viewer *v, uint32_t value); /* buffered until the next call */
void viewer_flush(struct vnc_viewer *v);
/* Closes after the data is sent, or after a delay. */
void viewer_close_after_output(struct vnc_viewer *v);
void viewer_write_pipe(struct vnc_viewer *v);

/* ---- its login ---- */

bool login_is_over(const struct vnc_viewer *v);
bool login_speaks_tls(const struct vnc_viewer *v);
/* Returns the number of bytes used; the rest belongs to the next stage. */
size_t login_feed(struct vnc_viewer *v, const uint8_t *bytes, size_t len);

#endif
