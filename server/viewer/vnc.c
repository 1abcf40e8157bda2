/*
 * Such a viewer has no button to take over with: on a stream that allows it, it has control from
 * its first key or click on (which is not passed on), if no other person has it, until it goes.
 */
#include "server/viewer/vnc.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "server/viewer/rfb_pipe.h"
#include "transport/rfb/vnc_server.h"
#include "vm/core/control.h"
#include "vm/guest/guest.h"

#include <string.h>
#include <sys/queue.h>

#define WHO "somebody in a VNC viewer"

LIST_HEAD(guests, vnc_guest);

struct listen_vnc {
	struct vm_pool *vms;
	struct streams *streams;
	struct vnc *vnc;
	struct guests guests;
	struct listener stream_ends;
};

struct vnc_guest {
	LIST_ENTRY(vnc_guest) link;
	struct listen_vnc *listen;
	struct vnc_viewer *viewer;
	struct stream *stream; /* NULL: it has ended */
	struct guest_pipe *pipe;
	uint64_t fence; /* 0: it never had control */
	uint64_t presses;
};

/* ---- the pipe ---- */

static void on_data(struct guest_pipe *pipe, const void *bytes, size_t len, void *data)
{
	(void)pipe;
	vnc_pipe_data(((struct vnc_guest *)data)->viewer, bytes, len);
}

static void on_writable(struct guest_pipe *pipe, void *data)
{
	(void)pipe;
	vnc_pipe_writable(((struct vnc_guest *)data)->viewer);
}

static void on_ended(struct guest_pipe *pipe, const struct err *why, void *data)
{
	struct vnc_guest *guest = data;
	(void)pipe;
	log_info("a VNC viewer's stream ended: %s",
		why ? why->text : "the desktop's VNC server closed the connection");
	vnc_pipe_ended(guest->viewer);
}

static const struct guest_pipe_handlers pipe_handlers = { on_data, on_writable, on_ended };

/* ---- control ---- */

/* Its sandbox, unless that has ended a moment before the stream does. */
static struct vm *vm_of(const struct vnc_guest *guest)
{
	const struct stream *stream = guest->stream;
	struct vm *vm = NULL;
	for (size_t i = 0; stream && (vm = vm_at(guest->listen->vms, stream->owner, i)); i++) {
		if (vm == stream->vm) {
			break;
		}
	}
	return vm;
}

static enum rfb_policy policy_of(uint64_t presses, void *data)
{
	struct vnc_guest *guest = data;
	struct vm *vm = vm_of(guest);
	bool presses_now = presses > guest->presses;
	guest->presses = presses;
	if (!vm || guest->stream->mode != STREAM_CONTROL) {
		return RFB_VIEW;
	}
	if (presses_now && vm_control(vm)->holder != VM_HELD_BY_PERSON) {
		guest->fence = vm_control_take(vm, WHO);
	}
	return guest->fence && vm_control_is(vm, guest->fence) ? RFB_CONTROL : RFB_VIEW;
}

static void give_back(struct vnc_guest *guest)
{
	struct err ignored; /* somebody else has it by now */
	struct vm *vm = guest->fence ? vm_of(guest) : NULL;
	if (vm) {
		(void)!vm_control_give_back(vm, guest->fence, NULL, &ignored);
	}
}

/* ---- who comes and goes ---- */

static bool login(struct vnc_viewer *viewer, const char *name, const char *password,
	void **ret_data, void *data, struct err *err)
{
	struct listen_vnc *listen = data;
	char cookie[SECRET_LEN + 1];
	struct stream *stream = streams_find(listen->streams, name, err);
	if (!stream || !streams_redeem(listen->streams, stream, password, cookie, err)) {
		log_info("a VNC viewer was refused: %s", err->text);
		return false;
	}
	explicit_bzero(cookie, sizeof(cookie)); /* for one connection: nothing to come back with */
	log_info("stream=%s a VNC viewer came in", stream->id);
	struct vnc_guest *guest = must(calloc(1, sizeof(*guest)));
	guest->listen = listen;
	guest->viewer = viewer;
	guest->stream = stream;
	stream->viewers++;
	LIST_INSERT_HEAD(&listen->guests, guest, link);
	*ret_data = guest;
	guest->pipe = guest_rfb(stream->vm, stream->window, &pipe_handlers, guest);
	vnc_attach(viewer, &desktop_pipe, guest->pipe);
	return true;
}

static void on_closed(void *data)
{
	struct vnc_guest *guest = data;
	give_back(guest);
	if (guest->stream) {
		guest->stream->viewers--;
	}
	LIST_REMOVE(guest, link);
	free(guest);
}

static const struct vnc_handlers handlers = { login, policy_of, on_closed };

static void on_stream_ended(struct stream *stream, const char *why, void *data)
{
	struct listen_vnc *listen = data;
	struct vnc_guest *guest;
	(void)why;
	LIST_FOREACH(guest, &listen->guests, link)
	{
		if (guest->stream == stream) {
			vnc_kick(guest->viewer);
			give_back(guest);
			guest->stream = NULL;
		}
	}
}

static const struct streams_fns follows_streams = { .ended = on_stream_ended };

/* ---- life ---- */

struct listen_vnc *listen_vnc_new(sd_event *event, const struct config *config, struct vm_pool *vms,
	struct streams *streams, struct err *err)
{
	struct listen_vnc *listen = must(calloc(1, sizeof(*listen)));
	struct vnc_options options = {
		.listen = config->vnc_listen,
		.tls_cert = config->http.tls_cert,
		.tls_key = config->http.tls_key,
	};
	listen->vms = vms;
	listen->streams = streams;
	listen->vnc = vnc_new(event, &options, &handlers, listen, err);
	if (!listen->vnc) {
		free(listen);
		err_while(err, "--vnc");
		return NULL;
	}
	listener_add(streams_listeners(streams), &listen->stream_ends, &follows_streams, listen);
	log_info("VNC viewers see streams at %s", vnc_address(listen->vnc));
	return listen;
}

const char *listen_vnc_address(const struct listen_vnc *listen)
{
	return vnc_address(listen->vnc);
}

void listen_vnc_free(struct listen_vnc *listen)
{
	if (listen) {
		listener_remove(&listen->stream_ends);
		vnc_free(listen->vnc);
		free(listen);
	}
}
