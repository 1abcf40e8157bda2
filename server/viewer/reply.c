/*
 * Responses and request bodies of the pages.  Every response forbids what the pages do not need.
 * Requests that use a cookie are accepted from our own pages only.
 */
#include "server/viewer/viewer_impl.h"

#include "base/cleanup.h"
#include "server/mcp/json_write.h"
#include "server/viewer/assets.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set_headers(struct viewer_pages *pages, struct http_exchange *x)
{
	http_set_header(x, "Content-Security-Policy", pages->policy);
	http_set_header(x, "Referrer-Policy", "no-referrer");
	http_set_header(x, "Cross-Origin-Opener-Policy", "same-origin");
	http_set_header(x, "Cross-Origin-Resource-Policy", "same-origin");
	if (!pages->framed) {
		http_set_header(x, "X-Frame-Options", "DENY");
	}
}

void viewer_reply(struct viewer_pages *pages, struct http_exchange *x, int status, const char *type,
	const void *bytes, size_t len)
{
	set_headers(pages, x);
	http_reply(x, status, type, bytes, len);
}

void viewer_reply_stream(struct viewer_pages *pages, struct http_exchange *x)
{
	set_headers(pages, x);
	http_stream(x);
}

void viewer_reply_json(
	struct viewer_pages *pages, struct http_exchange *x, int status, json_t *taken)
{
	auto_free char *text = must(json_dumps(must(taken), JSON_COMPACT));
	json_decref(taken);
	viewer_reply(pages, x, status, "application/json", text, strlen(text));
}

void viewer_refuse(
	struct viewer_pages *pages, struct http_exchange *x, int status, const char *fmt, ...)
{
	char text[600];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	viewer_reply_json(pages, x, status, json_pack("{s:o}", "error", json_text(text)));
}

void viewer_reply_asset(struct viewer_pages *pages, struct http_exchange *x, const char *name)
{
	const struct asset *asset = asset_find(name);
	const char *have = http_header(x, "If-None-Match");
	if (!asset) {
		viewer_refuse(pages, x, 404, "file not found");
		return;
	}
	http_set_header(x, "Cache-Control", "no-cache");
	http_set_header(x, "ETag", asset->etag);
	if (have && strstr(have, asset->etag)) {
		viewer_reply(pages, x, 304, NULL, NULL, 0);
	} else {
		viewer_reply(pages, x, 200, asset->type, asset->bytes, asset->len);
	}
}

/* A browser attaches our cookies to requests of other sites' pages and of other programs on this
 * machine, too.  If there is no Origin, Sec-Fetch-Site identifies the page.  Other clients send
 * neither, and act for themselves only. */
bool viewer_is_ours(struct viewer_pages *pages, struct http_exchange *x)
{
	const char *origin = http_header(x, "Origin"), *site = http_header(x, "Sec-Fetch-Site");
	bool is_ours =
		origin ? http_is_same_origin(x)
		       : !site || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
	if (!is_ours) {
		viewer_refuse(pages, x, 403, "only this server's own pages may send this request");
	}
	return is_ours;
}

char *viewer_body(struct viewer_pages *pages, struct http_exchange *x)
{
	size_t len;
	const char *body = http_body(x, &len);
	if (len > VIEWER_BODY_MAX) {
		viewer_refuse(pages, x, 413, "the body must not be longer than %d bytes",
			VIEWER_BODY_MAX);
		return NULL;
	}
	while (len > 0 && strchr(" \t\r\n", body[len - 1])) {
		len--;
	}
	size_t skip = strspn(body, " \t\r\n");
	skip = skip < len ? skip : len;
	if (memchr(body, '\0', len)) {
		viewer_refuse(pages, x, 400, "the body must be text without NUL bytes");
		return NULL;
	}
	return must(strndup(body + skip, len - skip));
}

bool viewer_body_json(struct viewer_pages *pages, struct http_exchange *x,
	const struct field *fields, void *out, json_t **ret_json)
{
	auto_free char *body = viewer_body(pages, x);
	struct err err;
	if (!body) {
		return false;
	}
	json_auto_t *json = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(json)) {
		viewer_refuse(pages, x, 400, "the body must be a JSON object");
		return false;
	}
	if (!field_decode(fields, json, out, &err)) {
		viewer_refuse(pages, x, 400, "%s", err.text);
		return false;
	}
	*ret_json = json_incref(json);
	return true;
}

/* In a frame of another site, a browser sends a cookie only with SameSite=None. */
void viewer_set_cookie(struct viewer_pages *pages, struct http_exchange *x, const char *name,
	const char *value, const char *path, int64_t seconds)
{
	auto_buf struct buf cookie = { 0 };
	bool elsewhere = pages->framed && pages->secure;
	buf_printf(&cookie, "%s=%s; HttpOnly; SameSite=%s; Path=%s%s; Max-Age=%lld%s%s", name,
		value ? value : "", elsewhere ? "None" : "Strict", pages->prefix, path,
		value ? (long long)seconds : 0, pages->secure ? "; Secure" : "",
		elsewhere ? "; Partitioned" : "");
	http_set_header(x, "Set-Cookie", buf_text(&cookie));
	explicit_bzero(cookie.data, cookie.len);
}
