// USES transport PkgConfig::curl
/* Bodies in parts: the client waits for the handler, and an answer may come before the end. */
#include "tests/support/http_upload.h"

#define BIG 3000000
#define EVERYTHING SIZE_MAX

static char big[BIG];

static void fill(void)
{
	for (size_t i = 0; i < sizeof(big); i++) {
		big[i] = (char)(i * 2654435761u >> 13);
	}
}

static void begin(struct fixture *f, struct upload *u, const struct http_options *how)
{
	fill();
	fixture_begin_with(f, how);
	upload_route(f, u);
}

static void end(struct fixture *f, struct upload *u)
{
	until(f, u->closed == u->began);
	fixture_end(f);
	buf_done(&u->got);
}

static void ask_upload(struct fixture *f, const char *header, struct reply *r)
{
	ask_begin(f,
		&(struct ask){ .path = "/up",
			.body = big,
			.body_len = sizeof(big),
			.headers = { header } },
		r);
	curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
	curl_easy_setopt(r->easy, CURLOPT_FORBID_REUSE, 1L);
}

static void expect_uploaded(struct fixture *f, struct upload *u, struct reply *r)
{
	until(f, is_done(f, r));
	cr_expect_eq(r->status, 200);
	cr_expect_str_eq(buf_text(&r->body), "3000000 bytes");
	cr_expect(u->got.len == BIG && memcmp(u->got.data, big, BIG) == 0);
	cr_expect_eq(u->ended, 1);
	ask_end(f, r);
}

Test(http_body, comes_in_parts_of_any_framing)
{
	static const char *const headers[] = { NULL, "Transfer-Encoding: chunked",
		"Expect:", "Content-Encoding: gzip", "Expect: 100-continue" };
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct fixture f = { 0 };
		struct upload u = { .room = EVERYTHING };
		struct reply r;
		begin(&f, &u, &(struct http_options){ .max_body = 1000 });
		ask_upload(&f, headers[i], &r);
		expect_uploaded(&f, &u, &r);
		end(&f, &u);
	}
}

Test(http_body, the_client_waits_for_the_handler)
{
	struct fixture f = { 0 };
	struct upload u = { .waits = true };
	struct reply r;
	/* Waiting for the handler is not the client's fault. */
	begin(&f, &u, &(struct http_options){ .header_timeout_ms = 100, .idle_timeout_ms = 1000 });
	ask_upload(&f, "Expect:", &r);
	until(&f, u.x);
	for (uint64_t from = loop_now_us(); loop_now_us() < from + 300000;) {
		fixture_turn(&f);
	}
	cr_expect_eq(u.got.len, 0);
	cr_expect_eq(sd_event_run(f.event, 0), 0, "nothing happens while it waits");
	upload_receive(&u);
	for (size_t part = 1; u.got.len < 200000; part++) {
		upload_more(&u, part * 101);
		until(&f, u.room == 0);
		fixture_settle(&f);
		cr_expect_eq(sd_event_run(f.event, 0), 0);
	}
	cr_expect_lt(http_counts(f.http)->bytes_in, 210000);
	upload_more(&u, EVERYTHING - u.room);
	expect_uploaded(&f, &u, &r);
	end(&f, &u);
}

/* More may be asked for from inside the callback. */
static size_t take_one(struct http_exchange *x, const void *bytes, size_t len, void *data)
{
	struct buf *got = data;
	if (len == 0) {
		http_reply(x, 200, NULL, got->data, got->len);
		return 0;
	}
	buf_append(got, bytes, 1);
	http_receive_more(x);
	return 1;
}

static void run_one(struct http_exchange *x, void *data)
{
	http_receive(x, take_one, data);
}

Test(http_body, more_from_inside_the_callback)
{
	struct fixture f = { 0 };
	struct buf got = { 0 };
	struct reply r;
	fixture_begin(&f);
	http_add_route(f.http,
		&(struct http_route){
			.path = "/one", .run = run_one, .data = &got, .streams_body = true });
	fetch(&f, &(struct ask){ .path = "/one", .body = "abcdefgh" }, &r);
	cr_expect_str_eq(buf_text(&r.body), "abcdefgh");
	ask_end(&f, &r);
	cr_expect_eq(status_of(&f, &(struct ask){ .path = "/one", .method = "GET" }), 200);
	fixture_end(&f);
	buf_done(&got);
}

Test(http_body, cut_short)
{
	static const char *const heads[] = { UPLOAD_HEAD "Content-Length: 100\r\n\r\nhalf",
		UPLOAD_HEAD "Transfer-Encoding: chunked\r\n\r\n40\r\nhalf",
		UPLOAD_HEAD "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n" };
	for (size_t i = 0; i < 2 * sizeof(heads) / sizeof(heads[0]); i++) {
		struct fixture f = { 0 };
		struct upload u = { .room = i % 2 ? EVERYTHING : 2 };
		begin(&f, &u, &(struct http_options){ 0 });
		int fd = raw_open(&f);
		raw_send(&f, fd, heads[i / 2]);
		until(&f, u.got.len == (i % 2 ? 4 : 2));
		close(fd);
		until(&f, u.closed == 1);
		cr_expect_eq(u.ended, 0);
		end(&f, &u);
	}
}

/* The end comes together with the last bytes, or while the server does not read, and is not reported
 * again. */
Test(http_body, the_end_of_what_was_cut_short_is_noticed)
{
	for (int i = 0; i < 4; i++) {
		struct fixture f = { 0 };
		struct upload u = { .room = i % 2 ? 2 : EVERYTHING };
		begin(&f, &u, &(struct http_options){ .header_timeout_ms = 3600000 });
		int fd = raw_open(&f);
		raw_send(&f, fd, UPLOAD_HEAD "Content-Length: 3000000\r\n\r\n");
		until(&f, u.x);
		fixture_settle(&f);
		cr_assert_eq(send(fd, big, i / 2 ? 1000 : 100000, 0), i / 2 ? 1000 : 100000);
		shutdown(fd, SHUT_WR);
		if (i % 2) {
			until(&f, u.room == 0);
			upload_more(&u, EVERYTHING);
		}
		until(&f, u.closed == 1);
		cr_expect_eq(u.got.len, i / 2 ? 1000u : 100000u);
		cr_expect_eq(u.ended, 0);
		close(fd);
		end(&f, &u);
	}
}

Test(http_body, a_slow_client_has_a_deadline)
{
	struct fixture f = { 0 };
	struct upload u = { .room = EVERYTHING };
	auto_buf struct buf got = { 0 };
	begin(&f, &u, &(struct http_options){ .header_timeout_ms = 200 });
	int fd = raw_open(&f);
	raw_send(&f, fd, UPLOAD_HEAD "Content-Length: 3000000\r\n\r\n");
	raw_until_closed(&f, fd, &got);
	cr_expect_eq(u.ended, 0);
	close(fd);
	end(&f, &u);
}

Test(http_body, an_answer_before_the_end)
{
	static const char *const headers[] = { NULL, "Transfer-Encoding: chunked", "Expect:" };
	for (size_t i = 0; i < 2 * sizeof(headers) / sizeof(headers[0]); i++) {
		struct fixture f = { 0 };
		struct upload u = { .room = EVERYTHING, .early_at = i % 2 ? 1 : 100000 };
		struct reply r;
		begin(&f, &u, &(struct http_options){ 0 });
		ask_upload(&f, headers[i / 2], &r);
		until(&f, is_done(&f, &r));
		cr_expect_eq(r.status, 507, "%zu: %d", i, (int)r.result);
		cr_expect_str_eq(buf_text(&r.body), "full");
		cr_expect_lt(u.got.len, 200000);
		ask_end(&f, &r);
		end(&f, &u);
	}
}

Test(http_body, an_early_answer_reaches_a_client_that_goes_on_writing)
{
	struct fixture f = { 0 };
	struct upload u = { .room = EVERYTHING, .early_at = 1 };
	auto_buf struct buf got = { 0 };
	begin(&f, &u, &(struct http_options){ 0 });
	int fd = raw_open(&f);
	raw_send(&f, fd, UPLOAD_HEAD "Content-Length: 3000000\r\n\r\n");
	raw_send_len(&f, fd, big, sizeof(big));
	raw_until_closed(&f, fd, &got);
	cr_expect(has(&got, "HTTP/1.1 507 ") && has(&got, "\r\nConnection: close\r\n"), "%s",
		buf_text(&got));
	cr_expect(has(&got, "\r\n\r\nfull"));
	until(&f, http_counts(f.http)->bytes_in == BIG);
	close(fd);
	end(&f, &u);
}

Test(http_body, an_early_answer_to_a_client_that_waits)
{
	struct fixture f = { 0 };
	struct upload u = { .room = EVERYTHING, .early_at = 1 };
	auto_buf struct buf got = { 0 };
	begin(&f, &u, &(struct http_options){ 0 });
	int fd = raw_open(&f);
	raw_send(&f, fd, UPLOAD_HEAD "Content-Length: 3000\r\n\r\nx");
	raw_until_closed(&f, fd, &got);
	cr_expect(has(&got, "HTTP/1.1 507 ") && has(&got, "\r\n\r\nfull"), "%s", buf_text(&got));
	close(fd);
	end(&f, &u);
}

Test(http_body, a_short_rest_keeps_the_connection)
{
	struct fixture f = { 0 };
	struct upload u = { .room = EVERYTHING, .early_at = 1 };
	auto_buf struct buf got = { 0 };
	begin(&f, &u, &(struct http_options){ 0 });
	int fd = raw_open(&f);
	raw_send(&f, fd, UPLOAD_HEAD "Content-Length: 3000\r\n\r\n");
	raw_send_len(&f, fd, big, 3000);
	raw_until(&f, fd, &got, "\r\n\r\nfull");
	cr_expect_not(has(&got, "Connection: close"));
	u.early_at = 0;
	raw_send(&f, fd, UPLOAD_HEAD "Content-Length: 2\r\n\r\nab");
	raw_until(&f, fd, &got, "\r\n\r\n3002 bytes");
	close(fd);
	end(&f, &u);
}

Test(http_body, requests_in_one_packet)
{
	struct fixture f = { 0 };
	struct upload u = { .room = EVERYTHING };
	auto_buf struct buf got = { 0 };
	begin(&f, &u, &(struct http_options){ 0 });
	int fd = raw_open(&f);
	raw_send(&f, fd,
		UPLOAD_HEAD "Content-Length: 2\r\n\r\nab" UPLOAD_HEAD
			    "Transfer-Encoding: chunked\r\n\r\n3\r\ncde\r\n0\r\n\r\n" UPLOAD_HEAD
			    "Content-Length: 1\r\n\r\nf");
	raw_until(&f, fd, &got, "\r\n\r\n6 bytes");
	cr_expect(has(&got, "\r\n\r\n2 bytes") && has(&got, "\r\n\r\n5 bytes"));
	cr_expect_str_eq(buf_text(&u.got), "abcdef");
	close(fd);
	end(&f, &u);
}

Test(http_body, http_1_0)
{
	struct fixture f = { 0 };
	struct upload u = { .room = EVERYTHING };
	auto_buf struct buf got = { 0 };
	begin(&f, &u, &(struct http_options){ 0 });
	int fd = raw_open(&f);
	raw_send(&f, fd,
		"POST /up HTTP/1.0\r\nAuthorization: Bearer alices-token\r\nHost: localhost\r\n"
		"Content-Length: 3\r\n\r\nabc");
	raw_until_closed(&f, fd, &got);
	cr_expect(has(&got, "\r\n\r\n3 bytes"), "%s", buf_text(&got));
	close(fd);
	end(&f, &u);
}

Test(http_body, hostile_chunks)
{
	static const char *const wrong[] = { "x\r\n", "-1\r\nab", "2\r\nabzz",
		"ffffffffffffffffff\r\nab", "\r\n\r\n", " 2\r\nab\r\n0\r\n\r\n", "0x2\r\nab\r\n" };
	struct fixture f = { 0 };
	struct upload u = { .room = EVERYTHING };
	begin(&f, &u, &(struct http_options){ .header_timeout_ms = 300 });
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		auto_buf struct buf got = { 0 };
		int fd = raw_open(&f);
		raw_send(&f, fd, UPLOAD_HEAD "Transfer-Encoding: chunked\r\n\r\n");
		raw_send(&f, fd, wrong[i]);
		raw_until_closed(&f, fd, &got);
		cr_expect_not(has(&got, "200 OK"), "%zu", i);
		close(fd);
	}
	cr_expect_eq(u.ended, 0);
	end(&f, &u);
}

Test(http_body, as_a_whole_up_to_a_limit)
{
	struct fixture f = { 0 };
	struct upload u = { .room = 5, .takes_all = true };
	struct reply r;
	begin(&f, &u, &(struct http_options){ 0 });
	for (int chunked = 0; chunked < 2; chunked++) {
		const char *header = chunked ? "Transfer-Encoding: chunked" : NULL;
		fetch(&f, &(struct ask){ .path = "/up", .body = "abcde", .headers = { header } },
			&r);
		cr_expect(r.status == 200 && u.got.len == 5u * (unsigned)(chunked + 1));
		ask_end(&f, &r);
		fetch(&f, &(struct ask){ .path = "/up", .body = "abcdef", .headers = { header } },
			&r);
		cr_expect_eq(r.status, 413);
		ask_end(&f, &r);
	}
	u.waits = true;
	ask_begin(&f, &(struct ask){ .path = "/up", .method = "POST" }, &r);
	curl_easy_setopt(r.easy, CURLOPT_PRIVATE, &r);
	until(&f, u.x);
	fixture_settle(&f);
	upload_receive(&u);
	until(&f, is_done(&f, &r));
	cr_expect_eq(r.status, 200, "without a body, which was complete before");
	ask_end(&f, &r);
	end(&f, &u);
}

Test(http_body, a_whole_one_is_counted)
{
	struct budgets *budgets = budgets_new(1000000, 1000000);
	struct fixture f = { 0 };
	struct upload u = { .room = BIG, .takes_all = true };
	struct reply r;
	begin(&f, &u, &(struct http_options){ .budgets = budgets });
	ask_upload(&f, NULL, &r);
	until(&f, is_done(&f, &r));
	cr_expect_eq(r.status, 429);
	ask_end(&f, &r);
	end(&f, &u);
	cr_expect_eq(budgets_used(budgets), 0);
	budgets_unref(budgets);
}

Test(http_body, the_server_ends_in_the_middle)
{
	struct fixture f = { 0 };
	struct upload u = { .room = 10 };
	begin(&f, &u, &(struct http_options){ 0 });
	int paused = raw_open(&f), reading = raw_open(&f);
	raw_send(&f, paused, UPLOAD_HEAD "Content-Length: 3000\r\n\r\n0123456789abcdef");
	until(&f, u.got.len == 10);
	raw_send(&f, reading, UPLOAD_HEAD "Content-Length: 3000\r\n\r\n");
	until(&f, u.began == 2);
	fixture_end(&f);
	cr_expect_eq(u.closed, 2);
	close(paused);
	close(reading);
	buf_done(&u.got);
}

Test(http_body, a_client_that_leaves_while_it_waits)
{
	static const struct linger hard = { .l_onoff = 1 };
	for (int i = 0; i < 2; i++) {
		struct fixture f = { 0 };
		struct upload u = { .waits = i == 1 };
		begin(&f, &u, &(struct http_options){ 0 });
		int fd = raw_open(&f);
		raw_send(&f, fd, UPLOAD_HEAD "Content-Length: 3000\r\n\r\nabc");
		until(&f, u.x);
		fixture_settle(&f);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(fd);
		until(&f, u.closed == 1);
		end(&f, &u);
	}
}
