#ifndef SERVER_E2B_CORE_PLACE_H
#define SERVER_E2B_CORE_PLACE_H

#include "base/err.h"

/*
 * What a request is about, according to its Host and headers: the control plane, or a port of a
 * sandbox.  A pure function on text.
 */

#define E2B_ID_MAX 64

struct e2b_names {
	const char *host;      /* the Host header; NULL: none */
	const char *domain;    /* in lower case, without a port */
	const char *id, *port; /* the headers E2b-Sandbox-Id and E2b-Sandbox-Port; NULL: absent */
};

struct e2b_place {
	char id[E2B_ID_MAX + 1]; /* of the sandbox, [a-z0-9]; "": the control plane */
	int port;
	bool is_named; /* the Host names it, so the headers were not read */
};

/* "PORT-ID.DOMAIN" and "PORT-ID-CLIENT.DOMAIN", "api.DOMAIN"; any other name is routed by the
 * headers. */
bool e2b_place_find(
	const struct e2b_names *names, struct e2b_place *ret_place, struct err *err) NODISCARD;

/* Reads "ID" or "ID-CLIENT", as SDKs write an id, up to a NUL or `end`.  False: it is not one. */
bool e2b_id_read(const char *text, char end, char ret_id[E2B_ID_MAX + 1]) NODISCARD;

#endif
