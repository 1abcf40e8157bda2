// USES tools server PkgConfig::curl PkgConfig::gnutls
/* A page's events by a WebSocket: the same as by a request, and as closely guarded. */
#include "tests/support/viewer_fixture.h"

TestSuite(viewer_events, .init = site_open, .fini = site_close);

struct event_channel {
	struct peer peer;
	struct buf heard;
	unsigned code; /* the WebSocket's, once it is closed */
	char viewer[ID_LEN + 1];
};

static void channel_hello(struct viewer_site *t, const char *back, const char *more, struct buf *to)
{
	buf_printf(to,
		"GET /s/%s/events%s%s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " PEER_KEY
		"\r\nSec-WebSocket-Protocol: binary\r\n%s%s\r\n\r\n",
		t->id, back ? "?viewer=" : "", back ? back : "", more,
		t->cookie[0] ? t->cookie : "X-No: cookie");
}

static bool channel_heard(struct event_channel *w, const char *text)
{
	struct peer_said said = { 0 };
	peer_read(&w->peer);
	while (peer_take_frame(&w->peer, &said)) {
		if (said.first == 0x82) {
			buf_append(&w->heard, said.text.data, said.text.len);
		} else if (said.first == 0x88 && said.text.len >= 2) {
			w->code = (unsigned)said.text.data[0] << 8 | said.text.data[1];
		}
	}
	buf_done(&said.text);
	return has(&w->heard, text);
}

static void channel_open(struct viewer_site *t, struct event_channel *w, const char *back)
{
	auto_buf struct buf hello = { 0 };
	*w = (struct event_channel){ 0 };
	channel_hello(t, back, "", &hello);
	peer_open(&t->http, &w->peer, false);
	peer_shake(&t->http, &w->peer, buf_text(&hello));
	until(&t->http, channel_heard(w, "{\"event\":\"state\",\"data\":{"));
	const char *at =
		strstr(buf_text(&w->heard), "{\"event\":\"hello\",\"data\":{\"viewer\":\"");
	cr_assert(at, "%s", buf_text(&w->heard));
	snprintf(w->viewer, sizeof(w->viewer), "%s", strstr(at, "viewer\":\"") + 9);
}

static void channel_close(struct event_channel *w)
{
	peer_close(&w->peer);
	buf_done(&w->heard);
}

Test(viewer_events, tells_what_changes_and_why_it_is_over)
{
	struct event_channel w;
	struct err err;
	open_stream(&site, STREAM_CONTROL, 60);
	let_in(&site);
	channel_open(&site, &w, NULL);
	cr_expect_eq(site.stream->viewers, 1);
	uint64_t fence = vm_control_take(site.vm, "Ana \"A\"");
	until(&site.http, channel_heard(&w, "\"who\":\"Ana \\\"A\\\"\""));
	cr_assert(vm_control_give_back(site.vm, fence, NULL, &err));
	cr_assert(streams_revoke(site.streams, "alice", site.id, &err));
	until(&site.http, channel_heard(&w, "{\"event\":\"ended\",\"data\":{\"code\":4001"));
	until(&site.http, (channel_heard(&w, ""), w.code));
	cr_expect_eq(w.code, STREAM_REVOKED);
	channel_close(&w);
}

Test(viewer_events, a_page_that_comes_back_still_holds_what_it_held)
{
	struct event_channel w, again;
	struct page p = { 0 };
	open_stream(&site, STREAM_CONTROL, 60);
	let_in(&site);
	channel_open(&site, &w, NULL);
	memcpy(p.viewer, w.viewer, sizeof(p.viewer));
	cr_assert_eq(page_control(&site, &p, "\"take\":\"Ana\"", NULL), 200);
	until(&site.http, channel_heard(&w, "\"mine\":true"));
	channel_open(&site, &again, w.viewer); /* nobody has noticed that the first one is gone */
	cr_expect_str_eq(again.viewer, w.viewer);
	cr_expect(channel_heard(&again, "\"mine\":true"));
	until(&site.http, (channel_heard(&w, ""), w.code));
	cr_expect_eq(w.code, 1008);
	cr_expect_eq(site.stream->viewers, 1);

	/* ... and goes on by a request, as where a proxy lets no WebSocket through. */
	page_listen(&site, &p, again.viewer);
	cr_expect(page_heard(&site, &p, "\"mine\":true"));
	until(&site.http, (channel_heard(&again, ""), again.code));
	page_close(&site, &p);
	channel_close(&w);
	channel_close(&again);
}

Test(viewer_events, a_page_that_asks_is_answered)
{
	struct event_channel w;
	open_stream(&site, STREAM_VIEW, 60);
	let_in(&site);
	channel_open(&site, &w, NULL);
	cr_expect(channel_heard(&w, "\"picture\":false"));
	for (int i = 0; i < 2; i++) {
		peer_say(&site.http, &w.peer, 0x82, "", 1);
		until(&site.http, channel_heard(&w, "{\"event\":\"pong\",\"data\":{}}"));
		w.heard.len = 0;
	}
	cr_expect_eq(w.code, 0);
	channel_close(&w);
}

Test(viewer_events, who_leaves_without_a_word_is_not_there)
{
	struct event_channel w;
	open_stream(&site, STREAM_VIEW, 60);
	let_in(&site);
	channel_open(&site, &w, NULL);
	channel_close(&w);
	until(&site.http, site.stream->viewers == 0);
}

static void expect_refused(struct viewer_site *t, const char *more, const char *status)
{
	auto_buf struct buf hello = { 0 };
	struct peer peer;
	channel_hello(t, NULL, more, &hello);
	peer_open(&t->http, &peer, false);
	peer_write(&t->http, &peer, hello.data, hello.len);
	until(&t->http, (peer_read(&peer), has(&peer.in, "\r\n\r\n")));
	cr_expect(has(&peer.in, status), "%s", buf_text(&peer.in));
	cr_expect_eq(t->stream->viewers, 0);
	peer_close(&peer);
}

Test(viewer_events, is_for_our_pages_with_a_cookie)
{
	open_stream(&site, STREAM_VIEW, 60);
	expect_refused(&site, "", "HTTP/1.1 401");
	let_in(&site);
	expect_refused(&site, "Origin: http://localhost:1\r\n", "HTTP/1.1 403");
}
