#ifndef SERVER_VIEWER_PARSE_H
#define SERVER_VIEWER_PARSE_H

#include "base/field.h"
#include "base/id.h"
#include "base/secret.h"

#include <stddef.h>
#include <stdint.h>

/* What the viewer's pages read of a request: plain functions on text. */

/* "/s/ID/pictures/7": id, then "pictures/", then "7".  rest is "" when nothing follows the id's
 * slash, and points into the path. */
struct viewer_path {
	char id[ID_LEN + 1];
	bool bare; /* "/s/ID" without a slash after it */
	const char *rest;
};

/* False: it is none below prefix ("/s/") with an id. */
bool viewer_path_read(const char *prefix, const char *path, struct viewer_path *ret_path);

/* A number of digits alone, from 1 to most; 0: it is none. */
uint64_t viewer_number_read(const char *text, uint64_t most);

/* The secret that a Cookie header (NULL: none) has under this name; false: none that could be one.
 */
bool viewer_cookie_read(const char *header, const char *name, char ret_secret[SECRET_LEN + 1]);

/* What a page asks of control: one of take and give_back. */
struct viewer_control {
	const char *viewer; /* the page */
	const char *take;   /* under this name */
	const char *says;   /* to the agent */
	bool give_back;
};
extern const struct field viewer_control_fields[];

/* Copies what fits into size bytes, whole characters, control bytes as spaces, without white space
 * at its ends.  text is UTF-8. */
void viewer_text_copy(char *to, size_t size, const char *text);

#endif
