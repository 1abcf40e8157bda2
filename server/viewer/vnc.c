/*
 * VNC clients have no button to take control.  On a stream that permits it, a client gets control
 * with its first key or click, which has no other effect, unless another user has it; it keeps control
 * until it disconnects.
 */
#include "server/viewer/vnc.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "server/viewer/rfb_pipe.h"
#include "server/viewer/viewer_impl.h"
#include "transport/rfb/vnc_server.h"

#include <string.h>

#define WHO "a user of a VNC viewer"

struct listen_vnc {
	struct watched_desktops *desktops;
	struct vnc *vnc;
};

struct vnc_session {
	struct viewer_session session; /* first */
	struct vnc_viewer *viewer;
};

static struct vnc_session *vnc_of(struct viewer_session *session)
{
	return (struct vnc_session *)session;
}

/* ---- the pipe ---- */

static void on_data(const void *bytes, size_t len, void *data)
{
	vnc_pipe_data(((struct vnc_session *)data)->viewer, bytes, len);
}

static void on_writable(void *data)
{
	vnc_pipe_writable(((struct vnc_session *)data)->viewer);
}

static void on_ended(const struct err *why, void *data)
{
	log_info("a VNC viewer's stream ended: %s",
		why ? why->text : "the desktop's RFB server closed the connection");
	vnc_pipe_ended(((struct vnc_session *)data)->viewer);
}

static const struct rfb_pipe_fns pipe_fns = { on_data, on_writable, on_ended };

/* ---- the session ---- */

static void on_refused(struct viewer_session *session)
{
	struct watched_desktop *desktop = session->desktop;
	if (session->stream->mode == STREAM_CONTROL && !desktop->over &&
		vm_control(desktop->vm)->holder != VM_HELD_BY_USER) {
		viewer_session_take(session, WHO);
	}
}

static void on_disconnect(struct viewer_session *session)
{
	vnc_kick(vnc_of(session)->viewer);
}

static void on_stream_ended(
	struct viewer_session *session, enum stream_code code, const char *reason)
{
	(void)code, (void)reason;
	vnc_kick(vnc_of(session)->viewer);
	viewer_session_end_stream(session);
}

static const struct viewer_session_type vnc_type = {
	.has_clipboard = true,
	.stream_ended = on_stream_ended,
	.disconnect = on_disconnect,
	.refused = on_refused,
};

/* ---- connecting and disconnecting ---- */

/* The desktop for a name and a password; NULL: err has the reason. */
static struct watched_desktop *admit(struct watched_desktops *desktops, const char *name,
	const char *password, struct stream **ret_stream, struct err *err)
{
	char cookie[SECRET_LEN + 1];
	struct stream *stream = streams_find(desktops->streams, name, err);
	struct watched_desktop *desktop = stream ? desktop_of(desktops, stream->vm) : NULL;
	if (stream && !desktop) {
		err_set(err, ERR_GONE, "the desktop has ended");
	}
	if (!desktop || !streams_redeem(desktops->streams, stream, password, cookie, err)) {
		return NULL;
	}
	explicit_bzero(cookie, sizeof(cookie)); /* for one connection: it is never sent again */
	*ret_stream = stream;
	return desktop;
}

static bool login(struct vnc_viewer *viewer, const char *name, const char *password,
	void **ret_data, void *data, struct err *err)
{
	struct listen_vnc *listen = data;
	struct stream *stream;
	struct watched_desktop *desktop = admit(listen->desktops, name, password, &stream, err);
	if (!desktop) {
		log_info("refused a VNC viewer: %s", err->text);
		return false;
	}
	log_info("stream=%s a VNC viewer connected", stream->id);
	struct vnc_session *vnc = must(calloc(1, sizeof(*vnc)));
	vnc->viewer = viewer;
	viewer_session_begin(&vnc->session, &vnc_type, desktop, stream);
	viewer_session_set_present(&vnc->session, true);
	*ret_data = vnc;
	vnc_attach(viewer, &rfb_pipe_ops, rfb_pipe_open(&vnc->session, &pipe_fns, vnc));
	desktop_changed(desktop);
	return true;
}

static void on_closed(void *data)
{
	struct vnc_session *vnc = data;
	struct watched_desktop *desktop = vnc->session.desktop;
	desktop_ref(desktop);
	viewer_session_end(&vnc->session);
	free(vnc);
	desktop_changed(desktop);
	desktop_unref(desktop);
}

static const struct vnc_handlers handlers = { login, on_closed };

/* ---- the listener ---- */

struct listen_vnc *listen_vnc_new(sd_event *event, const struct config *config,
	struct watched_desktops *desktops, struct err *err)
{
	struct listen_vnc *listen = must(calloc(1, sizeof(*listen)));
	struct vnc_options options = {
		.listen = config->vnc_listen,
		.tls_cert = config->http.tls_cert,
		.tls_key = config->http.tls_key,
	};
	listen->desktops = desktops;
	listen->vnc = vnc_new(event, &options, &handlers, listen, err);
	if (!listen->vnc) {
		free(listen);
		err_while(err, "--vnc");
		return NULL;
	}
	log_info("serving streams to VNC viewers at %s", vnc_address(listen->vnc));
	return listen;
}

const char *listen_vnc_address(const struct listen_vnc *listen)
{
	return vnc_address(listen->vnc);
}

void listen_vnc_free(struct listen_vnc *listen)
{
	if (listen) {
		vnc_free(listen->vnc);
		free(listen);
	}
}
