// USES transport PkgConfig::curl
/* What one principal may make the server hold, and that the others do not feel it. */
#include "tests/support/http_fixture.h"

static struct budgets *budgets;

static void begin_counted(struct fixture *f, size_t each, size_t all)
{
	budgets = budgets_new(each, all);
	fixture_begin_with(f, &(struct http_options){ .budgets = budgets });
}

static void end_counted(struct fixture *f)
{
	fixture_end(f);
	cr_expect_eq(budgets_used(budgets), 0, "everything is given back");
	budgets_unref(budgets);
}

static int open_body(struct fixture *f, size_t length)
{
	char head[400];
	int fd = raw_open(f);
	snprintf(head, sizeof(head), RAW_POST "Content-Length: %zu\r\n\r\n{\"half\":", length);
	raw_send(f, fd, head);
	return fd;
}

Test(http_budget, counts_each_and_all)
{
	struct budgets *both = budgets_new(10, 15);
	struct budget *a = budget_ref(both, "a"), *b = budget_ref(both, "b");
	size_t held = 0;
	cr_assert_eq(budget_ref(both, "a"), a);
	budget_unref(a);
	cr_assert(budget_set(a, &held, 10));
	cr_assert_not(budget_set(a, &held, 11));
	cr_assert(held == 10 && budget_is_own_limit(a, 1) && !budget_is_own_limit(b, 6));
	cr_assert_not(budget_take(b, 6), "all together");
	cr_assert_not(budget_take(b, SIZE_MAX));
	cr_assert(budget_take(b, 5));
	cr_assert_eq(budgets_used(both), 15);
	cr_assert(budget_set(a, &held, 3) && budget_take(b, 5));
	budget_give(b, 10);
	budget_give(a, 3);
	budgets_unref(both);
	budget_unref(b);
	budget_unref(a);
	cr_assert(budget_take(NULL, SIZE_MAX), "without a budget there is no limit");
}

Test(http_budget, bodies_on_their_way)
{
	struct fixture f = { 0 };
	auto_buf struct buf got = { 0 };
	begin_counted(&f, 2000000, 10000000);
	int first = open_body(&f, 900000), second = open_body(&f, 900000);
	until(&f, budgets_used(budgets) == 1800000);
	int third = open_body(&f, 900000);
	raw_until_closed(&f, third, &got);
	cr_expect(has(&got, "HTTP/1.1 429 ") && has(&got, "\r\nRetry-After: 1\r\n") &&
			  has(&got, "send fewer requests at once"),
		"%s", buf_text(&got));
	cr_expect_eq(http_counts(f.http)->rejected_memory, 1);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}" }), 200, "small ones still fit");
	static char big[900000];
	memset(big, 'x', sizeof(big));
	struct ask bobs = { .body = big, .body_len = sizeof(big), .token = "bobs-token" };
	cr_expect_eq(status_of(&f, &bobs), 200, "others have their own");
	close(first);
	until(&f, budgets_used(budgets) == 900000);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = big, .body_len = 800000 }), 503,
		"a body that fits, but not with its answer");
	close(second);
	until(&f, budgets_used(budgets) == 0);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = big, .body_len = 800000 }), 200);
	close(third);
	end_counted(&f);
}

Test(http_budget, a_body_of_unknown_length)
{
	struct fixture f = { 0 };
	auto_buf struct buf got = { 0 }, chunk = { 0 };
	static char big[600000];
	memset(big, 'x', sizeof(big));
	begin_counted(&f, 1000000, 10000000);
	buf_printf(&chunk, "%zx\r\n", sizeof(big));
	buf_append(&chunk, big, sizeof(big));
	buf_printf(&chunk, "\r\n");
	int fd = raw_open(&f);
	raw_send(&f, fd, RAW_POST "Transfer-Encoding: chunked\r\n\r\n");
	raw_send_len(&f, fd, (char *)chunk.data, chunk.len);
	until(&f, budgets_used(budgets) >= sizeof(big));
	cr_expect_leq(budgets_used(budgets), sizeof(big) + 65536);
	raw_send_len(&f, fd, (char *)chunk.data, chunk.len);
	raw_until_closed(&f, fd, &got);
	cr_expect(has(&got, "429 Too Many Requests\r\n") && has(&got, "\r\nRetry-After: 1\r\n"),
		"%s", buf_text(&got));
	cr_expect_eq(f.messages, 0);
	close(fd);
	end_counted(&f);
}

Test(http_budget, when_all_is_used_up)
{
	struct fixture f = { 0 };
	struct reply r;
	static char big[900000];
	begin_counted(&f, 2000000, 2500000);
	int fds[] = { open_body(&f, 950000), open_body(&f, 950000) };
	until(&f, budgets_used(budgets) == 1900000);
	memset(big, 'x', sizeof(big));
	fetch(&f, &(struct ask){ .body = big, .body_len = sizeof(big), .token = "bobs-token" }, &r);
	cr_expect_eq(r.status, 503);
	cr_expect(has(&r.body, "memory limit") && has(&r.head, "\r\nRetry-After: 1\r\n"));
	ask_end(&f, &r);
	close(fds[0]);
	close(fds[1]);
	end_counted(&f);
}

Test(http_budget, who_has_no_token_sends_little)
{
	struct fixture f = { 0 };
	static char big[HTTP_SMALL_BODY + 1];
	fixture_begin(&f);
	http_add_route(f.http, &(struct http_route){ .path = "/open", .open = true });
	memset(big, 'x', sizeof(big));
	struct ask ask = { .path = "/open", .body = big, .body_len = sizeof(big), .token = "" };
	cr_expect_eq(status_of(&f, &ask), 413);
	ask.headers[0] = "Transfer-Encoding: chunked";
	cr_expect_eq(status_of(&f, &ask), 413);
	cr_expect_eq(http_counts(f.http)->rejected_size, 2);
	fixture_end(&f);
}

/* ---- what nobody reads ---- */

static int open_stream(struct fixture *f, const char *token, struct transport_conn **ret_conn)
{
	char head[300];
	int fd = raw_open(f), opened = f->opened;
	snprintf(head, sizeof(head),
		"GET /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", token);
	raw_send(f, fd, head);
	until(f, f->opened == opened + 1);
	*ret_conn = f->conn;
	return fd;
}

/* Eight streams that nobody reads, and one of the same principal's that is read: the first are cut
 * off, one after another, and the last one gets everything. */
Test(http_budget, streams_that_nobody_reads)
{
	struct fixture f = { 0 };
	static char text[4000000];
	struct transport_conn *conns[8], *read, *bobs;
	auto_buf struct buf got = { 0 }, bob = { 0 };
	int fds[8];
	begin_counted(&f, 20000000, 100000000);
	memset(text, 'x', sizeof(text));
	int reads = open_stream(&f, "alices-token", &read);
	int bobs_fd = open_stream(&f, "bobs-token", &bobs);
	bobs->transport->send(bobs, text, sizeof(text));
	for (int i = 0; i < 8; i++) {
		fds[i] = open_stream(&f, "alices-token", &conns[i]);
		for (int n = 0; n < 3 && f.closed == 0; n++) {
			conns[i]->transport->send(conns[i], text, sizeof(text));
			cr_expect_leq(budgets_used(budgets), 20000000 + sizeof(text) + 1000);
			fixture_turn(&f);
		}
	}
	until(&f, f.closed > 0);
	int closed = f.closed;
	read->transport->send(read, text, sizeof(text));
	raw_until(&f, reads, &got, "xxxx\n\n");
	cr_expect_gt(got.len, sizeof(text));
	cr_expect_geq(f.closed, closed);
	raw_until(&f, bobs_fd, &bob, "xxxx\n\n");
	cr_expect_gt(bob.len, sizeof(text), "others are not cut off for it");
	cr_expect_lt(f.closed, 9);
	for (int i = 0; i < 8; i++) {
		close(fds[i]);
	}
	close(reads);
	close(bobs_fd);
	end_counted(&f);
}

/* Answers of calls that nobody reads: whoever has too many of them lying gets no more. */
Test(http_budget, answers_that_nobody_reads)
{
	struct fixture f = { 0 };
	static char text[9000000];
	auto_buf struct buf got = { 0 };
	int fds[3];
	begin_counted(&f, 20000000, 100000000);
	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 3; i++) {
		fds[i] = raw_open(&f);
		raw_send(&f, fds[i], RAW_POST "Content-Length: 4\r\n\r\nhold");
		until(&f, f.n_held == i + 1);
	}
	for (int i = 0; i < 3; i++) {
		f.held[i]->transport->finish(f.held[i], text, sizeof(text));
		fixture_settle(&f);
	}
	cr_expect_leq(budgets_used(budgets), 20000000);
	raw_until(&f, fds[2], &got, "read them first");
	cr_expect(has(&got, "HTTP/1.1 503 ") && has(&got, "Retry-After: 1"), "%s", buf_text(&got));
	for (int i = 0; i < 3; i++) {
		close(fds[i]);
	}
	end_counted(&f);
}
