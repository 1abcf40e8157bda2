/* The HTTP side of `serve --http`: one listener with both transports. */
#include "server/http/listener.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "server/config/public_url.h"
#include "server/http/health.h"
#include "transport/mcp/http_sse.h"
#include "transport/mcp/http_streamable.h"

#include <sys/resource.h>

#define OTHER_FILES 1024 /* file descriptors reserved for purposes other than connections */

struct listen_http {
	struct http *http;
	struct streamable *streamable;
	struct sse *sse;
};

/* Each connection and each sandbox need file descriptors.  The usual soft limit, 1024, exists for
 * programs that use select(). */
static void raise_file_limit(const struct config_http *config)
{
	struct rlimit limit;
	rlim_t wanted = (rlim_t)config->max_connections + OTHER_FILES;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted) {
		return;
	}
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < wanted) {
		log_warning("only %llu files may be open: too few for %lld connections; raise the "
			    "limit, or lower --max-connections",
			(unsigned long long)limit.rlim_cur, (long long)config->max_connections);
	}
}

/* The server's own names are always allowed. */
static void add_to_list(struct buf *list, const char *allowed, const char *own)
{
	buf_printf(
		list, "%s%s%s", allowed ? allowed : "", allowed && own ? "," : "", own ? own : "");
}

struct http *listen_http_open(sd_event *event, const struct config_http *config,
	const char *address, const struct listen_http_clients *clients, struct err *err)
{
	auto_public_url struct public_url own = { 0 };
	auto_buf struct buf hosts = { 0 }, origins = { 0 };
	if (!public_url_init(&own, config->public_url, err)) {
		return NULL;
	}
	add_to_list(&hosts, config->allow_hosts, own.authority);
	add_to_list(&origins, config->allow_origins, own.origin);
	raise_file_limit(config);
	const struct http_options options = {
		.listen = address,
		.tls_cert = config->tls_cert,
		.tls_key = config->tls_key,
		.behind_proxy = config->behind_proxy,
		.allow_hosts = buf_text(&hosts),
		.allow_origins = buf_text(&origins),
		.max_body = config->max_body_kib << 10,
		.max_connections = config->max_connections,
		.max_connections_per_address = clients->per_address,
		.authorize = clients->authorize,
		.identify = clients->identify,
		.budgets = clients->budgets,
		.resource_metadata = config->auth_server ? STATUS_METADATA_PATH : NULL,
		.data = clients->data,
	};
	return http_new(event, &options, err);
}

struct listen_http *listen_http_new(sd_event *event, struct server *server,
	const struct config_http *config, struct auth *auth, struct budgets *budgets,
	struct err *err)
{
	const struct listen_http_clients clients = {
		.authorize = auth_authorize,
		.data = auth,
		.budgets = budgets,
	};
	struct http *http = listen_http_open(event, config, config->listen, &clients, err);
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
