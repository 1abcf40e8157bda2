/* Checks of options against each other, and of what is used only later. */
#include "server/config/options.h"

#include "server/config/public_url.h"
#include "transport/http/sockets.h"

#include <string.h>
#include <strings.h>

static bool begins_with(const char *text, const char *start)
{
	return strncasecmp(text, start, strlen(start)) == 0;
}

/* Others cannot connect to it.  Sockets of systemd are checked when they are received. */
static bool is_private_address(const char *listen)
{
	static const char *const starts[] = { "[::1]:", "localhost:", "unix:" };
	if (begins_with(listen, "127.") && listen[strspn(listen, "0123456789.")] == ':') {
		return true;
	}
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		if (begins_with(listen, starts[i])) {
			return true;
		}
	}
	return strcmp(listen, "systemd") == 0;
}

static bool check_no_auth(const struct config *config, struct err *err)
{
	const struct config_http *http = &config->http;
	const char *listens[] = { http->listen, config->e2b.listen, config->e2b.tls_listen };
	const char *other = http->tokens         ? "--tokens"
			    : http->behind_proxy ? "--behind-proxy"
			    : http->tls_cert     ? "--tls-cert"
						 : NULL;
	if (other) {
		return err_set(err, ERR_ARGUMENT,
			"--no-auth and %s exclude each other: without a token, only clients on this machine "
			"may connect, directly and without encryption; remove one of "
			"the two",
			other);
	}
	for (size_t i = 0; i < sizeof(listens) / sizeof(*listens); i++) {
		if (listens[i] && !is_private_address(listens[i])) {
			return err_set(err, ERR_ARGUMENT,
				"--no-auth requires 127.0.0.1, [::1], localhost or unix:; other "
				"machines could connect to \"%.100s\"; remove --no-auth, or listen on "
				"127.0.0.1",
				listens[i]);
		}
	}
	return true;
}

static bool check_auth_server(const char *url, struct err *err)
{
	bool is_safe = begins_with(url, "https://") || begins_with(url, "http://127.0.0.1:") ||
		       begins_with(url, "http://localhost:");
	return (is_safe && !strpbrk(url, " \"\\<>#?")) ||
	       err_set(err, ERR_ARGUMENT,
		       "--auth-server must be an https:// URL without a query, such as "
		       "https://login.example; got \"%.100s\"",
		       url);
}

/* The listeners of HTTP and VNC are opened at start; this one is opened with the first link. */
static bool check_address(const char *option, const char *address, struct err *err)
{
	struct http_address ignored;
	return http_address_parse(address, &ignored, err) || err_while(err, "%s", option);
}

/* Names below it are labels and addresses of hosts, and its name is a folder's. */
static bool check_domain(const char *domain, struct err *err)
{
	size_t len = strlen(domain);
	bool good = strspn(domain, "abcdefghijklmnopqrstuvwxyz0123456789-.") == len &&
		    !strstr(domain, "..") && domain[0] != '.' && domain[len - 1] != '.' &&
		    strchr(domain, '.');
	return good || err_set(err, ERR_ARGUMENT,
			       "--e2b-domain must be a name of two or more labels in lower case, "
			       "such as vitrine.localhost; got \"%.100s\"",
			       domain);
}

bool option_check(const struct config *config, struct err *err)
{
	const struct config_http *http = &config->http;
	auto_public_url struct public_url checked = { 0 };
	if (!http->tls_cert != !http->tls_key) {
		return err_set(err, ERR_ARGUMENT,
			"--tls-cert and --tls-key must be given together; %s is missing",
			http->tls_cert ? "--tls-key" : "--tls-cert");
	}
	return public_url_init(&checked, http->public_url, err) &&
	       check_address("--stream-listen", http->stream_listen, err) &&
	       check_domain(config->e2b.domain, err) &&
	       (!http->no_auth || check_no_auth(config, err)) &&
	       (!http->auth_server || check_auth_server(http->auth_server, err));
}
