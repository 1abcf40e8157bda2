#ifndef TESTS_MCP_CLIENT_H
#define TESTS_MCP_CLIENT_H

/* The client of the MCP tests, and what most of them say to the server.  Each includes this once.
 */

#include "tests/support/memory_client.h"

#include <criterion/criterion.h>

static struct client client;

static inline void start(void)
{
	client_init(&client, 8);
}

static inline void stop(void)
{
	client_done(&client);
}

#define META \
	"\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"," \
	"\"io.modelcontextprotocol/clientCapabilities\":{}"

static inline void initialize(const char *version)
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text,
		"{\"jsonrpc\":\"2.0\",\"id\":\"i\",\"method\":\"initialize\",\"params\":{"
		"\"protocolVersion\":"
		"\"%s\",\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}",
		version);
	json_auto_t *answer = client_ask(&client, buf_text(&text));
	cr_assert_str_eq(text_at(answer, "result|protocolVersion"), version);
}

static inline void call(int id, const char *tool, const char *args, const char *meta)
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text,
		"{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/"
		"call\",\"params\":{\"name\":\"%s\","
		"\"arguments\":%s,\"_meta\":{%s}}}",
		id, tool, args, meta);
	client_say(&client, buf_text(&text));
}

/* The sandbox is up, and its start tells no more. */
static inline void warm_up(void)
{
	call(999, "cursor_position", "{}", "");
	json_auto_t *answer = client_answer(&client);
	cr_assert_eq(int_at(answer, "id"), 999);
	cr_assert(json_at(answer, "result|content"), "%s", text_at(answer, "error|message"));
}

static inline void cancel(int id)
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text,
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
		"cancelled\",\"params\":{\"requestId\":%d,"
		"\"reason\":\"test\"}}",
		id);
	client_say(&client, buf_text(&text));
}

static inline void expect_pong(const char *what)
{
	json_auto_t *answer =
		client_ask(&client, "{\"jsonrpc\":\"2.0\",\"id\":\"pong\",\"method\":\"ping\"}");
	cr_assert_str_eq(text_at(answer, "id"), "pong", "%s: something else came", what);
}

#endif
