// USES transport PkgConfig::curl
/* Responses in parts, and connections that are taken over. */
#include "tests/support/http_upload.h"

struct download {
	struct http_exchange *x; /* the last one; NULL once it closed */
	int64_t length;
	int status; /* 0: 200 */
	int began, closed, drained;
	size_t feed; /* bytes that are written each time all was sent */
	uint64_t written, total;
};

static char block[200000];

static void feed(struct http_exchange *x, struct download *d)
{
	size_t n = d->total - d->written < d->feed ? d->total - d->written : d->feed;
	for (size_t i = 0; i < n; i++) {
		block[i] = (char)((d->written + i) % 251);
	}
	d->written += n;
	http_stream_write(x, block, n);
	if (n == 0) {
		http_stream_end(x);
	}
}

static void on_download_drained(struct http_exchange *x, void *data)
{
	struct download *d = data;
	d->drained++;
	cr_assert_eq(http_stream_pending(x), 0);
	if (d->feed) {
		feed(x, d);
	}
}

static void on_download_closed(struct http_exchange *x, void *data)
{
	struct download *d = data;
	d->closed++;
	d->x = d->x == x ? NULL : d->x;
}

static void run(struct http_exchange *x, void *data)
{
	struct download *d = data;
	d->x = x;
	d->began++;
	http_on_closed(x, on_download_closed, d);
	http_set_header(x, "X-Own", "yes");
	http_stream_begin(x, d->status ? d->status : 200, "application/x-test", d->length);
	http_stream_on_drained(x, on_download_drained, d);
	if (d->feed) {
		feed(x, d);
	}
}

static void begin(struct fixture *f, struct download *d, const struct http_options *how)
{
	fixture_begin_with(f, how);
	http_add_route(f->http, &(struct http_route){ .path = "/down", .run = run, .data = d });
}

static void end(struct fixture *f, struct download *d)
{
	until(f, d->closed == d->began);
	fixture_end(f);
}

#define GET_DOWN(method, version) \
	method " /down HTTP/" version "\r\nHost: localhost\r\n" \
	       "Authorization: Bearer alices-token\r\n\r\n"

Test(http_stream, of_a_known_and_an_unknown_length)
{
	for (int i = 0; i < 4; i++) {
		struct fixture f = { 0 };
		struct download d = { .length = i % 2 ? 1000000 : -1,
			.total = 1000000,
			.feed = i / 2 ? 200000 : 777 };
		struct reply r;
		begin(&f, &d, &(struct http_options){ 0 });
		fetch(&f, &(struct ask){ .path = "/down", .method = "GET" }, &r);
		cr_expect(r.status == 200 && r.result == CURLE_OK);
		cr_expect(has(&r.head, "\r\nX-Own: yes\r\n"));
		cr_expect(has(&r.head, "\r\nContent-Type: application/x-test\r\n"));
		cr_expect(has(&r.head, i % 2 ? "\r\nContent-Length: 1000000\r\n"
					     : "\r\nTransfer-Encoding: chunked\r\n"));
		cr_assert_eq(r.body.len, 1000000);
		for (size_t k = 0; k < r.body.len; k++) {
			cr_assert_eq(r.body.data[k], k % 251);
		}
		cr_expect_gt(d.drained, 3);
		ask_end(&f, &r);
		end(&f, &d);
	}
}

Test(http_stream, nothing_at_all)
{
	for (int i = 0; i < 2; i++) {
		struct fixture f = { 0 };
		struct download d = { .length = i ? 0 : -1 };
		struct reply r;
		begin(&f, &d, &(struct http_options){ 0 });
		ask_begin(&f, &(struct ask){ .path = "/down", .method = "GET" }, &r);
		curl_easy_setopt(r.easy, CURLOPT_PRIVATE, &r);
		until(&f, d.began == 1);
		if (d.x) {
			http_stream_end(d.x);
		}
		until(&f, is_done(&f, &r));
		cr_expect(r.status == 200 && r.result == CURLE_OK && r.body.len == 0);
		ask_end(&f, &r);
		end(&f, &d);
	}
}

Test(http_stream, the_head_and_each_write_are_sent_at_once)
{
	struct fixture f = { 0 };
	struct download d = { .length = -1 };
	auto_buf struct buf got = { 0 };
	begin(&f, &d, &(struct http_options){ 0 });
	int fd = raw_open(&f);
	raw_send(&f, fd, GET_DOWN("GET", "1.1"));
	until(&f, d.x);
	fixture_settle(&f); /* shorter than the kernel would wait for more */
	raw_read(fd, &got);
	cr_expect(has(&got, "\r\n\r\n"));
	http_stream_write(d.x, "abc", 3);
	raw_until(&f, fd, &got, "\r\n3\r\nabc\r\n");
	http_stream_write(d.x, "defg", 4);
	raw_until(&f, fd, &got, "\r\n4\r\ndefg\r\n");
	until(&f, d.drained == 2);
	http_stream_end(d.x);
	raw_until(&f, fd, &got, "\r\n0\r\n\r\n");
	until(&f, d.closed == 1);
	raw_send(&f, fd, GET_DOWN("GET", "1.1"));
	until(&f, d.began == 2);
	close(fd);
	end(&f, &d);
}

Test(http_stream, head_has_no_body)
{
	struct fixture f = { 0 };
	struct download d = { .length = 5, .total = 10, .feed = 5 };
	auto_buf struct buf got = { 0 };
	begin(&f, &d, &(struct http_options){ 0 });
	int fd = raw_open(&f);
	raw_send(&f, fd, GET_DOWN("HEAD", "1.1") GET_DOWN("GET", "1.1"));
	raw_until(&f, fd, &got, "Content-Length: 5\r\n");
	raw_until(&f, fd, &got, "\r\n\r\nHTTP/1.1 200 OK\r\n");
	until(&f, d.closed == 2);
	close(fd);
	end(&f, &d);
}

Test(http_stream, a_204_and_a_304_end_with_their_head)
{
	for (int i = 0; i < 4; i++) {
		struct fixture f = { 0 };
		struct download d = { .status = i % 2 ? 304 : 204, .length = i / 2 ? 5 : -1 };
		auto_buf struct buf got = { 0 };
		begin(&f, &d, &(struct http_options){ 0 });
		int fd = raw_open(&f);
		for (int k = 1; k <= 2; k++) {
			raw_send(&f, fd, GET_DOWN("GET", "1.1"));
			until(&f, d.began == k);
			if (d.x) {
				http_stream_end(d.x);
			}
			until(&f, d.closed == k);
		}
		raw_until(&f, fd, &got, "\r\n\r\nHTTP/1.1 ");
		cr_expect_not(has(&got, "Transfer-Encoding") || has(&got, "Content-Length: 5"));
		close(fd);
		end(&f, &d);
	}
}

Test(http_stream, not_more_and_not_less_than_the_length)
{
	struct fixture f = { 0 };
	struct download d = { .length = 5 };
	struct reply r;
	begin(&f, &d, &(struct http_options){ 0 });
	for (int i = 0; i < 2; i++) {
		ask_begin(&f, &(struct ask){ .path = "/down", .method = "GET" }, &r);
		curl_easy_setopt(r.easy, CURLOPT_PRIVATE, &r);
		until(&f, d.began == i + 1);
		http_stream_write(d.x, "123", 3);
		if (i) {
			http_stream_end(d.x);
		} else {
			http_stream_write(d.x, "456", 3);
		}
		until(&f, is_done(&f, &r));
		cr_expect_eq(r.result, i ? CURLE_PARTIAL_FILE : CURLE_OK);
		cr_expect_str_eq(buf_text(&r.body), i ? "123" : "12345");
		ask_end(&f, &r);
	}
	end(&f, &d);
}

Test(http_stream, abort_is_no_end)
{
	static const int64_t lengths[] = { -1, 1000000, -1 };
	for (int i = 0; i < 3; i++) {
		struct fixture f = { 0 };
		struct download d = { .length = lengths[i] };
		auto_buf struct buf got = { 0 };
		begin(&f, &d, &(struct http_options){ 0 });
		int fd = raw_open(&f);
		raw_send(&f, fd, GET_DOWN("GET", "1.1"));
		until(&f, d.x);
		http_stream_write(d.x, "abc", 3);
		raw_until(&f, fd, &got, "abc");
		if (i == 2) { /* also while the client reads nothing */
			for (int k = 0; k < 20; k++) {
				http_stream_write(d.x, block, sizeof(block));
			}
			fixture_settle(&f);
		}
		http_stream_abort(d.x);
		until(&f, d.closed == 1);
		raw_until_closed(&f, fd, &got);
		cr_expect_not(has(&got, "\r\n0\r\n"));
		close(fd);
		end(&f, &d);
	}
}

Test(http_stream, abort_before_an_answer)
{
	struct fixture f = { 0 };
	struct upload u = { .room = 2 };
	fixture_begin(&f);
	upload_route(&f, &u);
	for (int i = 0; i < 2; i++) {
		auto_buf struct buf got = { 0 };
		int fd = raw_open(&f);
		u.room = i ? 2 : 100;
		raw_send(&f, fd, UPLOAD_HEAD "Content-Length: 3000\r\n\r\nabc");
		until(&f, u.x && u.got.len > 0);
		buf_done(&u.got);
		http_stream_abort(u.x);
		raw_until_closed(&f, fd, &got);
		cr_expect_eq(got.len, 0);
		until(&f, u.closed == i + 1);
		close(fd);
	}
	fixture_end(&f);
}

Test(http_stream, a_client_that_leaves_is_noticed)
{
	static const char *const ways[] = { "close", "shut down", "reset" };
	for (int i = 0; i < 3; i++) {
		struct fixture f = { 0 };
		struct download d = { .length = i % 2 ? 1000 : -1 };
		auto_buf struct buf got = { 0 };
		static const struct linger hard = { .l_onoff = 1 };
		begin(&f, &d, &(struct http_options){ 0 });
		int fd = raw_open(&f);
		raw_send(&f, fd, GET_DOWN("GET", "1.1"));
		raw_until(&f, fd, &got, "\r\n\r\n");
		http_stream_write(d.x, "abc", 3);
		raw_until(&f, fd, &got, "abc");
		fixture_settle(&f);
		cr_expect_eq(d.closed, 0, "%s", ways[i]);
		if (i == 1) {
			shutdown(fd, SHUT_WR);
		} else {
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, i == 2 ? sizeof(hard) : 0);
			close(fd);
		}
		until(&f, d.closed == 1);
		if (i == 1) {
			close(fd);
		}
		end(&f, &d);
	}
}

Test(http_stream, http_1_0_reads_to_the_end)
{
	struct fixture f = { 0 };
	struct download d = { .length = -1, .total = 1000000, .feed = 100000 };
	auto_buf struct buf got = { 0 };
	begin(&f, &d, &(struct http_options){ 0 });
	int fd = raw_open(&f);
	raw_send(&f, fd, GET_DOWN("GET", "1.0"));
	raw_until_closed(&f, fd, &got);
	cr_expect_gt(got.len, 1000000);
	cr_expect_not(has(&got, "chunked"));
	close(fd);
	end(&f, &d);
}

Test(http_stream, an_unread_one_is_bounded)
{
	struct budgets *budgets = budgets_new(3000000, 3000000);
	struct fixture f = { 0 };
	struct download d = { .length = -1 };
	begin(&f, &d, &(struct http_options){ .budgets = budgets });
	int fd = raw_open(&f);
	raw_send(&f, fd, GET_DOWN("GET", "1.1"));
	until(&f, d.x);
	for (int i = 0; d.x && i < 1000; i++) {
		http_stream_write(d.x, block, sizeof(block));
		cr_assert_leq(budgets_used(budgets), 3000000);
		fixture_turn(&f);
	}
	until(&f, d.closed == 1);
	close(fd);
	end(&f, &d);
	cr_expect_eq(budgets_used(budgets), 0);
	budgets_unref(budgets);
}

/* ---- before the body's end ---- */

static void run_early(struct http_exchange *x, void *data)
{
	struct download *d = data;
	d->x = x;
	d->began++;
	http_on_closed(x, on_download_closed, d);
	http_stream_begin(x, 200, NULL, 3);
	http_stream_write(x, "abc", 3);
}

Test(http_stream, begun_before_the_body_has_come)
{
	struct fixture f = { 0 };
	struct download d = { 0 };
	struct reply r;
	static char body[2000000];
	fixture_begin(&f);
	http_add_route(f.http,
		&(struct http_route){
			.path = "/early", .run = run_early, .data = &d, .streams_body = true });
	memset(body, 'x', sizeof(body));
	fetch(&f, &(struct ask){ .path = "/early", .body = body, .body_len = sizeof(body) }, &r);
	cr_expect(r.status == 200 && r.result == CURLE_OK);
	cr_expect_str_eq(buf_text(&r.body), "abc");
	ask_end(&f, &r);
	end(&f, &d);
}

static void begin_echo(struct fixture *f, struct echo *e)
{
	fixture_begin_with(f, &(struct http_options){ .header_timeout_ms = 200 });
	echo_route(f, e);
}

static void end_echo(struct fixture *f, struct echo *e)
{
	until(f, e->closed == 1);
	fixture_end(f);
}

Test(http_stream, both_directions_at_once)
{
	static char body[3000000];
	for (size_t i = 0; i < sizeof(body); i++) {
		body[i] = (char)(i * 2654435761u >> 13);
	}
	for (int i = 0; i < 4; i++) {
		struct fixture f = { 0 };
		struct echo e = { .length = i % 2 ? (int64_t)sizeof(body) : -1 };
		struct reply r;
		begin_echo(&f, &e);
		fetch(&f,
			&(struct ask){ .path = "/echo",
				.body = body,
				.body_len = sizeof(body),
				.headers = { i / 2 ? "Transfer-Encoding: chunked" : NULL } },
			&r);
		cr_expect(r.status == 200 && r.result == CURLE_OK, "%d", r.result);
		cr_expect(r.body.len == sizeof(body) && memcmp(r.body.data, body, r.body.len) == 0);
		cr_expect_gt(e.drained, 0);
		ask_end(&f, &r);
		end_echo(&f, &e);
	}
}

#define ECHO_HEAD \
	"POST /echo HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer alices-token\r\n" \
	"Transfer-Encoding: chunked\r\n\r\n"

Test(http_stream, a_response_before_any_part_of_the_body)
{
	struct fixture f = { 0 };
	struct echo e = { .length = 3 };
	auto_buf struct buf got = { 0 };
	begin_echo(&f, &e);
	int fd = raw_open(&f);
	raw_send(&f, fd,
		"POST /echo HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer alices-token\r\n"
		"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	until(&f, e.x);
	http_stream_begin(e.x, 200, NULL, 3);
	raw_until(&f, fd, &got, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n");
	raw_send(&f, fd, "abc");
	raw_until_closed(&f, fd, &got);
	cr_expect(has(&got, "\r\n\r\nabc"));
	close(fd);
	end_echo(&f, &e);
}

Test(http_stream, parts_of_both_sides_wait_for_each_other)
{
	struct fixture f = { 0 };
	struct echo e = { .length = -1 };
	auto_buf struct buf got = { 0 };
	begin_echo(&f, &e);
	int fd = raw_open(&f);
	raw_send(&f, fd, ECHO_HEAD "3\r\nabc\r\n");
	raw_until(&f, fd, &got, "\r\n\r\n3\r\nabc\r\n");
	for (uint64_t from = loop_now_us(); loop_now_us() < from + 400000;) {
		fixture_turn(&f); /* longer than header_timeout_ms */
	}
	cr_expect_eq(sd_event_run(f.event, 0), 0, "nothing happens meanwhile");
	raw_send(&f, fd, "2\r\nde\r\n");
	raw_until(&f, fd, &got, "\r\n2\r\nde\r\n");
	raw_send(&f, fd, "0\r\n\r\n");
	raw_until(&f, fd, &got, "\r\n0\r\n\r\n");
	raw_until_closed(&f, fd, &got);
	cr_expect(has(&got, "\r\nConnection: close\r\n"));
	close(fd);
	end_echo(&f, &e);
}

Test(http_stream, a_client_that_leaves_in_both_directions)
{
	for (int i = 0; i < 3; i++) {
		struct fixture f = { 0 };
		struct echo e = { .length = -1 };
		auto_buf struct buf got = { 0 };
		begin_echo(&f, &e);
		int fd = raw_open(&f);
		raw_send(&f, fd, ECHO_HEAD "3\r\nabc\r\n");
		raw_until(&f, fd, &got, "\r\nabc\r\n");
		if (i == 1) {
			http_stream_abort(e.x);
			raw_until_closed(&f, fd, &got);
			cr_expect_not(has(&got, "\r\n0\r\n"));
		} else if (i == 2) {
			http_stream_end(e.x); /* before the request */
			raw_until(&f, fd, &got, "\r\n0\r\n\r\n");
			raw_until_closed(&f, fd, &got);
		}
		close(fd);
		end_echo(&f, &e);
	}
}

/* ---- many ---- */

Test(http_stream, idle_ones_up_to_the_number_of_connections)
{
	struct fixture f = { 0 };
	struct download d = { .length = -1 };
	static int fds[1200];
	int n = sizeof(fds) / sizeof(fds[0]), refused = 0;
	begin(&f, &d, &(struct http_options){ .max_connections = 1000 });
	for (int i = 0; i < n; i++) {
		fds[i] = raw_open(&f);
		raw_send(&f, fds[i], GET_DOWN("GET", "1.1"));
	}
	for (int i = 0; i < n; i++) {
		auto_buf struct buf got = { 0 };
		until(&f, raw_read(fds[i], &got) || has(&got, "\r\n\r\n"));
		refused += !has(&got, "200 OK");
	}
	cr_expect_eq(http_counts(f.http)->streams, 750, "%u", http_counts(f.http)->streams);
	cr_expect_eq(refused, n - 750);
	for (int i = 0; i < n; i++) {
		close(fds[i]);
	}
	end(&f, &d);
}

/* ---- taken over ---- */

struct taken {
	struct http_exchange *x;
	int fd, closed;
	char target[100];
	struct buf headers;
};

static void on_taken_closed(struct http_exchange *x, void *data)
{
	(void)x;
	((struct taken *)data)->closed++;
}

static void on_taken(struct http_exchange *x, int fd, void *data)
{
	struct taken *t = data;
	(void)x;
	t->fd = fd;
}

static void note_header(const char *name, const char *value, void *data)
{
	buf_printf(data, "%s=%s;", name, value);
}

static void run_take_over(struct http_exchange *x, void *data)
{
	struct taken *t = data;
	t->x = x;
	snprintf(t->target, sizeof(t->target), "%s", http_target(x));
	http_each_header(x, note_header, &t->headers);
	http_on_closed(x, on_taken_closed, t);
	http_take_over(x, on_taken, t);
}

Test(http_stream, a_connection_is_taken_over)
{
	struct fixture f = { 0 };
	struct taken t = { .fd = -1 };
	auto_buf struct buf got = { 0 };
	char bytes[10];
	fixture_begin(&f);
	http_add_route(f.http, &(struct http_route){ .path = "/raw/",
				       .run = run_take_over,
				       .data = &t,
				       .open = true,
				       .streams_body = true });
	int fd = raw_open(&f);
	raw_send(&f, fd,
		"GET /raw/a%20b?q=%41&r HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\nUpgrade: x\r\n"
		"x-a: 2 \r\nConnection: upgrade\r\n\r\n");
	until(&f, t.fd >= 0);
	cr_expect_str_eq(t.target, "/raw/a%20b?q=%41&r");
	cr_expect_str_eq(
		buf_text(&t.headers), "Host=localhost;X-A=1;Upgrade=x;x-a=2;Connection=upgrade;");
	raw_read(fd, &got);
	cr_expect_eq(got.len, 0, "nothing is sent by itself");
	raw_send(&f, fd, "hello");
	cr_expect_eq(http_upgraded_recv(t.x, bytes, sizeof(bytes)), 5);
	cr_expect_eq(http_upgraded_send(t.x, "HTTP/1.1 101 ", 13, false), 13);
	raw_until(&f, fd, &got, "HTTP/1.1 101 ");
	http_upgrade_end(t.x);
	raw_until_closed(&f, fd, &got);
	until(&f, t.closed == 1);
	close(fd);
	fixture_end(&f);
	buf_done(&t.headers);
}
