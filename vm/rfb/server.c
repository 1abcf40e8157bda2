/*
 * Frames and updates take turns.  A frame is taken while no update is being encoded, so that one
 * update shows one frame.  Encoding goes on in slices behind all else that the loop has to do: the
 * owner's own work never waits for a viewer's.
 */
#include "vm/rfb/server_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"

#define TURN_PIXELS (200 * 1000) /* encoded in one turn of the loop: about a millisecond */

static int on_frame(sd_event_source *source, uint64_t usec, void *data);
static int on_turn(sd_event_source *source, void *data);

/* ---- kinds ---- */

/* Oldest first, so that a viewer that keeps changing its kind does not starve the others. */
static void append_kind(struct rfb_server *s, struct rfb_kind *kind)
{
	struct rfb_kind *last = LIST_FIRST(&s->kinds);
	while (last && LIST_NEXT(last, link)) {
		last = LIST_NEXT(last, link);
	}
	if (last) {
		LIST_INSERT_AFTER(last, kind, link);
	} else {
		LIST_INSERT_HEAD(&s->kinds, kind, link);
	}
}

struct rfb_kind *rfb_server_kind(struct rfb_server *s, const struct rfb_kind_key *key)
{
	struct rfb_kind *kind = LIST_FIRST(&s->kinds);
	while (kind && !rfb_kind_key_equal(&kind->key, key)) {
		kind = LIST_NEXT(kind, link);
	}
	if (!kind) {
		kind = rfb_kind_new(key);
		s->changed |= key->pointer; /* it may not have been placed yet */
		append_kind(s, kind);
	}
	kind->viewers++;
	return kind;
}

void rfb_server_drop_kind(struct rfb_server *s, struct rfb_kind *kind)
{
	(void)s;
	if (kind && --kind->viewers == 0) {
		LIST_REMOVE(kind, link);
		rfb_kind_free(kind);
	}
}

static bool paints_pointer(const struct rfb_server *s)
{
	const struct rfb_kind *kind = LIST_FIRST(&s->kinds);
	while (kind && !kind->key.pointer) {
		kind = LIST_NEXT(kind, link);
	}
	return kind;
}

/* ---- encoding ---- */

static struct rfb_update *unfinished(const struct rfb_server *s, struct rfb_kind **ret_kind)
{
	struct rfb_update *update = NULL;
	LIST_FOREACH(*ret_kind, &s->kinds, link)
	{
		update = rfb_kind_unfinished(*ret_kind);
		if (update) {
			return update;
		}
	}
	return NULL;
}

static void flush_viewers(struct rfb_server *s)
{
	struct rfb_viewer *v, *next;
	for (v = LIST_FIRST(&s->viewers); v; v = next) {
		next = LIST_NEXT(v, link);
		rfb_viewer_flush(v);
	}
}

/* About so many pixels; returns how many they were. */
static size_t encode(struct rfb_server *s, size_t most)
{
	struct rfb_kind *kind;
	struct rfb_update *update;
	size_t pixels = 0;
	while (pixels < most && (update = unfinished(s, &kind))) {
		pixels += rfb_update_encode(update, kind, s->encoder, &s->scene);
	}
	return pixels;
}

static void await_turn(struct rfb_server *s)
{
	if (!s->turn) {
		s->turn = loop_defer(s->event, on_turn, s);
		sd_event_source_set_priority(s->turn, SD_EVENT_PRIORITY_IDLE);
	}
}

static int on_turn(sd_event_source *source, void *data)
{
	struct rfb_server *s = data;
	(void)source;
	loop_drop(&s->turn);
	rfb_server_run(s);
	return 0;
}

/* ---- frames ---- */

static bool is_awaited(const struct rfb_server *s)
{
	const struct rfb_viewer *v = LIST_FIRST(&s->viewers);
	while (v && !rfb_viewer_is_ready(v)) {
		v = LIST_NEXT(v, link);
	}
	return v;
}

static void take_frame(struct rfb_server *s, uint64_t now)
{
	struct picture_change change = { 0 };
	struct rfb_kind *kind;
	s->changed = false;
	s->frame_us = now;
	s->source->refresh(&change, s->data);
	s->scene = s->source->scene(paints_pointer(s), s->data);
	LIST_FOREACH(kind, &s->kinds, link)
	{
		rfb_kind_advance(kind, &change, &s->scene);
	}
}

static uint64_t due_us(const struct rfb_server *s)
{
	return s->frame_us + RFB_FRAME_MS * 1000;
}

/* For what has changed since the last one. */
static void await_frame(struct rfb_server *s)
{
	uint64_t now = loop_now_us(), due = due_us(s);
	if (s->changed && !s->frame) {
		uint64_t ms = due > now ? (due - now + 999) / 1000 : 0;
		s->frame = loop_after_ms(s->event, ms, on_frame, s);
	}
}

static void take_frame_if_due(struct rfb_server *s)
{
	struct rfb_kind *kind;
	uint64_t now = loop_now_us();
	if (s->changed && !s->frame && now >= due_us(s) && !unfinished(s, &kind) && is_awaited(s)) {
		take_frame(s, now);
	}
}

static int on_frame(sd_event_source *source, uint64_t usec, void *data)
{
	struct rfb_server *s = data;
	(void)source;
	(void)usec;
	loop_drop(&s->frame);
	rfb_server_run(s);
	return 0;
}

/* Returns whether an update began. */
static bool serve(struct rfb_server *s)
{
	struct rfb_viewer *v;
	bool began = false;
	LIST_FOREACH(v, &s->viewers, link)
	{
		began |= rfb_viewer_is_ready(v) && rfb_viewer_serve(v);
	}
	return began;
}

/* A viewer that has taken all at once may be behind, and is served again. */
static void run(struct rfb_server *s)
{
	struct rfb_kind *kind;
	size_t pixels = 0;
	bool began = true;
	while (began && pixels < TURN_PIXELS) {
		take_frame_if_due(s);
		began = serve(s);
		pixels += encode(s, TURN_PIXELS - pixels);
		flush_viewers(s);
	}
	if (began || unfinished(s, &kind)) {
		await_turn(s);
	} else if (is_awaited(s)) {
		await_frame(s);
	}
}

void rfb_server_run(struct rfb_server *s)
{
	if (!s->running) {
		s->running = true;
		run(s);
		s->running = false;
	}
}

void rfb_server_changed(struct rfb_server *s)
{
	s->changed = true;
	rfb_server_run(s);
}

/* ---- life ---- */

struct rfb_server *rfb_server_new(
	sd_event *event, const struct rfb_source *source, void *data, struct err *err)
{
	struct rfb_encoder *encoder = rfb_encoder_new(err);
	if (!encoder) {
		return NULL;
	}
	struct rfb_server *s = must(calloc(1, sizeof(*s)));
	s->event = event;
	s->source = source;
	s->data = data;
	s->encoder = encoder;
	s->scene = source->scene(false, data);
	s->changed = true;
	return s;
}

void rfb_server_free(struct rfb_server *s)
{
	if (s) {
		loop_drop(&s->frame);
		loop_drop(&s->turn);
		rfb_encoder_free(s->encoder);
		free(s);
	}
}

bool rfb_server_has_viewers(const struct rfb_server *s)
{
	return !LIST_EMPTY(&s->viewers);
}

void rfb_server_end(struct rfb_server *s, const struct err *why)
{
	struct rfb_viewer *v;
	LIST_FOREACH(v, &s->viewers, link)
	{
		rfb_viewer_end(v, why);
	}
}
