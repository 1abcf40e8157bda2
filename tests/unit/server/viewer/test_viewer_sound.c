// USES tools server PkgConfig::curl PkgConfig::gnutls PkgConfig::opus
/*
 * Pages that listen to a desktop: they hear its tone, all of them the same packets, and no silence.
 * A listener that does not read loses packets and does not delay other listeners.
 */
#include "tests/support/tone.h"
#include "tests/support/viewer_fixture.h"

#include <opus.h>

TestSuite(viewer_sound, .init = site_open, .fini = site_close, .timeout = 60);

#define RATE 48000
#define CHANNELS 2
#define FRAMES (RATE / 50)

/* A page that listens. */
struct ear {
	struct page page;
	struct peer peer;
	OpusDecoder *decoder;
	struct buf samples, last; /* what it heard; the last packet */
	size_t packets;
	unsigned code; /* why it was closed; 0: it is open */
	struct buf reason;
};

static void come_in(struct ear *l, enum stream_mode mode)
{
	*l = (struct ear){ 0 };
	open_stream(&site, mode, 60);
	let_in(&site);
	page_listen(&site, &l->page, NULL);
}

static void sound_hello(const struct ear *l, struct buf *to)
{
	buf_printf(to,
		"GET /s/%s/sound?viewer=%s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " PEER_KEY
		"\r\nSec-WebSocket-Protocol: binary\r\n%s\r\n\r\n",
		site.id, l->page.viewer, site.cookie);
}

static void begin(struct ear *l)
{
	auto_buf struct buf hello = { 0 };
	int status;
	sound_hello(l, &hello);
	peer_open(&site.http, &l->peer, false);
	peer_shake(&site.http, &l->peer, buf_text(&hello));
	l->decoder = opus_decoder_create(RATE, CHANNELS, &status);
}

static void take_packet(struct ear *l, const struct buf *packet)
{
	int16_t frames[FRAMES * CHANNELS];
	int n = opus_decode(l->decoder, packet->data, (opus_int32)packet->len, frames, FRAMES, 0);
	cr_assert_eq(n, FRAMES);
	buf_append(&l->samples, frames, sizeof(frames));
	buf_done(&l->last);
	buf_append(&l->last, packet->data, packet->len);
	l->packets++;
}

static void hear(struct ear *l)
{
	struct peer_said said = { 0 };
	peer_read(&l->peer);
	while (peer_take_frame(&l->peer, &said)) {
		if (said.first == 0x82) {
			take_packet(l, &said.text);
		} else if (said.first == 0x88 && said.text.len >= 2) {
			l->code = (unsigned)said.text.data[0] << 8 | said.text.data[1];
			buf_append(&l->reason, said.text.data + 2, said.text.len - 2);
		}
	}
	buf_done(&said.text);
}

#define until_packets(l, n) until(&site.http, (hear(l), (l)->packets >= (n)))
#define until_closed(l) until(&site.http, (hear(l), (l)->code))

static void end(struct ear *l)
{
	peer_close(&l->peer);
	opus_decoder_destroy(l->decoder);
	buf_done(&l->samples);
	buf_done(&l->last);
	buf_done(&l->reason);
	page_close(&site, &l->page);
}

static void command(const char *text)
{
	answer_free(host_exec(&site.host, site.vm, text, 10000));
}

static void expect_tone(const struct ear *l)
{
	size_t from = l->samples.len / 2 / 4 * 4; /* after the encoder has settled */
	cr_expect_gt(tone_part(&l->samples, from, CHANNELS, RATE, TONE_HZ), 0.95);
	cr_expect_lt(tone_part(&l->samples, from, CHANNELS, RATE, 660), 0.05);
}

Test(viewer_sound, a_tone_is_heard_by_who_only_watches)
{
	struct ear l;
	command("tone 440");
	come_in(&l, STREAM_VIEW);
	begin(&l);
	until_packets(&l, 25);
	expect_tone(&l);
	end(&l);
}

static void hear_first(struct ear *l)
{
	come_in(l, STREAM_VIEW);
	begin(l);
	until_packets(l, 1);
}

Test(viewer_sound, silence_is_not_sent)
{
	struct ear l;
	hear_first(&l);
	for (int i = 0; i < 5; i++) {
		command("sleep 0.1");
		hear(&l);
	}
	cr_expect_eq(l.packets, 1);
	command("tone 440");
	until_packets(&l, 25);
	expect_tone(&l);
	end(&l);
}

Test(viewer_sound, all_hear_the_same_packets)
{
	struct ear one, two;
	char cookie[sizeof(site.cookie)], id[sizeof(site.id)];
	come_in(&one, STREAM_VIEW);
	begin(&one);
	until_packets(&one, 1);
	memcpy(cookie, site.cookie, sizeof(cookie));
	memcpy(id, site.id, sizeof(id));
	come_in(&two, STREAM_CONTROL);
	begin(&two);
	command("tone 440");
	until_packets(&two, 10);
	command("tone 0");
	command("sleep 0.1");
	hear(&one);
	hear(&two);
	cr_expect_eq(one.last.len, two.last.len);
	cr_expect_eq(memcmp(one.last.data, two.last.data, one.last.len), 0);
	cr_expect_eq(one.packets, two.packets + 1, "%zu, %zu", one.packets, two.packets);
	end(&two);
	command("tone 440");
	until_packets(&one, 30);
	expect_tone(&one);
	memcpy(site.cookie, cookie, sizeof(cookie));
	memcpy(site.id, id, sizeof(id));
	end(&one);
}

/* What a page does not take is not kept for it. */
Test(viewer_sound, a_listener_that_does_not_read_does_not_delay_others)
{
	struct ear slow, good;
	int small = 1, large = 1 << 20;
	come_in(&slow, STREAM_VIEW);
	begin(&slow);
	setsockopt(slow.peer.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	come_in(&good, STREAM_VIEW);
	begin(&good);
	command("tone 440");
	until_packets(&good, 100);
	expect_tone(&good);
	setsockopt(slow.peer.fd, SOL_SOCKET, SO_RCVBUF, &large, sizeof(large));
	until_packets(&slow, 5);
	size_t missed = good.packets - slow.packets;
	until_packets(&slow, 30);
	cr_expect_gt(missed, 50, "%zu", missed);
	cr_expect_eq(slow.code, 0);
	end(&good);
	end(&slow);
}

Test(viewer_sound, a_new_connection_replaces_the_old_one)
{
	struct ear l;
	command("tone 440");
	come_in(&l, STREAM_VIEW);
	begin(&l);
	until_packets(&l, 3);
	struct peer old = l.peer;
	opus_decoder_destroy(l.decoder);
	begin(&l);
	size_t before = l.packets;
	until_packets(&l, before + 3);
	struct peer now = l.peer;
	l.peer = old;
	until_closed(&l);
	cr_expect_eq(l.code, 1008);
	peer_close(&l.peer);
	l.peer = now;
	l.code = 0;
	until_packets(&l, before + 6);
	cr_expect_eq(l.code, 0);
	end(&l);
}

Test(viewer_sound, ends_with_the_stream)
{
	struct ear l;
	struct err err;
	hear_first(&l);
	cr_assert(streams_revoke(site.streams, "alice", site.id, &err), "%s", err.text);
	until_closed(&l);
	cr_expect_eq(l.code, STREAM_REVOKED);
	end(&l);
}

Test(viewer_sound, ends_with_the_sandbox)
{
	struct ear l;
	hear_first(&l);
	vm_stop(site.vm, "the test says so");
	until_closed(&l);
	cr_expect_eq(l.code, STREAM_GONE);
	end(&l);
}

Test(viewer_sound, says_what_to_install)
{
	struct ear l;
	command("set soundless");
	come_in(&l, STREAM_VIEW);
	begin(&l);
	until_closed(&l);
	cr_expect_eq(l.code, STREAM_NO_SOUND);
	cr_expect_not_null(strstr(buf_text(&l.reason), "install the Debian package"), "%s",
		buf_text(&l.reason));
	end(&l);
}

/* A desktop that sends faster than it plays does not occupy the encoder. */
Test(viewer_sound, is_encoded_at_the_pace_of_sound)
{
	struct ear l;
	command("tone 440");
	command("set hasty");
	come_in(&l, STREAM_VIEW);
	uint64_t began = loop_now_us();
	begin(&l);
	until_packets(&l, 20);
	command("sleep 1");
	hear(&l);
	uint64_t played = (loop_now_us() - began) / 20000;
	cr_expect_leq(l.packets, played + 52, "%zu, %zu", l.packets, (size_t)played);
	end(&l);
}

/* It may say what it likes. */
Test(viewer_sound, what_a_page_sends_is_ignored)
{
	struct ear l;
	come_in(&l, STREAM_VIEW);
	begin(&l);
	peer_say(&site.http, &l.peer, 0x82, "anything", 8);
	command("tone 440");
	until_packets(&l, 10);
	cr_expect_eq(l.code, 0);
	end(&l);
}

Test(viewer_sound, is_refused)
{
	struct ear l;
	char what[80];
	come_in(&l, STREAM_VIEW);
	cr_expect_eq(stream_status(&site, &(struct ask){ .method = "GET" }, "sound"), 404);
	cr_expect_eq(stream_status(&site, &(struct ask){ .method = "GET" }, "sound?viewer=x"), 404);
	snprintf(what, sizeof(what), "sound?viewer=%s", l.page.viewer);
	site.cookie[0] = '\0';
	cr_expect_eq(stream_status(&site, &(struct ask){ .method = "GET" }, what), 401);
	page_close(&site, &l.page);
}

Test(viewer_sound, a_window_has_none)
{
	struct err err;
	site.stream = streams_open(site.streams, site.vm, STREAM_VIEW, 5, 60, site.ticket, &err);
	snprintf(site.id, sizeof(site.id), "%s", site.stream->id);
	let_in(&site);
	cr_expect_eq(stream_status(&site, &(struct ask){ .method = "GET" }, "sound?viewer=x"), 403);
}
