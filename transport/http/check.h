#ifndef TRANSPORT_HTTP_CHECK_H
#define TRANSPORT_HTTP_CHECK_H

#include "base/err.h"

#include <stddef.h>

/* Checks of request headers.  Pure functions on text: no sockets, no state. */

#define HTTP_NAME_MAX 256 /* a host name with its NUL */

/* Allowed Host and Origin values, in addition to the loopback names. */
struct http_names {
	char **hosts, **origins; /* NULL-terminated, lower case; NULL: none */
};

/* Both lists are comma-separated and may be NULL: "desk.example, 10.0.0.7:8765" and
 * "https://desk.example".  An error names the invalid entry. */
bool http_names_init(struct http_names *names, const char *hosts, const char *origins,
	struct err *err) NODISCARD;
void http_names_done(struct http_names *names);

/* Splits "name", "name:port", "[v6]" or "[v6]:port".  The name is returned in lower case, without
 * brackets and without a trailing dot; the port is "" if absent.  False: invalid. */
bool http_split_authority(
	const char *text, char ret_name[HTTP_NAME_MAX], char ret_port[6]) NODISCARD;

/* own: the name or address of the listener; NULL: none.  Prevents DNS rebinding: a page of another
 * site whose name resolves to this machine still sends that name. */
bool http_is_address(const char *name); /* IPv4 or IPv6, as returned by http_split_authority() */
/* Returns what follows "http://" or "https://"; otherwise NULL. */
const char *http_after_scheme(const char *url);

bool http_host_is_allowed(const struct http_names *names, const char *own, const char *host);
/* host: the checked Host header.  A page from there has the same origin. */
bool http_origin_is_allowed(
	const struct http_names *names, const char *own, const char *host, const char *origin);

/* The same, but refuses other pages of this machine. */
bool http_origin_is_same(const struct http_names *names, const char *host, const char *origin);

/* The token of "Bearer TOKEN"; NULL if absent or malformed. */
const char *http_bearer_token(const char *authorization);
/* Whether an Accept header includes type ("application/json").  Absent (NULL): yes. */
bool http_accepts(const char *accept, const char *type);
/* Whether a Content-Type is type, ignoring parameters. */
bool http_type_is(const char *content_type, const char *type);
/* Whether a comma-separated header contains the word, ignoring case.  Absent (NULL): no. */
bool http_has_word(const char *header, const char *word);
/* Decodes %41 in place, for libmicrohttpd.  Invalid escapes, including %00, are kept.  Returns the
 * new length. */
size_t http_unescape(char *text);

#endif
