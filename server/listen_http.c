/* What `serve --http` opens: one listener and the two transports on it. */
#include "server/listen_http.h"

#include "base/cleanup.h"
#include "server/status.h"
#include "transport/sse.h"
#include "transport/streamable.h"

#include <sys/resource.h>

struct listen_http {
	struct http *http;
	struct streamable *streamable;
	struct sse *sse;
};

/* A connection is a descriptor, and the usual soft limit of 1024 is for programs that use select().
 */
static void allow_many_connections(void)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

static struct http *open_http(
	sd_event *event, const struct config_http *config, struct auth *auth, struct err *err)
{
	const struct http_options options = {
		.listen = config->listen,
		.tls_cert = config->tls_cert,
		.tls_key = config->tls_key,
		.behind_proxy = config->behind_proxy,
		.allow_hosts = config->allow_hosts,
		.allow_origins = config->allow_origins,
		.max_body = config->max_body_kib << 10,
		.max_connections = config->max_connections,
		.authorize = auth_authorize,
		.resource_metadata = config->auth_server ? STATUS_METADATA_PATH : NULL,
		.data = auth,
	};
	return http_new(event, &options, err);
}

struct listen_http *listen_http_new(sd_event *event, struct server *server,
	const struct config_http *config, struct auth *auth, struct err *err)
{
	allow_many_connections();
	struct http *http = open_http(event, config, auth, err);
	if (!http) {
		return NULL;
	}
	struct listen_http *listen = must(calloc(1, sizeof(*listen)));
	listen->http = http;
	listen->streamable = streamable_new(http, &server_transport_handlers, server);
	listen->sse = sse_new(http, &server_transport_handlers, server);
	return listen;
}

void listen_http_free(struct listen_http *listen)
{
	if (listen) {
		streamable_free(listen->streamable);
		sse_free(listen->sse);
		http_free(listen->http);
		free(listen);
	}
}

struct http *listen_http_http(struct listen_http *listen)
{
	return listen->http;
}
