/*
 * /s/ID/: the page of one stream and its requests.  The page itself is the same for all streams,
 * even for one that has ended: it detects that and shows a message.  All other paths require the
 * stream's cookie, which is exchanged for the ticket.
 */
#include "server/viewer/viewer_impl.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>

static void run_open(struct viewer_pages *pages, struct http_exchange *x, struct stream *stream,
	const char *rest);

/* One that ends in a slash includes all paths below it. */
static const struct route {
	const char *method, *name;
	bool open; /* no cookie required */
	void (*run)(struct viewer_pages *pages, struct http_exchange *x, struct stream *stream,
		const char *rest);
	bool large; /* takes a body beyond HTTP_SMALL_BODY */
} routes[] = {
	{ "POST", "open", true, run_open },
	{ "GET", "events", false, viewer_run_events },
	{ "GET", "socket", false, viewer_run_socket },
	{ "GET", "sound", false, viewer_run_sound },
	{ "POST", "control", false, viewer_run_control },
	{ "GET", "clipboard", false, viewer_run_clipboard_get },
	{ "POST", "clipboard", false, viewer_run_clipboard_set, true },
	{ "GET", "pictures/", false, viewer_run_picture },
};

/* ---- the cookie ---- */

static void cookie_name(char *to, size_t size, const struct stream *stream)
{
	snprintf(to, size, "vitrine_%s", stream->id);
}

static bool has_cookie(const struct http_exchange *x, const struct stream *stream)
{
	char name[40], cookie[SECRET_LEN + 1];
	cookie_name(name, sizeof(name), stream);
	bool good = viewer_cookie_read(http_header(x, "Cookie"), name, cookie) &&
		    streams_admits(stream, cookie);
	explicit_bzero(cookie, sizeof(cookie));
	return good;
}

static void give_cookie(struct viewer_pages *pages, struct http_exchange *x,
	const struct stream *stream, const char *cookie)
{
	char name[40], path[40];
	int64_t left_s = (stream->expires - clock_wall_ms() + 999) / 1000;
	cookie_name(name, sizeof(name), stream);
	snprintf(path, sizeof(path), "/s/%s/", stream->id);
	viewer_set_cookie(pages, x, name, cookie, path, left_s > 1 ? left_s : 1);
	viewer_reply(pages, x, 204, NULL, NULL, 0);
}

static void run_open(struct viewer_pages *pages, struct http_exchange *x, struct stream *stream,
	const char *rest)
{
	char cookie[SECRET_LEN + 1];
	struct err err;
	auto_free char *ticket = viewer_body(pages, x);
	(void)rest;
	if (!ticket) {
		return;
	}
	if (has_cookie(x, stream)) { /* reopened by a browser that has the cookie */
		viewer_reply(pages, x, 204, NULL, NULL, 0);
	} else if (streams_redeem(pages->desktops->streams, stream, ticket, cookie, &err)) {
		give_cookie(pages, x, stream, cookie);
		explicit_bzero(cookie, sizeof(cookie));
	} else {
		viewer_refuse(pages, x, 403, "%s", err.text);
	}
	explicit_bzero(ticket, strlen(ticket));
}

/* ---- authorization ---- */

static const struct route *find_route(const char *method, const char *rest, const char **ret_rest)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
		const struct route *route = &routes[i];
		size_t len = strlen(route->name);
		bool deep = route->name[len - 1] == '/';
		if (strcmp(route->method, method) == 0 && strncmp(rest, route->name, len) == 0 &&
			(deep || rest[len] == '\0')) {
			*ret_rest = rest + len;
			return route;
		}
	}
	return NULL;
}

static void run_route(struct viewer_pages *pages, struct http_exchange *x, const char *id,
	const struct route *route, const char *rest)
{
	struct err err;
	if (!viewer_is_ours(pages, x)) {
		return;
	}
	struct stream *stream = streams_find(pages->desktops->streams, id, &err);
	if (!stream) {
		viewer_refuse(pages, x, 410, "%s", err.text);
	} else if (!route->open && !has_cookie(x, stream)) {
		viewer_refuse(pages, x, 401,
			"not authorized; open the full link, including the part after \"#\"");
	} else {
		route->run(pages, x, stream, rest);
	}
}

void viewer_run_stream(struct http_exchange *x, void *data)
{
	struct viewer_pages *pages = data;
	struct viewer_path path;
	const char *rest;
	if (!viewer_path_read("/s/", http_path(x), &path)) {
		viewer_refuse(pages, x, 404, "not found; a stream link has the form /s/ID/");
		return;
	}
	bool is_page = strcmp(http_method(x), "GET") == 0 && !*path.rest;
	const struct route *route = find_route(http_method(x), path.rest, &rest);
	if (is_page && path.bare) { /* the page uses relative URLs */
		char to[ID_LEN + 2];
		snprintf(to, sizeof(to), "%s/", path.id);
		http_set_header(x, "Location", to);
		viewer_reply(pages, x, 308, NULL, NULL, 0);
	} else if (is_page) {
		viewer_reply_asset(pages, x, "viewer.html");
	} else if (route) {
		run_route(pages, x, path.id, route, rest);
	} else {
		viewer_refuse(pages, x, 404, "unknown path of a stream");
	}
}

static bool may_send_much(const struct http_exchange *x, void *data)
{
	struct viewer_pages *pages = data;
	struct viewer_path path;
	struct err err;
	const char *rest;
	if (!viewer_path_read("/s/", http_path(x), &path)) {
		return false;
	}
	const struct route *route = find_route(http_method(x), path.rest, &rest);
	struct stream *stream = streams_find(pages->desktops->streams, path.id, &err);
	return route && route->large && stream && has_cookie(x, stream);
}

void viewer_stream_routes(struct viewer_pages *pages)
{
	http_add_route(pages->http, &(struct http_route){ "GET", "/s/", true, viewer_run_stream, pages });
	http_add_route(pages->http, &(struct http_route){ "POST", "/s/", true, viewer_run_stream, pages,
					    .may_send_much = may_send_much });
}
