#ifndef SERVER_CONFIG_PUBLIC_URL_H
#define SERVER_CONFIG_PUBLIC_URL_H

#include "base/err.h"

/* The parsed value of --public-url: the URL at which users reach this server through a proxy. */
struct public_url {
	char *base;      /* "https://desk.example/vitrine", without a trailing slash */
	char *origin;    /* "https://desk.example" */
	char *authority; /* "desk.example" */
	char *prefix;    /* "/vitrine"; NULL: none */
	bool secure;     /* https */
};

#define auto_public_url __attribute__((cleanup(public_url_done)))
#define PUBLIC_URL_MAX 300

/* If text is NULL, all members are NULL.  ERR_ARGUMENT: not a valid URL. */
bool public_url_init(struct public_url *url, const char *text, struct err *err) NODISCARD;
void public_url_done(struct public_url *url);

#endif
