#include "server/viewer/listener.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "server/config/public_url.h"
#include "server/http/listener.h"
#include "server/viewer/routes.h"
#include "tools/sandbox/streams.h"

#include <string.h>
#include <strings.h>

/* The viewer pages and their URL; see listener.h. */

struct listen_streams {
	sd_event *event;
	const struct config *config;
	struct vm_pool *vms;
	struct listener ends; /* of sandboxes */
	struct streams *streams;
	struct watched_desktops *desktops;
	struct public_url public;
	struct http *http; /* serves the pages; NULL: not yet */
	struct http *own;  /* the same, if owned */
	struct viewer_pages *pages;
	void (*opened)(struct http *http, void *data);
	void *opened_data;
};

/* "sandbox ID has ended: it was ..." is for the owner; viewers get only the reason. */
static void on_vm_ended(struct vm *vm, const struct err *why, void *data)
{
	static const char ended[] = "has ended: ";
	struct listen_streams *listen = data;
	const char *reason = strstr(why->text, ended);
	streams_end_all(listen->streams, vm, reason ? reason + strlen(ended) : why->text);
}

static const struct vm_listener vm_listener = { .ended = on_vm_ended };

struct listen_streams *listen_streams_new(sd_event *event, const struct config *config,
	struct vm_pool *vms, struct metrics *metrics, struct activity *activity)
{
	struct listen_streams *listen = must(calloc(1, sizeof(*listen)));
	struct err checked;
	listen->event = sd_event_ref(event);
	listen->config = config;
	listen->vms = vms;
	listen->streams = streams_new(event, vms);
	listen->desktops = watched_desktops_new(event, vms, listen->streams, metrics, activity);
	if (!public_url_init(&listen->public, config->http.public_url, &checked)) {
		abort(); /* option_check() has accepted it */
	}
	listener_add(vm_listeners(vms), &listen->ends, &vm_listener, listen);
	return listen;
}

void listen_streams_on_open(
	struct listen_streams *listen, void (*fn)(struct http *http, void *data), void *data)
{
	listen->opened = fn;
	listen->opened_data = data;
}

void listen_streams_free(struct listen_streams *listen)
{
	if (!listen) {
		return;
	}
	listener_remove(&listen->ends);
	http_free(listen->own);
	viewer_pages_free(listen->pages);
	watched_desktops_free(listen->desktops);
	streams_free(listen->streams);
	public_url_done(&listen->public);
	sd_event_unref(listen->event);
	free(listen);
}

void listen_streams_drop_owner(struct listen_streams *listen, const char *owner)
{
	const struct stream *stream;
	struct err ignored;
	size_t i = 0;
	while ((stream = streams_at(listen->streams, owner, i))) {
		i += !streams_revoke(listen->streams, owner, stream->id, &ignored);
	}
	if (listen->pages) {
		viewer_pages_sign_out(listen->pages, owner);
	}
}

struct streams *listen_streams_registry(struct listen_streams *listen)
{
	return listen->streams;
}

struct watched_desktops *listen_streams_desktops(struct listen_streams *listen)
{
	return listen->desktops;
}

/* ---- the pages ---- */

bool listen_streams_use(
	struct listen_streams *listen, struct http *http, struct auth *auth, struct err *err)
{
	const struct config_http *config = &listen->config->http;
	const struct viewer_options options = {
		.prefix = listen->public.prefix,
		.secure = listen->public.base ? listen->public.secure
					      : config->tls_cert || config->behind_proxy,
		.frame_ancestors = config->frame_ancestors,
		.authorize = auth ? auth_authorize : NULL,
		.data = auth,
	};
	listen->pages = viewer_pages_new(http, listen->desktops, &options, err);
	listen->http = listen->pages ? http : NULL;
	return listen->pages;
}

/* ---- separate listener ---- */

/* Tokens are not used there: streams have tickets. */
static const char *refuse_tokens(const char *token, void *data)
{
	(void)token, (void)data;
	return NULL;
}

static bool begin_listening(struct listen_streams *listen, struct err *err)
{
	const struct config_http *config = &listen->config->http;
	static const struct listen_http_clients clients = { .authorize = refuse_tokens };
	listen->own = listen_http_open(listen->event, config, config->stream_listen, &clients, err);
	if (!listen->own) {
		return err_while(err, "cannot serve streams at %s", config->stream_listen);
	}
	if (!listen_streams_use(listen, listen->own, NULL, err)) {
		http_free(take_ptr(&listen->own));
		return false;
	}
	if (listen->opened) {
		listen->opened(listen->own, listen->opened_data);
	}
	log_info("serving streams at %s", http_url(listen->own));
	return true;
}

/* ---- base URL ---- */

static bool is_reachable(const char *url)
{
	return strncmp(url, "unix:", 5) != 0 && !strstr(url, "://0.0.0.0:") &&
	       !strstr(url, "://[::]:");
}

/* The URL the client uses for this server, because it may be behind a proxy; otherwise the
 * listener's. */
static bool format_base(
	const struct listen_streams *listen, const char *host, char **ret_url, struct err *err)
{
	const struct config_http *config = &listen->config->http;
	const char *url = http_url(listen->http);
	bool behind = config->tls_cert || config->behind_proxy;
	bool is_unix = strncmp(url, "unix:", 5) == 0;
	auto_buf struct buf base = { 0 };
	if (listen->public.base) {
		buf_printf(&base, "%s", listen->public.base);
	} else if (host && !listen->own && !is_unix && strlen(host) < PUBLIC_URL_MAX) {
		buf_printf(&base, "http%s://%s", behind ? "s" : "", host);
	} else if (is_reachable(url)) {
		buf_printf(&base, "%s", url);
	} else {
		return err_set(err, ERR_UNSUPPORTED,
			"browsers cannot reach %s, where this server listens; the operator "
			"should set --public-url to the URL that browsers use",
			url);
	}
	*ret_url = (char *)take_ptr(&base.data);
	return true;
}

bool listen_streams_base(
	struct listen_streams *listen, const char *host, char **ret_url, struct err *err)
{
	return (listen->http || begin_listening(listen, err)) &&
	       format_base(listen, host, ret_url, err);
}
