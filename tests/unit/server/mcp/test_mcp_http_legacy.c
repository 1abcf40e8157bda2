// USES server
/* Streamable HTTP as of 2025-03-26 to 2025-11-25: sessions, and their stream for news. */
#include "tests/support/legacy_client.h"

TestSuite(mcp_http_legacy, .init = mcp_start, .fini = mcp_stop);

/* ---- sessions ---- */

Test(mcp_http_legacy, initialize_gives_a_session_that_later_requests_name)
{
	struct session_of s = legacy_open_session();
	json_auto_t *pong = exchange_ask(&client, NULL, s.headers, PING, 200);
	cr_assert_eq(int_at(pong, "id"), 7);
	cr_assert(json_at(pong, "result"));
	json_auto_t *list = exchange_ask(&client, NULL, s.headers,
		"{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"tools/list\"}", 200);
	cr_assert_gt(json_array_size(json_at(list, "result|tools")), 10);
	cr_assert_null(json_at(list, "result|resultType"), "a modern member");
	cr_assert_eq(legacy_post(s.headers,
			     "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"),
		202);
	cr_assert_eq(legacy_post(s.headers, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"), 202);
	json_auto_t *unknown = exchange_ask(&client, NULL, s.headers,
		"{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"no/such\"}", 200);
	cr_assert_eq(int_at(unknown, "error|code"), -32601);
}

Test(mcp_http_legacy, each_initialize_is_a_session_of_its_own)
{
	struct session_of a = legacy_open_session(), b = legacy_open_session();
	cr_assert_str_neq(a.headers, b.headers);
	json_auto_t *again = exchange_ask(&client, NULL, a.headers, INITIALIZE("2025-11-25"), 200);
	cr_assert(json_at(again, "result"));
	cr_assert_eq(legacy_post(a.headers, PING), 200);
}

Test(mcp_http_legacy, an_initialize_that_fails_gives_none)
{
	struct exchange x = { 0 };
	exchange_post(&client, &x, NULL, NULL,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{}}");
	exchange_wait(&x);
	cr_assert_str_eq(x.session, "");
	json_auto_t *answer = parse_json(x.body);
	cr_assert_eq(int_at(answer, "error|code"), -32602);
	exchange_done(&x);
}

Test(mcp_http_legacy, what_names_no_session_is_refused)
{
	struct session_of s = legacy_open_session();
	json_auto_t *missing = exchange_ask(&client, NULL, NULL, PING, 400);
	cr_assert_eq(int_at(missing, "id"), 7);
	cr_assert(strstr(text_at(missing, "error|message"), "Mcp-Session-Id"));
	json_auto_t *unknown =
		exchange_ask(&client, NULL, "Mcp-Session-Id: aaaaaaaaaaaaaaaaaaaa\n", PING, 404);
	cr_assert_eq(int_at(unknown, "id"), 7);
	cr_assert_eq(legacy_post("Mcp-Session-Id: \n", PING), 404);
	cr_assert_eq(
		legacy_post(NULL, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}"), 400);
	cr_assert_eq(legacy_status_of(TRANSPORT_POST, "bob", s.headers, PING, NULL), 404,
		"bob has alice's session");
	cr_assert_eq(legacy_status_of(TRANSPORT_STREAM, "bob", s.headers, NULL, NULL), 404);
	cr_assert_eq(legacy_status_of(TRANSPORT_DELETE, "bob", s.headers, NULL, NULL), 404);
	cr_assert_eq(legacy_post(s.headers, PING), 200);
}

Test(mcp_http_legacy, the_version_header_must_be_a_version)
{
	struct session_of s = legacy_open_session();
	static const struct {
		const char *version;
		int status;
	} cases[] = {
		{ "2025-11-25", 200 },
		{ "2025-03-26", 200 }, /* the session's own goes before it */
		{ "2024-10-07", 400 },
		{ "nonsense", 400 },
		{ "", 400 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char headers[300];
		snprintf(headers, sizeof(headers), "%sMCP-Protocol-Version: %s\n", s.headers,
			cases[i].version);
		cr_assert_eq(legacy_post(headers, PING), cases[i].status, "%s", cases[i].version);
	}
}

Test(mcp_http_legacy, what_is_no_message_is_refused)
{
	struct session_of s = legacy_open_session();
	json_auto_t *broken = exchange_ask(&client, NULL, s.headers, "{\"jsonrpc\":", 400);
	cr_assert_eq(int_at(broken, "error|code"), -32700);
	cr_assert_null(json_at(broken, "id"), "newer schemas have no null id");
	cr_assert_eq(
		legacy_post(s.headers, "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}"), 400);
	cr_assert_eq(legacy_post(s.headers, "7"), 400);
	cr_assert_eq(legacy_post(s.headers, "[" PING "]"), 400, "arrays are of 2025-03-26 only");
}

Test(mcp_http_legacy, a_batch_is_answered_by_one_array)
{
	struct session_of s = legacy_open_as(NULL, INITIALIZE("2025-03-26"));
	legacy_warm_up(&s);
	json_auto_t *answer = exchange_ask(&client, NULL, s.headers,
		"[" PING "," CALL(1, "cursor_position", "", "") ",{\"jsonrpc\":\"2.0\",\"method\":"
								"\"notifications/x\"}," INITIALIZE(
									"2025-03-26") "]",
		200);
	cr_assert_eq(json_array_size(answer), 3);
	cr_assert_eq(int_at(answer, "0|id"), 7);
	cr_assert_eq(int_at(answer, "1|error|code"), -32600, "initialize in a batch");
	cr_assert(json_at(answer, "2|result|content"));
	cr_assert_eq(
		legacy_post(s.headers, "[{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}]"),
		202);
	cr_assert_eq(legacy_post(s.headers, "[]"), 400);
}

Test(mcp_http_legacy, ids_are_the_sessions)
{
	struct session_of a = legacy_open_session(), b = legacy_open_session();
	legacy_warm_up(&a);
	struct exchange x = { 0 };
	exchange_post(&client, &x, NULL, a.headers, CALL(1, "wait", "\"duration\":100", ""));
	cr_assert_eq(legacy_post(a.headers, CALL(1, "cursor_position", "", "")), 400);
	cr_assert_eq(legacy_post(b.headers, CALL(1, "cursor_position", "", "")), 200);
	exchange_done(&x);
}

Test(mcp_http_legacy, another_post_takes_a_call_back)
{
	struct session_of s = legacy_open_session();
	legacy_warm_up(&s);
	struct exchange x = { 0 };
	exchange_post(&client, &x, NULL, s.headers, CALL(1, "wait", "\"duration\":100", ""));
	legacy_wait_for_calls(1);
	cr_assert_eq(legacy_post(s.headers,
			     "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
			     "\"params\":{\"requestId\":1}}"),
		202);
	exchange_wait(&x);
	cr_assert_eq(x.n, 1, "more than the first event");
	cr_assert_null(x.events[0].text);
	legacy_wait_for_calls(0);
	exchange_done(&x);
}

Test(mcp_http_legacy, delete_ends_the_session_and_its_calls)
{
	struct session_of s = legacy_open_session();
	legacy_warm_up(&s);
	struct exchange call = { 0 }, news = { 0 }, plain = { .json_only = true };
	exchange_open(&client, &news, TRANSPORT_STREAM, NULL, s.headers);
	exchange_post(&client, &call, NULL, s.headers, CALL(1, "wait", "\"duration\":100", ""));
	exchange_post(&client, &plain, NULL, s.headers, CALL(2, "wait", "\"duration\":100", ""));
	legacy_wait_for_calls(2);
	cr_assert_eq(legacy_status_of(TRANSPORT_DELETE, NULL, s.headers, NULL, NULL), 204);
	exchange_wait(&call);
	exchange_wait(&news);
	exchange_wait(&plain);
	cr_assert_eq(plain.status, 404);
	legacy_wait_for_calls(0);
	cr_assert_eq(legacy_post(s.headers, PING), 404);
	cr_assert_eq(legacy_status_of(TRANSPORT_DELETE, NULL, s.headers, NULL, NULL), 404);
	exchange_done(&call);
	exchange_done(&news);
	exchange_done(&plain);
}

Test(mcp_http_legacy, a_get_without_a_session_is_refused_at_once)
{
	bool allow = false;
	cr_assert_eq(legacy_status_of(TRANSPORT_STREAM, NULL, NULL, NULL, &allow), 405);
	cr_assert(allow);
	cr_assert_eq(legacy_status_of(TRANSPORT_DELETE, NULL, NULL, NULL, &allow), 405);
	struct session_of s = legacy_open_session();
	struct exchange x = { .json_only = true };
	exchange_open(&client, &x, TRANSPORT_STREAM, NULL, s.headers);
	exchange_wait(&x);
	cr_assert_eq(x.status, 406);
	exchange_done(&x);
	char modern[300];
	snprintf(modern, sizeof(modern), "%sMCP-Protocol-Version: 2026-07-28\n", s.headers);
	cr_assert_eq(legacy_status_of(TRANSPORT_STREAM, NULL, modern, NULL, NULL), 405);
}

Test(mcp_http_legacy, too_many_sessions_end_the_oldest_idle_one)
{
	struct session_of first = legacy_open_session(), second = legacy_open_session();
	struct exchange news = { 0 };
	exchange_open(&client, &news, TRANSPORT_STREAM, NULL, first.headers);
	struct session_of bobs = legacy_open_as("bob", INITIALIZE("2025-11-25"));
	for (int i = 2; i < 1024; i++) {
		legacy_open_session();
	}
	cr_assert_eq(legacy_post(second.headers, PING), 200);
	struct session_of third =
		legacy_open_session(); /* one too many: not the second, it was used */
	cr_assert_eq(legacy_post(first.headers, PING), 200, "it has a stream");
	cr_assert_eq(legacy_post(second.headers, PING), 200);
	cr_assert_eq(legacy_post(third.headers, PING), 200);
	cr_assert_eq(legacy_status_of(TRANSPORT_POST, "bob", bobs.headers, PING, NULL), 200);
	size_t n = 0;
	struct session *session;
	LIST_FOREACH(session, &client.server->sessions, link)
	{
		n += session->http && strcmp(session->owner, "alice") == 0;
	}
	cr_assert_eq(n, 1024);
	exchange_done(&news);
}

Test(mcp_http_legacy, an_idle_session_ends_after_an_hour)
{
	struct session_of idle = legacy_open_session(), streaming = legacy_open_session();
	struct exchange news = { 0 };
	exchange_open(&client, &news, TRANSPORT_STREAM, NULL, streaming.headers);
	uint64_t now = loop_now_us(), minute = 60000000;
	http_session_sweep(client.server, now + 59 * minute);
	cr_assert_eq(legacy_post(idle.headers, PING), 200);
	http_session_sweep(client.server, now + 120 * minute);
	cr_assert_eq(legacy_post(idle.headers, PING), 404);
	cr_assert_eq(legacy_post(streaming.headers, PING), 200);
	exchange_done(&news);
	http_session_sweep(client.server, now + 240 * minute);
	cr_assert_null(client.server->named);
}

/* ---- the stream for news ---- */

/* desktop://ID/screen of the only sandbox, subscribed to. */
static void subscribe(const struct session_of *s, char *ret_uri, size_t size)
{
	json_auto_t *list = exchange_ask(&client, NULL, s->headers,
		"{\"jsonrpc\":\"2.0\",\"id\":\"l\",\"method\":\"resources/list\"}", 200);
	snprintf(ret_uri, size, "%s", text_at(list, "result|resources|0|uri"));
	char ask[300];
	snprintf(ask, sizeof(ask),
		"{\"jsonrpc\":\"2.0\",\"id\":\"s\",\"method\":\"resources/subscribe\",\"params\":{"
		"\"uri\":\"%s\"}}",
		ret_uri);
	json_auto_t *answer = exchange_ask(&client, NULL, s->headers, ask, 200);
	cr_assert(json_at(answer, "result"));
}

static void change_screen(const struct session_of *s)
{
	struct exchange x = { 0 };
	exchange_post(&client, &x, NULL, s->headers, CALL(50, "type", "\"text\":\"x\"", ""));
	exchange_wait(&x);
	for (size_t i = 0; i < x.n; i++) {
		cr_assert(!x.events[i].text || !strstr(x.events[i].text, "resources/updated"),
			"news on a call's stream");
	}
	exchange_done(&x);
}

static void expect_update(struct exchange *news, const char *uri)
{
	const struct event *event = exchange_event(news);
	cr_assert(event->text);
	json_auto_t *update = parse_json(event->text);
	cr_assert_str_eq(text_at(update, "method"), "notifications/resources/updated");
	cr_assert_str_eq(text_at(update, "params|uri"), uri);
	cr_assert(event->id && strncmp(event->id, "0-", 2) == 0);
}

Test(mcp_http_legacy, news_go_to_the_newest_stream_and_wait_for_one)
{
	struct session_of s = legacy_open_session();
	char uri[100];
	legacy_warm_up(&s);
	subscribe(&s, uri, sizeof(uri));
	struct exchange first = { 0 }, second = { 0 }, third = { 0 };
	exchange_open(&client, &first, TRANSPORT_STREAM, NULL, s.headers);
	const struct event *prime = exchange_event(&first);
	cr_assert(prime->id && !prime->text, "it begins with an id and no data");
	change_screen(&s);
	expect_update(&first, uri);
	exchange_open(&client, &second, TRANSPORT_STREAM, NULL, s.headers);
	exchange_wait(&first);
	size_t before = first.n;
	exchange_event(&second);
	change_screen(&s);
	expect_update(&second, uri);
	cr_assert_eq(first.n, before);
	exchange_lose(&second);
	change_screen(&s); /* while nobody listens */
	exchange_open(&client, &third, TRANSPORT_STREAM, NULL, s.headers);
	exchange_event(&third);
	expect_update(&third, uri);
	exchange_done(&first);
	exchange_done(&second);
	exchange_done(&third);
}

Test(mcp_http_legacy, lost_news_are_sent_again)
{
	struct session_of s = legacy_open_session();
	char uri[100], headers[300];
	legacy_warm_up(&s);
	subscribe(&s, uri, sizeof(uri));
	struct exchange first = { 0 }, second = { 0 };
	exchange_open(&client, &first, TRANSPORT_STREAM, NULL, s.headers);
	const struct event *prime = exchange_event(&first);
	change_screen(&s);
	expect_update(&first, uri);
	snprintf(headers, sizeof(headers), "%sLast-Event-ID: %s\n", s.headers, prime->id);
	exchange_open(&client, &second, TRANSPORT_STREAM, NULL, headers);
	expect_update(&second, uri);
	cr_assert_str_eq(second.events[0].id, first.events[1].id, "another id");
	change_screen(&s);
	expect_update(&second, uri);
	exchange_done(&first);
	exchange_done(&second);
}

Test(mcp_http_legacy, older_clients_get_no_event_without_data)
{
	struct session_of s = legacy_open_as(NULL, INITIALIZE("2025-06-18"));
	legacy_warm_up(&s);
	struct exchange news = { 0 }, call = { 0 };
	exchange_open(&client, &news, TRANSPORT_STREAM, NULL, s.headers);
	cr_assert(news.streaming);
	cr_assert_eq(news.n, 0);
	exchange_post(&client, &call, NULL, s.headers, CALL(1, "wait", "\"duration\":0.01", ""));
	exchange_wait(&call);
	cr_assert(call.body, "a stream without a need");
	exchange_done(&news);
	exchange_done(&call);
}
