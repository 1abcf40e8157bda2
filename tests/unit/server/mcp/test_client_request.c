// USES conformance server
/* Asking the client: what a tool that asks makes of every kind of answer, in both eras. */
#include "tests/support/memory_client.h"

#include "server/mcp/client_request.h"
#include "tests/conformance/conformance.h"

#include <criterion/criterion.h>

static struct mcp_client client;

static void start(void)
{
	mcp_init_with(&client, 8, &conformance_addition);
}

static void stop(void)
{
	mcp_done(&client);
}

TestSuite(client_request, .init = start, .fini = stop, .timeout = 60);

/* Messages are written with ' for ", which none of them needs. */
static char *quoted(const char *text)
{
	char *copy = must(strdup(text));
	for (char *c = copy; (c = strchr(c, '\''));) {
		*c = '"';
	}
	return copy;
}

static void say(const char *text)
{
	auto_free char *message = quoted(text);
	mcp_say(&client, message);
}

static json_t *hear(void)
{
	json_t *message = mcp_hear(&client);
	cr_assert(message, "nothing came");
	return message;
}

static json_t *answer_to(const char *text)
{
	say(text);
	return hear();
}

/* ---- legacy ---- */

static void open_legacy(const char *capabilities)
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text,
		"{'jsonrpc':'2.0','id':0,'method':'initialize','params':{'protocolVersion':"
		"'2025-11-25','capabilities':%s,'clientInfo':{'name':'t','version':'1'}}}",
		capabilities);
	json_decref(answer_to(buf_text(&text)));
}

#define ELICIT_1 \
	"{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'test_elicitation'," \
	"'arguments':{'message':'Who?'}}}"

/* Sends a call that asks; the id of the question. */
static json_int_t ask_one(const char *call, const char *method)
{
	json_auto_t *client_request = answer_to(call);
	cr_assert_str_eq(text_at(client_request, "method"), method);
	return json_integer_value(json_at(client_request, "id"));
}

static void respond(json_int_t id, const char *rest)
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "{'jsonrpc':'2.0','id':%lld,%s}", (long long)id, rest);
	say(buf_text(&text));
}

static void expect_result(json_int_t id, bool is_error, const char *says)
{
	json_auto_t *answer = hear();
	const char *text = text_at(answer, "result|content|0|text");
	cr_assert_eq(int_at(answer, "id"), id);
	cr_assert_eq(json_is_true(json_at(answer, "result|isError")), is_error, "%s", text);
	cr_assert(strstr(text, says), "%s", text);
}

static void expect_silence(void)
{
	json_auto_t *answer = answer_to("{'jsonrpc':'2.0','id':'end','method':'ping'}");
	cr_assert_str_eq(text_at(answer, "id"), "end", "something came before the ping's answer");
}

Test(client_request, legacy_asks_and_hears)
{
	open_legacy("{'elicitation':{}}");
	say(ELICIT_1);
	json_auto_t *client_request = hear();
	cr_assert_str_eq(text_at(client_request, "method"), "elicitation/create");
	cr_assert_str_eq(text_at(client_request, "params|message"), "Who?");
	respond(int_at(client_request, "id"),
		"'result':{'action':'accept','content':{'username':'u','email':'e'}}");
	expect_result(1, false, "\"username\":\"u\"");
	expect_silence();
}

Test(client_request, legacy_declined_is_an_answer_too)
{
	open_legacy("{'elicitation':{'form':{}}}");
	respond(ask_one(ELICIT_1, "elicitation/create"), "'result':{'action':'decline'}");
	expect_result(1, false, "decline");
}

Test(client_request, legacy_without_the_capability)
{
	open_legacy("{'sampling':{}}");
	say(ELICIT_1);
	expect_result(1, true, "elicitation/create");
	expect_silence();
}

Test(client_request, legacy_answers_that_are_none)
{
	static const struct {
		const char *response, *says;
	} rows[] = {
		{ "'error':{'code':-1,'message':'no user here'}", "no user here" },
		{ "'error':7", "no reason" },
		{ "'result':7", "action must be" },
		{ "'result':{'action':'maybe'}", "action must be" },
		{ "'result':{'action':'accept'}", "\"username\"" },
		{ "'result':{'action':'accept','content':{'username':1,'email':'e'}}",
			"content.username" },
		{ "'result':{'action':'accept','content':{'username':'u','email':'e','more':1}}",
			"content.more" },
	};
	open_legacy("{'elicitation':{}}");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		respond(ask_one(ELICIT_1, "elicitation/create"), rows[i].response);
		expect_result(1, true, rows[i].says);
	}
	expect_silence();
}

Test(client_request, legacy_calls_are_told_apart)
{
	open_legacy("{'elicitation':{}}");
	json_int_t first = ask_one(ELICIT_1, "elicitation/create");
	json_int_t second =
		ask_one("{'jsonrpc':'2.0','id':2,'method':'tools/call','params':{'name':"
			"'test_elicitation','arguments':{'message':'And you?'}}}",
			"elicitation/create");
	respond(second, "'result':{'action':'accept','content':{'username':'B','email':'b'}}");
	expect_result(2, false, "\"B\"");
	respond(first, "'result':{'action':'accept','content':{'username':'A','email':'a'}}");
	expect_result(1, false, "\"A\"");
	respond(first, "'result':{'action':'cancel'}"); /* once more */
	respond(4711, "'result':{'action':'cancel'}");
	say("{'jsonrpc':'2.0','id':'x','result':{}}");
	say("{'jsonrpc':'2.0','id':0,'result':{}}");
	expect_silence();
}

Test(client_request, legacy_several_questions_at_once)
{
	open_legacy("{'elicitation':{},'sampling':{},'roots':{}}");
	say("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':"
	    "'test_input_required_result_multiple_inputs'}}");
	for (int i = 0; i < 3; i++) {
		json_auto_t *client_request = hear();
		const char *method = text_at(client_request, "method");
		respond(int_at(client_request, "id"),
			strcmp(method, "roots/list") == 0
				? "'result':{'roots':[{'uri':'file:///r'}]}"
			: strcmp(method, "sampling/createMessage") == 0
				? "'result':{'role':'assistant','model':'m','content':{'type':"
				  "'text','text':'hi'}}"
				: "'result':{'action':'accept','content':{'name':'n'}}");
	}
	expect_result(1, false, "file:///r");
}

Test(client_request, legacy_cancelled_call_takes_its_question_back)
{
	open_legacy("{'elicitation':{}}");
	json_int_t id = ask_one(ELICIT_1, "elicitation/create");
	say("{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':1}}");
	json_auto_t *taken = hear();
	cr_assert_str_eq(text_at(taken, "method"), "notifications/cancelled");
	cr_assert_eq(int_at(taken, "params|requestId"), id);
	respond(id, "'result':{'action':'cancel'}");
	expect_silence();
	cr_assert_eq(server_calls(client.server), 0);
}

Test(client_request, legacy_client_that_goes)
{
	open_legacy("{'elicitation':{}}");
	ask_one(ELICIT_1, "elicitation/create");
	cr_assert_eq(server_calls(client.server), 1);
	server_transport_handlers.closed(&client.conn, client.server);
	cr_assert_eq(server_calls(client.server), 0);
}

Test(client_request, legacy_server_that_goes)
{
	open_legacy("{'elicitation':{}}");
	ask_one(ELICIT_1, "elicitation/create"); /* stop() does the rest */
}

Test(client_request, legacy_prompt_asks)
{
	static const char get[] = "{'jsonrpc':'2.0','id':1,'method':'prompts/get','params':{'name':"
				  "'test_input_required_result_prompt'}}";
	open_legacy("{'elicitation':{}}");
	respond(ask_one(get, "elicitation/create"),
		"'result':{'action':'accept','content':{'context':'rain'}}");
	json_auto_t *answer = hear();
	cr_assert(strstr(text_at(answer, "result|messages|0|content|text"), "rain"));
	respond(ask_one(get, "elicitation/create"), "'error':{'code':-1,'message':'busy'}");
	json_auto_t *failed = hear();
	cr_assert(strstr(text_at(failed, "error|message"), "busy"));
}

/* ---- modern ---- */

#define META(capabilities) \
	"'_meta':{'io.modelcontextprotocol/protocolVersion':'2026-07-28'," \
	"'io.modelcontextprotocol/clientCapabilities':" capabilities "}"
#define CAN_ALL META("{'elicitation':{},'sampling':{},'roots':{}}")
#define CALL(tool, rest) \
	"{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'" tool "'," rest "}}"
#define ROUNDS "test_input_required_result_multi_round"
#define CONFIRM "test_input_required_result_tampered_state"

/* A request that comes again, with the state of the last answer. */
static json_t *again(const char *request, const char *state)
{
	auto_free char *text = quoted(request);
	json_auto_t *message = must(json_loads(text, 0, NULL));
	json_object_set_new(json_object_get(message, "params"), "requestState", json_string(state));
	auto_free char *sent = must(json_dumps(message, 0));
	mcp_say(&client, sent);
	return hear();
}

static void expect_code(const json_t *answer, int code, const char *says)
{
	cr_assert_eq(int_at(answer, "error|code"), code, "%s", text_at(answer, "error|message"));
	cr_assert(strstr(text_at(answer, "error|message"), says), "%s",
		text_at(answer, "error|message"));
}

Test(client_request, modern_goes_by_rounds)
{
	json_auto_t *first = answer_to(CALL(ROUNDS, CAN_ALL));
	cr_assert_str_eq(text_at(first, "result|resultType"), "input_required");
	cr_assert_str_eq(text_at(first, "result|inputRequests|step1|method"), "elicitation/create");
	json_auto_t *second = again(
		CALL(ROUNDS, CAN_ALL ",'inputResponses':{'step1':{'action':'accept','content':{"
				     "'name':'Ada'}}}"),
		text_at(first, "result|requestState"));
	cr_assert(json_at(second, "result|inputRequests|step2"));
	cr_assert_eq(json_object_size(json_at(second, "result|inputRequests")), 1);
	json_auto_t *third = again(CALL(ROUNDS, CAN_ALL ",'inputResponses':{'step2':{'action':"
							"'accept','content':{'color':'red'}}}"),
		text_at(second, "result|requestState"));
	cr_assert_str_eq(text_at(third, "result|resultType"), "complete");
	cr_assert(strstr(text_at(third, "result|content|0|text"), "red"));
	cr_assert_eq(server_calls(client.server), 0);
}

Test(client_request, modern_both_answers_at_once)
{
	json_auto_t *answer = answer_to(CALL(ROUNDS, CAN_ALL
		",'inputResponses':{'step1':{'action':'decline'},'step2':{'action':'cancel'},"
		"'step3':7}"));
	cr_assert_str_eq(text_at(answer, "result|resultType"), "complete");
}

Test(client_request, modern_without_the_capability)
{
	json_auto_t *answer = answer_to(CALL("test_input_required_result_multiple_inputs",
		META("{'elicitation':{'url':{}},'roots':{}}")));
	expect_code(answer, MCP_MISSING_CAPABILITY, "data.requiredCapabilities");
	const json_t *needed = json_at(answer, "error|data|requiredCapabilities");
	cr_assert(json_at(needed, "sampling"));
	cr_assert(json_at(needed, "elicitation|form"));
	cr_assert_eq(json_object_size(needed), 2);
}

Test(client_request, modern_responses_that_are_none)
{
	static const struct {
		const char *responses, *says;
	} rows[] = {
		{ "null", "params.inputResponses must be" },
		{ "[]", "params.inputResponses must be" },
		{ "{'confirm':7}", "params.inputResponses.confirm" },
		{ "{'confirm':{'action':'accept','content':{'ok':'yes'}}}", "content.ok" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_buf struct buf text = { 0 };
		buf_printf(&text, CALL(CONFIRM, CAN_ALL ",'inputResponses':%s"), rows[i].responses);
		json_auto_t *answer = answer_to(buf_text(&text));
		expect_code(answer, RPC_INVALID_PARAMS, rows[i].says);
	}
	json_auto_t *asked =
		answer_to(CALL(CONFIRM, CAN_ALL ",'inputResponses':{'other':{'action':'accept'}}"));
	cr_assert(json_at(asked, "result|inputRequests|confirm"), "what is missing is asked again");
}

#define CONFIRMED ",'inputResponses':{'confirm':{'action':'accept','content':{'ok':true}}}"

Test(client_request, modern_state_comes_back_as_it_was_or_not_at_all)
{
	json_auto_t *first = answer_to(CALL(CONFIRM, CAN_ALL));
	const char *state = text_at(first, "result|requestState");
	json_auto_t *good = again(CALL(CONFIRM, CAN_ALL CONFIRMED), state);
	cr_assert_str_eq(text_at(good, "result|resultType"), "complete");
	size_t len = strlen(state);
	for (size_t i = 0; i < len; i += 7) {
		auto_free char *changed = must(strdup(state));
		changed[i] = changed[i] == '1' ? '2' : '1';
		json_auto_t *answer = again(CALL(CONFIRM, CAN_ALL CONFIRMED), changed);
		expect_code(answer, RPC_INVALID_PARAMS, "requestState");
		auto_free char *cut = must(strndup(state, i));
		json_auto_t *other = again(CALL(CONFIRM, CAN_ALL CONFIRMED), cut);
		expect_code(other, RPC_INVALID_PARAMS, "requestState");
	}
	json_auto_t *elsewhere =
		again(CALL("test_input_required_result_request_state", CAN_ALL CONFIRMED), state);
	expect_code(elsewhere, RPC_INVALID_PARAMS, "same params");
	json_auto_t *with_args = again(CALL(CONFIRM, "'arguments':{}," CAN_ALL CONFIRMED), state);
	expect_code(with_args, RPC_INVALID_PARAMS, "same params");
}

Test(client_request, modern_state_of_another_principal)
{
	struct transport_conn *conn = &client.conn;
	json_auto_t *first = answer_to(CALL(CONFIRM, CAN_ALL));
	server_transport_handlers.closed(conn, client.server);
	conn->owner = "someone else";
	server_transport_handlers.opened(conn, client.server);
	json_auto_t *answer =
		again(CALL(CONFIRM, CAN_ALL CONFIRMED), text_at(first, "result|requestState"));
	expect_code(answer, RPC_INVALID_PARAMS, "requestState");
}

Test(client_request, modern_state_expires)
{
	auto_buf struct buf context = { 0 };
	buf_printf(&context, "memory tools/call {\"name\":\"" CONFIRM "\"}");
	struct state_key *state_key = &client.server->state_key;
	auto_free char *young =
		signed_state_make(state_key, &context, "{\"expires\":99999999999,\"answers\":{}}");
	json_auto_t *asked = again(CALL(CONFIRM, CAN_ALL), young);
	cr_assert_str_eq(text_at(asked, "result|resultType"), "input_required",
		"the test knows what belongs to a state");
	auto_free char *old =
		signed_state_make(state_key, &context, "{\"expires\":1,\"answers\":{}}");
	json_auto_t *answer = again(CALL(CONFIRM, CAN_ALL), old);
	expect_code(answer, RPC_INVALID_PARAMS, "expired");
}

Test(client_request, modern_answers_are_bounded)
{
	auto_buf struct buf name = { 0 }, message = { 0 };
	for (int i = 0; i < 300; i++) {
		buf_printf(&name, "%01024d", i);
	}
	buf_printf(&message,
		CALL(ROUNDS, CAN_ALL ",'inputResponses':{'step1':{'action':'accept','content':{"
				     "'name':'%s'}}}"),
		buf_text(&name));
	json_auto_t *answer = answer_to(buf_text(&message));
	expect_code(answer, RPC_INVALID_PARAMS, "262144 bytes");
}

Test(client_request, modern_prompt_asks)
{
	json_auto_t *answer = answer_to("{'jsonrpc':'2.0','id':1,'method':'prompts/get','params':{"
					"'name':'test_input_required_result_prompt'," CAN_ALL "}}");
	cr_assert_str_eq(text_at(answer, "result|resultType"), "input_required");
	cr_assert_null(json_at(answer, "result|ttlMs"));
}

/* ---- what an answer must look like ---- */

static bool check(const char *params, const char *answer)
{
	auto_free char *p = quoted(params), *a = quoted(answer);
	json_auto_t *asked = must(json_loads(p, 0, NULL)), *given = must(json_loads(a, 0, NULL));
	const struct call_client_request client_request = { "k", "elicitation/create", asked };
	struct err err;
	return client_request_check(&client_request, given, &err);
}

#define FORM(properties) \
	"{'message':'m','requestedSchema':{'type':'object','properties':{" properties "}}}"
#define GIVE(content) "{'action':'accept','content':{" content "}}"

Test(client_request, forms_take_what_their_schema_allows)
{
	static const struct {
		const char *schema, *good, *bad;
	} rows[] = {
		{ "'a':{'type':'integer'}", "'a':3", "'a':3.5" },
		{ "'a':{'type':'number'}", "'a':3.5", "'a':'3.5'" },
		{ "'a':{'type':'boolean'}", "'a':false", "'a':0" },
		{ "'a':{'type':'string','enum':['x','y']}", "'a':'y'", "'a':'z'" },
		{ "'a':{'type':'string','oneOf':[{'const':'x','title':'X'}]}", "'a':'x'",
			"'a':'X'" },
		{ "'a':{'type':'array','items':{'type':'string','enum':['x','y']}}",
			"'a':['x','y']", "'a':['x','z']" },
		{ "'a':{'type':'array','items':{'anyOf':[{'const':'x','title':'X'}]}}", "'a':['x']",
			"'a':'x'" },
		{ "'a':{'type':'string'}", "", "'a':null" },
		{ "'a':{'type':'string'}", "'a':''", "'b':''" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_buf struct buf params = { 0 }, good = { 0 }, bad = { 0 };
		buf_printf(&params, FORM("%s"), rows[i].schema);
		buf_printf(&good, GIVE("%s"), rows[i].good);
		buf_printf(&bad, GIVE("%s"), rows[i].bad);
		cr_expect(check(buf_text(&params), buf_text(&good)), "%s", rows[i].good);
		cr_expect_not(check(buf_text(&params), buf_text(&bad)), "%s", rows[i].bad);
	}
	cr_expect(check("{'mode':'url','url':'https://x'}", "{'action':'accept'}"));
}

Test(client_request, a_url_needs_its_own_capability)
{
	json_auto_t *url = json_pack("{s:s}", "mode", "url");
	const struct call_client_request at_url = { "k", "elicitation/create", url };
	const struct call_client_request form = { "k", "elicitation/create", NULL };
	json_auto_t *plain = json_pack("{s:{}}", "elicitation");
	json_auto_t *only_url = json_pack("{s:{s:{}}}", "elicitation", "url");
	cr_expect(client_request_declared(plain, &form));
	cr_expect_not(client_request_declared(plain, &at_url));
	cr_expect(client_request_declared(only_url, &at_url));
	cr_expect_not(client_request_declared(only_url, &form));
	cr_expect_not(client_request_declared(NULL, &form));
}

/* ---- lists that change ---- */

Test(client_request, lists_that_change_are_told)
{
	open_legacy("{}");
	say("{'jsonrpc':'2.0','id':9,'method':'subscriptions/listen','params':{" CAN_ALL
	    ",'notifications':{'toolsListChanged':true,'resourcesListChanged':true}}}");
	json_auto_t *granted = hear();
	cr_assert(json_is_true(json_at(granted, "params|notifications|toolsListChanged")));
	cr_assert_eq(json_object_size(json_at(granted, "params|notifications")), 1);
	say(CALL("test_trigger_prompt_change", CAN_ALL));
	json_auto_t *prompts = hear(), *first = hear();
	cr_assert_str_eq(text_at(prompts, "method"), "notifications/prompts/list_changed");
	cr_assert_null(json_at(prompts, "params"), "the legacy client's");
	cr_assert_eq(int_at(first, "id"), 1);
	say(CALL("test_trigger_tool_change", CAN_ALL));
	json_auto_t *legacy = hear(), *modern = hear(), *second = hear();
	cr_assert_str_eq(text_at(legacy, "method"), "notifications/tools/list_changed");
	cr_assert_str_eq(text_at(modern, "method"), "notifications/tools/list_changed");
	cr_assert_eq(int_at(modern, "params|_meta|io.modelcontextprotocol/subscriptionId"), 9);
	cr_assert_eq(int_at(second, "id"), 1);
}
