// USES server
/* Slow and hostile clients, and the end of the input with calls in flight. */
#include "tests/support/mcp_client.h"

TestSuite(mcp_hostile, .init = mcp_start, .fini = mcp_stop);

Test(mcp_hostile, a_client_that_does_not_read_is_held_back)
{
	client.stalled = true;
	int asked = 0;
	while (!client.paused && asked < 100000) {
		mcp_say(&client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}");
		asked++;
	}
	cr_assert(client.paused, "%zu bytes wait and it goes on reading", client.pending);
	cr_assert_lt(client.most_pending, 17u << 20);
	buf_consume(&client.heard, client.heard.len);
	client.stalled = false;
	client.pending = 0;
	server_transport_handlers.drained(&client.conn, client.server);
	cr_assert_not(client.paused);
	mcp_expect_pong("afterwards");
}

static unsigned long long seed = 20261101;
static unsigned below(unsigned n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(seed >> 33) % n;
}

/* A request in its prime, then some of its bytes changed, doubled or cut. */
static void spoil(struct buf *line)
{
	static const char *const good[] = {
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
		"call\",\"params\":{\"name\":\"left_click\","
		"\"arguments\":{\"coordinate\":[1,2]}}}",
		"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"resources/"
		"read\",\"params\":{\"uri\":"
		"\"desktop://abcdefghij0123456789/screen\",\"_meta\":{" META "}}}",
		"[{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"initialize\",\"params\":{"
		"\"protocolVersion\":\"2025-"
		"03-26\"}}]",
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
		"cancelled\",\"params\":{\"requestId\":1}}",
		"{\"jsonrpc\":\"2.0\",\"id\":-9223372036854775808,\"method\":\"subscriptions/"
		"listen\",\"params\":{"
		"\"notifications\":{\"resourceSubscriptions\":[\"\xc3\xa9\"]},\"_meta\":{" META
		"}}}",
		"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"prompts/"
		"get\",\"params\":{\"name\":\"\\u0000\\ud800\"}}",
	};
	static const char bytes[] = "{}[]\",:0e.-\\\x01\x7f\xc3\xff\xed aZ";
	buf_printf(line, "%s", good[below(sizeof(good) / sizeof(good[0]))]);
	for (unsigned n = below(4); n > 0; n--) {
		line->data[below((unsigned)line->len)] = (uint8_t)bytes[below(sizeof(bytes) - 1)];
	}
	if (below(4) == 0) {
		line->len = below((unsigned)line->len) + 1;
		line->data[line->len] = '\0';
	}
}

Test(mcp_hostile, a_thousand_hostile_lines_leave_it_standing)
{
	for (int i = 0; i < 1000; i++) {
		auto_buf struct buf line = { 0 };
		spoil(&line);
		mcp_say(&client, buf_text(&line));
	}
	json_auto_t *deep = NULL;
	auto_buf struct buf nested = { 0 };
	for (int i = 0; i < 100000; i++) {
		buf_append(&nested, "[", 1);
	}
	buf_consume(&client.heard, client.heard.len);
	deep = mcp_ask(&client, buf_text(&nested));
	cr_assert_eq(int_at(deep, "error|code"), -32700);
	mcp_say(&client, "{\"jsonrpc\":\"2.0\",\"id\":\"still here\",\"method\":\"ping\"}");
	bool found = false;
	json_t *message;
	while (!found && (message = mcp_hear(&client))) {
		found = strcmp(text_at(message, "id"), "still here") == 0;
		json_decref(message);
	}
	cr_assert(found);
}

Test(mcp_hostile, every_answer_to_garbage_is_one_json_object)
{
	for (int i = 0; i < 300; i++) {
		auto_buf struct buf line = { 0 };
		spoil(&line);
		mcp_say(&client, buf_text(&line));
		while (client.heard.len > 0) {
			json_auto_t *message = mcp_hear(&client);
			cr_assert(message, "not JSON, after %s", buf_text(&line));
			cr_assert(json_is_object(message) || json_is_array(message));
		}
	}
}

Test(mcp_hostile, a_refused_line_is_answered_and_no_more)
{
	struct err why;
	err_set(&why, ERR_LIMIT, "the line is too long");
	server_transport_handlers.refused(&client.conn, &why, client.server);
	json_auto_t *answer = mcp_hear(&client);
	cr_assert_eq(int_at(answer, "error|code"), -32600);
	cr_assert(json_is_null(json_at(answer, "id")));
	mcp_expect_pong("after it");
}

/* A client would wait for ever for the answer to its call. */
Test(mcp_hostile, text_that_is_none_is_refused_with_the_id_of_its_request)
{
	static const struct {
		const char *id, *text;
		bool known, hint;
	} cases[] = {
		{ "7", "a\\u0000b", true, true },
		{ "7", "half \\ud83d", true, true },
		{ "7", "\\ude80\\ud83d\\ude80", true, true },
		{ "\"seven\"", "\\ud83dx\\uDE80", true, true },
		{ "\"\\ud800\"", "fine", false, true },
		{ "7", "half \\ud83d\"", true, true },
		{ "7", "\\\\ud83d\\x", true, false },
		{ "7", "\xff\xfe", true, false },
		{ "7", "a\",\"text\":\"b", true, false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_buf struct buf text = { 0 };
		buf_printf(&text,
			"{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"tools/call\",\"params\":{"
			"\"name\":\"type\",\"arguments\":{\"text\":\"%s\"}}}",
			cases[i].id, cases[i].text);
		json_auto_t *answer = mcp_ask(&client, buf_text(&text));
		json_auto_t *id = json_loads(cases[i].id, JSON_DECODE_ANY, NULL);
		cr_expect_eq(int_at(answer, "error|code"), -32700);
		cr_expect(cases[i].known ? json_equal(json_at(answer, "id"), id)
					 : json_is_null(json_at(answer, "id")),
			"case %zu", i);
		cr_expect_eq(strstr(text_at(answer, "error|message"), "surrogate pair") != NULL,
			cases[i].hint, "case %zu: %s", i, text_at(answer, "error|message"));
	}
}

Test(mcp_hostile, numbers_that_are_too_large_are_refused_with_the_id_of_their_request)
{
	static const struct {
		const char *id, *number;
		bool known, hint;
	} cases[] = {
		{ "7", "99999999999999999999", true, true },
		{ "\"1e999 \\\" 2e999\"", "-1e999", true, true },
		{ "99999999999999999999", "1", false, true },
		{ "7", "1e", true, false },
		{ "-7", "NaN", true, false },
		{ "1.0", "Infinity", true, false },
		{ "\"a, \\\"id\\\": 3\"", "{\"id\":4,\"b\":[}", true, false },
		{ "[7]", "NaN", false, false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_buf struct buf text = { 0 };
		buf_printf(&text,
			"{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"ping\",\"params\":{\"a\":%s}}",
			cases[i].id, cases[i].number);
		json_auto_t *answer = mcp_ask(&client, buf_text(&text));
		json_auto_t *id = json_loads(cases[i].id, JSON_DECODE_ANY, NULL);
		cr_expect_eq(int_at(answer, "error|code"), -32700);
		cr_expect(cases[i].known ? json_equal(json_at(answer, "id"), id)
					 : json_is_null(json_at(answer, "id")),
			"case %zu", i);
		cr_expect_eq(strstr(text_at(answer, "error|message"), "64 bits") != NULL,
			cases[i].hint, "case %zu: %s", i, text_at(answer, "error|message"));
	}
}

Test(mcp_hostile, too_deep_a_message_is_refused_with_its_id)
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "{\"jsonrpc\":\"2.0\",\"params\":{\"a\":");
	for (int i = 0; i < 3000; i++) {
		buf_printf(&text, "[");
	}
	for (int i = 0; i < 3000; i++) {
		buf_printf(&text, "]");
	}
	buf_printf(&text, "},\n \"method\":\"ping\" , \"id\" : \"deep\" }");
	json_auto_t *answer = mcp_ask(&client, buf_text(&text));
	cr_assert_str_eq(text_at(answer, "id"), "deep");
	cr_assert_eq(int_at(answer, "error|code"), -32700);
}

/* Its id is one of ours, and the client's own request of that id is another one. */
Test(mcp_hostile, a_broken_response_is_not_answered_with_its_id)
{
	json_auto_t *answer =
		mcp_ask(&client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"method\":NaN}}");
	cr_assert(json_is_null(json_at(answer, "id")));
}

Test(mcp_hostile, null_is_as_good_as_nothing)
{
	static const char *const params[] = { "null", "[]", "{\"_meta\":null}",
		"{\"_meta\":{\"progressToken\":null}}", "{\"cursor\":null}" };
	for (size_t i = 0; i < sizeof(params) / sizeof(*params); i++) {
		auto_buf struct buf text = { 0 };
		buf_printf(&text,
			"{\"jsonrpc\":\"2.0\",\"id\":1.0,\"method\":\"tools/list\",\"params\":%s}",
			params[i]);
		json_auto_t *answer = mcp_ask(&client, buf_text(&text));
		cr_expect(json_array_size(json_at(answer, "result|tools")) > 10, "%s", params[i]);
		cr_expect_eq(json_number_value(json_at(answer, "id")), 1.0);
	}
	json_auto_t *answer = mcp_ask(&client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
					       "\"tools/call\",\"params\":{\"_meta\":null,"
					       "\"name\":\"sandbox_list\",\"arguments\":null}}");
	cr_expect(json_at(answer, "result|content"));
}

Test(mcp_hostile, a_message_has_a_number_of_values)
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{\"a\":[0");
	for (int i = 0; i < 100000; i++) {
		buf_append(&text, ",0", 2);
	}
	buf_printf(&text, "]}}");
	json_auto_t *answer = mcp_ask(&client, buf_text(&text));
	cr_assert_eq(int_at(answer, "error|code"), -32600);

	text.len = 0;
	buf_printf(&text,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{\"a\":\"\\\"");
	for (int i = 0; i < 200000; i++) {
		buf_append(&text, ",[", 2);
	}
	buf_printf(&text, "\"}}");
	json_auto_t *fine = mcp_ask(&client, buf_text(&text));
	cr_assert(json_at(fine, "result"), "what a string holds does not count");
}

Test(mcp_hostile, a_batch_has_a_size)
{
	mcp_initialize("2025-03-26");
	auto_buf struct buf text = { 0 };
	for (int i = 0; i < 101; i++) {
		buf_printf(&text, "%c7", i ? ',' : '[');
	}
	buf_printf(&text, "]");
	json_auto_t *answer = mcp_ask(&client, buf_text(&text));
	cr_assert_eq(int_at(answer, "error|code"), -32600);
}

/* ---- the end ---- */

static void run_until_idle(void)
{
	uint64_t left = CLIENT_PATIENCE_US;
	while (!client.idle && mcp_turn(&client, &left)) {
	}
	cr_assert(client.idle);
}

Test(mcp_hostile, the_end_of_input_lets_calls_be_answered)
{
	mcp_call(1, "screenshot", "{}", "");
	server_transport_handlers.ended(&client.conn, client.server);
	cr_assert_not(client.idle);
	json_auto_t *answer = mcp_hear(&client);
	cr_assert_eq(int_at(answer, "id"), 1);
	run_until_idle();
}

Test(mcp_hostile, the_end_of_input_ends_an_idle_server_at_once)
{
	server_transport_handlers.ended(&client.conn, client.server);
	run_until_idle();
}

Test(mcp_hostile, a_call_that_takes_too_long_is_answered_when_the_server_is_told_to_end)
{
	mcp_call(1, "wait", "{\"duration\":300}", "");
	server_transport_handlers.ended(&client.conn, client.server);
	server_abort(client.server, "the server ends");
	json_auto_t *answer = mcp_answer(&client);
	cr_assert_eq(int_at(answer, "id"), 1);
	run_until_idle();
	uint64_t left = CLIENT_PATIENCE_US;
	while (server_calls(client.server) > 0 && mcp_turn(&client, &left)) {
	}
	cr_assert_eq(server_calls(client.server), 0, "the call was not taken back");
	cr_assert_eq(client.heard.len, 0);
}

Test(mcp_hostile, a_reader_that_stalls_does_not_hold_up_the_end)
{
	client.stalled = true;
	mcp_say(&client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}");
	server_transport_handlers.ended(&client.conn, client.server);
	run_until_idle();
}

Test(mcp_hostile, calls_outlive_their_connection_and_are_taken_back)
{
	mcp_warm_up();
	mcp_call(1, "wait", "{\"duration\":300}", "");
	server_transport_handlers.closed(&client.conn, client.server);
	cr_assert(client.idle);
	uint64_t left = CLIENT_PATIENCE_US;
	while (server_calls(client.server) > 0 && mcp_turn(&client, &left)) {
	}
	cr_assert_eq(server_calls(client.server), 0);
	cr_assert_eq(client.heard.len, 0);
}

Test(mcp_hostile, a_server_may_end_with_calls_in_flight)
{
	mcp_warm_up();
	mcp_call(1, "wait", "{\"duration\":300}", "");
	mcp_call(2, "run_command", "{\"command\":\"sleep 300\"}", "");
	/* mcp_done() in mcp_stop() is the test: nothing leaks, nothing is used after its end. */
}
