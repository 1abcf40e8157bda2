#ifndef SERVER_CLIENT_FIND_H
#define SERVER_CLIENT_FIND_H

#include "base/err.h"

#include <curl/curl.h>
#include <jansson.h>

/* A handle for a path of a server: "unix:PATH" or a URL.  *headers: for the request; to be freed. */
CURL *remote_handle(const char *at, const char *path, struct curl_slist **headers);
/* The only one of remote_sandboxes() whose id begins so. */
const json_t *remote_choose(const json_t *all, const char *sandbox, struct err *err) NODISCARD;

#endif
