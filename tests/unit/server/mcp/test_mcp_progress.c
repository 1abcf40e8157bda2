// USES server
/* A call that takes its time says so by itself, whatever its tool does, until it is answered. */
#include "tests/support/mcp_client.h"

#define BEATS 4

static void start_beating(void)
{
	mcp_beat_ms = 1;
	mcp_start();
}

TestSuite(mcp_progress, .init = start_beating, .fini = mcp_stop);

/* The next message, which must be progress of the call with this token; returns how far. */
static double hear_progress(const char *token, const char *said)
{
	json_auto_t *message = mcp_hear(&client);
	cr_assert_str_eq(text_at(message, "method"), "notifications/progress", "%s", said);
	cr_assert_str_eq(text_at(message, "params|progressToken"), token);
	if (said) {
		cr_assert(strstr(text_at(message, "params|message"), said), "%s",
			text_at(message, "params|message"));
	}
	return json_number_value(json_at(message, "params|progress"));
}

/* Goes up with each beat, and the call goes on. */
static void expect_beats(const char *token, const char *said)
{
	double last = -1;
	for (int i = 0; i < BEATS; i++) {
		double progress = hear_progress(token, said);
		cr_assert_gt(progress, last, "%f after %f", progress, last);
		last = progress;
	}
	cr_assert_eq(server_calls(client.server), 1);
}

static void hear_out(void)
{
	client.heard.len = 0;
}

/* Cancelled, it says nothing any more. */
static void expect_silence(void)
{
	mcp_cancel(1);
	hear_out();
	uint64_t left = 20000;
	while (mcp_turn(&client, &left)) {
	}
	cr_assert_eq(client.heard.len, 0, "%s", buf_text(&client.heard));
}

Test(mcp_progress, a_long_call_of_any_tool_says_so_again_and_again)
{
	static const char *const calls[][3] = {
		{ "wait", "{\"duration\":100}", "Wait (" },
		{ "hold_key", "{\"text\":\"a\",\"duration\":100}", "Hold a key (" },
		{ "run_command", "{\"command\":\"sleep 100\"}", "Run a command (" },
	};
	mcp_warm_up();
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		mcp_call(1, calls[i][0], calls[i][1], "\"progressToken\":\"tok\"");
		expect_beats("tok", calls[i][2]);
		expect_silence();
	}
}

Test(mcp_progress, steps_of_a_start_and_beats_after_it_only_go_up)
{
	mcp_call(1, "wait", "{\"duration\":100}", "\"progressToken\":\"tok\"");
	double last = -1;
	for (int beats = 0; beats < BEATS;) {
		json_auto_t *message = mcp_hear(&client);
		double progress = json_number_value(json_at(message, "params|progress"));
		cr_assert_gt(progress, last, "%f after %f", progress, last);
		last = progress;
		beats += strstr(text_at(message, "params|message"), " s)") != NULL;
	}
	cr_assert_gt(last, 5, "the stages of the start come before");
	expect_silence();
}

Test(mcp_progress, nothing_is_told_after_the_answer)
{
	mcp_warm_up();
	mcp_call(1, "wait", "{\"duration\":0.05}", "\"progressToken\":\"tok\"");
	json_t *message;
	while ((message = mcp_hear(&client)) && json_object_get(message, "method")) {
		json_decref(message);
	}
	cr_assert_eq(int_at(message, "id"), 1);
	json_decref(message);
	expect_silence();
}

Test(mcp_progress, without_a_token_there_is_none)
{
	mcp_warm_up();
	mcp_call(1, "wait", "{\"duration\":0.05}", "");
	json_auto_t *answer = mcp_hear(&client);
	cr_assert_eq(int_at(answer, "id"), 1);
}
