#ifndef SERVER_VIEWER_PARSE_H
#define SERVER_VIEWER_PARSE_H

#include "base/field.h"
#include "base/id.h"
#include "base/secret.h"

#include <stddef.h>
#include <stdint.h>

/* Parses the pages' requests.  Pure functions on text. */

/* "/s/ID/pictures/7": id, then "pictures/", then "7".  rest is "" if nothing follows the slash
 * after id, and points into the path. */
struct viewer_path {
	char id[ID_LEN + 1];
	bool bare; /* "/s/ID" without a trailing slash */
	const char *rest;
};

/* False: not a path below prefix ("/s/") with an id. */
bool viewer_path_read(const char *prefix, const char *path, struct viewer_path *ret_path);

/* A decimal number from 1 to most; 0: invalid. */
uint64_t viewer_number_read(const char *text, uint64_t most);

/* The secret with this name in a Cookie header (NULL: none); false: absent or malformed. */
bool viewer_cookie_read(const char *header, const char *name, char ret_secret[SECRET_LEN + 1]);

/* A page's control request: either take or give_back. */
struct viewer_control {
	const char *viewer;  /* the page */
	const char *take;    /* with this user name */
	const char *message; /* to the agent */
	bool give_back;
};
extern const struct field viewer_control_fields[];

#endif
