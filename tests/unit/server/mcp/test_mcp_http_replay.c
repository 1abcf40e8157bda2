// USES server
/* Streamable HTTP as of 2025-03-26 to 2025-11-25: streams to come back to. */
#include "tests/support/legacy_client.h"

#include "server/mcp/replay.h"

TestSuite(mcp_http_replay, .init = mcp_start, .fini = mcp_stop);

/* Waits for the id a call's stream begins with. */
static void begin_call(
	struct exchange *x, const struct session_of *s, const char *call, char ret_id[64])
{
	exchange_post(&client, x, NULL, s->headers, call);
	const struct event *prime = exchange_event(x);
	cr_assert(prime->id && !prime->text);
	snprintf(ret_id, 64, "%s", prime->id);
}

static void come_back(struct exchange *x, const struct session_of *s, const char *id)
{
	static char headers[8][300];
	static int turn;
	char *to = headers[turn++ % 8];
	snprintf(to, sizeof(headers[0]), "%sLast-Event-ID: %s\n", s->headers, id);
	exchange_open(&client, x, TRANSPORT_STREAM, NULL, to);
}

Test(mcp_http_replay, a_call_answers_on_a_stream_that_ends)
{
	struct session_of s = legacy_open_session();
	char id[64];
	struct exchange x = { 0 };
	begin_call(&x, &s, CALL(1, "cursor_position", "", "\"progressToken\":5"), id);
	exchange_wait(&x);
	cr_assert_gt(x.n, 2, "no progress");
	for (size_t i = 1; i < x.n; i++) {
		json_auto_t *message = parse_json(x.events[i].text);
		cr_assert(x.events[i].id && strncmp(x.events[i].id, "1-", 2) == 0);
		cr_assert(i + 1 < x.n ? int_at(message, "params|progressToken") == 5
				      : int_at(message, "id") == 1);
	}
	exchange_done(&x);
}

Test(mcp_http_replay, a_lost_call_goes_on_and_its_answer_can_be_fetched)
{
	struct session_of s = legacy_open_session();
	legacy_warm_up(&s);
	char id[64];
	struct exchange x = { 0 }, back = { 0 }, again = { 0 };
	begin_call(&x, &s, CALL(1, "wait", "\"duration\":0.05", ""), id);
	exchange_lose(&x);
	legacy_wait_for_calls(0);
	come_back(&back, &s, id);
	exchange_wait(&back);
	cr_assert_eq(back.n, 1);
	json_auto_t *answer = parse_json(back.events[0].text);
	cr_assert_eq(int_at(answer, "id"), 1);
	cr_assert(json_at(answer, "result|content"));
	come_back(&again, &s, back.events[0].id);
	exchange_wait(&again);
	cr_assert_eq(again.status, 400, "nothing follows an answer");
	exchange_done(&x);
	exchange_done(&back);
	exchange_done(&again);
}

Test(mcp_http_replay, a_client_can_come_back_while_the_call_runs)
{
	struct session_of s = legacy_open_session();
	legacy_warm_up(&s);
	char id[64];
	struct exchange x = { 0 }, back = { 0 }, third = { 0 };
	begin_call(&x, &s, CALL(1, "wait", "\"duration\":100", ""), id);
	come_back(&back, &s, id); /* the old connection still looks alive */
	exchange_wait(&x);
	cr_assert(back.streaming);
	cr_assert_eq(server_calls(client.server), 1, "coming back cancels");
	exchange_lose(&back);
	come_back(&third, &s, id);
	cr_assert_eq(legacy_post(s.headers,
			     "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
			     "\"params\":{\"requestId\":1}}"),
		202);
	exchange_wait(&third);
	cr_assert_eq(third.n, 0);
	exchange_done(&x);
	exchange_done(&back);
	exchange_done(&third);
}

Test(mcp_http_replay, nobody_gets_another_streams_messages)
{
	struct session_of s = legacy_open_session();
	legacy_warm_up(&s);
	char one[64], two[64];
	struct exchange a = { 0 }, b = { 0 }, back = { 0 };
	begin_call(&a, &s, CALL(1, "wait", "\"duration\":0.02", ""), one);
	begin_call(&b, &s, CALL(2, "wait", "\"duration\":0.02", ""), two);
	exchange_lose(&a);
	exchange_lose(&b);
	legacy_wait_for_calls(0);
	come_back(&back, &s, two);
	exchange_wait(&back);
	cr_assert_eq(back.n, 1);
	json_auto_t *answer = parse_json(back.events[0].text);
	cr_assert_eq(int_at(answer, "id"), 2);
	exchange_done(&a);
	exchange_done(&b);
	exchange_done(&back);
}

Test(mcp_http_replay, what_no_stream_follows_is_refused)
{
	static const char *const ids[] = { "9-1", "1-", "-1", "x", "1-1x", "1-1 ", "01-1",
		"99999999999-1", "1-99999999999999999999", "-1--1",
		"1-1111111111111111111111111111111111111111111111111111111" };
	struct session_of s = legacy_open_session();
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct exchange x = { 0 };
		come_back(&x, &s, ids[i]);
		exchange_wait(&x);
		cr_assert_eq(x.status, 400, "%s", ids[i]);
		exchange_done(&x);
	}
}

Test(mcp_http_replay, a_call_may_end_its_stream_and_go_on)
{
	struct session_of s = legacy_open_session();
	legacy_warm_up(&s);
	char id[64];
	struct exchange x = { 0 }, back = { 0 };
	begin_call(&x, &s, CALL(1, "wait", "\"duration\":0.1", ""), id);
	struct conn *conn = x.conn.data;
	http_session_close_stream(conn, 321);
	http_session_close_stream(conn, 321);
	exchange_wait(&x);
	cr_assert_eq(x.n, 2);
	cr_assert_eq(x.events[1].retry_ms, 321);
	cr_assert(x.events[1].id && !x.events[1].text);
	cr_assert_eq(server_calls(client.server), 1);
	come_back(&back, &s, x.events[1].id);
	exchange_wait(&back);
	cr_assert_eq(back.n, 1);
	json_auto_t *answer = parse_json(back.events[0].text);
	cr_assert_eq(int_at(answer, "id"), 1);
	exchange_done(&x);
	exchange_done(&back);
}

Test(mcp_http_replay, a_client_that_takes_no_stream_gets_the_answer_alone)
{
	struct session_of s = legacy_open_session();
	struct exchange x = { .json_only = true };
	exchange_post(&client, &x, NULL, s.headers,
		CALL(1, "cursor_position", "", "\"progressToken\":5"));
	exchange_wait(&x);
	json_auto_t *answer = parse_json(x.body);
	cr_assert_eq(int_at(answer, "id"), 1);
	exchange_done(&x);
}

Test(mcp_http_replay, the_server_may_end_with_all_of_it_open)
{
	struct session_of s = legacy_open_session();
	legacy_warm_up(&s);
	static struct exchange news, call, lost;
	char id[64];
	exchange_open(&client, &news, TRANSPORT_STREAM, NULL, s.headers);
	begin_call(&call, &s, CALL(1, "wait", "\"duration\":100", ""), id);
	begin_call(&lost, &s, CALL(2, "wait", "\"duration\":100", ""), id);
	exchange_lose(&lost);
	mcp_done(&client);
	news.closed = call.closed = true;
	exchange_done(&news);
	exchange_done(&call);
	exchange_done(&lost);
	mcp_start();
}

/* ---- what is kept ---- */

static void keep(struct replay *replay, unsigned stream, size_t len)
{
	auto_buf struct buf text = { 0 };
	char id[REPLAY_ID_MAX];
	buf_reserve(&text, len);
	memset(text.data, 'x', len);
	text.len = len;
	text.data[len] = '\0';
	replay_keep(replay, stream, &text, id);
}

/* As many sessions as one likes do not keep more than the principal may. */
Test(replay, all_of_a_principal_keep_so_much_and_no_more)
{
	static struct replay replays[200];
	struct budgets *budgets = budgets_new(64u << 20, 64u << 20);
	struct replay_share share = { .budget = budget_ref(budgets, "ann") };
	for (size_t i = 0; i < 200; i++) {
		replay_init(&replays[i], &share);
		keep(&replays[i], 1, 700 << 10);
	}
	cr_assert_leq(share.bytes, 24u << 20);
	cr_assert_gt(share.bytes, 23u << 20);
	cr_assert_eq(budgets_used(budgets), share.bytes);
	cr_assert_eq(replays[199].last, 1, "numbers go on");
	cr_assert_eq(replays[199].count, 0);
	replay_done(&replays[0]);
	const size_t other = (40u << 20) + (500u << 10); /* requests and answers */
	cr_assert(budget_take(share.budget, other));
	size_t before = share.bytes;
	keep(&replays[199], 1, 700 << 10);
	cr_assert_eq(share.bytes, before, "the budget has no room");
	budget_give(share.budget, other);
	keep(&replays[199], 1, 50 << 10);
	cr_assert_eq(replays[199].count, 1);
	for (size_t i = 0; i < 200; i++) {
		replay_done(&replays[i]);
	}
	cr_assert_eq(budgets_used(budgets), 0);
	budget_unref(share.budget);
	budgets_unref(budgets);
}

Test(replay, keeps_the_newest)
{
	struct replay replay;
	struct replay_share share = { 0 };
	replay_init(&replay, &share);
	for (int i = 0; i < 300; i++) {
		keep(&replay, 1, 10);
	}
	cr_assert_eq(replay.count, 256);
	cr_assert_eq(replay.last, 300);
	for (int i = 0; i < 10; i++) {
		keep(&replay, 2, 1 << 20);
	}
	cr_assert_leq(replay.bytes, 4u << 20);
	cr_assert_geq(replay.count, 4);
	keep(&replay, 3, 6 << 20);
	cr_assert_eq(replay.count, 1, "one that is too large alone is kept alone");
	cr_assert_eq(share.bytes, 6u << 20);
	replay_forget(&replay, loop_now_us() + 1);
	cr_assert_eq(replay.count + replay.bytes + share.bytes, 0);
	replay_done(&replay);
}
