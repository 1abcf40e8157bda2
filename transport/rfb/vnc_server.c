/* The VNC listener: a socket, a certificate and the connected viewers. */
#include "transport/rfb/vnc_impl.h"

#include "base/cleanup.h"

#include <string.h>
#include <sys/socket.h>

/* Viewers that never log in must not block others. */
static bool has_room(struct vnc *vnc)
{
	struct vnc_viewer *v, *oldest = NULL;
	if (vnc->count < VNC_VIEWERS_MAX) {
		return true;
	}
	LIST_FOREACH(v, &vnc->viewers, link) /* the newest first */
	{
		oldest = v->let_in ? oldest : v;
	}
	if (oldest) {
		viewer_free(oldest);
	}
	return oldest;
}

static void on_accepted(int fd, const struct sockaddr_storage *from, socklen_t len, void *data)
{
	struct vnc *vnc = data;
	(void)from, (void)len;
	if (has_room(vnc)) {
		viewer_new(vnc, fd);
	} else {
		close(fd);
	}
}

static bool load_certificate(struct vnc *vnc, const struct vnc_options *options, struct err *err)
{
	gnutls_anon_allocate_server_credentials(&vnc->none);
	if (!options->tls_cert) {
		return true;
	}
	gnutls_certificate_allocate_credentials(&vnc->certificate);
	int r = gnutls_certificate_set_x509_key_file(
		vnc->certificate, options->tls_cert, options->tls_key, GNUTLS_X509_FMT_PEM);
	return r >= 0 || err_set(err, ERR_ARGUMENT, "the certificate %s and its key %s: %s",
				 options->tls_cert, options->tls_key, gnutls_strerror(r));
}

struct vnc *vnc_new(sd_event *event, const struct vnc_options *options,
	const struct vnc_handlers *handlers, void *data, struct err *err)
{
	struct vnc *vnc = must(calloc(1, sizeof(*vnc)));
	vnc->event = sd_event_ref(event);
	vnc->handlers = handlers;
	vnc->data = data;
	bool tls = options->tls_cert;
	if (!load_certificate(vnc, options, err) ||
		!http_sockets_open(&vnc->sockets, options->listen, tls, tls, err)) {
		vnc_free(vnc);
		return NULL;
	}
	vnc->acceptor = (struct acceptor){
		.event = event,
		.sockets = &vnc->sockets,
		.what = "VNC",
		.accepted = on_accepted,
		.data = vnc,
	};
	acceptor_start(&vnc->acceptor);
	return vnc;
}

void vnc_free(struct vnc *vnc)
{
	if (!vnc) {
		return;
	}
	acceptor_stop(&vnc->acceptor);
	while (!LIST_EMPTY(&vnc->viewers)) {
		viewer_free(LIST_FIRST(&vnc->viewers));
	}
	http_sockets_close(&vnc->sockets);
	if (vnc->certificate) {
		gnutls_certificate_free_credentials(vnc->certificate);
	}
	if (vnc->none) {
		gnutls_anon_free_server_credentials(vnc->none);
	}
	sd_event_unref(vnc->event);
	free(vnc);
}

/* Without the scheme of HTTP addresses. */
const char *vnc_address(const struct vnc *vnc)
{
	const char *behind = strstr(vnc->sockets.url, "://");
	return behind ? behind + 3 : vnc->sockets.url;
}
