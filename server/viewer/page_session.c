/*
 * The viewer session of an open page.  It starts with the event channel and may then have an RFB
 * connection.  When both have ended, it is kept for a grace period, so that a page can resume after
 * a disconnect.  Then its control is released.
 */
#include "server/viewer/viewer_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "transport/http/websocket.h"

#include <string.h>

static const struct viewer_session_type page_type;

/* NULL: another kind of viewer. */
static struct page_session *page_of(struct viewer_session *session)
{
	return session->type == &page_type ? (struct page_session *)session : NULL;
}

/* ---- lookup and creation ---- */

struct page_session *page_session_find(
	struct watched_desktop *desktop, const struct stream *stream, const char *id)
{
	struct viewer_session *at;
	TAILQ_FOREACH(at, &desktop->sessions, link)
	{
		struct page_session *page = page_of(at);
		if (page && at->stream == stream && strcmp(page->id, id) == 0) {
			return page;
		}
	}
	return NULL;
}

static void page_free(struct page_session *page)
{
	sound_close(page, WEBSOCKET_DONE, "the page has gone");
	viewer_session_end(&page->session);
	events_drop_channel(page);
	loop_drop(&page->away);
	free(page->sent_state);
	free(page);
}

/* A disconnected one without control is dropped if necessary. */
static bool has_room(struct watched_desktop *desktop, const struct stream *stream)
{
	struct viewer_session *at;
	struct page_session *away = NULL;
	size_t n = 0;
	TAILQ_FOREACH(at, &desktop->sessions, link)
	{
		struct page_session *page = page_of(at);
		if (page && at->stream == stream) {
			n++;
			away = !away && page->away && !viewer_session_holds(at) ? page : away;
		}
	}
	if (n >= PAGES_MAX && away) {
		page_free(away);
		n--;
	}
	return n < PAGES_MAX;
}

struct page_session *page_session_new(
	struct viewer_pages *pages, struct watched_desktop *desktop, struct stream *stream)
{
	if (!has_room(desktop, stream)) {
		return NULL;
	}
	struct page_session *page = must(calloc(1, sizeof(*page)));
	page->pages = pages;
	id_make(page->id);
	viewer_session_begin(&page->session, &page_type, desktop, stream);
	return page;
}

void page_sessions_free(struct viewer_pages *pages)
{
	struct watched_desktop *next;
	for (struct watched_desktop *at = LIST_FIRST(&pages->desktops->all); at; at = next) {
		next = LIST_NEXT(at, link);
		struct viewer_session *session, *later;
		desktop_ref(at);
		for (session = TAILQ_FIRST(&at->sessions); session; session = later) {
			later = TAILQ_NEXT(session, link);
			if (page_of(session) && page_of(session)->pages == pages) {
				page_free(page_of(session));
			}
		}
		desktop_unref(at);
	}
}

/* ---- connecting and disconnecting ---- */

static int on_away_too_long(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	page_free(data);
	return 0;
}

void page_session_changed(struct page_session *page)
{
	struct watched_desktop *desktop = page->session.desktop;
	bool present = page->events || page->channel || page->rfb;
	desktop_ref(desktop);
	viewer_session_set_present(&page->session, present);
	loop_drop(&page->away);
	if (!present && page->session.stream) {
		page->away = loop_after_ms(
			desktop->desktops->event, page->pages->grace_ms, on_away_too_long, page);
	} else if (!present) {
		page_free(page);
	}
	desktop_changed(desktop);
	desktop_unref(desktop);
}

static void on_stream_ended(
	struct viewer_session *session, enum stream_code code, const char *reason)
{
	struct page_session *page = page_of(session);
	viewer_session_drop_control(session);
	events_send_end(page, code, reason);
	viewer_session_end_stream(session);
	rfb_socket_close(page, code, reason);
	sound_close(page, code, reason);
	if (!session->present) {
		page_free(page);
	}
}

static void on_update(struct viewer_session *session)
{
	struct page_session *page = page_of(session);
	events_send_state(page);
	events_send_actions(page);
}

static void on_disconnect(struct viewer_session *session)
{
	rfb_socket_close(page_of(session), STREAM_ENDED, "control of the desktop has changed");
}

/* ---- traffic ---- */

void page_session_count(struct page_session *page)
{
	struct stream_counts now = rfb_socket_counts(page), before = page->counted;
	struct metrics *metrics = page->session.desktop->desktops->metrics;
	page->counted = now;
	if (metrics) {
		metrics_count_viewed(
			metrics, now.bytes_in - before.bytes_in, now.bytes_out - before.bytes_out);
	}
}

static void on_tick(struct viewer_session *session)
{
	page_session_count(page_of(session));
	events_send_alive(page_of(session));
}

static const struct viewer_session_type page_type = {
	.shows_actions = true,
	.update = on_update,
	.stream_ended = on_stream_ended,
	.tick = on_tick,
	.disconnect = on_disconnect,
};
