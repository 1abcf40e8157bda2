// USES conformance server
/* Asking a client over Streamable HTTP: questions on the call's own stream, answers in a POST of
 * their own; and arguments that a header repeats. */
#include "tests/support/memory_http.h"

#include "server/mcp/session.h"
#include "tests/conformance/conformance.h"

static struct mcp_client client;

static void start(void)
{
	mcp_init_with(&client, 8, &conformance_addition);
}

static void stop(void)
{
	mcp_done(&client);
}

TestSuite(client_request_http, .init = start, .fini = stop, .timeout = 60);

/* ---- legacy ---- */

#define INITIALIZE(version) \
	"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{" \
	"\"protocolVersion\":\"" version "\",\"capabilities\":{\"elicitation\":{}}," \
	"\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}"
#define CALL \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{" \
	"\"name\":\"test_elicitation\",\"arguments\":{\"message\":\"Who?\"}}}"

struct headers {
	char text[300];
};

static struct headers open_session(const char *initialize)
{
	struct exchange x = { 0 };
	struct headers headers;
	exchange_post(&client, &x, NULL, NULL, initialize);
	exchange_wait(&x);
	snprintf(headers.text, sizeof(headers.text), "Mcp-Session-Id: %s\n", x.session);
	exchange_done(&x);
	return headers;
}

/* The next message on a stream, past what only carries an id. */
static json_t *next_message(struct exchange *x)
{
	const struct event *event;
	while (!(event = exchange_event(x))->text) {
	}
	return parse_json(event->text);
}

static json_int_t expect_client_request(struct exchange *x)
{
	json_auto_t *client_request = next_message(x);
	cr_assert_str_eq(text_at(client_request, "method"), "elicitation/create");
	return int_at(client_request, "id");
}

static void respond(const struct headers *headers, json_int_t id, int status)
{
	struct exchange x = { 0 };
	auto_buf struct buf text = { 0 };
	buf_printf(&text,
		"{\"jsonrpc\":\"2.0\",\"id\":%lld,\"result\":{\"action\":\"accept\",\"content\":{"
		"\"username\":\"u\",\"email\":\"e\"}}}",
		(long long)id);
	exchange_post(&client, &x, NULL, headers->text, buf_text(&text));
	exchange_wait(&x);
	cr_assert_eq(x.status, status);
	exchange_done(&x);
}

static void expect_done(struct exchange *x)
{
	json_auto_t *answer = next_message(x);
	cr_assert_eq(int_at(answer, "id"), 1);
	cr_assert(strstr(text_at(answer, "result|content|0|text"), "accept"));
}

static void ask_and_hear(const char *initialize)
{
	struct headers headers = open_session(initialize);
	struct exchange call = { 0 };
	exchange_post(&client, &call, NULL, headers.text, CALL);
	respond(&headers, expect_client_request(&call), 202);
	expect_done(&call);
	exchange_wait(&call);
	exchange_done(&call);
}

Test(client_request_http, a_client_request_on_the_stream_of_its_call)
{
	ask_and_hear(INITIALIZE("2025-03-26"));
	ask_and_hear(INITIALIZE("2025-06-18"));
	ask_and_hear(INITIALIZE("2025-11-25"));
}

Test(client_request_http, only_its_own_session_answers)
{
	struct headers headers = open_session(INITIALIZE("2025-11-25"));
	struct headers other = open_session(INITIALIZE("2025-11-25"));
	struct exchange call = { 0 };
	exchange_post(&client, &call, NULL, headers.text, CALL);
	json_int_t id = expect_client_request(&call);
	respond(&other, id, 202);
	cr_assert_eq(server_calls(client.server), 1, "another session answered");
	respond(&headers, id, 202);
	expect_done(&call);
	exchange_done(&call);
}

Test(client_request_http, a_client_request_that_was_lost_comes_again)
{
	struct headers headers = open_session(INITIALIZE("2025-11-25"));
	auto_buf struct buf back = { 0 };
	struct exchange call = { 0 }, stream = { 0 };
	exchange_post(&client, &call, NULL, headers.text, CALL);
	const struct event *client_request = exchange_event(&call);
	cr_assert(client_request->id);
	cr_assert_eq(call.n, 2, "an id first, then the question");
	buf_printf(&back, "%sLast-Event-ID: %s\n", headers.text, client_request->id);
	exchange_lose(&call);
	exchange_open(&client, &stream, TRANSPORT_STREAM, NULL, buf_text(&back));
	respond(&headers, expect_client_request(&stream), 202);
	expect_done(&stream);
	exchange_done(&call);
	exchange_done(&stream);
}

Test(client_request_http, without_a_stream_nobody_can_be_asked)
{
	struct headers headers = open_session(INITIALIZE("2025-11-25"));
	struct exchange call = { .json_only = true };
	exchange_post(&client, &call, NULL, headers.text, CALL);
	exchange_wait(&call);
	json_auto_t *answer = parse_json(call.body);
	cr_assert(json_is_true(json_at(answer, "result|isError")));
	cr_assert(strstr(text_at(answer, "result|content|0|text"), "text/event-stream"));
	exchange_done(&call);
}

Test(client_request_http, the_end_of_the_session_is_the_end_of_the_question)
{
	struct headers headers = open_session(INITIALIZE("2025-11-25"));
	struct exchange call = { 0 }, end = { 0 };
	exchange_post(&client, &call, NULL, headers.text, CALL);
	json_int_t id = expect_client_request(&call);
	exchange_open(&client, &end, TRANSPORT_DELETE, NULL, headers.text);
	exchange_wait(&end);
	cr_assert_eq(server_calls(client.server), 0);
	respond(&headers, id, 404);
	exchange_done(&call);
	exchange_done(&end);
}

/* ---- modern ---- */

#define META(capabilities) \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"," \
	"\"io.modelcontextprotocol/clientCapabilities\":" capabilities "}"
#define MODERN(tool, rest, capabilities) \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"" tool \
	"\"," rest \
	META(capabilities) "}}"
#define MODERN_HEADERS(tool) \
	"MCP-Protocol-Version: 2026-07-28\nMcp-Method: tools/call\nMcp-Name: " tool "\n"

Test(client_request_http, modern_questions_are_a_plain_answer)
{
	json_auto_t *asked = exchange_ask(&client, NULL, MODERN_HEADERS("test_missing_capability"),
		MODERN("test_missing_capability", "", "{\"sampling\":{}}"), 200);
	cr_assert_str_eq(text_at(asked, "result|resultType"), "input_required");
	json_auto_t *refused =
		exchange_ask(&client, NULL, MODERN_HEADERS("test_missing_capability"),
			MODERN("test_missing_capability", "", "{\"elicitation\":{}}"), 400);
	cr_assert_eq(int_at(refused, "error|code"), MCP_MISSING_CAPABILITY);
}

Test(client_request_http, headers_repeat_arguments)
{
#define TOOL "test_custom_headers"
#define REGION "Mcp-Param-Region: "
	static const struct {
		const char *headers, *arguments;
		int status;
	} rows[] = {
		{ REGION "north\n", "\"region\":\"north\"", 200 },
		{ REGION "=?base64?bm9ydGg=?=\n", "\"region\":\"north\"", 200 },
		{ REGION "south\n", "\"region\":\"north\"", 400 },
		{ REGION "=?base64?bm9ydG?=\n", "\"region\":\"north\"", 400 },
		{ "", "\"region\":\"north\"", 400 },
		{ REGION "north\nMcp-Param-Priority: 7\nMcp-Param-Verbose: true\n",
			"\"region\":\"north\",\"priority\":7,\"verbose\":true", 200 },
		{ REGION "north\nMcp-Param-Priority: 8\n", "\"region\":\"north\",\"priority\":7",
			400 },
		{ REGION "north\nMcp-Param-Verbose: true\n",
			"\"region\":\"north\",\"verbose\":false", 400 },
		{ REGION "north\nMcp-Param-Priority: 8\n", "\"region\":\"north\"", 400 },
		{ REGION "north\nMcp-Param-Priority: 8\n", "\"region\":\"north\",\"priority\":null",
			400 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_buf struct buf headers = { 0 }, body = { 0 };
		buf_printf(&headers, MODERN_HEADERS(TOOL) "%s", rows[i].headers);
		buf_printf(&body, MODERN(TOOL, "\"arguments\":{%s},", "{}"), rows[i].arguments);
		json_auto_t *answer = exchange_ask(
			&client, NULL, buf_text(&headers), buf_text(&body), rows[i].status);
		cr_assert_eq(int_at(answer, "error|code"),
			rows[i].status == 400 ? MCP_HEADER_MISMATCH : 0, "%zu", i);
	}
}
