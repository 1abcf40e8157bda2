/* Syntax checks of headers.  All input is untrusted. */
#include "transport/http/check.h"

#include "base/buf.h"
#include "base/cleanup.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#define TOKEN_MAX 4096 /* in bytes */
#define LIST_MAX 64    /* entries of an allow list */

static const char blanks[] = " \t";
static const char authority_chars[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	"-._~:[]";
static const char name_chars[] = "abcdefghijklmnopqrstuvwxyz0123456789-._";

/* ---- authorities: HOST[:PORT] ---- */

static bool is_port(const char *text)
{
	size_t len = strlen(text);
	return len >= 1 && len <= 5 && strspn(text, "0123456789") == len &&
	       strtoul(text, NULL, 10) <= 65535;
}

/* Returns the part before the port, and the start of the port (NULL: none). */
static bool split_name(
	const char *text, const char **ret_from, size_t *ret_len, const char **ret_port)
{
	const char *end;
	*ret_from = text;
	if (*text == '[') {
		end = strchr(text, ']');
		*ret_from = text + 1;
		*ret_port = end ? end + 1 : NULL;
	} else {
		end = text + strcspn(text, ":");
		*ret_port = end;
	}
	*ret_len = end ? (size_t)(end - *ret_from) : 0;
	if (*ret_len == 0 || *ret_len >= HTTP_NAME_MAX) {
		return false;
	}
	if (**ret_port == '\0') {
		*ret_port = NULL;
		return true;
	}
	return *(*ret_port)++ == ':' && is_port(*ret_port);
}

bool http_split_authority(const char *text, char ret_name[HTTP_NAME_MAX], char ret_port[6])
{
	const char *from, *port;
	size_t len;
	char name[HTTP_NAME_MAX];
	if (!split_name(text, &from, &len, &port)) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		name[i] = (char)tolower((unsigned char)from[i]);
	}
	name[len] = '\0';
	struct in6_addr v6;
	if (*text == '[') {
		if (inet_pton(AF_INET6, name, &v6) != 1) {
			return false;
		}
		inet_ntop(AF_INET6, &v6, name, sizeof(name)); /* [0:0::1] becomes [::1] */
	} else if (strspn(name, name_chars) != len) {
		return false;
	} else if (len > 1 && name[len - 1] == '.') {
		name[len - 1] = '\0';
	}
	memcpy(ret_name, name, strlen(name) + 1);
	memcpy(ret_port, port ? port : "", (port ? strlen(port) : 0) + 1);
	return true;
}

static bool is_loopback(const char *name)
{
	return strcmp(name, "localhost") == 0 || strcmp(name, "127.0.0.1") == 0 ||
	       strcmp(name, "::1") == 0;
}

static bool is_in(char *const *list, const char *text)
{
	for (; list && *list; list++) {
		if (strcasecmp(*list, text) == 0) {
			return true;
		}
	}
	return false;
}

/* "*.NAME" includes all names below NAME. */
static bool host_is_in(char *const *hosts, const char *host)
{
	size_t len = strlen(host);
	for (; hosts && *hosts; hosts++) {
		const char *below = strncmp(*hosts, "*.", 2) == 0 ? *hosts + 1 : NULL;
		size_t tail = below ? strlen(below) : 0;
		if (below ? len > tail && strcasecmp(host + len - tail, below) == 0
			  : strcasecmp(*hosts, host) == 0) {
			return true;
		}
	}
	return false;
}

static bool name_is_allowed(const struct http_names *names, const char *own, const char *authority)
{
	char name[HTTP_NAME_MAX], port[6];
	return http_split_authority(authority, name, port) &&
	       (is_loopback(name) || (own && strcmp(name, own) == 0) ||
		       host_is_in(names->hosts, name) || host_is_in(names->hosts, authority));
}

bool http_host_is_allowed(const struct http_names *names, const char *own, const char *host)
{
	return host && name_is_allowed(names, own, host);
}

bool http_is_address(const char *name)
{
	struct in6_addr address;
	return inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1;
}

const char *http_after_scheme(const char *origin)
{
	if (strncasecmp(origin, "http://", 7) == 0) {
		return origin + 7;
	}
	return strncasecmp(origin, "https://", 8) == 0 ? origin + 8 : NULL;
}

bool http_origin_is_allowed(
	const struct http_names *names, const char *own, const char *host, const char *origin)
{
	char name[HTTP_NAME_MAX], port[6];
	if (is_in(names->origins, origin)) {
		return true;
	}
	const char *authority = http_after_scheme(origin);
	if (!authority || !http_split_authority(authority, name, port)) {
		return false;
	}
	return is_loopback(name) || (own && strcmp(name, own) == 0) ||
	       (host && strcasecmp(host, authority) == 0);
}

bool http_origin_is_same(const struct http_names *names, const char *host, const char *origin)
{
	const char *authority = http_after_scheme(origin);
	return is_in(names->origins, origin) ||
	       (authority && host && strcasecmp(host, authority) == 0);
}

/* ---- allow lists ---- */

static bool is_authority(const char *entry)
{
	char name[HTTP_NAME_MAX], port[6];
	return http_split_authority(entry, name, port);
}

static bool is_host(const char *entry)
{
	return is_authority(strncmp(entry, "*.", 2) == 0 ? entry + 2 : entry);
}

/* A page of a browser extension or of a desktop program has its own scheme, and an authority that
 * is not a host name.  It is compared literally. */
static bool is_origin(const char *entry)
{
	static const char scheme_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					   "0123456789+-.";
	const char *authority = http_after_scheme(entry);
	if (authority) {
		return is_authority(authority);
	}
	size_t scheme = strspn(entry, scheme_chars);
	size_t len = strlen(entry);
	return isalpha((unsigned char)entry[0]) && strncmp(entry + scheme, "://", 3) == 0 &&
	       len > scheme + 3 && len < HTTP_NAME_MAX &&
	       strspn(entry + scheme + 3, authority_chars) == len - scheme - 3;
}

static void free_list(char **list)
{
	for (char **at = list; at && *at; at++) {
		free(*at);
	}
	free(list);
}

static char *cut_entry(const char **at)
{
	const char *from = *at + strspn(*at, " \t,");
	size_t len = strcspn(from, ",");
	*at = from + len;
	while (len > 0 && strchr(blanks, from[len - 1])) {
		len--;
	}
	return len > 0 ? must(strndup(from, len)) : NULL;
}

static bool parse_list(const char *text, bool (*is_right)(const char *entry), const char *shape,
	char ***ret_list, struct err *err)
{
	char **list = must(calloc(LIST_MAX + 1, sizeof(*list))), *entry;
	for (size_t n = 0; text && (entry = cut_entry(&text)); n++) {
		auto_free char *mine = entry;
		if (n == LIST_MAX || !is_right(entry)) {
			free_list(list);
			return n == LIST_MAX ? err_set(err, ERR_ARGUMENT,
						       "at most %d names can be listed", LIST_MAX)
					     : err_set(err, ERR_ARGUMENT, "\"%.80s\" must be %s",
						       entry, shape);
		}
		list[n] = take_ptr(&mine);
	}
	*ret_list = list;
	return true;
}

bool http_names_init(
	struct http_names *names, const char *hosts, const char *origins, struct err *err)
{
	*names = (struct http_names){ 0 };
	if (!parse_list(hosts, is_host,
		    "a host name, such as desk.example, *.desk.example or 10.0.0.7:8765",
		    &names->hosts, err)) {
		return err_while(err, "allowed hosts");
	}
	if (!parse_list(origins, is_origin,
		    "an origin, SCHEME://HOST, such as https://desk.example or app://obsidian.md",
		    &names->origins, err)) {
		http_names_done(names);
		return err_while(err, "allowed origins");
	}
	return true;
}

void http_names_done(struct http_names *names)
{
	free_list(names->hosts);
	free_list(names->origins);
	*names = (struct http_names){ 0 };
}

/* ---- single headers ---- */

const char *http_bearer_token(const char *authorization)
{
	static const char token_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					  "0123456789-._~+/=";
	if (!authorization || strncasecmp(authorization, "Bearer ", 7) != 0) {
		return NULL;
	}
	const char *token = authorization + 7 + strspn(authorization + 7, " ");
	size_t len = strlen(token);
	return len > 0 && len <= TOKEN_MAX && strspn(token, token_chars) == len ? token : NULL;
}

/* One media range of an Accept header, len bytes: type/subtype and parameters. */
static bool range_takes(const char *range, size_t len, const char *type)
{
	size_t name = 0, major = strcspn(type, "/") + 1;
	while (name < len && !strchr("; \t", range[name])) {
		name++;
	}
	const char *q = memchr(range, ';', len);
	while (q && q < range + len) {
		q += 1 + strspn(q + 1, blanks);
		if (strncasecmp(q, "q=0", 3) == 0 &&
			strspn(q + 3, ".0") == strcspn(q + 3, ",; \t")) {
			return false;
		}
		q = q < range + len ? memchr(q, ';', (size_t)(range + len - q)) : NULL;
	}
	return (name == 3 && memcmp(range, "*/*", 3) == 0) ||
	       (name == major + 1 && strncasecmp(range, type, major) == 0 && range[major] == '*') ||
	       (name == strlen(type) && strncasecmp(range, type, name) == 0);
}

bool http_accepts(const char *accept, const char *type)
{
	if (!accept) {
		return true;
	}
	for (const char *at = accept; *at;) {
		at += strspn(at, " \t,");
		size_t len = strcspn(at, ",");
		if (len > 0 && range_takes(at, len, type)) {
			return true;
		}
		at += len;
	}
	return false;
}

bool http_type_is(const char *content_type, const char *type)
{
	size_t len = strlen(type);
	return content_type && strncasecmp(content_type, type, len) == 0 &&
	       strchr("; \t", content_type[len]); /* the NUL matches, too */
}

bool http_has_word(const char *header, const char *word)
{
	size_t wanted = strlen(word);
	while (header && *header) {
		header += strspn(header, " \t,");
		size_t len = strcspn(header, ","), text = len;
		while (text > 0 && strchr(blanks, header[text - 1])) {
			text--;
		}
		if (text == wanted && strncasecmp(header, word, wanted) == 0) {
			return true;
		}
		header += len;
	}
	return false;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
	return at ? (int)(at - digits) : -1;
}

size_t http_unescape(char *text)
{
	char *to = text;
	for (const char *from = text; *from; to++) {
		int high = *from == '%' ? hex_digit(from[1]) : -1;
		int low = high >= 0 ? hex_digit(from[2]) : -1;
		bool escape = low >= 0 && high + low > 0;
		*to = escape ? (char)(high * 16 + low) : *from;
		from += escape ? 3 : 1;
	}
	*to = '\0';
	return (size_t)(to - text);
}
