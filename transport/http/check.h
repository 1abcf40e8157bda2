#ifndef TRANSPORT_HTTP_CHECK_H
#define TRANSPORT_HTTP_CHECK_H

#include "base/err.h"

#include <stddef.h>

/*
 * What a request's headers must say before anybody looks at its message.  Plain functions on text:
 * no socket, no state.
 */

#define HTTP_NAME_MAX 256 /* a host name with its NUL */

/* Host and Origin values that are taken beside the loopback names. */
struct http_names {
	char **hosts, **origins; /* NULL-ended, lower case; NULL: none */
};

/* Both lists are comma-separated and may be NULL: "desk.example, 10.0.0.7:8765" and
 * "https://desk.example".  Fails naming the entry that is none. */
bool http_names_init(struct http_names *names, const char *hosts, const char *origins,
	struct err *err) NODISCARD;
void http_names_done(struct http_names *names);

/* Splits "name", "name:port", "[v6]" or "[v6]:port".  The name comes out in lower case, without
 * brackets and without a final dot; the port is "" when absent.  False: it is none of these. */
bool http_split_authority(
	const char *text, char ret_name[HTTP_NAME_MAX], char ret_port[6]) NODISCARD;

/* own: the name or address we listen at; NULL: none.  Against DNS rebinding: a page of another
 * site that resolves to this machine still sends its own name. */
bool http_is_address(const char *name); /* of IPv4 or IPv6, as http_split_authority() gives it */
/* What follows "http://" or "https://"; NULL for all else. */
const char *http_after_scheme(const char *url);

bool http_host_is_allowed(const struct http_names *names, const char *own, const char *host);
/* host: the request's Host, checked already; a page from there is of the same origin. */
bool http_origin_is_allowed(
	const struct http_names *names, const char *own, const char *host, const char *origin);

/* The same, without the other pages of this machine. */
bool http_origin_is_same(const struct http_names *names, const char *host, const char *origin);

/* The token of "Bearer TOKEN"; NULL when there is none, or not one that could be right. */
const char *http_bearer_token(const char *authorization);
/* Whether an Accept header takes type ("application/json").  Absent (NULL): everything. */
bool http_accepts(const char *accept, const char *type);
/* Whether a Content-Type is type, parameters aside. */
bool http_type_is(const char *content_type, const char *type);
/* Whether a comma-separated header has this word.  Absent (NULL): no.  Words ignore case. */
bool http_has_word(const char *header, const char *word);
/* Decodes %41 in place, as libmicrohttpd wants it; what is no such escape, %00 included, stays as
 * it is.  Returns the new length. */
size_t http_unescape(char *text);

#endif
