// USES conformance server
/* Tasks: what a call that takes long becomes for a client that knows them, and whose it is. */
#include "tests/support/memory_client.h"

#include "tests/conformance/conformance.h"

#include <criterion/criterion.h>
#include <stdarg.h>

#define TASKS_MAX 64 /* of one principal: server/methods/task.c */

static struct mcp_client client, other;

static void open_other(void)
{
	other = (struct mcp_client){ .conn = { .transport = &mcp_transport, .owner = "other" },
		.event = client.event,
		.server = client.server };
	server_transport_handlers.opened(&other.conn, client.server);
}

static void start(void)
{
	mcp_task_after_ms = 1;
	mcp_init_with(&client, 8, &conformance_addition);
	open_other();
}

static void stop(void)
{
	mcp_done(&client);
	buf_done(&other.heard);
}

TestSuite(mcp_tasks, .init = start, .fini = stop, .timeout = 60);

#define KNOWS "'extensions':{'io.modelcontextprotocol/tasks':{}},'elicitation':{}"

/* Asks `from`, which has these capabilities; ' stands for ". */
static json_t *ask_as(
	struct mcp_client *from, const char *capabilities, const char *method, const char *params)
{
	static int id;
	auto_buf struct buf text = { 0 };
	buf_printf(&text,
		"{'jsonrpc':'2.0','id':%d,'method':'%s','params':{%s,'_meta':{"
		"'io.modelcontextprotocol/protocolVersion':'2026-07-28',"
		"'io.modelcontextprotocol/clientCapabilities':{%s}}}}",
		++id, method, params, capabilities);
	for (size_t i = 0; i < text.len; i++) {
		text.data[i] = text.data[i] == '\'' ? '"' : text.data[i];
	}
	json_t *answer = mcp_ask(from, buf_text(&text));
	cr_assert(answer, "%s was not answered", method);
	cr_assert_eq(int_at(answer, "id"), id);
	return answer;
}

static json_t *ask(const char *method, const char *format, ...)
{
	char params[500];
	va_list args;
	va_start(args, format);
	vsnprintf(params, sizeof(params), format, args);
	va_end(args);
	return ask_as(&client, KNOWS, method, params);
}

static json_t *call(const char *tool, const char *arguments)
{
	return ask("tools/call", "'name':'%s','arguments':{%s}", tool, arguments);
}

/* The id of the task that a call has become; free() it. */
static char *make(const char *tool, const char *arguments)
{
	json_auto_t *made = call(tool, arguments);
	cr_assert_str_eq(text_at(made, "result|resultType"), "task");
	cr_assert_str_eq(text_at(made, "result|status"), "working");
	cr_assert_null(json_at(made, "result|result"));
	return must(strdup(text_at(made, "result|taskId")));
}

static json_t *get(const char *task)
{
	return ask("tasks/get", "'taskId':'%s'", task);
}

static bool is(const json_t *answer, const char *status)
{
	return strcmp(text_at(answer, "result|status"), status) == 0;
}

/* Asks until it has this status. */
static json_t *await(const char *task, const char *status)
{
	uint64_t left = CLIENT_PATIENCE_US;
	json_t *answer = get(task);
	while (!is(answer, status) && mcp_turn(&client, &left)) {
		json_decref(answer);
		answer = get(task);
	}
	cr_assert(is(answer, status), "it is %s, not %s", text_at(answer, "result|status"), status);
	return answer;
}

static void expect_unknown(struct mcp_client *from, const char *method, const char *task)
{
	char params[200];
	snprintf(params, sizeof(params), "'taskId':'%s','inputResponses':{}", task);
	json_auto_t *answer = ask_as(from, KNOWS, method, params);
	cr_expect_eq(int_at(answer, "error|code"), -32602, "%s", method);
	cr_expect(strstr(text_at(answer, "error|message"), task), "%s",
		text_at(answer, "error|message"));
}

static void expect_empty(const json_t *answer)
{
	cr_expect_str_eq(text_at(answer, "result|resultType"), "complete");
	cr_expect_eq(json_object_size(json_at(answer, "result")), 2u, "more than that and _meta");
}

/* ---- one's own ---- */

Test(mcp_tasks, a_long_call_is_a_task_and_its_result_is_kept)
{
	auto_free char *task = make("slow_compute", "'seconds':1");
	json_auto_t *early = get(task);
	cr_expect(is(early, "working"));
	cr_expect(json_is_null(json_at(early, "result|ttlMs")), "it is not known yet");
	for (int i = 0; i < 2; i++) {
		json_auto_t *done = await(task, "completed");
		cr_expect_str_eq(text_at(done, "result|result|content|0|text"), "It is computed.");
		cr_expect_gt(int_at(done, "result|ttlMs"), 600000, "from its creation");
		cr_expect_str_eq(
			text_at(done, "result|createdAt"), text_at(early, "result|createdAt"));
	}
	cr_expect_eq(server_calls(client.server), 0u);
}

Test(mcp_tasks, a_short_call_is_none)
{
	json_auto_t *answer = call("slow_compute", "'seconds':0");
	cr_expect_str_eq(text_at(answer, "result|resultType"), "complete");
	cr_expect(json_is_array(json_at(answer, "result|content")));
}

Test(mcp_tasks, a_client_that_does_not_know_them_gets_none)
{
	static const char *const methods[] = { "tasks/get", "tasks/update", "tasks/cancel",
		"subscriptions/listen" };
	json_auto_t *waited = ask_as(
		&client, "", "tools/call", "'name':'slow_compute','arguments':{'seconds':1}");
	cr_expect_str_eq(text_at(waited, "result|resultType"), "complete");
	json_auto_t *needs =
		ask_as(&client, "", "tools/call", "'name':'failing_job','arguments':{}");
	cr_expect_eq(int_at(needs, "error|code"), -32021);
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		json_auto_t *answer = ask_as(&client, "", methods[i],
			"'taskId':'x','inputResponses':{},'notifications':{'taskIds':['x']}");
		cr_expect_eq(int_at(answer, "error|code"), -32021, "%s", methods[i]);
		cr_expect(
			json_is_object(json_at(answer, "error|data|requiredCapabilities|extensions|"
						       "io.modelcontextprotocol/tasks")),
			"%s", methods[i]);
	}
}

Test(mcp_tasks, a_tools_failure_is_a_result_and_an_oversized_result_is_a_failure)
{
	auto_free char *failing = make("failing_job", "");
	auto_free char *large = make("protocol_error_job", "");
	json_auto_t *failed = await(failing, "completed");
	cr_expect(json_is_true(json_at(failed, "result|result|isError")));
	json_auto_t *lost = await(large, "failed");
	cr_expect_eq(int_at(lost, "result|error|code"), -32603);
	cr_expect_null(json_at(lost, "result|result"));
}

/* ---- whose they are ---- */

Test(mcp_tasks, to_others_they_do_not_exist)
{
	static const char *const methods[] = { "tasks/get", "tasks/update", "tasks/cancel" };
	static const char *const hostile[] = { "", "x", "aaaaaaaaaaaaaaaaaaaa", "../../x", "%s%n" };
	auto_free char *task = make("slow_compute", "'seconds':60");
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		expect_unknown(&other, methods[i], task);
		for (size_t j = 0; j < sizeof(hostile) / sizeof(*hostile); j++) {
			expect_unknown(&client, methods[i], hostile[j]);
		}
		json_auto_t *none = ask(methods[i], "'taskId':7,'inputResponses':{}");
		cr_expect_eq(int_at(none, "error|code"), -32602);
	}
	json_auto_t *still = get(task);
	cr_expect(is(still, "working"));
}

Test(mcp_tasks, they_end_with_their_owner)
{
	auto_free char *task = make("slow_compute", "'seconds':60");
	auto_free char *asks = make("confirm_delete", "'filename':'x'");
	json_decref(await(asks, "input_required"));
	server_drop_owner(client.server, "other");
	json_decref(await(task, "working"));
	server_drop_owner(client.server, "memory");
	cr_expect_eq(server_calls(client.server), 0u);
}

Test(mcp_tasks, they_end_with_the_server)
{
	free(make("slow_compute", "'seconds':60"));
	free(make("run_command", "'command':'sleep 60'"));
	auto_free char *done = make("slow_compute", "'seconds':1");
	auto_free char *asks = make("confirm_delete", "'filename':'x'");
	json_decref(await(done, "completed"));
	json_decref(await(asks, "input_required")); /* and stop() ends all of it */
}

/* ---- the end ---- */

Test(mcp_tasks, cancelled_means_cancelled)
{
	auto_free char *task = make("slow_compute", "'seconds':60");
	for (int i = 0; i < 2; i++) {
		json_auto_t *ack = ask("tasks/cancel", "'taskId':'%s'", task);
		expect_empty(ack);
		json_auto_t *answer = await(task, "cancelled");
		cr_expect_null(json_at(answer, "result|result"));
	}
	cr_expect_eq(server_calls(client.server), 0u);
}

Test(mcp_tasks, a_task_that_asks_can_be_cancelled)
{
	auto_free char *task = make("multi_input", "");
	json_decref(await(task, "input_required"));
	json_decref(ask("tasks/cancel", "'taskId':'%s'", task));
	json_decref(await(task, "cancelled"));
}

Test(mcp_tasks, one_that_waits_for_its_turn_can_be_cancelled)
{
	auto_free char *first = make("run_command", "'command':'sleep 60'");
	auto_free char *second = make("run_command", "'command':'sleep 61'");
	json_decref(ask("tasks/cancel", "'taskId':'%s'", second));
	json_decref(await(second, "cancelled"));
	json_decref(ask("tasks/cancel", "'taskId':'%s'", first));
	json_decref(await(first, "cancelled"));
}

static void start_brief(void)
{
	mcp_task_keep_ms = 1;
	start();
}

Test(mcp_tasks_brief, results_expire, .init = start_brief, .fini = stop, .timeout = 60)
{
	uint64_t left = CLIENT_PATIENCE_US;
	auto_free char *task = make("slow_compute", "'seconds':1");
	json_t *answer = get(task);
	while (!json_object_get(answer, "error") && mcp_turn(&client, &left)) {
		json_decref(answer);
		answer = get(task);
	}
	cr_expect_eq(int_at(answer, "error|code"), -32602);
	json_decref(answer);
}

Test(mcp_tasks, a_flood_is_answered_without_tasks)
{
	for (int i = 0; i < TASKS_MAX; i++) {
		free(make("slow_compute", "'seconds':3600"));
	}
	json_auto_t *waited = call("slow_compute", "'seconds':1");
	cr_expect_str_eq(text_at(waited, "result|resultType"), "complete");
	json_auto_t *others = ask_as(
		&other, KNOWS, "tools/call", "'name':'slow_compute','arguments':{'seconds':60}");
	cr_expect_str_eq(text_at(others, "result|resultType"), "task", "another has its own room");
}

/* ---- questions ---- */

/* The keys of what it asks for. */
static size_t count_client_requests(const char *task, char (*ret_keys)[40])
{
	json_auto_t *answer = await(task, "input_required");
	const char *key;
	json_t *value;
	size_t n = 0;
	json_object_foreach((json_t *)json_at(answer, "result|inputRequests"), key, value)
	{
		cr_expect_str_eq(text_at(value, "method"), "elicitation/create");
		snprintf(ret_keys[n++], sizeof(*ret_keys), "%s", key);
	}
	return n;
}

static json_t *update(const char *task, const char *key, const char *response)
{
	return ask("tasks/update", "'taskId':'%s','inputResponses':{'%s':%s}", task, key, response);
}

#define YES "{'action':'accept','content':{'confirm':true}}"

Test(mcp_tasks, answers_come_one_at_a_time)
{
	char keys[4][40], left[4][40];
	auto_free char *task = make("multi_input", "");
	cr_assert_eq(count_client_requests(task, keys), 2u);
	json_auto_t *first = update(task, keys[1], YES);
	expect_empty(first);
	cr_assert_eq(count_client_requests(task, left), 1u);
	cr_expect_str_eq(left[0], keys[0]);
	json_decref(update(task, keys[1], "{'action':'decline'}"));
	json_decref(update(task, "never-asked", "7"));
	cr_assert_eq(count_client_requests(task, left), 1u, "what was not asked changes nothing");
	json_decref(update(task, keys[0], YES));
	json_auto_t *done = await(task, "completed");
	cr_expect_null(strstr(text_at(done, "result|result|content|0|text"), "decline"));
}

Test(mcp_tasks, an_answer_that_is_none_is_refused)
{
	static const char *const wrong[] = { "7", "null", "{'action':'maybe'}",
		"{'action':'accept','content':{'confirm':'yes'}}",
		"{'action':'accept','content':{'more':1}}" };
	char keys[4][40];
	auto_free char *task = make("confirm_delete", "'filename':'x'");
	cr_assert_eq(count_client_requests(task, keys), 1u);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		json_auto_t *answer = update(task, keys[0], wrong[i]);
		cr_expect_eq(int_at(answer, "error|code"), -32602, "%s", wrong[i]);
		cr_expect(strstr(text_at(answer, "error|message"), keys[0]));
	}
	json_auto_t *none = ask("tasks/update", "'taskId':'%s'", task);
	cr_expect_eq(int_at(none, "error|code"), -32602);
	json_decref(await(task, "input_required"));
	json_decref(update(task, keys[0], "{'action':'decline'}"));
	json_decref(await(task, "completed"));
}

Test(mcp_tasks, what_is_asked_first_is_asked_before_there_is_one)
{
	json_auto_t *round = call("test_tool_with_task", "");
	cr_assert_str_eq(text_at(round, "result|resultType"), "input_required");
	cr_expect_null(json_at(round, "result|taskId"));
	json_auto_t *made =
		ask("tools/call", "'name':'test_tool_with_task','arguments':{},'inputResponses':"
				  "{'user_name':{'action':'accept','content':{'name':'Alice'}}}");
	cr_assert_str_eq(text_at(made, "result|resultType"), "task");
	json_auto_t *done = await(text_at(made, "result|taskId"), "completed");
	cr_expect(strstr(text_at(done, "result|result|content|0|text"), "Alice"));
}
