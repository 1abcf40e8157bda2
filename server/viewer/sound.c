/*
 * The sound of a desktop, for the pages that listen.  While there are any, the desktop has one
 * conversation with its agent and one Opus encoder; every packet is sent to all of them.  A page
 * whose connection is slow gets no packets until it has taken the earlier ones.
 */
#include "server/viewer/viewer_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "transport/http/websocket.h"
#include "vm/guest/conversation.h"

#include <endian.h>
#include <opus.h>
#include <string.h>

#define RATE 48000
#define CHANNELS 2
#define FRAMES (RATE / SOUND_CHUNKS) /* of a packet: 20 ms */
#define CHUNK (FRAMES * CHANNELS * sizeof(int16_t))
#define BITRATE 96000
#define COMPLEXITY 5        /* of 10; a packet takes about 0.2 ms */
#define PACKET_MAX 1275     /* bytes; of RFC 6716 */
#define PENDING_MAX 2500    /* bytes, about 200 ms; more than that is late */
#define AHEAD_US 1000000ull /* of a guest that sends faster than it plays */

struct sound_listener {
	LIST_ENTRY(sound_listener) link;
	struct page_session *page; /* NULL: it has left */
	struct websocket *ws;
};

struct sound {
	struct watched_desktop *desktop;
	struct conversation *conversation; /* NULL: it has ended */
	OpusEncoder *encoder;
	LIST_HEAD(, sound_listener) listeners;
	struct buf samples;  /* less than a chunk */
	uint64_t encoded_us; /* up to when, at the desktop's pace */
};

/* ---- one encoding for all ---- */

static bool is_too_fast(struct sound *s)
{
	uint64_t now = loop_now_us();
	if (s->encoded_us + AHEAD_US < now) {
		s->encoded_us = now - AHEAD_US;
	}
	bool is = s->encoded_us > now;
	s->encoded_us += is ? 0 : 1000000 / SOUND_CHUNKS;
	return is;
}

static void send_packet(struct sound *s, const uint8_t *packet, size_t len)
{
	struct metrics *metrics = s->desktop->desktops->metrics;
	struct sound_listener *at;
	LIST_FOREACH(at, &s->listeners, link)
	{
		if (websocket_pending(at->ws) <= PENDING_MAX) {
			websocket_send(at->ws, packet, len);
			if (metrics) {
				metrics_count_viewed(metrics, 0, len);
			}
		}
	}
}

static void encode(struct sound *s, const uint8_t *bytes)
{
	int16_t frames[FRAMES * CHANNELS];
	uint8_t packet[PACKET_MAX];
	memcpy(frames, bytes, CHUNK);
	for (size_t i = 0; i < FRAMES * CHANNELS; i++) {
		frames[i] = (int16_t)le16toh((uint16_t)frames[i]);
	}
	opus_int32 len = opus_encode(s->encoder, frames, FRAMES, packet, sizeof(packet));
	if (len > 0) {
		send_packet(s, packet, (size_t)len);
	}
}

static void on_data(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct sound *s = data;
	size_t at = 0;
	(void)channel;
	buf_append(&s->samples, bytes, len);
	for (; s->samples.len - at >= CHUNK; at += CHUNK) {
		if (!is_too_fast(s)) {
			encode(s, s->samples.data + at);
		}
	}
	buf_consume(&s->samples, at);
	conversation_consumed(c, len);
}

/* ---- its life ---- */

static void sound_free(struct sound *s)
{
	s->desktop->sound = NULL;
	conversation_close(s->conversation);
	opus_encoder_destroy(s->encoder);
	buf_done(&s->samples);
	free(s);
}

/* The last one ends the sound.  websocket_close() is for the caller. */
static void leave(struct sound_listener *listener)
{
	struct page_session *page = take_ptr(&listener->page);
	struct sound *s = page->session.desktop->sound;
	page->sound = NULL;
	LIST_REMOVE(listener, link);
	if (LIST_EMPTY(&s->listeners)) {
		sound_free(s);
	}
}

static void on_end(struct conversation *c, const void *answer, const struct err *why, void *data)
{
	struct sound *s = data;
	unsigned code = viewer_code_of(s->desktop->vm, why);
	struct sound_listener *next;
	(void)c, (void)answer;
	s->conversation = NULL;
	for (struct sound_listener *at = LIST_FIRST(&s->listeners); at; at = next) {
		next = LIST_NEXT(at, link);
		websocket_close(at->ws, code, why ? why->text : "the desktop's sound has ended");
		leave(at);
	}
}

static OpusEncoder *make_encoder(void)
{
	int status;
	OpusEncoder *encoder = opus_encoder_create(RATE, CHANNELS, OPUS_APPLICATION_AUDIO, &status);
	must(encoder); /* fails without memory only */
	opus_encoder_ctl(encoder, OPUS_SET_BITRATE(BITRATE));
	opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(COMPLEXITY));
	return encoder;
}

static struct sound *sound_of(struct watched_desktop *desktop)
{
	static const struct conversation_handlers handlers = { .on_data = on_data,
		.on_end = on_end };
	static const struct msg_sound how = { .rate = RATE, .channels = CHANNELS, .live = true };
	if (!desktop->sound) {
		struct sound *s = desktop->sound = must(calloc(1, sizeof(*s)));
		s->desktop = desktop;
		s->encoder = make_encoder();
		s->conversation = guest_sound(
			vm_guest(desktop->vm), GUEST_ASKER_VIEWER, &how, 0, &handlers, s);
	}
	return desktop->sound;
}

/* ---- a page ---- */

static void on_ws_data(struct websocket *ws, const void *bytes, size_t len, void *data)
{
	(void)ws, (void)bytes, (void)len, (void)data; /* a listener has nothing to say */
}

static void on_ws_sent(struct websocket *ws, size_t len, void *data)
{
	(void)ws, (void)len, (void)data;
}

static void on_ws_closed(struct websocket *ws, unsigned code, const char *reason, void *data)
{
	struct sound_listener *listener = data;
	(void)ws, (void)code, (void)reason;
	if (listener->page) {
		leave(listener);
	}
	free(listener);
}

void sound_close(struct page_session *page, unsigned code, const char *reason)
{
	struct sound_listener *listener = page->sound;
	if (listener) {
		websocket_close(listener->ws, code, reason);
		leave(listener);
	}
}

/* NULL: x was answered. */
static struct page_session *find_page(
	struct viewer_pages *pages, struct http_exchange *x, const struct stream *stream)
{
	const char *id = http_query(x, "viewer");
	struct watched_desktop *desktop = desktop_of(pages->desktops, stream->vm);
	struct page_session *page = desktop && id ? page_session_find(desktop, stream, id) : NULL;
	if (stream->window) {
		viewer_refuse(pages, x, 403,
			"this link shows one window; the sound belongs to the whole desktop");
		return NULL;
	}
	if (!page) {
		viewer_refuse(
			pages, x, 404, "'viewer' must be the id from the hello event of this page");
	}
	return page;
}

void viewer_run_sound(struct viewer_pages *pages, struct http_exchange *x, struct stream *stream,
	const char *rest)
{
	static const struct websocket_handlers handlers = { on_ws_data, on_ws_sent, on_ws_closed };
	struct page_session *page = find_page(pages, x, stream);
	(void)rest;
	if (!page) {
		return;
	}
	struct sound_listener *listener = must(calloc(1, sizeof(*listener)));
	listener->ws = websocket_accept(x, "binary", &handlers, listener);
	if (!listener->ws) {
		free(listener);
		return;
	}
	struct sound *s = sound_of(page->session.desktop);
	listener->page = page;
	LIST_INSERT_HEAD(&s->listeners, listener, link);
	sound_close(page, WEBSOCKET_POLICY, "the page has opened a new connection");
	page->sound = listener;
}
