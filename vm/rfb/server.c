/*
 * Frames and updates take turns.  A frame is taken while no update is being encoded, so that one
 * update shows one frame.  Encoding goes on in slices behind all else that the loop has to do: the
 * owner's own work never waits for a viewer's.
 */
#include "vm/rfb/server_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"

#define TURN_PIXELS (200 * 1000) /* encoded in one turn of the loop: about a millisecond */
#define FRAME_US (RFB_FRAME_MS * 1000)

static int on_frame(sd_event_source *source, uint64_t usec, void *data);
static int on_turn(sd_event_source *source, void *data);

/* ---- encoding ---- */

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
	while (pixels < most && (update = rfb_server_unfinished(s, &kind))) {
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
	s->changed = false;
	s->next_us = (now > s->next_us ? now : s->next_us) + FRAME_US;
	s->source->refresh(&change, s->data);
	s->scene = s->source->scene(rfb_server_paints_pointer(s), s->data);
	rfb_films_advance(s, &change);
}

/* A pointer that moves, a program that answers the click: neither waits for the other's frame. */
static uint64_t due_us(const struct rfb_server *s)
{
	return s->next_us > RFB_BURST_US ? s->next_us - RFB_BURST_US : 0;
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
	if (s->changed && !s->frame && now >= due_us(s) && !rfb_server_unfinished(s, &kind) &&
		is_awaited(s)) {
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
		if (!rfb_server_unfinished(s, &kind)) {
			rfb_films_run(s);
		}
		began = serve(s);
		pixels += encode(s, TURN_PIXELS - pixels);
		flush_viewers(s);
	}
	if (began || s->ticked || rfb_server_unfinished(s, &kind)) {
		await_turn(s);
	} else if (is_awaited(s)) {
		await_frame(s);
	}
	rfb_films_await(s);
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
	s->motion = motion_new();
	return s;
}

void rfb_server_free(struct rfb_server *s)
{
	if (s) {
		loop_drop(&s->frame);
		loop_drop(&s->turn);
		loop_drop(&s->tick);
		loop_drop(&s->film_due);
		if (s->job) {
			film_job_forget(s->job);
		}
		motion_free(s->motion);
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
