#ifndef SERVER_CONFIG_PUBLIC_URL_H
#define SERVER_CONFIG_PUBLIC_URL_H

#include "base/err.h"

/* --public-url, taken apart: where people reach this server, through whatever is in front of it. */
struct public_url {
	char *base;      /* "https://desk.example/vitrine", without a slash at its end */
	char *origin;    /* "https://desk.example" */
	char *authority; /* "desk.example" */
	char *prefix;    /* "/vitrine"; NULL: none */
	bool secure;     /* https */
};

#define auto_public_url __attribute__((cleanup(public_url_done)))
#define PUBLIC_URL_MAX 300

/* text NULL: there is none, all members are NULL.  ERR_ARGUMENT says what it must be. */
bool public_url_init(struct public_url *url, const char *text, struct err *err) NODISCARD;
void public_url_done(struct public_url *url);

#endif
