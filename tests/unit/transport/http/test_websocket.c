// USES transport PkgConfig::curl PkgConfig::gnutls
/* WebSockets: beginnings, frames, ends, and what happens when one side does not read. */
#include "tests/support/tls_certificate.h"
#include "tests/support/ws_peer.h"

#include "transport/http/websocket.h"

/* ---- the server's side: what comes is sent back ---- */

struct side {
	struct websocket *ws; /* NULL: none (any more) */
	struct buf got;
	size_t sent;
	int opened, closed;
	unsigned code;
	char reason[200], path[80];
	bool quiet; /* does not send back */
	bool close_in_data, close_at_once, pause_in_data;
};

static struct side side;

static void on_data(struct websocket *ws, const void *bytes, size_t len, void *data)
{
	struct side *s = data;
	buf_append(&s->got, bytes, len);
	if (s->close_in_data) {
		websocket_close(ws, 4001, "enough");
		websocket_close(ws, 4002, "only the first reason counts");
	}
	if (s->pause_in_data) {
		websocket_pause(ws, true);
	}
	if (!s->quiet) {
		websocket_send(ws, bytes, len);
	}
}

static void on_sent(struct websocket *ws, size_t len, void *data)
{
	struct side *s = data;
	(void)ws;
	s->sent += len;
}

static void on_ws_closed(struct websocket *ws, unsigned code, const char *reason, void *data)
{
	struct side *s = data;
	s->ws = s->ws == ws ? NULL : s->ws;
	s->closed++;
	s->code = code;
	snprintf(s->reason, sizeof(s->reason), "%s", reason);
}

static const struct websocket_handlers ws_handlers = { on_data, on_sent, on_ws_closed };

static void on_get(struct http_exchange *x, void *data)
{
	struct side *s = data;
	snprintf(s->path, sizeof(s->path), "%s", http_path(x));
	s->ws = websocket_accept(x, "binary", &ws_handlers, s);
	s->opened += s->ws != NULL;
	if (s->ws && s->close_at_once) {
		websocket_close(s->ws, 4003, "there is nothing to see");
	}
}

static void begin_ws(struct fixture *f, const struct http_options *how)
{
	side = (struct side){ 0 };
	fixture_begin_with(f, how);
	http_add_route(f->http, &(struct http_route){ .method = "GET",
					.path = "/ws/",
					.open = true,
					.run = on_get,
					.data = &side });
}

static void begin_ws_tls(struct fixture *f)
{
	char dir[] = "/tmp/vitrine-test-XXXXXX", cert[60], key[60];
	cr_assert(mkdtemp(dir));
	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	snprintf(key, sizeof(key), "%s/key.pem", dir);
	make_certificate(cert, key);
	begin_ws(f, &(struct http_options){ .tls_cert = cert, .tls_key = key });
	unlink(cert);
	unlink(key);
	rmdir(dir);
}

static void end_ws(struct fixture *f)
{
	fixture_end(f);
	cr_expect_null(side.ws);
	cr_expect_eq(side.opened, side.closed);
	buf_done(&side.got);
}

/* ---- the client's side ---- */

#define HELLO PEER_HELLO("/ws/one")

static void shake(struct fixture *f, struct peer *p, bool tls)
{
	peer_open(f, p, tls);
	peer_shake(f, p, HELLO);
}

static void expect_close(struct fixture *f, struct peer *p, unsigned code, const char *reason)
{
	struct peer_said said = { 0 };
	do {
		peer_hear(f, p, &said);
	} while (said.first == 0x82);
	cr_assert_eq(said.first, 0x88);
	cr_expect_eq(
		said.text.len < 2 ? 0 : (unsigned)said.text.data[0] << 8 | said.text.data[1], code);
	cr_expect_str_eq(said.text.len < 2 ? "" : buf_text(&said.text) + 2, reason);
	buf_done(&said.text);
}

static void until_closed(struct fixture *f, struct peer *p)
{
	until(f, (peer_read(p), p->over && side.closed == 1));
	until(f, http_counts(f->http)->connections == 0);
	cr_expect_eq(http_counts(f->http)->upgraded, 0);
}

/* ---- beginning ---- */

Test(websocket, begins_as_the_rfc_says)
{
	struct fixture f = { 0 };
	struct peer p;
	begin_ws(&f, &(struct http_options){ 0 });
	peer_open(&f, &p, false);
	peer_write(&f, &p, HELLO, strlen(HELLO));
	until(&f, (peer_read(&p), has(&p.in, "\r\n\r\n")));
	cr_expect(has(&p.in, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
	cr_expect(has(&p.in, "Sec-WebSocket-Protocol: binary\r\n"));
	cr_expect(has(&p.in, "Upgrade: websocket\r\n"));
	cr_expect(has(&p.in, "Connection: Upgrade\r\n"));
	cr_expect_str_eq(side.path, "/ws/one");
	cr_expect_eq(http_counts(f.http)->upgraded, 1);
	peer_close(&p);
	until(&f, side.closed == 1);
	cr_expect_eq(side.code, WEBSOCKET_LOST);
	until(&f, http_counts(f.http)->connections == 0);
	end_ws(&f);
}

/* The request of a browser with some headers replaced ("Name: value"), or left out ("Name:"). */
static void refuse(struct fixture *f, const char *change, const char *status)
{
	static const char *const usual[] = { "Host: localhost", "Connection: Upgrade",
		"Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " PEER_KEY,
		"Origin: http://localhost" };
	auto_buf struct buf out = { 0 }, in = { 0 };
	size_t name = strcspn(change, ":") + 1;
	buf_printf(&out, "GET /ws/ HTTP/1.1\r\n");
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
		bool same = strncmp(usual[i], change, name) == 0;
		if (!same || change[name]) {
			buf_printf(&out, "%s\r\n", same ? change : usual[i]);
		}
	}
	buf_printf(&out, "\r\n");
	int fd = raw_open(f);
	raw_send(f, fd, buf_text(&out));
	raw_until(f, fd, &in, "\r\n\r\n");
	cr_expect_eq(strncmp(buf_text(&in) + 9, status, 3), 0, "%s: %s", change, buf_text(&in));
	close(fd);
}

Test(websocket, what_is_no_right_beginning_is_refused)
{
	struct fixture f = { 0 };
	begin_ws(&f, &(struct http_options){ .allow_hosts = "desk.example",
			     .allow_origins = "https://pages.example" });
	refuse(&f, "Upgrade:", "426");
	refuse(&f, "Upgrade: h2c", "426");
	refuse(&f, "Connection: keep-alive", "426");
	refuse(&f, "Sec-WebSocket-Version:", "426");
	refuse(&f, "Sec-WebSocket-Version: 8", "426");
	refuse(&f, "Sec-WebSocket-Key:", "400");
	refuse(&f, "Sec-WebSocket-Key: dGhlIHNhbXBsZQ==", "400");
	refuse(&f, "Sec-WebSocket-Key: !!!!IHNhbXBsZSBub25jZQ==", "400");
	refuse(&f, "Origin: https://evil.example", "403");
	refuse(&f, "Origin: http://localhost:9", "403"); /* a page of this machine, but not ours */
	refuse(&f, "Origin: null", "403");
	refuse(&f, "Host: evil.example", "403");
	cr_expect_eq(side.opened, 0);
	refuse(&f, "Origin:", "101");
	refuse(&f, "Origin: https://pages.example", "101");
	until(&f, side.closed == 2);
	end_ws(&f);
}

Test(websocket, a_client_that_goes_before_it_is_answered)
{
	struct fixture f = { 0 };
	begin_ws(&f, &(struct http_options){ 0 });
	for (int i = 0; i < 20; i++) {
		int fd = raw_open(&f);
		raw_send(&f, fd, HELLO);
		close(fd);
	}
	until(&f, side.opened > 0 && http_counts(f.http)->connections == 0);
	until(&f, side.opened == side.closed);
	end_ws(&f);
}

/* ---- bytes ---- */

static void echo(bool tls)
{
	static const size_t lengths[] = { 1, 125, 126, 65535, 65536, 400000 };
	static char bytes[400000];
	struct fixture f = { 0 };
	struct peer p;
	if (tls) {
		begin_ws_tls(&f);
	} else {
		begin_ws(&f, &(struct http_options){ 0 });
	}
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (char)(i * 7 + i / 256);
	}
	shake(&f, &p, tls);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct buf back = { 0 };
		struct peer_said said = { 0 };
		peer_say(&f, &p, 0x82, bytes, lengths[i]);
		while (back.len < lengths[i]) {
			peer_hear(&f, &p, &said);
			cr_assert_eq(said.first, 0x82);
			buf_append(&back, said.text.data, said.text.len);
		}
		cr_expect_eq(back.len, lengths[i]);
		cr_expect_eq(memcmp(back.data, bytes, lengths[i]), 0);
		buf_done(&said.text);
		buf_done(&back);
	}
	until(&f, side.sent == side.got.len);
	peer_say(&f, &p, 0x88,
		"\x03\xe8"
		"bye",
		5);
	expect_close(&f, &p, 1000, "bye");
	until_closed(&f, &p);
	cr_expect_eq(side.code, 1000);
	cr_expect_str_eq(side.reason, "bye");
	peer_close(&p);
	end_ws(&f);
}

Test(websocket, bytes_of_any_length_and_back)
{
	echo(false);
}

Test(websocket, over_tls_too)
{
	echo(true);
}

Test(websocket, byte_by_byte_in_fragments_and_with_pings_between)
{
	struct fixture f = { 0 };
	struct peer p;
	struct peer_said said = { 0 };
	auto_buf struct buf out = { 0 };
	begin_ws(&f, &(struct http_options){ 0 });
	side.quiet = true;
	shake(&f, &p, false);
	peer_put_frame(&out, 0x02, "ab", 2, true);
	peer_put_frame(&out, 0x89, "here?", 5, true);
	peer_put_frame(&out, 0x00, "cd", 2, true);
	peer_put_frame(&out, 0x00, "", 0, true);
	peer_put_frame(&out, 0x80, "ef", 2, true);
	peer_put_frame(&out, 0x8a, "unasked", 7, true);
	peer_put_frame(&out, 0x82, "gh", 2, true);
	for (size_t i = 0; i < out.len; i++) {
		peer_write(&f, &p, out.data + i, 1);
		fixture_turn(&f);
	}
	until(&f, side.got.len == 8);
	cr_expect_str_eq(buf_text(&side.got), "abcdefgh");
	peer_hear(&f, &p, &said);
	cr_expect_eq(said.first, 0x8a);
	cr_expect_str_eq(buf_text(&said.text), "here?");
	buf_done(&said.text);
	peer_close(&p);
	until(&f, side.closed == 1);
	end_ws(&f);
}

/* ---- what breaks the protocol ---- */

static void break_it(const void *bytes, size_t len, unsigned code, const char *reason)
{
	struct fixture f = { 0 };
	struct peer p;
	begin_ws(&f, &(struct http_options){ 0 });
	shake(&f, &p, false);
	peer_write(&f, &p, bytes, len);
	expect_close(&f, &p, code, reason);
	close(p.fd);
	p.fd = dup(0);
	until(&f, side.closed == 1);
	cr_expect_eq(side.got.len, 0);
	until(&f, http_counts(f.http)->connections == 0);
	peer_close(&p);
	end_ws(&f);
}

Test(websocket, what_breaks_the_protocol_is_told_and_closed)
{
	auto_buf struct buf out = { 0 };
	peer_put_frame(&out, 0x81, "text", 4, true);
	break_it(out.data, out.len, 1003, "only binary messages are supported");
	out.len = 0;
	peer_put_frame(&out, 0x82, "bare", 4, false);
	break_it(out.data, out.len, 1002, "");
	out.len = 0;
	peer_put_frame(&out, 0xc2, "rsv", 3, true);
	break_it(out.data, out.len, 1002, "");
	out.len = 0;
	peer_put_frame(&out, 0x80, "continued", 9, true);
	break_it(out.data, out.len, 1002, "");
	out.len = 0;
	peer_put_frame(&out, 0x83, "unknown", 7, true);
	break_it(out.data, out.len, 1002, "");
	/* A length is looked at before what it counts has come. */
	break_it("\x82\xff\0\0\0\0\0\x10\0\1maskx", 15, 1009, "");
	break_it("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xffmaskx", 15, 1009, "");
	/* What libwslay closes without a code: not the shortest form; control frames that are long.
	 */
	break_it("\x82\xfe\0\1....", 8, 0, "");
	break_it("\x89\xfe\0\x7e....", 8, 0, "");
	break_it("\x09\x80....", 6, 0, "");
}

/* ---- ends ---- */

static void server_closes(bool tls)
{
	struct fixture f = { 0 };
	struct peer p;
	if (tls) {
		begin_ws_tls(&f);
	} else {
		begin_ws(&f, &(struct http_options){ 0 });
	}
	side.close_in_data = true;
	shake(&f, &p, tls);
	peer_say(&f, &p, 0x82, "x", 1);
	expect_close(&f, &p, 4001, "enough");
	peer_say(&f, &p, 0x88, "\x0f\xa1", 2);
	until_closed(&f, &p);
	cr_expect_eq(side.code, 4001);
	cr_expect_str_eq(side.reason, "enough");
	peer_close(&p);
	end_ws(&f);
}

Test(websocket, the_server_closes)
{
	server_closes(false);
}

Test(websocket, the_server_closes_over_tls)
{
	server_closes(true);
}

Test(websocket, closed_before_it_began)
{
	struct fixture f = { 0 };
	struct peer p;
	begin_ws(&f, &(struct http_options){ 0 });
	side.close_at_once = true;
	shake(&f, &p, false);
	expect_close(&f, &p, 4003, "there is nothing to see");
	until_closed(&f, &p); /* though this one does not answer */
	cr_expect_eq(side.code, 4003);
	peer_close(&p);
	end_ws(&f);
}

Test(websocket, the_end_of_the_server_ends_it)
{
	struct fixture f = { 0 };
	struct peer p;
	begin_ws(&f, &(struct http_options){ 0 });
	shake(&f, &p, false);
	end_ws(&f);
	cr_expect_eq(side.code, WEBSOCKET_GOING_AWAY);
	peer_close(&p);
}

Test(websocket, the_end_of_the_server_ends_it_over_tls)
{
	struct fixture f = { 0 };
	struct peer p;
	begin_ws_tls(&f);
	shake(&f, &p, true);
	end_ws(&f);
	cr_expect_eq(side.code, WEBSOCKET_GOING_AWAY);
	peer_close(&p);
}

/* ---- one side does not read ---- */

Test(websocket, a_client_that_does_not_read_is_cut_off)
{
	static char bytes[100000];
	struct fixture f = { 0 };
	struct peer p;
	begin_ws(&f, &(struct http_options){ 0 });
	int small = 4096;
	shake(&f, &p, false);
	setsockopt(p.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	size_t said = 0;
	while (side.ws && said < 100u << 20) {
		websocket_send(side.ws, bytes, sizeof(bytes));
		said += sizeof(bytes);
		cr_assert(!side.ws || websocket_pending(side.ws) <= WEBSOCKET_PENDING_MAX);
		fixture_turn(&f);
	}
	until(&f, side.closed == 1);
	cr_expect_eq(side.code, WEBSOCKET_POLICY);
	cr_expect_leq(side.sent, said);
	peer_close(&p);
	end_ws(&f);
}

Test(websocket, what_was_written_is_told)
{
	static char bytes[300000];
	struct fixture f = { 0 };
	struct peer p;
	begin_ws(&f, &(struct http_options){ 0 });
	shake(&f, &p, false);
	for (int i = 0; i < 3; i++) {
		websocket_send(side.ws, bytes, sizeof(bytes));
	}
	cr_expect_eq(side.sent + websocket_pending(side.ws), 900000);
	until(&f, (peer_read(&p), side.sent == 900000));
	cr_expect_eq(websocket_pending(side.ws), 0);
	peer_close(&p);
	until(&f, side.closed == 1);
	end_ws(&f);
}

Test(websocket, paused_it_does_not_read)
{
	static char bytes[60000];
	struct fixture f = { 0 };
	struct peer p;
	begin_ws(&f, &(struct http_options){ .ping_ms = 50 });
	shake(&f, &p, false);
	side.quiet = side.pause_in_data = true;
	auto_buf struct buf out = { 0 };
	peer_put_frame(&out, 0x82, bytes, sizeof(bytes), true);
	size_t written = 0;
	bool full = false;
	while (!full) {
		ssize_t n = send(p.fd, out.data + written % out.len, out.len - written % out.len,
			MSG_NOSIGNAL);
		full = n < 0;
		written += n > 0 ? (size_t)n : 0;
		fixture_turn(&f);
	}
	fixture_settle(&f);
	cr_expect_lt(side.got.len, 10000, "%zu bytes", side.got.len);
	usleep(150000); /* longer than the pings are apart: no time counts while it is paused */
	fixture_settle(&f);
	cr_expect(side.ws);
	side.pause_in_data = false;
	websocket_pause(side.ws, false);
	until(&f, side.got.len > written - out.len);
	peer_close(&p);
	until(&f, side.closed == 1);
	end_ws(&f);
}

Test(websocket, pings_find_out_who_is_gone)
{
	struct fixture f = { 0 };
	struct peer p;
	struct peer_said said = { 0 };
	begin_ws(&f, &(struct http_options){ .ping_ms = 100 });
	shake(&f, &p, false);
	for (int i = 0; i < 4; i++) {
		peer_hear(&f, &p, &said);
		cr_assert_eq(said.first, 0x89);
		peer_say(&f, &p, 0x8a, "", 0);
	}
	cr_expect_eq(side.closed, 0);
	for (int i = 0; i < 2; i++) { /* it does not answer any more */
		peer_hear(&f, &p, &said);
		cr_assert_eq(said.first, 0x89);
	}
	cr_expect_eq(side.closed, 0);
	until(&f, side.closed == 1);
	cr_expect_eq(side.code, WEBSOCKET_LOST);
	cr_expect_str_eq(side.reason, "the client does not respond");
	buf_done(&said.text);
	peer_close(&p);
	end_ws(&f);
}

/* Each wants an answer, and nobody reads those. */
Test(websocket, a_flood_of_pings_stops_at_the_door)
{
	struct fixture f = { 0 };
	struct peer p;
	auto_buf struct buf pings = { 0 };
	begin_ws(&f, &(struct http_options){ 0 });
	shake(&f, &p, false);
	int small = 4096;
	setsockopt(p.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (int i = 0; i < 1000; i++) {
		peer_put_frame(&pings, 0x89, "0123456789abcdef0123456789abcdef", 32, true);
	}
	bool full = false;
	size_t written = 0;
	for (int idle = 0; idle < 50 && written < 200u << 20;) {
		size_t at = written % pings.len;
		ssize_t n = send(p.fd, pings.data + at, pings.len - at, MSG_NOSIGNAL);
		full = n < 0;
		idle = full ? idle + 1 : 0;
		written += n > 0 ? (size_t)n : 0;
		fixture_turn(&f);
	}
	cr_expect(full, "the server reads on");
	cr_expect(side.ws);
	peer_close(&p);
	until(&f, side.closed == 1);
	end_ws(&f);
}

Test(websocket, an_idle_one_costs_nothing)
{
	for (int tls = 0; tls < 2; tls++) {
		struct fixture f = { 0 };
		struct peer p;
		if (tls) {
			begin_ws_tls(&f);
		} else {
			begin_ws(&f, &(struct http_options){ 0 });
		}
		shake(&f, &p, tls);
		peer_say(&f, &p, 0x82, "x", 1);
		until(&f, side.sent == 1);
		fixture_settle(&f);
		int busy = 0;
		for (int i = 0; i < 100; i++) {
			busy += sd_event_run(f.event, 1000) > 0;
		}
		cr_expect_lt(busy, 10, "%d turns of 100 had something to do, TLS %d", busy, tls);
		peer_close(&p);
		until(&f, side.closed == 1);
		end_ws(&f);
	}
}

Test(websocket, nothing_is_left_behind)
{
	struct fixture f = { 0 };
	begin_ws(&f, &(struct http_options){ 0 });
	side.quiet = true;
	int before = 0;
	for (int i = 0; i < 50; i++) {
		struct peer p;
		shake(&f, &p, false);
		peer_say(&f, &p, 0x82, "x", 1);
		peer_close(&p);
		until(&f, side.closed == i + 1 && http_counts(f.http)->connections == 0);
		before = before ? before : count_fds();
	}
	cr_expect_eq(count_fds(), before);
	end_ws(&f);
}
