// USES server
/* Streamable HTTP as of 2026-07-28: each POST is alone, and says in its headers what its message
 * says. */
#include "tests/support/memory_http.h"

#include "server/mcp/session.h"

static struct mcp_client client;

static void start(void)
{
	mcp_init(&client, 8);
}

static void stop(void)
{
	mcp_done(&client);
}

TestSuite(mcp_http_modern, .init = start, .fini = stop);

#define VERSION "MCP-Protocol-Version: 2026-07-28\n"
#define META_OF(version, more) \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"" version \
	"\",\"io.modelcontextprotocol/clientCapabilities\":{}" more "}"
#define META META_OF("2026-07-28", "")
#define REQUEST(id, method, params) \
	"{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"method\":\"" method "\",\"params\":{" params "}}"
#define CALL(id, tool, args, more) \
	REQUEST(id, "tools/call", \
		"\"name\":\"" tool "\",\"arguments\":{" args "}," META_OF("2026-07-28", more))
#define CALL_OF(tool) VERSION "Mcp-Method: tools/call\nMcp-Name: " tool "\n"
#define LIST REQUEST(1, "tools/list", META)
#define PROGRESS ",\"progressToken\":\"tok\""

static json_t *ask(const char *headers, const char *body, int status)
{
	return exchange_ask(&client, NULL, headers, body, status);
}

static void expect_code(const char *headers, const char *body, int status, int code)
{
	json_auto_t *answer = ask(headers, body, status);
	cr_assert_eq(int_at(answer, "error|code"), code, "%lld instead of %d: %s",
		int_at(answer, "error|code"), code, text_at(answer, "error|message"));
	cr_assert_eq(int_at(answer, "id"), 1, "not the request's id");
}

static void warm_up(const char *owner)
{
	struct exchange x = { 0 };
	exchange_post(
		&client, &x, owner, CALL_OF("cursor_position"), CALL(1, "cursor_position", "", ""));
	exchange_wait(&x);
	cr_assert_eq(x.status, 200);
	json_auto_t *answer = parse_json(x.body);
	cr_assert(json_at(answer, "result|content"));
	exchange_done(&x);
}

static void wait_for_calls(size_t n)
{
	uint64_t left = CLIENT_PATIENCE_US;
	while (server_calls(client.server) != n && mcp_turn(&client, &left)) {
	}
	cr_assert_eq(server_calls(client.server), n);
}

/* ---- the envelope ---- */

Test(mcp_http_modern, discover_is_one_json_answer)
{
	struct exchange x = { 0 };
	exchange_post(&client, &x, NULL, VERSION "Mcp-Method: server/discover\n",
		REQUEST(1, "server/discover", META));
	exchange_wait(&x);
	cr_assert_eq(x.status, 200);
	cr_assert_str_eq(x.session, "", "a session, where there are none");
	json_auto_t *answer = parse_json(x.body);
	cr_assert_str_eq(text_at(answer, "result|supportedVersions|0"), "2026-07-28");
	cr_assert_str_eq(text_at(answer, "result|resultType"), "complete");
	exchange_done(&x);
	cr_assert_eq(LIST_NEXT(LIST_FIRST(&client.server->sessions), link), NULL,
		"something is remembered");
}

Test(mcp_http_modern, headers_must_say_what_the_message_says)
{
	static const struct {
		const char *headers, *body;
		int status, code;
	} cases[] = {
		{ VERSION, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", 400, -32600 },
		{ "Mcp-Method: tools/list\n", LIST, 400, -32020 },
		{ VERSION, LIST, 400, -32020 },
		{ VERSION "Mcp-Method: prompts/list\n", LIST, 400, -32020 },
		{ VERSION "Mcp-Method: TOOLS/LIST\n", LIST, 400, -32020 },
		{ VERSION "Mcp-Method: \n", LIST, 400, -32020 },
		{ VERSION "Mcp-Method: tools/list\x01\n", LIST, 400, -32020 },
		{ VERSION "Mcp-Method: tools/call\n", CALL(1, "wait", "", ""), 400, -32020 },
		{ CALL_OF("screenshot"), CALL(1, "wait", "", ""), 400, -32020 },
		{ CALL_OF("WAIT"), CALL(1, "wait", "", ""), 400, -32020 },
		{ CALL_OF("=?base64?d2FpdA?="), CALL(1, "wait", "", ""), 400, -32020 },
		{ CALL_OF("=?base64?!!!!?="), CALL(1, "wait", "", ""), 400, -32020 },
		{ CALL_OF("=?base64?d2FpdAA=?="), CALL(1, "wait", "", ""), 400, -32020 },
		{ CALL_OF("=?BASE64?d2FpdA==?="), CALL(1, "wait", "", ""), 400, -32020 },
		{ VERSION "Mcp-Method: resources/read\nMcp-Name: desktop://b/screen\n",
			REQUEST(1, "resources/read", "\"uri\":\"desktop://a/screen\"," META), 400,
			-32020 },
		{ VERSION "Mcp-Method: prompts/get\n",
			REQUEST(1, "prompts/get", "\"name\":\"operate_desktop\"," META), 400,
			-32020 },
		{ VERSION "Mcp-Method: tools/list\n",
			REQUEST(1, "tools/list", META_OF("2027-01-01", "")), 400, -32020 },
		{ "MCP-Protocol-Version: 2025-11-25\nMcp-Method: tools/list\n", LIST, 400, -32020 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		expect_code(cases[i].headers, cases[i].body, cases[i].status, cases[i].code);
	}
}

Test(mcp_http_modern, headers_that_fit_are_accepted)
{
	json_auto_t *lower =
		ask("mcp-protocol-version: 2026-07-28\nmcp-method: tools/list\n", LIST, 200);
	cr_assert(json_at(lower, "result|tools"));
	warm_up(NULL);
	struct exchange x = { 0 };
	exchange_post(&client, &x, NULL, CALL_OF("=?base64?Y3Vyc29yX3Bvc2l0aW9u?="),
		CALL(1, "cursor_position", "", ""));
	exchange_wait(&x);
	cr_assert_eq(x.status, 200);
	exchange_done(&x);
}

Test(mcp_http_modern, an_envelope_that_is_wrong_is_400_and_a_method_404)
{
	static const struct {
		const char *headers, *body;
		int status, code;
	} cases[] = {
		{ VERSION "Mcp-Method: tools/list\n", REQUEST(1, "tools/list", ""), 400, -32602 },
		{ VERSION "Mcp-Method: tools/list\n",
			REQUEST(1, "tools/list",
				"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-"
				"28\"}"),
			400, -32602 },
		{ VERSION "Mcp-Method: tools/list\n",
			REQUEST(1, "tools/list",
				"\"_meta\":{\"io.modelcontextprotocol/clientCapabilities\":{}}"),
			400, -32602 },
		{ "MCP-Protocol-Version: 2027-01-01\nMcp-Method: tools/list\n",
			REQUEST(1, "tools/list", META_OF("2027-01-01", "")), 400, -32022 },
		{ VERSION "Mcp-Method: ping\n", REQUEST(1, "ping", META), 404, -32601 },
		{ VERSION "Mcp-Method: initialize\n", REQUEST(1, "initialize", META), 404, -32601 },
		{ VERSION "Mcp-Method: logging/setLevel\n", REQUEST(1, "logging/setLevel", META),
			404, -32601 },
		{ VERSION "Mcp-Method: no/such\n", REQUEST(1, "no/such", META), 404, -32601 },
		{ CALL_OF("no_such"), CALL(1, "no_such", "", ""), 200, -32602 },
		{ VERSION "Mcp-Method: tools/call\n", REQUEST(1, "tools/call", META), 200, -32602 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		expect_code(cases[i].headers, cases[i].body, cases[i].status, cases[i].code);
	}
	json_auto_t *version = ask("MCP-Protocol-Version: 2027-01-01\nMcp-Method: tools/list\n",
		REQUEST(1, "tools/list", META_OF("2027-01-01", "")), 400);
	cr_assert_str_eq(text_at(version, "error|data|requested"), "2027-01-01");
	cr_assert_str_eq(text_at(version, "error|data|supported|0"), "2026-07-28");
	json_auto_t *batch = ask(VERSION, "[" LIST "]", 400);
	cr_assert_eq(int_at(batch, "error|code"), -32600);
}

Test(mcp_http_modern, a_notification_is_accepted)
{
	struct exchange x = { 0 };
	exchange_post(&client, &x, NULL, VERSION "Mcp-Method: notifications/x\n",
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\",\"params\":{" META "}}");
	exchange_wait(&x);
	cr_assert_eq(x.status, 202);
	cr_assert_null(x.body);
	exchange_done(&x);
}

Test(mcp_http_modern, a_session_id_means_nothing)
{
	json_auto_t *answer = ask(VERSION "Mcp-Method: tools/list\nMcp-Session-Id: whatever\n"
					  "Last-Event-ID: 1-1\n",
		LIST, 200);
	cr_assert(json_at(answer, "result|tools"));
}

/* ---- answers that take their time ---- */

Test(mcp_http_modern, progress_makes_a_stream_without_ids)
{
	struct exchange x = { 0 };
	exchange_post(&client, &x, NULL, CALL_OF("cursor_position"),
		CALL(1, "cursor_position", "", PROGRESS));
	exchange_wait(&x);
	cr_assert_gt(x.n, 1);
	cr_assert_null(x.body);
	for (size_t i = 0; i < x.n; i++) {
		json_auto_t *message = parse_json(x.events[i].text);
		cr_assert_null(x.events[i].id);
		cr_assert(i + 1 < x.n ? strcmp(text_at(message, "params|progressToken"), "tok") == 0
				      : json_at(message, "result|content") != NULL);
	}
	exchange_done(&x);
}

Test(mcp_http_modern, without_a_need_there_is_no_stream)
{
	struct exchange x = { 0 }, plain = { .json_only = true };
	exchange_post(
		&client, &x, NULL, CALL_OF("cursor_position"), CALL(1, "cursor_position", "", ""));
	exchange_wait(&x);
	cr_assert(x.body);
	exchange_done(&x);
	exchange_post(&client, &plain, "bob", CALL_OF("cursor_position"),
		CALL(1, "cursor_position", "", PROGRESS));
	exchange_wait(&plain);
	cr_assert(plain.body, "a client that takes none got one");
	exchange_done(&plain);
}

Test(mcp_http_modern, a_client_that_goes_takes_its_call_back)
{
	warm_up(NULL);
	struct exchange x = { 0 }, other = { 0 };
	exchange_post(&client, &x, NULL, CALL_OF("wait"), CALL(1, "wait", "\"duration\":100", ""));
	exchange_post(
		&client, &other, NULL, CALL_OF("wait"), CALL(1, "wait", "\"duration\":100", ""));
	wait_for_calls(2);
	exchange_lose(&x);
	wait_for_calls(1);
	cr_assert_not(other.closing);
	exchange_lose(&other);
	wait_for_calls(0);
	exchange_done(&x);
	exchange_done(&other);
}

Test(mcp_http_modern, logs_go_where_they_were_asked_for)
{
	warm_up(NULL);
	struct exchange x = { 0 };
	exchange_post(&client, &x, NULL, CALL_OF("cursor_position"),
		CALL(1, "cursor_position", "", ",\"io.modelcontextprotocol/logLevel\":\"debug\""));
	exchange_wait(&x);
	cr_assert_eq(x.n, 2);
	json_auto_t *log = parse_json(x.events[0].text);
	cr_assert_str_eq(text_at(log, "method"), "notifications/message");
	exchange_done(&x);
}

/* ---- subscriptions ---- */

static void listen_to(struct exchange *x, const char *uri)
{
	char body[500];
	snprintf(body, sizeof(body),
		"{\"jsonrpc\":\"2.0\",\"id\":\"sub\",\"method\":\"subscriptions/"
		"listen\",\"params\":{"
		"\"notifications\":{\"resourceSubscriptions\":[\"%s\"]}," META "}}",
		uri);
	exchange_post(&client, x, NULL, VERSION "Mcp-Method: subscriptions/listen\n", body);
}

static void screen_uri(char *ret_uri, size_t size)
{
	json_auto_t *list = ask(
		VERSION "Mcp-Method: resources/list\n", REQUEST(1, "resources/list", META), 200);
	snprintf(ret_uri, size, "%s", text_at(list, "result|resources|0|uri"));
}

static void change_screen(void)
{
	struct exchange x = { 0 };
	exchange_post(&client, &x, NULL, CALL_OF("type"), CALL(1, "type", "\"text\":\"x\"", ""));
	exchange_wait(&x);
	cr_assert_eq(x.n, 0);
	exchange_done(&x);
}

Test(mcp_http_modern, a_subscription_is_a_stream_until_the_client_goes)
{
	char uri[100];
	struct exchange x = { 0 };
	warm_up(NULL);
	screen_uri(uri, sizeof(uri));
	listen_to(&x, uri);
	json_auto_t *ack = parse_json(exchange_event(&x)->text);
	cr_assert_str_eq(text_at(ack, "method"), "notifications/subscriptions/acknowledged");
	cr_assert_str_eq(text_at(ack, "params|notifications|resourceSubscriptions|0"), uri);
	change_screen();
	json_auto_t *update = parse_json(exchange_event(&x)->text);
	cr_assert_str_eq(text_at(update, "params|uri"), uri);
	cr_assert_str_eq(
		text_at(update, "params|_meta|io.modelcontextprotocol/subscriptionId"), "sub");
	exchange_done(&x);
	change_screen();
	cr_assert_eq(LIST_NEXT(LIST_FIRST(&client.server->sessions), link), NULL,
		"something is remembered");
}

Test(mcp_http_modern, a_subscription_needs_a_client_that_takes_streams)
{
	struct exchange x = { .json_only = true };
	listen_to(&x, "desktop://aaaaaaaaaaaaaaaaaaaa/screen");
	exchange_wait(&x);
	cr_assert_eq(x.status, 400);
	exchange_done(&x);
}

Test(mcp_http_modern, a_reader_that_stalls_gets_the_news_once)
{
	char uri[100];
	struct exchange x = { .stalled = true };
	warm_up(NULL);
	screen_uri(uri, sizeof(uri));
	listen_to(&x, uri);
	exchange_event(&x);
	x.pending = 17u << 20;
	change_screen();
	exchange_event(&x); /* the one that noticed */
	cr_assert(x.paused);
	change_screen();
	change_screen();
	cr_assert_eq(x.n, 2);
	x.stalled = false;
	x.pending = 0;
	server_transport_handlers.drained(&x.conn, client.server);
	exchange_event(&x);
	exchange_done(&x);
}

/* ---- principals ---- */

static void first_resource(const char *owner, char *ret_uri, size_t size)
{
	json_auto_t *list = exchange_ask(&client, owner, VERSION "Mcp-Method: resources/list\n",
		REQUEST(1, "resources/list", META), 200);
	cr_assert_leq(json_array_size(json_at(list, "result|resources")), 2);
	snprintf(ret_uri, size, "%s", text_at(list, "result|resources|0|uri"));
}

Test(mcp_http_modern, each_principal_has_a_desktop_of_its_own_and_no_other)
{
	char alice[100], again[100], bob[100], read[500], headers[300];
	warm_up("alice");
	warm_up("alice"); /* another connection, the same desktop */
	first_resource("alice", alice, sizeof(alice));
	first_resource("bob", bob, sizeof(bob));
	cr_assert_str_eq(bob, "", "bob sees alice's");
	warm_up("bob");
	first_resource("alice", again, sizeof(again));
	first_resource("bob", bob, sizeof(bob));
	cr_assert_str_eq(alice, again);
	cr_assert_str_neq(alice, bob);
	snprintf(read, sizeof(read), REQUEST(1, "resources/read", "\"uri\":\"%s\"," META), alice);
	snprintf(headers, sizeof(headers), VERSION "Mcp-Method: resources/read\nMcp-Name: %s\n",
		alice);
	json_auto_t *stolen = exchange_ask(&client, "bob", headers, read, 200);
	cr_assert_eq(int_at(stolen, "error|code"), -32602);
	cr_assert_null(json_at(stolen, "result"));
}

static int64_t three_for_alice(const char *owner, void *data)
{
	(void)data;
	return strcmp(owner, "alice") == 0 ? 3 : 0;
}

Test(mcp_http_modern, a_principal_has_so_many_calls_over_all_its_connections)
{
	warm_up("alice");
	warm_up("bob");
	client.server->options.max_calls_of = three_for_alice;
	struct exchange x[4] = { 0 };
	for (int i = 0; i < 3; i++) {
		exchange_post(&client, &x[i], "alice", CALL_OF("wait"),
			CALL(1, "wait", "\"duration\":100", ""));
	}
	json_auto_t *refused = exchange_ask(
		&client, "alice", CALL_OF("wait"), CALL(1, "wait", "\"duration\":100", ""), 200);
	cr_assert(json_is_true(json_at(refused, "result|isError")));
	cr_assert(strstr(text_at(refused, "result|content|0|text"), "3 calls"));
	exchange_post(
		&client, &x[3], "bob", CALL_OF("wait"), CALL(1, "wait", "\"duration\":100", ""));
	wait_for_calls(4);
	for (int i = 0; i < 4; i++) {
		exchange_done(&x[i]);
	}
	wait_for_calls(0);
	warm_up("alice");
}

Test(mcp_http_modern, the_server_may_end_with_calls_in_flight)
{
	static struct exchange call, stream;
	warm_up(NULL);
	exchange_post(
		&client, &call, NULL, CALL_OF("wait"), CALL(1, "wait", "\"duration\":100", ""));
	listen_to(&stream, "desktop://aaaaaaaaaaaaaaaaaaaa/screen");
	mcp_done(&client);
	call.closed = stream.closed = true;
	exchange_done(&call);
	exchange_done(&stream);
	start();
}
