#include "tests/support/mcp_client.h"

struct mcp_client client;

void mcp_start(void)
{
	mcp_init(&client, 8);
}

void mcp_stop(void)
{
	mcp_done(&client);
}

void mcp_initialize(const char *version)
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text,
		"{\"jsonrpc\":\"2.0\",\"id\":\"i\",\"method\":\"initialize\",\"params\":{"
		"\"protocolVersion\":"
		"\"%s\",\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}",
		version);
	json_auto_t *answer = mcp_ask(&client, buf_text(&text));
	cr_assert_str_eq(text_at(answer, "result|protocolVersion"), version);
}

void mcp_call(int id, const char *tool, const char *args, const char *meta)
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text,
		"{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/"
		"call\",\"params\":{\"name\":\"%s\","
		"\"arguments\":%s,\"_meta\":{%s}}}",
		id, tool, args, meta);
	mcp_say(&client, buf_text(&text));
}

void mcp_warm_up(void)
{
	mcp_call(999, "cursor_position", "{}", "");
	json_auto_t *answer = mcp_answer(&client);
	cr_assert_eq(int_at(answer, "id"), 999);
	cr_assert(json_at(answer, "result|content"), "%s", text_at(answer, "error|message"));
}

void mcp_cancel(int id)
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text,
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
		"cancelled\",\"params\":{\"requestId\":%d,"
		"\"reason\":\"test\"}}",
		id);
	mcp_say(&client, buf_text(&text));
}

void mcp_expect_pong(const char *what)
{
	json_auto_t *answer =
		mcp_ask(&client, "{\"jsonrpc\":\"2.0\",\"id\":\"pong\",\"method\":\"ping\"}");
	cr_assert_str_eq(text_at(answer, "id"), "pong", "%s: something else came", what);
}
