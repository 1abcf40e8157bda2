#include "server/e2b/desktop/desktop.h"

#include "base/cleanup.h"
#include "server/e2b/desktop/desktop_impl.h"
#include "server/e2b/ports/ports.h"

#include <string.h>

#define PAGE_BODY_MAX (6u << 20) /* of an image for the clipboard */

/* ---- pages ---- */

static struct viewer_pages *pages_of(struct e2b_desktops *all, struct http_exchange *x)
{
	const char *base = http_base_url(x);
	return base && strncmp(base, "https:", 6) == 0 ? all->secure : all->plain;
}

static void run_page(struct http_exchange *x, void *data)
{
	if (!viewer_pages_run(pages_of(data, x), x)) {
		http_reply(x, 404, NULL, NULL, 0);
	}
}

static bool is_page(const char *path)
{
	return strncmp(path, "/s/", 3) == 0 || strncmp(path, "/assets/", 8) == 0;
}

static bool is_link(const struct http_exchange *x)
{
	static const char *const paths[] = { "/vnc.html", "/vnc_lite.html", "/" };
	bool found = false;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		found = found || strcmp(http_path(x), paths[i]) == 0;
	}
	return found && strcmp(http_method(x), "GET") == 0;
}

void e2b_desktop_run(struct e2b_request *r)
{
	struct e2b_desktops *all = r->e2b->desktops;
	struct http_exchange *x = r->x;
	if (all && is_page(http_path(x))) {
		e2b_request_leave(r);
		http_receive_all(x, PAGE_BODY_MAX, run_page, all);
	} else if (all && is_link(x)) {
		shown_begin(all, r);
	} else {
		e2b_ports_run(r);
	}
}

/* ---- all of them ---- */

static void on_stream_ended(struct stream *stream, const char *why, void *data)
{
	(void)why;
	shown_stream_ended(data, stream);
}

static const struct streams_fns stream_fns = { .ended = on_stream_ended };

struct e2b_desktops *e2b_desktops_new(
	struct watched_desktops *desktops, struct streams *streams, struct err *err)
{
	const struct viewer_options plain = { .frame_ancestors = "*" };
	const struct viewer_options secure = { .frame_ancestors = "*", .secure = true };
	struct e2b_desktops *all = must(calloc(1, sizeof(*all)));
	all->streams = streams;
	LIST_INIT(&all->shown);
	listener_add(streams_listeners(streams), &all->ends, &stream_fns, all);
	all->plain = viewer_pages_new(NULL, desktops, &plain, err);
	all->secure = all->plain ? viewer_pages_new(NULL, desktops, &secure, err) : NULL;
	if (!all->secure) {
		e2b_desktops_free(all);
		return NULL;
	}
	return all;
}

void e2b_desktops_free(struct e2b_desktops *all)
{
	if (all) {
		shown_free_all(all);
		listener_remove(&all->ends);
		viewer_pages_free(all->plain);
		viewer_pages_free(all->secure);
		free(all);
	}
}
