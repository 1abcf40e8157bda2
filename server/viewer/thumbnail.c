/*
 * The thumbnail of a sandbox, not older than a moment.  However many clients request it, one is
 * taken at a time, and at most one per second.  A paused sandbox keeps its last one.
 */
#include "server/viewer/viewer_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <stdio.h>
#include <string.h>

#define FRESH_US 1000000u

static const struct viewer_picture small = { .width = 320, .max_bytes = 40000 };

struct thumbnail_wait {
	LIST_ENTRY(thumbnail_wait) link;
	struct viewer_pages *pages;
	struct http_exchange *x;
};

static void reply(
	struct viewer_pages *pages, struct http_exchange *x, const struct thumbnail *thumbnail)
{
	char etag[40];
	const char *have = http_header(x, "If-None-Match");
	if (!thumbnail->jpeg.len) {
		viewer_refuse(pages, x, 404, "no thumbnail of this sandbox is available yet");
		return;
	}
	snprintf(etag, sizeof(etag), "\"%lld\"", (long long)thumbnail->frame_id);
	http_set_header(x, "ETag", etag);
	http_set_header(x, "Cache-Control", "private, no-cache");
	if (have && strcmp(have, etag) == 0) {
		viewer_reply(pages, x, 304, NULL, NULL, 0);
	} else {
		viewer_reply(
			pages, x, 200, "image/jpeg", thumbnail->jpeg.data, thumbnail->jpeg.len);
	}
}

/* ---- waiting requests ---- */

static void on_closed(struct http_exchange *x, void *data)
{
	struct thumbnail_wait *wait = data;
	(void)x;
	LIST_REMOVE(wait, link);
	free(wait);
}

static void wait_for(
	struct viewer_pages *pages, struct http_exchange *x, struct thumbnail *thumbnail)
{
	struct thumbnail_wait *wait = must(calloc(1, sizeof(*wait)));
	wait->pages = pages;
	wait->x = x;
	LIST_INSERT_HEAD(&thumbnail->waits, wait, link);
	http_on_closed(x, on_closed, wait);
}

static void answer_all(struct watched_desktop *desktop, void *data)
{
	struct thumbnail *thumbnail = data;
	struct thumbnail_wait *wait;
	(void)desktop;
	while ((wait = LIST_FIRST(&thumbnail->waits))) {
		struct viewer_pages *pages = wait->pages;
		struct http_exchange *x = wait->x;
		http_on_closed(x, NULL, NULL);
		on_closed(x, wait);
		reply(pages, x, thumbnail);
	}
}

/* ---- creation ---- */

static void on_picture(const struct guest_frame *frame, void *data)
{
	struct watched_desktop *desktop = data;
	struct thumbnail *thumbnail = &desktop->thumbnail;
	thumbnail->being_made = false;
	if (frame) {
		buf_done(&thumbnail->jpeg);
		buf_append(&thumbnail->jpeg, frame->bytes, frame->len);
		thumbnail->frame_id = frame->frame_id;
	}
	answer_all(desktop, thumbnail);
	desktop_unref(desktop);
}

static void make(struct watched_desktop *desktop)
{
	desktop->thumbnail.being_made = true;
	desktop->thumbnail.made_us = loop_now_us();
	desktop_ref(desktop);
	viewer_take_picture(desktop->vm, &small, on_picture, desktop);
}

void viewer_run_thumbnail(struct viewer_pages *pages, struct http_exchange *x, struct vm *vm)
{
	struct watched_desktop *desktop = desktop_of(pages->desktops, vm);
	if (!desktop) {
		viewer_refuse(pages, x, 410, "this sandbox has ended");
		return;
	}
	struct thumbnail *thumbnail = &desktop->thumbnail;
	bool is_fresh = thumbnail->made_us && loop_now_us() - thumbnail->made_us < FRESH_US;
	if (!thumbnail->being_made && (is_fresh || vm_state(vm) != VM_READY)) {
		reply(pages, x, thumbnail);
		return;
	}
	wait_for(pages, x, thumbnail);
	if (!thumbnail->being_made) {
		make(desktop);
	}
}

static void free_picture(struct watched_desktop *desktop, void *data)
{
	struct thumbnail *thumbnail = data;
	(void)desktop;
	buf_done(&thumbnail->jpeg);
}

void thumbnail_init(struct thumbnail *thumbnail, struct watched_desktop *desktop)
{
	static const struct desktop_fns fns = { .ended = answer_all, .freed = free_picture };
	LIST_INIT(&thumbnail->waits);
	listener_add(&desktop->observers, &thumbnail->observes, &fns, thumbnail);
}
