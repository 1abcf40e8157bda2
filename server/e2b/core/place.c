#include "server/e2b/core/place.h"

#include "transport/http/check.h"

#include <stdlib.h>
#include <string.h>

#define ID_CHARS "abcdefghijklmnopqrstuvwxyz0123456789"
#define PORT_MAX 65535
#define PORT_DIGITS 5

static bool read_port(const char *text, size_t len, int *ret_port)
{
	char digits[PORT_DIGITS + 1] = "";
	if (!len || len > PORT_DIGITS || strspn(text, "0123456789") < len) {
		return false;
	}
	memcpy(digits, text, len);
	*ret_port = (int)strtol(digits, NULL, 10);
	return *ret_port >= 1 && *ret_port <= PORT_MAX;
}

bool e2b_id_read(const char *text, char end, char ret_id[E2B_ID_MAX + 1])
{
	size_t len = strspn(text, ID_CHARS);
	const char *rest = text + len;
	if (!len || len > E2B_ID_MAX) {
		return false;
	}
	if (*rest == '-') {
		size_t client = strspn(rest + 1, ID_CHARS "-");
		rest += 1 + client;
		if (!client || client > E2B_ID_MAX) {
			return false;
		}
	}
	if (*rest && *rest != end) {
		return false;
	}
	memcpy(ret_id, text, len);
	ret_id[len] = '\0';
	return true;
}

/* The length of the labels before ".DOMAIN"; 0: name is not below the domain. */
static size_t labels_before(const char *name, const char *domain)
{
	size_t len = strlen(name), tail = strlen(domain);
	bool is_below = len > tail + 1 && name[len - tail - 1] == '.' &&
			strcmp(name + len - tail, domain) == 0;
	return is_below ? len - tail - 1 : 0;
}

/* "PORT-ID" */
static bool read_label(const char *label, struct e2b_place *place)
{
	size_t digits = strspn(label, "0123456789");
	return label[digits] == '-' && read_port(label, digits, &place->port) &&
	       e2b_id_read(label + digits + 1, '\0', place->id);
}

static bool by_headers(const struct e2b_names *names, struct e2b_place *place, struct err *err)
{
	if (!names->id && !names->port) {
		return true;
	}
	if (!names->id || !names->port) {
		return err_set(err, ERR_ARGUMENT,
			"E2b-Sandbox-Id and E2b-Sandbox-Port must be sent together; %s is missing",
			names->id ? "E2b-Sandbox-Port" : "E2b-Sandbox-Id");
	}
	if (!e2b_id_read(names->id, '\0', place->id)) {
		return err_set(err, ERR_ARGUMENT,
			"E2b-Sandbox-Id must be the id of a sandbox: 1 to %d letters a-z and digits",
			E2B_ID_MAX);
	}
	return read_port(names->port, strlen(names->port), &place->port) ||
	       err_set(err, ERR_ARGUMENT, "E2b-Sandbox-Port must be a number from 1 to %d",
		       PORT_MAX);
}

bool e2b_place_find(const struct e2b_names *names, struct e2b_place *ret_place, struct err *err)
{
	char name[HTTP_NAME_MAX] = "", port[6];
	struct e2b_place place = { 0 };
	if (names->host && !http_split_authority(names->host, name, port)) {
		return err_set(err, ERR_ARGUMENT, "the Host header is not a name");
	}
	size_t len = labels_before(name, names->domain);
	name[len] = len ? '\0' : name[len];
	bool by_name = len && strcmp(name, "sandbox") != 0;
	place.is_named = by_name;
	if (by_name && strcmp(name, "api") != 0 && !read_label(name, &place)) {
		return err_set(err, ERR_ARGUMENT,
			"the Host header must be api.%.80s or PORT-ID.%.80s", names->domain,
			names->domain);
	}
	if (!by_name && !by_headers(names, &place, err)) {
		return false;
	}
	*ret_place = place;
	return true;
}
