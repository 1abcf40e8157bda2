/*
 * The dashboard at /: the sandboxes of a principal.  A browser sends the token once and gets a
 * cookie.  With --no-auth, no token is required.
 */
#include "server/viewer/viewer_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/lifecycle/lifecycle.h"

#include <stdio.h>
#include <string.h>

#define SIGN_INS_MAX 32 /* per principal; the oldest is dropped */
#define SIGN_IN_SECONDS (12 * 3600)
#define SESSION_COOKIE "vitrine_session"

struct sign_in {
	TAILQ_ENTRY(sign_in) link;
	char cookie[SECRET_LEN + 1];
	uint64_t ends_us;
	char owner[];
};

/* ---- sign-ins ---- */

static void sign_in_drop(struct viewer_pages *pages, struct sign_in *sign_in)
{
	TAILQ_REMOVE(&pages->sign_ins, sign_in, link);
	explicit_bzero(sign_in->cookie, sizeof(sign_in->cookie));
	free(sign_in);
}

static void make_room(struct viewer_pages *pages, const char *owner)
{
	struct sign_in *sign_in, *oldest = NULL;
	size_t n = 0;
	TAILQ_FOREACH(sign_in, &pages->sign_ins, link)
	{
		if (strcmp(sign_in->owner, owner) == 0) {
			oldest = oldest ? oldest : sign_in;
			n++;
		}
	}
	if (n >= SIGN_INS_MAX) {
		sign_in_drop(pages, oldest);
	}
}

static const char *sign_in_add(struct viewer_pages *pages, const char *owner)
{
	struct sign_in *sign_in = must(calloc(1, sizeof(*sign_in) + strlen(owner) + 1));
	make_room(pages, owner);
	memcpy(sign_in->owner, owner, strlen(owner) + 1);
	secret_make(sign_in->cookie);
	sign_in->ends_us = loop_now_us() + SIGN_IN_SECONDS * UINT64_C(1000000);
	TAILQ_INSERT_TAIL(&pages->sign_ins, sign_in, link);
	return sign_in->cookie;
}

void viewer_pages_sign_out(struct viewer_pages *pages, const char *owner)
{
	struct sign_in *sign_in, *next;
	for (sign_in = TAILQ_FIRST(&pages->sign_ins); sign_in; sign_in = next) {
		next = TAILQ_NEXT(sign_in, link);
		if (strcmp(sign_in->owner, owner) == 0) {
			sign_in_drop(pages, sign_in);
		}
	}
}

static const char *sign_in_owner(struct viewer_pages *pages, const char *cookie)
{
	struct sign_in *sign_in, *found = NULL;
	TAILQ_FOREACH(sign_in, &pages->sign_ins, link)
	{
		if (secret_equal(sign_in->cookie, cookie)) {
			found = sign_in;
		}
	}
	if (found && found->ends_us <= loop_now_us()) {
		sign_in_drop(pages, found);
		return NULL;
	}
	return found ? found->owner : NULL;
}

void viewer_list_free(struct viewer_pages *pages)
{
	while (!TAILQ_EMPTY(&pages->sign_ins)) {
		sign_in_drop(pages, TAILQ_FIRST(&pages->sign_ins));
	}
}

/* The principal of x; NULL: x was answered. */
static const char *owner_of(struct viewer_pages *pages, struct http_exchange *x)
{
	char cookie[SECRET_LEN + 1];
	if (!viewer_is_ours(pages, x)) {
		return NULL;
	}
	const char *owner = http_owner(x);
	if (!owner && viewer_cookie_read(http_header(x, "Cookie"), SESSION_COOKIE, cookie)) {
		owner = sign_in_owner(pages, cookie);
		explicit_bzero(cookie, sizeof(cookie));
	}
	if (!owner) {
		viewer_refuse(pages, x, 401, "not authorized; send a token of this server first");
	}
	return owner;
}

static void run_session(struct http_exchange *x, void *data)
{
	struct viewer_pages *pages = data;
	if (!viewer_is_ours(pages, x)) {
		return;
	}
	auto_free char *token = viewer_body(pages, x);
	if (!token) {
		return;
	}
	const char *owner = token[0] ? pages->authorize(token, pages->data) : NULL;
	if (owner) {
		const char *cookie = sign_in_add(pages, owner);
		viewer_set_cookie(pages, x, SESSION_COOKIE, cookie, "/", SIGN_IN_SECONDS);
		viewer_reply(pages, x, 204, NULL, NULL, 0);
	} else {
		viewer_refuse(pages, x, 401, "the token is not valid for this server");
	}
	explicit_bzero(token, strlen(token));
}

/* ---- sandboxes ---- */

static void run_page(struct http_exchange *x, void *data)
{
	viewer_reply_asset(data, x, "index.html");
}

static json_t *describe(struct viewer_pages *pages, const struct vm *vm)
{
	const struct watched_desktop *desktop = desktop_find(pages->desktops, vm);
	struct size screen = vm_screen(vm);
	struct vm_times times = vm_times(vm);
	const char *image = vm_spec(vm)->image;
	return must(json_pack("{s:s, s:s, s:s, s:s*, s:I, s:I, s:[i,i], s:o, s:i}", "id", vm_id(vm),
		"state", viewer_state_word(vm), "backend", vm_backend_name(vm), "image", image,
		"created", (json_int_t)times.created, "ready", (json_int_t)times.ready, "screen",
		screen.width, screen.height, "control", viewer_control_json(vm), "viewers",
		desktop ? (int)desktop->present : 0));
}

static void run_list(struct http_exchange *x, void *data)
{
	struct viewer_pages *pages = data;
	const char *owner = owner_of(pages, x);
	if (!owner) {
		return;
	}
	json_t *list = must(json_array());
	struct vm *vm;
	for (size_t i = 0; (vm = vm_at(pages->desktops->vms, owner, i)); i++) {
		json_array_append_new(list, describe(pages, vm));
	}
	viewer_reply_json(pages, x, 200, json_pack("{s:o}", "sandboxes", list));
}

/* ---- one sandbox ---- */

struct stream_args {
	int mode;
};
static const struct field stream_fields[] = {
	FIELD_ONE_OF(struct stream_args, mode, "permission of the link", stream_mode_names),
	{ 0 },
};

/* The page opens the link itself, relative to its own URL. */
static void open_stream(struct viewer_pages *pages, struct http_exchange *x, struct vm *vm)
{
	struct stream_args args = { 0 };
	json_auto_t *json = NULL;
	char ticket[SECRET_LEN + 1];
	struct err err;
	if (!viewer_body_json(pages, x, stream_fields, &args, &json)) {
		return;
	}
	const struct stream *stream = streams_open(pages->desktops->streams, vm,
		(enum stream_mode)args.mode, 0, STREAM_EXPIRES, ticket, &err);
	if (!stream) {
		viewer_refuse(pages, x, 429, "%s", err.text);
		return;
	}
	auto_buf struct buf url = { 0 };
	buf_printf(&url, "s/%s/#%s", stream->id, ticket);
	explicit_bzero(ticket, sizeof(ticket));
	viewer_reply_json(pages, x, 200, json_pack("{s:s}", "url", buf_text(&url)));
}

static void run_one(struct http_exchange *x, void *data)
{
	struct viewer_pages *pages = data;
	struct viewer_path path;
	struct err err;
	const char *owner = owner_of(pages, x);
	if (!owner) {
		return;
	}
	bool is_post = strcmp(http_method(x), "POST") == 0;
	if (!viewer_path_read("/sandboxes/", http_path(x), &path) ||
		strcmp(path.rest, is_post ? "stream" : "thumbnail") != 0) {
		viewer_refuse(pages, x, 404, "a sandbox has a thumbnail (GET) and a stream (POST)");
		return;
	}
	struct vm *vm = vm_find(pages->desktops->vms, owner, path.id, &err);
	if (!vm) {
		viewer_refuse(pages, x, err.kind == ERR_GONE ? 410 : 404, "%s", err.text);
	} else if (is_post) {
		open_stream(pages, x, vm);
	} else {
		viewer_run_thumbnail(pages, x, vm);
	}
}

void viewer_list_routes(struct viewer_pages *pages)
{
	const struct http_route routes[] = {
		{ "GET", "/", true, run_page, pages },
		{ "POST", "/session", true, run_session, pages },
		{ "GET", "/sandboxes", true, run_list, pages },
		{ "GET", "/sandboxes/", true, run_one, pages },
		{ "POST", "/sandboxes/", true, run_one, pages },
	};
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
		http_add_route(pages->http, &routes[i]);
	}
}
