/*
 * A small picture of a sandbox, as it was a moment ago at most.  However many ask, one is made at a
 * time, and no more than one a second; a sandbox that is paused keeps its last one.
 */
#include "server/viewer/viewer_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <stdio.h>
#include <string.h>

#define FRESH_US 1000000u
#define WIDTH 320
#define BYTES_MAX 40000

struct thumbnail_wait {
	LIST_ENTRY(thumbnail_wait) link;
	struct http_exchange *x;
};

bool viewer_is_jpeg(const struct guest_frame *frame)
{
	return frame->bytes && frame->len > 3 && memcmp(frame->bytes, "\xff\xd8\xff", 3) == 0;
}

static void reply(struct desk *desk, struct http_exchange *x)
{
	char etag[40];
	const char *have = http_header(x, "If-None-Match");
	if (!desk->thumbnail.len) {
		viewer_refuse(desk->pages, x, 404, "there is no picture of this sandbox yet");
		return;
	}
	snprintf(etag, sizeof(etag), "\"%lld\"", (long long)desk->thumbnail_frame);
	http_set_header(x, "ETag", etag);
	http_set_header(x, "Cache-Control", "private, no-cache");
	if (have && strcmp(have, etag) == 0) {
		viewer_reply(desk->pages, x, 304, NULL, NULL, 0);
	} else {
		viewer_reply(desk->pages, x, 200, "image/jpeg", desk->thumbnail.data,
			desk->thumbnail.len);
	}
}

/* ---- those who wait for it ---- */

static void on_closed(struct http_exchange *x, void *data)
{
	struct thumbnail_wait *wait = data;
	(void)x;
	LIST_REMOVE(wait, link);
	free(wait);
}

static void wait_for(struct desk *desk, struct http_exchange *x)
{
	struct thumbnail_wait *wait = must(calloc(1, sizeof(*wait)));
	wait->x = x;
	LIST_INSERT_HEAD(&desk->waits, wait, link);
	http_on_closed(x, on_closed, wait);
}

void desk_answer_thumbnails(struct desk *desk)
{
	struct thumbnail_wait *wait;
	while ((wait = LIST_FIRST(&desk->waits))) {
		struct http_exchange *x = wait->x;
		http_on_closed(x, NULL, NULL);
		on_closed(x, wait);
		reply(desk, x);
	}
}

/* ---- making it ---- */

static void on_look(const struct guest_act *res, const struct err *err, void *data)
{
	struct desk *desk = data;
	(void)err;
	desk->looking = false;
	if (res && viewer_is_jpeg(&res->frame)) {
		buf_done(&desk->thumbnail);
		buf_append(&desk->thumbnail, res->frame.bytes, res->frame.len);
		desk->thumbnail_frame = res->frame.frame_id;
	}
	if (desk->pages) {
		desk_answer_thumbnails(desk);
	}
	desk_unref(desk);
}

static void look(struct desk *desk)
{
	struct observe observe;
	double scale = (double)WIDTH / vm_frame(desk->vm).width;
	observe_init(&observe, OBSERVE_FRAME);
	observe.quality = 70;
	observe.max_bytes = BYTES_MAX;
	observe.scale = scale > 1 ? 1 : scale < 0.1 ? 0.1 : scale;
	desk->looking = true;
	desk->thumbnail_us = loop_now_us();
	desk_ref(desk);
	guest_look(desk->vm, &observe, on_look, desk);
}

void viewer_run_thumbnail(struct viewer_pages *pages, struct http_exchange *x, struct vm *vm)
{
	struct desk *desk = desk_of(pages, vm);
	if (!desk) {
		viewer_refuse(pages, x, 410, "this sandbox has ended");
		return;
	}
	bool is_fresh = desk->thumbnail_us && loop_now_us() - desk->thumbnail_us < FRESH_US;
	if (!desk->looking && (is_fresh || vm_state(vm) != VM_READY)) {
		reply(desk, x);
		return;
	}
	wait_for(desk, x);
	if (!desk->looking) {
		look(desk);
	}
}
