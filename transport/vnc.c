/* The listener: a socket, a certificate, and the viewers that came. */
#include "transport/vnc_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static int on_accept(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct vnc *vnc = data;
	(void)source;
	(void)events;
	int got = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (got < 0) {
		return 0;
	}
	if (vnc->count == VNC_VIEWERS_MAX) {
		close(got);
		return 0;
	}
	viewer_new(vnc, got);
	return 0;
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
	for (int i = 0; i < vnc->sockets.n; i++) {
		vnc->accepting[i] =
			loop_add_io(event, vnc->sockets.fds[i], EPOLLIN, on_accept, vnc);
	}
	return vnc;
}

void vnc_free(struct vnc *vnc)
{
	if (!vnc) {
		return;
	}
	for (int i = 0; i < vnc->sockets.n; i++) {
		loop_drop(&vnc->accepting[i]);
	}
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

/* Without the scheme that HTTP's addresses have. */
const char *vnc_address(const struct vnc *vnc)
{
	const char *behind = strstr(vnc->sockets.url, "://");
	return behind ? behind + 3 : vnc->sockets.url;
}
