#include "server/e2b/ports/header.h"

#include "transport/http/check.h"

#include <string.h>
#include <strings.h>

#define ALPHANUMERIC "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

bool port_name_is_good(const char *name, size_t len)
{
	return len > 0 && memchr(name, '\0', len) == NULL &&
	       strspn(name, ALPHANUMERIC "!#$%&'*+-.^_`|~") >= len;
}

bool port_value_is_good(const char *value, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)value[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f) {
			return false;
		}
	}
	return true;
}

bool port_is_hop_by_hop(const char *name, const char *connection)
{
	static const char *const names[] = { "Connection", "Keep-Alive", "Proxy-Connection",
		"Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding",
		"Upgrade" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcasecmp(name, names[i]) == 0) {
			return true;
		}
	}
	return http_has_word(connection, name);
}
