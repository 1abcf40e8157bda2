/*
 * Routes: which handler serves a request, and what a request without one is told.
 */
#include "transport/http/http_impl.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>

#define PLACES "MCP is at /mcp (Streamable HTTP) and at /sse (HTTP+SSE)"

void http_add_route(struct http *http, const struct http_route *route)
{
	struct http_registered_route *registered = must(calloc(1, sizeof(*registered)));
	registered->route = *route;
	registered->route.path = registered->path = must(strdup(route->path));
	registered->route.method = registered->method =
		route->method ? must(strdup(route->method)) : NULL;
	STAILQ_INSERT_TAIL(&http->routes, registered, link);
}

void http_routes_done(struct http *http)
{
	struct http_registered_route *registered;
	while ((registered = STAILQ_FIRST(&http->routes))) {
		STAILQ_REMOVE_HEAD(&http->routes, link);
		free(registered->method);
		free(registered->path);
		free(registered);
	}
}

bool http_is_probe(const struct http *http, const char *path)
{
	const struct http_registered_route *registered;
	STAILQ_FOREACH(registered, &http->routes, link)
	{
		if (registered->route.any_address && strcmp(registered->path, path) == 0) {
			return true;
		}
	}
	return false;
}

/* A route that ends in a slash includes all paths below it; any other also matches with a trailing
 * slash. */
static bool leads_to(const char *route, const char *path)
{
	size_t len = strlen(route);
	return len == 0 || strcmp(route, path) == 0 ||
	       (len > 1 && strncmp(route, path, len) == 0 &&
		       (route[len - 1] == '/' || strcmp(path + len, "/") == 0));
}

void http_find_route(struct http_exchange *x, const char *method)
{
	const struct http_registered_route *registered;
	STAILQ_FOREACH(registered, &x->http->routes, link)
	{
		if (leads_to(registered->path, x->path) &&
			(!registered->method || strcmp(registered->method, method) == 0)) {
			x->route = &registered->route;
			return;
		}
	}
}

/* The methods of x's path: "GET, POST, OPTIONS"; "": there is no such path. */
static void list_methods(const struct http_exchange *x, char *ret_methods, size_t size)
{
	const struct http_registered_route *registered;
	size_t len = 0;
	STAILQ_FOREACH(registered, &x->http->routes, link)
	{
		if (leads_to(registered->path, x->path)) {
			int n = snprintf(ret_methods + len, size - len, "%s, ", registered->method);
			len = n > 0 && (size_t)n < size - len ? len + (size_t)n : len;
		}
	}
	snprintf(ret_methods + len, size - len, "%s", len ? "OPTIONS" : "");
}

/* ---- preflight requests of browsers, which have no token ---- */

static void answer_preflight(struct http_exchange *x, const char *methods)
{
	static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789-_, ";
	const char *wanted = http_header(x, "Access-Control-Request-Headers");
	if (wanted && strspn(wanted, harmless) == strlen(wanted)) {
		http_set_header(x, "Access-Control-Allow-Headers", wanted);
	}
	http_set_header(x, "Access-Control-Allow-Methods", methods);
	http_set_header(x, "Access-Control-Max-Age", "600");
	http_reply(x, 204, NULL, NULL, 0);
}

bool http_allow_any_origin(struct http_exchange *x)
{
	http_set_header(x, "Access-Control-Allow-Origin", "*");
	http_set_header(x, "Access-Control-Expose-Headers", "*");
	bool is_preflight = strcmp(x->method, "OPTIONS") == 0 && http_header(x, "Origin") &&
			    http_header(x, "Access-Control-Request-Method");
	if (is_preflight) {
		answer_preflight(x, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
	}
	return is_preflight;
}

void http_refuse_route(struct http_exchange *x, bool from_page)
{
	char methods[128] = "";
	list_methods(x, methods, sizeof(methods));
	if (methods[0] == '\0') {
		http_refuse(x, 404, "not found; " PLACES);
	} else if (from_page && strcmp(x->method, "OPTIONS") == 0) {
		answer_preflight(x, methods);
	} else {
		http_set_header(x, "Allow", methods);
		http_refuse(x, 405, "this path accepts %s%s", methods,
			strcmp(x->path, "/") == 0 ? "; " PLACES : "");
	}
}
