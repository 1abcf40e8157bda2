/*
 * The pages for people: options, the answers they all give, and what is heard of sandboxes and
 * streams.  Every answer forbids what a page of ours does not need, and those that need a cookie
 * are for our own pages alone.
 */
#include "server/viewer_impl.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "server/assets.h"
#include "server/json_write.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define GRACE_MS 20000
#define TICK_MS 5000
#define FRAME_ANCESTORS_MAX 500
#define PREFIX_MAX 200

/* ---- answers ---- */

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
		viewer_refuse(pages, x, 404, "there is no such file");
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

/* A page of another site, or of another program on this machine, has the browser send our cookies
 * too.  Where no Origin comes, Sec-Fetch-Site says what a browser knows; other clients send
 * neither, and act for nobody else. */
bool viewer_is_ours(struct viewer_pages *pages, struct http_exchange *x)
{
	const char *origin = http_header(x, "Origin"), *site = http_header(x, "Sec-Fetch-Site");
	bool is_ours =
		origin ? http_is_same_origin(x)
		       : !site || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
	if (!is_ours) {
		viewer_refuse(pages, x, 403, "only this server's own pages may do that");
	}
	return is_ours;
}

char *viewer_body(struct viewer_pages *pages, struct http_exchange *x)
{
	size_t len;
	const char *body = http_body(x, &len);
	if (len > VIEWER_BODY_MAX) {
		viewer_refuse(pages, x, 413, "this body must not be longer than %d bytes",
			VIEWER_BODY_MAX);
		return NULL;
	}
	while (len > 0 && strchr(" \t\r\n", body[len - 1])) {
		len--;
	}
	size_t skip = strspn(body, " \t\r\n");
	skip = skip < len ? skip : len;
	if (memchr(body, '\0', len)) {
		viewer_refuse(pages, x, 400, "the body must be a text without NUL bytes");
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

/* In a frame of another site a browser sends a cookie back only if it is told that this is meant.
 */
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

static void run_asset(struct http_exchange *x, void *data)
{
	viewer_reply_asset(data, x, http_path(x) + strlen("/assets/"));
}

/* ---- what is heard ---- */

static void on_change(struct vm *vm, void *data)
{
	struct desk *desk = desk_find(data, vm);
	if (desk) {
		desk_tell(desk);
	}
}

static void on_state(struct vm *vm, void *data)
{
	struct viewer_pages *pages = data;
	struct desk *desk = desk_find(pages, vm);
	if (vm_state(vm) == VM_GONE) {
		streams_end_all(pages->streams, vm, "the desktop is gone");
	}
	if (!desk) {
		return;
	}
	if (vm_state(vm) >= VM_STOPPING) {
		desk_ended(desk);
	} else {
		desk_tell(desk);
	}
}

static enum stream_code code_of(const struct stream *stream)
{
	if (vm_state(stream->vm) >= VM_STOPPING) {
		return STREAM_GONE;
	}
	/* Its timer is of another clock. */
	return stream->expires - 1000 <= viewer_now_ms() ? STREAM_EXPIRED : STREAM_REVOKED;
}

static void end_visits(
	struct desk *desk, const struct stream *stream, enum stream_code code, const char *reason)
{
	struct visit *next;
	for (struct visit *visit = TAILQ_FIRST(&desk->visits); visit; visit = next) {
		next = TAILQ_NEXT(visit, link);
		if (visit->stream == stream) {
			visit_stream_ended(visit, code, reason);
		}
	}
}

static void on_stream_ended(struct stream *stream, const char *why, void *data)
{
	struct viewer_pages *pages = data;
	struct desk *next;
	char reason[300];
	enum stream_code code = code_of(stream);
	snprintf(reason, sizeof(reason), "%s%s.",
		code == STREAM_GONE ? "" : "this link has ended: ", why);
	reason[0] = (char)toupper((unsigned char)reason[0]);
	for (struct desk *desk = LIST_FIRST(&pages->desks); desk; desk = next) {
		next = LIST_NEXT(desk, link);
		desk_ref(desk);
		end_visits(desk, stream, code, reason);
		desk_tell(desk);
		desk_unref(desk);
	}
}

/* Now and then: what has no event of its own. */
static int on_tick(sd_event_source *source, uint64_t usec, void *data)
{
	struct viewer_pages *pages = data;
	struct desk *desk;
	(void)source;
	(void)usec;
	loop_drop(&pages->tick);
	LIST_FOREACH(desk, &pages->desks, link)
	{
		struct visit *visit;
		TAILQ_FOREACH(visit, &desk->visits, link)
		{
			visit_count(visit);
			viewer_need_tick(pages);
		}
		desk_tell(desk);
	}
	return 0;
}

void viewer_need_tick(struct viewer_pages *pages)
{
	if (!pages->tick) {
		pages->tick = loop_after_ms(pages->event, TICK_MS, on_tick, pages);
	}
}

int64_t viewer_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- options ---- */

static bool check_prefix(const char *prefix, struct err *err)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~/%";
	size_t len = strlen(prefix);
	if (len == 0 || (len <= PREFIX_MAX && *prefix == '/' && strspn(prefix, plain) == len)) {
		return true;
	}
	return err_set(err, ERR_ARGUMENT,
		"the path of the public URL must begin with a slash and have letters, digits and "
		"-._~/ only, such as /desk; got \"%.100s\"",
		prefix);
}

static bool check_ancestors(const char *sources, struct err *err)
{
	size_t len = strlen(sources);
	bool is_plain = !strpbrk(sources, ";,\"\\");
	for (size_t i = 0; i < len; i++) {
		is_plain = is_plain && sources[i] >= 0x20 && sources[i] <= 0x7e;
	}
	if (is_plain && len > 0 && len <= FRAME_ANCESTORS_MAX) {
		return true;
	}
	return err_set(err, ERR_ARGUMENT,
		"who may frame the pages must be sources of a content security policy, separated "
		"by spaces, such as 'self' https://app.example; got \"%.100s\"",
		sources);
}

static char *make_policy(const char *ancestors)
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text,
		"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: "
		"data:; connect-src 'self'; frame-ancestors %s; base-uri 'none'; form-action "
		"'none'",
		ancestors ? ancestors : "'none'");
	return must(strdup(buf_text(&text)));
}

static char *make_prefix(const char *prefix)
{
	char *copy = must(strdup(prefix ? prefix : ""));
	for (size_t len = strlen(copy); len > 0 && copy[len - 1] == '/';) {
		copy[--len] = '\0';
	}
	return copy;
}

struct viewer_pages *viewer_pages_new(struct http *http, struct streams *streams,
	struct vm_pool *vms, const struct viewer_options *options, struct err *err)
{
	if ((options->prefix && !check_prefix(options->prefix, err)) ||
		(options->frame_ancestors && !check_ancestors(options->frame_ancestors, err))) {
		return NULL;
	}
	struct viewer_pages *pages = must(calloc(1, sizeof(*pages)));
	pages->http = http;
	pages->event = sd_event_ref(http_event(http));
	pages->streams = streams;
	pages->vms = vms;
	pages->prefix = make_prefix(options->prefix);
	pages->policy = make_policy(options->frame_ancestors);
	pages->framed = options->frame_ancestors;
	pages->secure = options->secure;
	pages->grace_ms = options->grace_ms ? (uint64_t)options->grace_ms : GRACE_MS;
	pages->authorize = options->authorize;
	pages->data = options->data;
	pages->metrics = options->metrics;
	LIST_INIT(&pages->desks);
	TAILQ_INIT(&pages->sessions);
	http_add_route(http, &(struct http_route){ "GET", "/assets/", true, run_asset, pages });
	viewer_stream_routes(pages);
	if (pages->authorize) {
		viewer_list_routes(pages);
	}
	streams_on_end(streams, on_stream_ended, pages);
	vm_pool_on_control(vms, on_change, pages);
	vm_pool_on_state(vms, on_state, pages);
	return pages;
}

void viewer_pages_free(struct viewer_pages *pages)
{
	if (!pages) {
		return;
	}
	struct desk *desk;
	streams_on_end(pages->streams, NULL, NULL);
	vm_pool_on_control(pages->vms, NULL, NULL);
	vm_pool_on_state(pages->vms, NULL, NULL);
	while ((desk = LIST_FIRST(&pages->desks))) {
		desk_free(desk);
	}
	viewer_list_free(pages);
	loop_drop(&pages->tick);
	sd_event_unref(pages->event);
	free(pages->prefix);
	free(pages->policy);
	free(pages);
}
