/* The viewer pages and their options. */
#include "server/viewer/viewer_impl.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>

#define GRACE_MS 20000
#define ASSETS "/assets/"
#define FRAME_ANCESTORS_MAX 500
#define PREFIX_MAX 200

static void run_asset(struct http_exchange *x, void *data)
{
	viewer_reply_asset(data, x, http_path(x) + strlen(ASSETS));
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
		"the path of the public URL must begin with a slash and contain letters, digits and "
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
		"frame ancestors must be sources of a content security policy, separated "
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

static void add_routes(struct viewer_pages *pages)
{
	http_add_route(pages->http, &(struct http_route){ "GET", ASSETS, true, run_asset, pages });
	viewer_stream_routes(pages);
	if (pages->authorize) {
		viewer_list_routes(pages);
	}
}

struct viewer_pages *viewer_pages_new(struct http *http, struct watched_desktops *desktops,
	const struct viewer_options *options, struct err *err)
{
	if ((options->prefix && !check_prefix(options->prefix, err)) ||
		(options->frame_ancestors && !check_ancestors(options->frame_ancestors, err))) {
		return NULL;
	}
	struct viewer_pages *pages = must(calloc(1, sizeof(*pages)));
	pages->http = http;
	pages->desktops = desktops;
	pages->prefix = make_prefix(options->prefix);
	pages->policy = make_policy(options->frame_ancestors);
	pages->framed = options->frame_ancestors;
	pages->secure = options->secure;
	pages->grace_ms = options->grace_ms ? (uint64_t)options->grace_ms : GRACE_MS;
	pages->authorize = options->authorize;
	pages->data = options->data;
	TAILQ_INIT(&pages->sign_ins);
	if (http) {
		add_routes(pages);
	}
	return pages;
}

bool viewer_pages_run(struct viewer_pages *pages, struct http_exchange *x)
{
	bool is_get = strcmp(http_method(x), "GET") == 0;
	if (is_get && strncmp(http_path(x), ASSETS, strlen(ASSETS)) == 0) {
		run_asset(x, pages);
		return true;
	}
	bool is_stream = strncmp(http_path(x), "/s/", 3) == 0 &&
			 (is_get || strcmp(http_method(x), "POST") == 0);
	if (is_stream) {
		viewer_run_stream(x, pages);
	}
	return is_stream;
}

void viewer_pages_free(struct viewer_pages *pages)
{
	if (!pages) {
		return;
	}
	page_sessions_free(pages);
	viewer_list_free(pages);
	free(pages->prefix);
	free(pages->policy);
	free(pages);
}
