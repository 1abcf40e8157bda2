// USES server
/* Calls sent side by side: what one client asks of one desktop is done in order. */
#include "tests/support/mcp_client.h"

TestSuite(mcp_order, .init = mcp_start, .fini = mcp_stop);

static void expect_answer(int id)
{
	json_auto_t *answer = mcp_answer(&client);
	cr_assert_eq(int_at(answer, "id"), id, "%s", text_at(answer, "result|content|0|text"));
}

Test(mcp_order, a_look_shows_what_was_asked_for_before_it)
{
	static const char *const looks[] = { "screenshot", "cursor_position", "list_applications",
		"run_command", "sandbox_info" };
	mcp_warm_up();
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		const char *args =
			strcmp(looks[i], "run_command") == 0 ? "{\"command\":\"true\"}" : "{}";
		mcp_call(1, "hold_key", "{\"text\":\"a\",\"duration\":0.05}", "");
		mcp_call(2, "wait", "{\"duration\":0.05}", "");
		mcp_call(3, looks[i], args, "");
		for (int id = 1; id <= 3; id++) {
			expect_answer(id);
		}
	}
}

Test(mcp_order, input_waits_for_the_command_before_it)
{
	mcp_warm_up();
	mcp_call(1, "run_command", "{\"command\":\"sleep 0.05\"}", "");
	mcp_call(2, "left_click", "{\"coordinate\":[1,1]}", "");
	expect_answer(1);
	expect_answer(2);
}

Test(mcp_order, a_long_command_holds_nobody_up_for_ever)
{
	mcp_warm_up();
	mcp_call(1, "run_command", "{\"command\":\"sleep 100\"}", "");
	mcp_call(2, "left_click", "{\"coordinate\":[1,1]}", "");
	mcp_call(3, "screenshot", "{}", "");
	expect_answer(2);
	json_auto_t *answer = mcp_answer(&client);
	cr_assert_eq(int_at(answer, "id"), 3);
	const json_t *content = json_at(answer, "result|content");
	const json_t *last = json_array_get(content, json_array_size(content) - 1);
	cr_assert(strstr(text_at(last, "text"), "did not wait for run_command"));
	cr_assert_eq(server_calls(client.server), 1, "the command goes on");
}

Test(mcp_order, the_default_desktop_by_its_id_is_the_same_one)
{
	auto_buf struct buf args = { 0 };
	mcp_warm_up();
	buf_printf(&args, "{\"sandbox\":\"%s\"}", vm_id(vm_at(client.vms, "memory", 0)));
	mcp_call(1, "wait", "{\"duration\":0.05}", "");
	mcp_call(2, "screenshot", buf_text(&args), "");
	expect_answer(1);
	expect_answer(2);
}

Test(mcp_order, other_desktops_do_not_wait)
{
	auto_buf struct buf args = { 0 };
	mcp_warm_up();
	mcp_call(1, "sandbox_create", "{}", "");
	expect_answer(1);
	buf_printf(&args, "{\"sandbox\":\"%s\"}", vm_id(vm_at(client.vms, "memory", 1)));
	mcp_call(2, "wait", "{\"duration\":100}", "");
	mcp_call(3, "screenshot", buf_text(&args), "");
	expect_answer(3);
}

Test(mcp_order, what_waits_can_be_taken_back)
{
	mcp_warm_up();
	mcp_call(1, "wait", "{\"duration\":0.05}", "");
	mcp_call(2, "run_command", "{\"command\":\"sleep 100\"}", "");
	mcp_call(3, "cursor_position", "{}", "");
	mcp_cancel(2);
	expect_answer(1);
	expect_answer(3);
	cr_assert_eq(server_calls(client.server), 0);
}

/* ---- another client of the same desktop ---- */

static struct mcp_client other;

static void other_says(const char *text)
{
	auto_free char *copy = must(strdup(text));
	server_transport_handlers.message(&other.conn, copy, strlen(copy), client.server);
}

Test(mcp_order, looks_of_others_do_not_wait)
{
	mcp_warm_up();
	other = client;
	other.heard = (struct buf){ 0 };
	server_transport_handlers.opened(&other.conn, client.server);
	mcp_call(1, "wait", "{\"duration\":100}", "");
	other_says("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{"
		   "\"name\":\"screenshot\",\"arguments\":{}}}");
	json_auto_t *answer = mcp_answer(&other);
	cr_assert_eq(int_at(answer, "id"), 7);
	cr_assert_eq(client.heard.len, 0);
	server_transport_handlers.closed(&other.conn, client.server);
	buf_done(&other.heard);
}
