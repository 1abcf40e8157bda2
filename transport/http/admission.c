/*
 * Admission: the checks before a message is read, in this order: is the server busy, is the head
 * well-formed, does Host name this server, is the page's Origin allowed, does the route exist, does
 * it have the method, is the token valid, can the body be read, and is it small enough.  Each
 * refusal says what to do.
 */
#include "transport/http/http_impl.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct only {
	const char *name, *value;
	int count;
};

static enum MHD_Result count_header(
	void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct only *only = data;
	(void)kind;
	if (strcasecmp(name, only->name) == 0) {
		only->value = value ? value : "";
		only->count++;
	}
	return MHD_YES;
}

/* A header that must not be repeated, because other parsers might use the other value. */
static bool read_once(const struct http_exchange *x, const char *name, const char **ret_value)
{
	struct only only = { .name = name };
	MHD_get_connection_values(x->conn->mhd, MHD_HEADER_KIND, count_header, &only);
	*ret_value = only.value ? http_header(x, name) : NULL;
	return only.count <= 1;
}

/* ---- the checks, one each; false: x is answered ---- */

static void close_after(struct http_exchange *x)
{
	x->hasty = true;
	http_set_header(x, "Connection", "close");
}

static bool has_room(struct http_exchange *x)
{
	if (!x->conn->busy) {
		return true;
	}
	x->http->counts.rejected_busy++;
	http_set_header(x, "Retry-After", "1");
	close_after(x);
	http_refuse(x, 503, "too many connections are open; close some, or try again in a second");
	return false;
}

static bool is_clean(struct http_exchange *x, const char *method, const char *version)
{
	if (http_head_is_clean(x->conn, method, version)) {
		return true;
	}
	close_after(x);
	http_refuse(x, 400,
		"the head is malformed: lines must end in CR LF, names at the colon, "
		"and control characters are not allowed");
	return false;
}

static bool is_framed(struct http_exchange *x)
{
	const char *length, *encoding;
	bool once = read_once(x, "Content-Length", &length);
	if (once && read_once(x, "Transfer-Encoding", &encoding) && !(length && encoding) &&
		(!encoding || strcasecmp(encoding, "chunked") == 0)) {
		return true;
	}
	close_after(x);
	http_refuse(x, 400,
		"a body requires either one Content-Length or Transfer-Encoding: "
		"chunked");
	return false;
}

/* Whether it is a name or address of this server. */
static bool is_our_name(const struct http_exchange *x, const char *authority)
{
	char name[HTTP_NAME_MAX], port[6];
	return http_host_is_allowed(&x->http->names, x->http->sockets.host, authority) ||
	       (authority && http_split_authority(authority, name, port) &&
		       http_conn_is_at(x->conn, name));
}

/* Probes use IP addresses.  A page of another site cannot, because its browser sends the name from
 * which the page was loaded. */
static bool takes_address(const struct http_exchange *x, const char *path, const char *authority)
{
	char name[HTTP_NAME_MAX], port[6];
	return http_is_probe(x->http, path) && authority &&
	       http_split_authority(authority, name, port) && http_is_address(name);
}

/* Splits a target in absolute form (RFC 9112, 3.2.2); false: malformed.  ret_path points into
 * it. */
static bool split_target(
	const char *target, char ret_authority[HTTP_NAME_MAX], const char **ret_path)
{
	const char *from = http_after_scheme(target);
	ret_authority[0] = '\0';
	*ret_path = target;
	if (!from) {
		return true;
	}
	size_t len = strcspn(from, "/");
	if (len == 0 || len >= HTTP_NAME_MAX) {
		return false;
	}
	memcpy(ret_authority, from, len);
	ret_authority[len] = '\0';
	*ret_path = from[len] ? from + len : "/";
	return true;
}

static bool means_us(struct http_exchange *x, const char *authority, const char *path)
{
	const char *host;
	if (read_once(x, "Host", &host) && (!*authority || is_our_name(x, authority)) &&
		(x->conn->local || is_our_name(x, host) || takes_address(x, path, host))) {
		return true;
	}
	x->http->counts.rejected_host++;
	http_refuse(x, 403,
		"the Host header must name this server: localhost, the address it listens at, or "
		"one of its allowed hosts");
	return false;
}

/* Allows a page of that origin to read the response. */
static void allow_origin(struct http_exchange *x, const char *origin)
{
	http_set_header(x, "Access-Control-Allow-Origin", origin);
	http_set_header(x, "Access-Control-Expose-Headers",
		"Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate, Retry-After");
	http_set_header(x, "Vary", "Origin");
}

static bool origin_may(struct http_exchange *x, const char **ret_origin)
{
	const struct http *http = x->http;
	bool once = read_once(x, "Origin", ret_origin);
	if (x->route && x->route->any_origin) {
		return true;
	}
	if (once && (!*ret_origin || http_origin_is_allowed(&http->names, http->sockets.host,
					     http_header(x, "Host"), *ret_origin))) {
		if (*ret_origin) {
			allow_origin(x, *ret_origin);
		}
		return true;
	}
	x->http->counts.rejected_origin++;
	http_refuse(x, 403,
		"pages of this Origin may not use this server; the origin must be on this machine, or one "
		"of the allowed origins");
	return false;
}

static bool has_route(struct http_exchange *x, const char *origin)
{
	if (!x->route) {
		http_refuse_route(x, origin);
	}
	return x->route;
}

static const char *identify(struct http_exchange *x, const char *header, bool once)
{
	const struct http_options *options = &x->http->options;
	if (options->identify) {
		return once ? options->identify(x, options->data) : NULL;
	}
	const char *token = once ? http_bearer_token(header) : NULL;
	return !header || token ? options->authorize(token, options->data) : NULL;
}

static bool is_authorized(struct http_exchange *x)
{
	const char *header;
	bool once = read_once(x, "Authorization", &header);
	const char *owner = identify(x, header, once);
	if (owner) {
		x->owner = must(strdup(owner));
		x->conn->known = true;
	}
	if (owner || x->route->open) {
		x->budget = budget_ref(x->http->budgets, owner ? owner : "");
		return true;
	}
	char how[512] = "Bearer";
	const char *metadata = x->http->resource_metadata, *base = http_base_url(x);
	if (metadata && base) {
		snprintf(how, sizeof(how), "Bearer resource_metadata=\"%s%s\"", base, metadata);
	}
	x->http->counts.rejected_auth++;
	http_set_header(x, "WWW-Authenticate", how);
	http_refuse(x, 401, "%s",
		header ? "the token is not valid for this server"
		       : "send the header Authorization: Bearer TOKEN");
	return false;
}

static bool is_plain(struct http_exchange *x)
{
	const char *coding = http_header(x, "Content-Encoding");
	if (!coding || strcasecmp(coding, "identity") == 0) {
		return true;
	}
	close_after(x);
	http_set_header(x, "Accept-Encoding", "identity");
	http_refuse(x, 415, "compressed bodies are not supported; remove Content-Encoding: %.40s",
		coding);
	return false;
}

size_t http_most(const struct http_exchange *x)
{
	size_t most = (size_t)x->http->options.max_body;
	const struct http_route *route = x->route;
	bool known = !route->open || (route->may_send_much && route->may_send_much(x, route->data));
	return !known && most > HTTP_SMALL_BODY ? HTTP_SMALL_BODY : most;
}

static bool is_small_enough(struct http_exchange *x)
{
	const char *length = http_header(x, "Content-Length");
	uint64_t bytes = length ? strtoull(length, NULL, 10) : 0;
	size_t most = http_most(x);
	if (bytes <= most) {
		return http_hold_body(x, (size_t)bytes);
	}
	x->http->counts.rejected_size++;
	close_after(x);
	http_refuse(x, 413, "a body must not be longer than %zu bytes; this one has %.20s", most,
		length);
	return false;
}

static bool has_good_body(struct http_exchange *x)
{
	return x->route->streams_body || (is_plain(x) && is_small_enough(x));
}

bool http_admit(
	struct http_exchange *x, const char *method, const char *target, const char *version)
{
	const char *origin, *path;
	char authority[HTTP_NAME_MAX];
	bool is_target = split_target(target, authority, &path);
	snprintf(x->method, sizeof(x->method), "%s", method);
	x->path = must(strdup(path));
	if (!is_target) {
		close_after(x);
		http_refuse(x, 400, "the request target is malformed");
		return false;
	}
	http_find_route(x, method);
	return has_room(x) && is_clean(x, method, version) && is_framed(x) &&
	       means_us(x, authority, path) && origin_may(x, &origin) && has_route(x, origin) &&
	       is_authorized(x) && http_is_fair(x) && has_good_body(x);
}
