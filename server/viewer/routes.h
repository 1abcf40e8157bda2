#ifndef SERVER_VIEWER_ROUTES_H
#define SERVER_VIEWER_ROUTES_H

#include "server/viewer/desktop.h"
#include "transport/http/http.h"

/*
 * The pages for people: a stream's viewer at /s/ID/, and the list of one's sandboxes at /.  Routes
 * on an HTTP listener; who may come in is decided here, by the stream's cookie or by a token's.
 * docs/streams.md has what they say to each other.
 */

struct viewer_pages;

/* Strings are copied.  0: the value in brackets. */
struct viewer_options {
	/* The path that a proxy in front takes away ("/desk"); NULL: none.  Cookies are of it. */
	const char *prefix;
	bool secure; /* browsers come by https: cookies are for that only */
	/* Who may show these pages in a frame, as in a content security policy
	 * ("https://app.example 'self'"); NULL: nobody. */
	const char *frame_ancestors;
	int64_t grace_ms; /* a holder of control may be away for this long [20000] */
	/* The principal of a token, for the list at /; NULL: there is no list. */
	const char *(*authorize)(const char *token, void *data);
	void *data;
};

/* Adds its routes to http.  ERR_ARGUMENT: an option that cannot be. */
struct viewer_pages *viewer_pages_new(struct http *http, struct watched_desktops *desktops,
	const struct viewer_options *options, struct err *err) NODISCARD;
/* Closes all its viewers.  After the http it was made for, before the desktops.  NULL-safe. */
void viewer_pages_free(struct viewer_pages *pages);

/* Signs a principal out of the list page, wherever it is signed in. */
void viewer_pages_sign_out(struct viewer_pages *pages, const char *owner);

#endif
