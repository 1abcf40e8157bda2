#ifndef SERVER_VIEWER_ROUTES_H
#define SERVER_VIEWER_ROUTES_H

#include "server/viewer/desktop.h"
#include "transport/http/http.h"

/*
 * The viewer pages: a stream's viewer at /s/ID/, and the dashboard at /.  They are routes on an
 * HTTP listener, authorized here by the stream's cookie or a token's.  docs/streams.md describes
 * the protocol.
 */

struct viewer_pages;

/* Strings are copied.  0: the default in brackets. */
struct viewer_options {
	/* The path that a proxy in front removes ("/desk"); NULL: none.  Cookies are limited to it. */
	const char *prefix;
	bool secure; /* browsers use https: cookies have the attribute Secure */
	/* Sites that may embed these pages in a frame, as in a content security policy
	 * ("https://app.example 'self'"); NULL: none. */
	const char *frame_ancestors;
	int64_t grace_ms; /* how long a disconnected viewer keeps control [20000] */
	/* Returns the principal of a token, for the dashboard; NULL: no dashboard. */
	const char *(*authorize)(const char *token, void *data);
	void *data;
};

/* Adds its routes to http; NULL: only viewer_pages_run() serves them.  ERR_ARGUMENT: an invalid
 * option. */
struct viewer_pages *viewer_pages_new(struct http *http, struct watched_desktops *desktops,
	const struct viewer_options *options, struct err *err) NODISCARD;
/* Closes all its viewers.  After the http, before the desktops.  NULL-safe. */
void viewer_pages_free(struct viewer_pages *pages);

/* Serves the viewer of a stream on an exchange of any listener, whose body has been collected.  False:
 * its path is none of such a page. */
bool viewer_pages_run(struct viewer_pages *pages, struct http_exchange *x) NODISCARD;

/* Ends all of a principal's sessions of the dashboard. */
void viewer_pages_sign_out(struct viewer_pages *pages, const char *owner);

#endif
