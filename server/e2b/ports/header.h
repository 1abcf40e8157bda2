#ifndef SERVER_E2B_PORTS_HEADER_H
#define SERVER_E2B_PORTS_HEADER_H

#include <stdbool.h>
#include <stddef.h>

/* Headers as a proxy checks them.  Pure functions on text. */

/* A name of RFC 9110: letters, digits and some signs. */
bool port_name_is_good(const char *name, size_t len);
/* Without control characters, except tabs. */
bool port_value_is_good(const char *value, size_t len);
/* Whether a header is of one connection only, so that a proxy does not pass it on: by its name, or
 * because `connection` (the header Connection; NULL: absent) names it. */
bool port_is_hop_by_hop(const char *name, const char *connection);

#endif
