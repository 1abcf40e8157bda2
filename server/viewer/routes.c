/* The pages for people: their options, and what they hear of sandboxes and streams. */
#include "server/viewer/viewer_impl.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/loop.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define GRACE_MS 20000
#define TICK_MS 5000
#define FRAME_ANCESTORS_MAX 500
#define PREFIX_MAX 200

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
	return stream->expires - 1000 <= clock_wall_ms() ? STREAM_EXPIRED : STREAM_REVOKED;
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

static const struct streams_fns follows_streams = { .ended = on_stream_ended };

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
			visit_tell_alive(visit);
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
	listener_add(streams_listeners(streams), &pages->stream_ends, &follows_streams, pages);
	if (options->activity) {
		listener_add(
			&options->activity->calls, &pages->calls, &viewer_follows_calls, pages);
	}
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
	listener_remove(&pages->stream_ends);
	listener_remove(&pages->calls);
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
