// USES transport PkgConfig::curl
/* The transport of 2024-11-05: a stream, and POSTs that belong to it. */
#include "tests/support/http_fixture.h"

/* A stream of alice's, and where to POST to. */
struct stream {
	struct reply r;
	char place[100];
};

static void open_stream(struct fixture *f, struct stream *s)
{
	ask_begin(f, &(struct ask){ .path = "/sse", .method = "GET" }, &s->r);
	until(f, has(&s->r.body, "\n\n"));
	cr_assert_eq(sscanf(buf_text(&s->r.body), "event: endpoint\ndata: %99s", s->place), 1);
	cr_assert_eq(strncmp(s->place, "/messages?sessionId=", 20), 0);
}

static long post(struct fixture *f, const struct stream *s, const char *text)
{
	return status_of(f, &(struct ask){ .path = s->place, .body = text });
}

Test(sse, a_stream_and_its_posts_are_one_connection)
{
	struct fixture f = { 0 };
	struct stream s;
	struct reply r;
	fixture_begin(&f);
	open_stream(&f, &s);
	cr_expect(has(&s.r.head, "Content-Type: text/event-stream\r\n"));
	cr_expect_eq(f.opened, 1);
	cr_expect_eq(f.kind, TRANSPORT_DUPLEX);
	cr_expect_null(f.conn->transport->http);
	cr_expect_str_eq(f.owner, "alice");
	fetch(&f,
		&(struct ask){ .path = s.place,
			.body = "{\"id\":1}",
			.headers = { "MCP-Protocol-Version: 2025-11-25" } },
		&r);
	cr_expect_eq(r.status, 202);
	cr_expect_str_eq(buf_text(&r.body), "Accepted");
	ask_end(&f, &r);
	until(&f, has(&s.r.body, "event: message\ndata: {\"id\":1}\n\n"));
	cr_expect_eq(post(&f, &s, "{\"id\":2}"), 202);
	until(&f, has(&s.r.body, "{\"id\":2}"));
	cr_expect_eq(f.opened, 1);
	cr_expect_eq(f.messages, 2);
	ask_end(&f, &s.r);
	until(&f, f.closed == 1);
	cr_expect_eq(post(&f, &s, "{\"id\":3}"), 404, "the stream has ended");
	fixture_end(&f);
}

Test(sse, each_stream_has_its_own)
{
	struct fixture f = { 0 };
	struct stream a, b;
	fixture_begin(&f);
	open_stream(&f, &a);
	open_stream(&f, &b);
	cr_expect_str_neq(a.place, b.place);
	post(&f, &b, "{\"for\":\"b\"}");
	post(&f, &a, "{\"for\":\"a\"}");
	until(&f, has(&a.r.body, "\"a\"") && has(&b.r.body, "\"b\""));
	cr_expect(!has(&a.r.body, "\"b\"") && !has(&b.r.body, "\"a\""));
	ask_end(&f, &a.r);
	until(&f, f.closed == 1);
	cr_expect_eq(post(&f, &b, "{\"still\":1}"), 202);
	ask_end(&f, &b.r);
	fixture_end(&f);
}

Test(sse, posts_that_do_not_belong)
{
	struct fixture f = { 0 };
	struct stream s;
	fixture_begin(&f);
	open_stream(&f, &s);
	cr_expect_eq(status_of(&f,
			     &(struct ask){ .path = s.place, .body = "{}", .token = "bobs-token" }),
		404, "another one's stream is not there");
	cr_expect_eq(
		status_of(&f, &(struct ask){ .path = s.place, .body = "{}", .token = "" }), 401);
	cr_expect_eq(status_of(&f, &(struct ask){ .path = "/messages", .body = "{}" }), 404);
	cr_expect_eq(
		status_of(&f, &(struct ask){ .path = "/messages?sessionId=x", .body = "{}" }), 404);
	cr_expect_eq(
		status_of(&f, &(struct ask){ .path = "/messages?sessionId", .body = "{}" }), 404);
	cr_expect_eq(
		status_of(&f, &(struct ask){ .path = s.place, .body = "{}", .plain = true }), 415);
	cr_expect_eq(f.messages, 0);
	ask_end(&f, &s.r);
	fixture_end(&f);
}

Test(sse, a_pause_holds_posts_in_order)
{
	struct fixture f = { .pause = true };
	struct stream s;
	struct reply later[3];
	fixture_begin(&f);
	open_stream(&f, &s);
	cr_expect_eq(post(&f, &s, "a"), 202);
	for (int i = 0; i < 3; i++) {
		const char text[] = { (char)('b' + i), '\0' };
		ask_begin(&f, &(struct ask){ .path = s.place, .body = text }, &later[i]);
		curl_easy_setopt(later[i].easy, CURLOPT_PRIVATE, &later[i]);
		fixture_settle(&f);
	}
	cr_expect_str_eq(buf_text(&f.texts), "a|");
	ask_end(&f, &later[1]); /* "c" has given up */
	fixture_settle(&f);
	f.conn->transport->pause(f.conn, false);
	cr_expect_str_eq(buf_text(&f.texts), "a|", "not from inside the call");
	until(&f, is_done(&f, &later[0]) && is_done(&f, &later[2]));
	cr_expect_str_eq(buf_text(&f.texts), "a|b|d|");
	cr_expect(later[0].status == 202 && later[2].status == 202);
	ask_end(&f, &later[0]);
	ask_end(&f, &later[2]);
	ask_end(&f, &s.r);
	fixture_end(&f);
}

Test(sse, what_was_held_is_told_when_the_stream_ends)
{
	struct fixture f = { .pause = true };
	struct stream s;
	struct reply held;
	fixture_begin(&f);
	open_stream(&f, &s);
	post(&f, &s, "a");
	ask_begin(&f, &(struct ask){ .path = s.place, .body = "b" }, &held);
	curl_easy_setopt(held.easy, CURLOPT_PRIVATE, &held);
	fixture_settle(&f);
	ask_end(&f, &s.r);
	until(&f, is_done(&f, &held));
	cr_expect_eq(held.status, 404);
	cr_expect_eq(f.closed, 1);
	cr_expect_eq(f.messages, 1);
	ask_end(&f, &held);
	fixture_end(&f);
}

Test(sse, the_server_may_end_it)
{
	struct fixture f = { 0 };
	struct stream s;
	fixture_begin(&f);
	open_stream(&f, &s);
	curl_easy_setopt(s.r.easy, CURLOPT_PRIVATE, &s.r);
	f.conn->transport->send(f.conn, "{\"last\":1}", 10);
	f.conn->transport->close(f.conn);
	cr_expect_eq(post(&f, &s, "{}"), 404);
	until(&f, is_done(&f, &s.r));
	cr_expect_eq(s.r.result, CURLE_OK);
	cr_expect(has(&s.r.body, "{\"last\":1}\n\n"), "what was queued is sent first");
	until(&f, f.closed == 1);
	ask_end(&f, &s.r);
	fixture_end(&f);
}

Test(sse, freed_with_streams_and_held_posts)
{
	struct fixture f = { .pause = true };
	struct stream s;
	struct reply held;
	fixture_begin(&f);
	open_stream(&f, &s);
	post(&f, &s, "a");
	ask_begin(&f, &(struct ask){ .path = s.place, .body = "b" }, &held);
	fixture_settle(&f);
	ask_end(&f, &held);
	ask_end(&f, &s.r);
	fixture_end(&f);
	cr_expect_eq(f.closed, 0);
}
