// USES server
/* What a transcript cannot say: calls side by side, taking back, progress, subscriptions, logging,
 * pages. */
#include "tests/support/mcp_client.h"
#include "vm/lifecycle/lifecycle.h"

TestSuite(mcp, .init = mcp_start, .fini = mcp_stop);

/* ---- calls side by side ---- */

Test(mcp, a_long_wait_delays_no_call_that_is_not_about_the_desktop)
{
	mcp_warm_up();
	mcp_call(1, "wait", "{\"duration\":100}", "");
	mcp_call(2, "sandbox_list", "{}", "");
	json_auto_t *answer = mcp_answer(&client);
	cr_assert_eq(int_at(answer, "id"), 2);
	cr_assert_eq(server_calls(client.server), 1);
}

Test(mcp, a_cancelled_call_sends_nothing)
{
	mcp_warm_up();
	mcp_call(1, "wait", "{\"duration\":100}", "\"progressToken\":1");
	mcp_expect_pong("a call in flight");
	mcp_cancel(1);
	uint64_t left = CLIENT_PATIENCE_US;
	while (server_calls(client.server) > 0 && mcp_turn(&client, &left)) {
	}
	cr_assert_eq(server_calls(client.server), 0, "the call goes on");
	mcp_expect_pong("after the cancellation");
	mcp_call(1, "cursor_position", "{}", ""); /* the id is free again */
	json_auto_t *answer = mcp_answer(&client);
	cr_assert(json_at(answer, "result|content"));
}

Test(mcp, a_call_cancelled_before_the_sandbox_is_ready_sends_nothing)
{
	mcp_call(1, "screenshot", "{}", "");
	mcp_cancel(1);
	mcp_expect_pong("cancelled at once");
	cr_assert_eq(server_calls(client.server), 0);
	mcp_warm_up();
}

Test(mcp, too_many_calls_are_refused_with_a_sentence)
{
	mcp_warm_up();
	for (int i = 1; i <= 8; i++) {
		mcp_call(i, "wait", "{\"duration\":100}", "");
	}
	mcp_call(9, "wait", "{\"duration\":100}", "");
	json_auto_t *answer = mcp_answer(&client);
	cr_assert_eq(int_at(answer, "id"), 9);
	cr_assert(json_is_true(json_at(answer, "result|isError")));
	cr_assert(strstr(text_at(answer, "result|content|0|text"), "8 calls"));
	mcp_cancel(3); /* counts as ended, at once */
	mcp_call(10, "sandbox_list", "{}", "");
	json_auto_t *after = mcp_answer(&client);
	cr_assert_eq(int_at(after, "id"), 10);
	cr_assert(json_is_false(json_at(after, "result|isError")) ||
		  !json_at(after, "result|isError"));
}

Test(mcp, an_id_in_flight_is_refused_without_that_id)
{
	mcp_warm_up();
	mcp_call(1, "wait", "{\"duration\":100}", "");
	mcp_call(1, "screenshot", "{}", "");
	json_auto_t *answer = mcp_answer(&client);
	cr_assert(json_is_null(json_at(answer, "id")));
	cr_assert_eq(int_at(answer, "error|code"), -32600);
	cr_assert_eq(server_calls(client.server), 1);
}

Test(mcp, a_batch_is_one_answer_when_its_last_call_ends)
{
	mcp_initialize("2025-03-26");
	mcp_say(&client, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
			 "call\",\"params\":{\"name\":\"wait\","
			 "\"arguments\":{\"duration\":0.05}}},{\"jsonrpc\":\"2.0\",\"id\":2,"
			 "\"method\":\"ping\"},"
			 "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/"
			 "call\",\"params\":{\"name\":\"wait\","
			 "\"arguments\":{\"duration\":100}}}]");
	cr_assert_eq(client.heard.len, 0, "a part of the batch was answered alone");
	mcp_cancel(3);
	json_auto_t *answer = mcp_hear(&client);
	cr_assert_eq(json_array_size(answer), 2, "one is cancelled and has no answer");
	cr_assert_eq(int_at(answer, "0|id"), 2);
	cr_assert_eq(int_at(answer, "1|id"), 1);
}

/* ---- the end ---- */

static void expect_idle(void)
{
	uint64_t left = CLIENT_PATIENCE_US;
	while (!client.idle && mcp_turn(&client, &left)) {
	}
	cr_assert(client.idle);
	cr_assert_eq(client.heard.len, 0, "%s", buf_text(&client.heard));
}

Test(mcp, after_the_end_of_input_what_is_in_flight_is_answered)
{
	mcp_warm_up();
	mcp_call(1, "wait", "{\"duration\":4.5}", "");
	server_transport_handlers.ended(&client.conn, client.server);
	json_auto_t *answer = mcp_answer(&client);
	cr_assert_eq(int_at(answer, "id"), 1);
	cr_expect(strstr(text_at(answer, "result|content|0|text"), "Waited 4.5s"), "%s",
		text_at(answer, "result|content|0|text"));
	expect_idle();
}

static void expect_abort(const json_t *answer, int id)
{
	cr_expect_eq(int_at(answer, "id"), id);
	cr_expect(json_is_true(json_at(answer, "result|isError")));
	cr_expect_str_eq(text_at(answer, "result|content|0|text"), "the server ends.");
}

Test(mcp, an_abort_answers_all_that_is_in_flight)
{
	mcp_warm_up();
	mcp_call(1, "wait", "{\"duration\":100}", "");
	mcp_call(2, "left_click", "{\"coordinate\":[1,2]}", ""); /* its turn has not come */
	server_abort(client.server, "the server ends");
	json_auto_t *second = mcp_answer(&client), *first = mcp_answer(&client);
	expect_abort(first, 1);
	expect_abort(second, 2);
	expect_idle();
}

Test(mcp, an_abort_answers_a_batch_as_one)
{
	mcp_initialize("2025-03-26");
	mcp_say(&client, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"},"
			 "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\","
			 "\"params\":{\"name\":\"wait\","
			 "\"arguments\":{\"duration\":100}}}]");
	server_abort(client.server, "the server ends");
	json_auto_t *answer = mcp_answer(&client);
	cr_assert_eq(json_array_size(answer), 2);
	expect_abort(json_array_get(answer, 1), 2);
	expect_idle();
}

/* ---- progress ---- */

Test(mcp, progress_goes_up_and_ends_with_the_answer)
{
	mcp_call(1, "screenshot", "{}", "\"progressToken\":\"tok\"");
	double last = -1;
	int n = 0;
	json_t *message;
	while ((message = mcp_hear(&client)) && json_object_get(message, "method")) {
		cr_assert_str_eq(text_at(message, "method"), "notifications/progress");
		cr_assert_str_eq(text_at(message, "params|progressToken"), "tok");
		double step = json_number_value(json_at(message, "params|progress"));
		cr_assert_gt(step, last, "%f after %f", step, last);
		cr_assert_gt(json_number_value(json_at(message, "params|total")), 0);
		cr_assert_neq(text_at(message, "params|message")[0], '\0');
		last = step;
		n++;
		json_decref(message);
	}
	cr_assert_gt(n, 0, "no stage of the start was told");
	cr_assert_eq(int_at(message, "id"), 1);
	json_decref(message);
	mcp_expect_pong("after the answer");
}

Test(mcp, without_a_token_there_is_no_progress)
{
	mcp_call(1, "screenshot", "{}", "");
	json_auto_t *first = mcp_hear(&client);
	cr_assert_eq(int_at(first, "id"), 1);
}

Test(mcp, the_oldest_revision_has_progress_without_a_message)
{
	mcp_initialize("2024-11-05");
	mcp_call(1, "screenshot", "{}", "\"progressToken\":5");
	json_auto_t *first = mcp_hear(&client);
	cr_assert_eq(int_at(first, "params|progressToken"), 5);
	cr_assert_null(json_at(first, "params|message"));
}

static void expect_sound_as(const char *revision, const char *type, const char *mime)
{
	mcp_initialize(revision);
	mcp_call(1, "audio_record", "{\"seconds\":1}", "");
	json_auto_t *answer = mcp_answer(&client);
	cr_expect_str_eq(text_at(answer, "result|content|0|type"), type);
	cr_expect_str_eq(text_at(answer, mime), "audio/wav");
	cr_expect_str_eq(text_at(answer, "result|content|1|type"), "text");
}

Test(mcp, sound_is_an_audio_block)
{
	expect_sound_as("2025-03-26", "audio", "result|content|0|mimeType");
}

Test(mcp, the_oldest_revision_gets_sound_as_a_resource)
{
	expect_sound_as("2024-11-05", "resource", "result|content|0|resource|mimeType");
}

/* ---- subscriptions ---- */

/* desktop://ID/screen of the only sandbox */
static char *screen_uri(void)
{
	json_auto_t *list = mcp_ask(
		&client, "{\"jsonrpc\":\"2.0\",\"id\":\"l\",\"method\":\"resources/list\"}");
	return must(strdup(text_at(list, "result|resources|0|uri")));
}

static void ask_with_uri(const char *fmt, const char *uri)
{
	auto_buf struct buf text = { 0 };
	const char *at = strstr(fmt, "URI");
	buf_append(&text, fmt, (size_t)(at - fmt));
	buf_printf(&text, "%s%s", uri, at + 3);
	mcp_say(&client, buf_text(&text));
}

/* Types, takes the answer, and returns the update, which comes before or after it; NULL: none came. */
static json_t *wait_for_update(void)
{
	mcp_call(50, "type", "{\"text\":\"x\"}", "");
	json_t *update = NULL, *message = NULL;
	bool answered = false;
	while (!(update && answered) && (message = mcp_hear(&client))) {
		answered |= json_at(message, "result") != NULL;
		if (strcmp(text_at(message, "method"), "notifications/resources/updated") == 0) {
			json_decref(update);
			update = message;
		} else {
			json_decref(message);
		}
	}
	return update;
}

Test(mcp, a_legacy_subscription_hears_of_changes_until_it_is_taken_back)
{
	mcp_warm_up();
	auto_free char *uri = screen_uri();
	ask_with_uri("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"resources/"
		     "subscribe\",\"params\":{\"uri\":"
		     "\"URI\"}}",
		uri);
	json_auto_t *answer = mcp_answer(&client);
	cr_assert(json_at(answer, "result"), "%s", text_at(answer, "error|message"));
	json_auto_t *update = wait_for_update();
	cr_assert(update, "no update");
	cr_assert_str_eq(text_at(update, "params|uri"), uri);
	cr_assert_null(json_at(update, "params|_meta"));
	ask_with_uri("{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"resources/"
		     "unsubscribe\",\"params\":{\"uri\":"
		     "\"URI\"}}",
		uri);
	json_auto_t *gone = mcp_answer(&client);
	cr_assert(json_at(gone, "result"));
}

Test(mcp, a_modern_subscription_carries_its_id_and_ends_without_a_word)
{
	mcp_warm_up();
	auto_free char *uri = screen_uri();
	ask_with_uri("{\"jsonrpc\":\"2.0\",\"id\":\"sub\",\"method\":\"subscriptions/"
		     "listen\",\"params\":{"
		     "\"notifications\":{\"resourceSubscriptions\":[\"URI\"]},\"_meta\":{" META
		     "}}}",
		uri);
	json_auto_t *ack = mcp_hear(&client);
	cr_assert_str_eq(text_at(ack, "method"), "notifications/subscriptions/acknowledged");
	json_auto_t *update = wait_for_update();
	cr_assert(update, "no update");
	cr_assert_str_eq(
		text_at(update, "params|_meta|io.modelcontextprotocol/subscriptionId"), "sub");
	mcp_say(&client, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{"
			 "\"requestId\":\"sub\"}}");
	buf_consume(&client.heard, client.heard.len);
	mcp_expect_pong("after the end of the subscription");
}

Test(mcp, an_end_of_input_ends_a_subscription_with_its_result)
{
	mcp_say(&client, "{\"jsonrpc\":\"2.0\",\"id\":\"sub\",\"method\":\"subscriptions/listen\","
			 "\"params\":{\"notifications\":{},\"_meta\":{" META "}}}");
	json_auto_t *ack = mcp_hear(&client);
	cr_assert_str_eq(text_at(ack, "method"), "notifications/subscriptions/acknowledged");
	server_transport_handlers.ended(&client.conn, client.server);
	json_auto_t *result = mcp_hear(&client);
	cr_assert_str_eq(text_at(result, "id"), "sub");
	cr_assert_str_eq(
		text_at(result, "result|_meta|io.modelcontextprotocol/subscriptionId"), "sub");
}

/* ---- logging ---- */

Test(mcp, a_legacy_client_hears_what_it_asked_for)
{
	mcp_warm_up();
	json_auto_t *set =
		mcp_ask(&client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"logging/setLevel\","
				 "\"params\":{\"level\":\"info\"}}");
	cr_assert(json_at(set, "result"));
	mcp_call(2, "cursor_position", "{}", "");
	json_auto_t *quiet = mcp_hear(&client);
	cr_assert_eq(int_at(quiet, "id"), 2, "a debug message came");
	mcp_call(3, "left_click", "{\"coordinate\":[99999,0]}", "");
	json_auto_t *note = mcp_hear(&client);
	cr_assert_str_eq(text_at(note, "method"), "notifications/message");
	cr_assert_str_eq(text_at(note, "params|level"), "info");
	cr_assert_str_eq(text_at(note, "params|data|tool"), "left_click");
}

Test(mcp, a_sandbox_that_ends_is_told_and_said_by_its_resources)
{
	mcp_warm_up();
	auto_free char *uri = screen_uri();
	json_auto_t *set = mcp_ask(&client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"logging/"
					    "setLevel\",\"params\":{\"level\":\"warning\"}}");
	cr_assert(json_at(set, "result"));
	ask_with_uri("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"resources/"
		     "subscribe\",\"params\":{\"uri\":\"URI\"}}",
		uri);
	json_auto_t *subscribed = mcp_hear(&client);
	cr_assert(json_at(subscribed, "result"));
	mcp_call(3, "launch", "{\"application\":\"crash\"}", "");
	bool told = false;
	json_t *message;
	while (!told && (message = mcp_hear(&client))) {
		told = strcmp(text_at(message, "params|logger"), "sandbox") == 0 &&
		       strstr(text_at(message, "params|data|text"), "ended") &&
		       strstr(uri, text_at(message, "params|data|sandbox"));
		json_decref(message);
	}
	cr_assert(told);
	buf_consume(&client.heard, client.heard.len);
	ask_with_uri("{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"resources/"
		     "read\",\"params\":{\"uri\":\"URI\"}}",
		uri);
	json_t *read;
	while ((read = mcp_answer(&client)) && int_at(read, "id") != 4) {
		json_decref(read);
	}
	cr_assert_eq(int_at(read, "error|code"), -32002);
	cr_assert(strstr(text_at(read, "error|message"), "crash"), "%s",
		text_at(read, "error|message"));
	json_decref(read);
}

/* ---- pages ---- */

Test(mcp, a_long_list_comes_in_pages)
{
	struct err err;
	for (int i = 0; i < 60; i++) {
		cr_assert(vm_create(client.vms, "memory", NULL, &err), "%s", err.text);
	}
	json_auto_t *first =
		mcp_ask(&client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/list\"}");
	cr_assert_eq(json_array_size(json_at(first, "result|resources")), 100);
	auto_buf struct buf text = { 0 };
	buf_printf(&text,
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"resources/"
		"list\",\"params\":{\"cursor\":\"%s\"}}",
		text_at(first, "result|nextCursor"));
	json_auto_t *rest = mcp_ask(&client, buf_text(&text));
	cr_assert_eq(json_array_size(json_at(rest, "result|resources")), 20);
	cr_assert_null(json_at(rest, "result|nextCursor"));
	for (size_t i = 0; i < 20; i++) {
		const json_t *uri = json_object_get(
			json_array_get(json_at(rest, "result|resources"), i), "uri");
		size_t j;
		json_t *seen;
		json_array_foreach(json_at(first, "result|resources"), j, seen)
		{
			cr_assert_not(json_equal(json_object_get(seen, "uri"), uri));
		}
	}
}

/* ---- who watches ---- */

struct told {
	struct activity_record last; /* of what it points to: the tool only */
	char principal[20], sandbox[ID_LEN + 1], summary[300], picture_type[20];
	size_t picture_len;
	bool failed;
};

static void on_call(const struct activity_record *record, void *data)
{
	struct told *told = data;
	told->last = *record;
	snprintf(told->principal, sizeof(told->principal), "%s", record->principal);
	snprintf(told->sandbox, sizeof(told->sandbox), "%s", record->vm ? vm_id(record->vm) : "");
	snprintf(told->summary, sizeof(told->summary), "%s", record->summary);
	snprintf(told->picture_type, sizeof(told->picture_type), "%s",
		record->picture ? record->picture_type : "");
	told->picture_len = record->picture ? strlen(record->picture) : 0;
	told->failed = record->why;
}

static const struct activity_fns follows_calls = { .call = on_call };

struct recorded {
	const char *tool, *args, *summary;
	bool failed, anywhere; /* anywhere: it is about no sandbox */
	int64_t x, y;
};

Test(mcp, each_call_is_recorded_once)
{
	static const struct recorded rows[] = {
		{ "left_click", "{\"coordinate\":[10,20]}", "Clicked.", .x = 10, .y = 20 },
		{ "type", "{\"text\":\"my secret\"}", "Typed." },
		{ "run_command", "{\"command\":\"echo a\\necho b\"}", "echo a" },
		{ "launch", "{\"application\":\"editor\"}", "Launched editor (pid " },
		{ "screenshot", "{}", "Take a screenshot" },
		{ "stream_url", "{}", "Get a link to the live desktop" },
		{ "sandbox_info", "{}", "Show a sandbox" },
		{ "sandbox_list", "{}", "List sandboxes", .anywhere = true },
		{ "key", "{\"text\":\"NoSuchKey\"}", "'text': unknown key 'NoSuchKey'",
			.failed = true },
		{ "key", "{\"text\":\"\"}", "'text' must be a string", .failed = true },
		{ "left_click", "{\"coordinate\":[9999,1]}", "'coordinate' must be on",
			.failed = true, .x = 9999, .y = 1 },
		{ "key", "{\"text\":\"a\",\"sandbox\":\"nosuch\"}", "a sandbox id must be 20",
			.failed = true, .anywhere = true },
	};
	static struct told told;
	static struct listener listener;
	mcp_warm_up();
	const struct vm *vm = vm_at(client.vms, "memory", 0);
	uint64_t before = client.activity.last_id;
	listener_add(&client.activity.calls, &listener, &follows_calls, &told);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct recorded *row = &rows[i];
		mcp_call((int)i + 1, row->tool, row->args, "");
		json_decref(mcp_answer(&client));
		cr_expect_eq(told.last.id, before + i + 1);
		cr_expect_eq(told.last.connection, 1);
		cr_expect_str_eq(told.last.tool->name, row->tool);
		cr_expect_str_eq(told.principal, "memory");
		cr_expect_str_eq(told.sandbox, row->anywhere ? "" : vm_id(vm), "%s", row->tool);
		cr_expect_eq(strncmp(told.summary, row->summary, strlen(row->summary)), 0, "%s: %s",
			row->tool, told.summary);
		cr_expect_eq(told.failed, row->failed, "%s", row->tool);
		cr_expect_eq(told.last.point.count, row->x ? 2 : 0, "%s", row->tool);
		cr_expect_eq(told.last.point.at[0], row->x);
		cr_expect_eq(told.last.point.at[1], row->y);
		cr_expect_eq(told.picture_len > 100, strcmp(row->tool, "screenshot") == 0);
		cr_expect_str_eq(told.picture_type, told.picture_len ? "image/jpeg" : "");
	}
	listener_remove(&listener);
	mcp_call(99, "key", "{\"text\":\"Return\"}", "");
	json_decref(mcp_answer(&client));
	cr_expect_str_neq(told.summary, "Pressed Return.");
}
