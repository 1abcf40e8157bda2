/* What `serve --http` opens: one listener and the two transports on it. */
#include "server/listen_http.h"

#include "base/cleanup.h"
#include "transport/sse.h"
#include "transport/streamable.h"

struct listen_http {
	struct http *http;
	struct streamable *streamable;
	struct sse *sse;
};

struct listen_http *listen_http_new(
	sd_event *event, struct server *server, const struct http_options *options, struct err *err)
{
	struct http *http = http_new(event, options, err);
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
