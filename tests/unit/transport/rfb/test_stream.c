// USES transport PkgConfig::curl PkgConfig::gnutls
/* A viewer and a pipe that the test is: what arrives, what waits, and who hears of the end. */
#include "tests/support/ws_peer.h"

#include "tests/support/rfb.h"
#include "transport/http/websocket.h"
#include "transport/rfb/websocket_proxy.h"

/* ---- the desktop's end ---- */

struct desktop {
	struct stream_socket *stream; /* NULL: none (any more) */
	struct buf got;
	size_t room; /* bytes it takes */
	size_t consumed;
	int pipe_closed, closed;
	unsigned code;
	char reason[200];
	bool late; /* attached by the test */
};

static struct desktop desktop;

static size_t take(void *pipe, const void *bytes, size_t len)
{
	struct desktop *d = pipe;
	size_t n = len < d->room ? len : d->room;
	cr_assert_eq(d->pipe_closed, 0);
	buf_append(&d->got, bytes, n);
	d->room -= n;
	return n;
}

static void consumed(void *pipe, size_t len)
{
	((struct desktop *)pipe)->consumed += len;
}

static void close_pipe(void *pipe)
{
	((struct desktop *)pipe)->pipe_closed++;
}

static const struct stream_pipe ops = { take, consumed, close_pipe };

static void on_stream_closed(
	struct stream_socket *stream, unsigned code, const char *reason, void *data)
{
	struct desktop *d = data;
	cr_assert_eq(stream, d->stream);
	d->stream = NULL;
	d->closed++;
	d->code = code;
	snprintf(d->reason, sizeof(d->reason), "%s", reason);
}

static void on_get(struct http_exchange *x, void *data)
{
	struct desktop *d = data;
	d->stream = stream_new(x, on_stream_closed, d);
	cr_assert(d->stream);
	if (!d->late) {
		stream_attach(d->stream, &ops, d);
	}
}

static void begin_stream(struct fixture *f, struct peer *p, struct desktop with)
{
	desktop = with;
	desktop.room = desktop.room ? desktop.room : SIZE_MAX;
	fixture_begin_with(f, &(struct http_options){ 0 });
	http_add_route(f->http, &(struct http_route){ .method = "GET",
					.path = "/ws",
					.open = true,
					.run = on_get,
					.data = &desktop });
	peer_open(f, p, false);
	peer_shake(f, p, PEER_HELLO("/ws"));
}

static void end_stream(struct fixture *f, struct peer *p)
{
	peer_close(p);
	until(f, desktop.closed == 1);
	fixture_end(f);
	buf_done(&desktop.got);
}

static void say(struct fixture *f, struct peer *p, struct buf *what)
{
	peer_say(f, p, 0x82, what->data, what->len);
	buf_done(what);
}

static void greet(struct fixture *f, struct peer *p)
{
	struct buf out = { 0 };
	rfb_say_hello(&out);
	say(f, p, &out);
	until(f, desktop.got.len == 14);
	desktop.got.len = 0;
}

static void expect_code(struct fixture *f, struct peer *p, unsigned code, const char *reason)
{
	struct peer_said said = { 0 };
	do {
		peer_hear(f, p, &said);
	} while (said.first == 0x82);
	cr_assert_eq(said.first, 0x88);
	cr_expect_eq((unsigned)said.text.data[0] << 8 | said.text.data[1], code);
	cr_expect_str_eq(buf_text(&said.text) + 2, reason);
	buf_done(&said.text);
}

/* ---- what arrives ---- */

Test(stream, what_a_viewer_says_arrives_unread)
{
	struct fixture f = { 0 };
	struct peer p;
	struct buf out = { 0 };
	begin_stream(&f, &p, (struct desktop){ 0 });
	greet(&f, &p);
	rfb_say_key(&out, true, 0x61);
	rfb_u8(&out, 77); /* no message: the desktop decides what that means */
	say(&f, &p, &out);
	until(&f, desktop.got.len == 9);
	struct stream_counts counts = stream_counts(desktop.stream);
	cr_expect_eq(counts.bytes_in, 14 + 9);
	end_stream(&f, &p);
	cr_expect_eq(desktop.code, WEBSOCKET_LOST);
	cr_expect_eq(desktop.pipe_closed, 1);
}

Test(stream, nothing_is_read_before_there_is_a_pipe)
{
	struct fixture f = { 0 };
	struct peer p;
	struct buf out = { 0 };
	begin_stream(&f, &p, (struct desktop){ .late = true });
	rfb_say_hello(&out);
	say(&f, &p, &out);
	fixture_settle(&f);
	cr_expect_eq(stream_counts(desktop.stream).bytes_in, 0);
	stream_attach(desktop.stream, &ops, &desktop);
	until(&f, desktop.got.len == 14);
	end_stream(&f, &p);
}

/* ---- who waits ---- */

Test(stream, a_full_pipe_stops_the_viewer)
{
	struct fixture f = { 0 };
	struct peer p;
	struct buf out = { 0 };
	begin_stream(&f, &p, (struct desktop){ .room = 14 + 5 });
	greet(&f, &p);
	for (int i = 0; i < 1000; i++) {
		rfb_say_update(&out, true, 0, 0, 10, 10);
	}
	for (int i = 0; i < 20; i++) {
		peer_say(&f, &p, 0x82, out.data, out.len);
	}
	buf_done(&out);
	fixture_settle(&f);
	cr_expect_eq(desktop.got.len, 5);
	cr_expect_lt(stream_counts(desktop.stream).bytes_in, 14 + 20000);
	while (desktop.got.len < 200000) {
		desktop.room = 7777;
		stream_pipe_writable(desktop.stream);
		fixture_turn(&f);
	}
	cr_expect_eq(desktop.got.len, 200000);
	end_stream(&f, &p);
}

Test(stream, what_a_viewer_does_not_read_is_not_consumed)
{
	static char bytes[32768];
	struct fixture f = { 0 };
	struct peer p;
	begin_stream(&f, &p, (struct desktop){ 0 });
	greet(&f, &p);
	size_t given = 0;
	while (given - desktop.consumed < 262144 && given < 100u << 20) {
		stream_pipe_data(desktop.stream, bytes, sizeof(bytes));
		given += sizeof(bytes);
		fixture_turn(&f);
	}
	cr_assert_lt(given, 100u << 20, "the viewer is never full");
	cr_expect_eq(stream_counts(desktop.stream).pending, given - desktop.consumed);
	cr_expect_eq(stream_counts(desktop.stream).bytes_out, given);
	until(&f, (peer_read(&p), desktop.consumed == given));
	end_stream(&f, &p);
}

/* ---- ends ---- */

Test(stream, a_kick_is_told_and_ends_at_once)
{
	struct fixture f = { 0 };
	struct peer p;
	struct buf out = { 0 };
	begin_stream(&f, &p, (struct desktop){ 0 });
	greet(&f, &p);
	rfb_say_key(&out, true, 0x62);
	say(&f, &p, &out);
	until(&f, desktop.got.len == 8);
	stream_kick(desktop.stream, STREAM_REVOKED, "this link was taken back");
	cr_expect_eq(desktop.pipe_closed, 1);
	cr_expect_eq(desktop.closed, 0, "not from inside");
	rfb_say_key(&out, true, 0x63);
	say(&f, &p, &out);
	expect_code(&f, &p, STREAM_REVOKED, "this link was taken back");
	until(&f, desktop.closed == 1); /* though it does not close its side */
	cr_expect_eq(desktop.code, STREAM_REVOKED);
	cr_expect_eq(desktop.got.len, 8);
	end_stream(&f, &p);
}

Test(stream, a_viewer_that_is_full_is_kicked_too)
{
	static char bytes[32768];
	struct fixture f = { 0 };
	struct peer p;
	begin_stream(&f, &p, (struct desktop){ 0 });
	int small = 4096;
	setsockopt(p.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	greet(&f, &p);
	for (size_t given = 0; given - desktop.consumed < 262144; given += sizeof(bytes)) {
		stream_pipe_data(desktop.stream, bytes, sizeof(bytes));
		fixture_turn(&f);
	}
	stream_kick(desktop.stream, STREAM_REVOKED, "this link was taken back");
	until(&f, desktop.closed == 1);
	end_stream(&f, &p);
}

Test(stream, the_desktops_end_is_told)
{
	struct fixture f = { 0 };
	struct peer p;
	begin_stream(&f, &p, (struct desktop){ 0 });
	stream_pipe_ended(desktop.stream, STREAM_GONE, "the sandbox has ended");
	expect_code(&f, &p, STREAM_GONE, "the sandbox has ended");
	peer_say(&f, &p, 0x88, "\x0f\xa4", 2);
	until(&f, desktop.closed == 1);
	cr_expect_eq(desktop.pipe_closed, 0, "it had ended by itself");
	cr_expect_eq(desktop.code, STREAM_GONE);
	end_stream(&f, &p);
}

Test(stream, the_servers_end)
{
	struct fixture f = { 0 };
	struct peer p;
	begin_stream(&f, &p, (struct desktop){ 0 });
	greet(&f, &p);
	fixture_end(&f);
	cr_expect_eq(desktop.closed, 1);
	cr_expect_eq(desktop.pipe_closed, 1);
	peer_close(&p);
	buf_done(&desktop.got);
}
