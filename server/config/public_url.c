/* The URL under which a reverse proxy makes this server available. */
#include "server/config/public_url.h"

#include "base/cleanup.h"
#include "transport/http/check.h"

#include <string.h>
#include <strings.h>

static bool refuse(const char *text, struct err *err)
{
	return err_set(err, ERR_ARGUMENT,
		"--public-url must be the http:// or https:// URL of this server for "
		"browsers, without a query, such as https://desk.example/vitrine; got \"%.100s\"",
		text);
}

/* Refuses characters that would end a cookie attribute or a link. */
static bool is_path(const char *path)
{
	return strspn(path,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/") ==
		       strlen(path) &&
	       !strstr(path, "//") && !strstr(path, "/.");
}

bool public_url_init(struct public_url *url, const char *text, struct err *err)
{
	char name[HTTP_NAME_MAX], port[6];
	*url = (struct public_url){ 0 };
	if (!text) {
		return true;
	}
	bool secure = strncasecmp(text, "https://", 8) == 0;
	if ((!secure && strncasecmp(text, "http://", 7) != 0) || strlen(text) > PUBLIC_URL_MAX) {
		return refuse(text, err);
	}
	size_t scheme = secure ? 8 : 7, host = strcspn(text + scheme, "/"), len = strlen(text);
	while (text[len - 1] == '/') {
		len--;
	}
	auto_public_url struct public_url made = {
		.base = must(strndup(text, len)),
		.origin = must(strndup(text, scheme + host)),
		.authority = must(strndup(text + scheme, host)),
		.prefix = len > scheme + host
				  ? must(strndup(text + scheme + host, len - scheme - host))
				  : NULL,
		.secure = secure,
	};
	if (!http_split_authority(made.authority, name, port) ||
		(made.prefix && !is_path(made.prefix))) {
		return refuse(text, err);
	}
	*url = made;
	made = (struct public_url){ 0 };
	return true;
}

void public_url_done(struct public_url *url)
{
	free(url->base);
	free(url->origin);
	free(url->authority);
	free(url->prefix);
	*url = (struct public_url){ 0 };
}
