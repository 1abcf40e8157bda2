// USES server
/* The default selection of tools: short enough for every model's context. */
#include "tests/support/memory_client.h"

#include <criterion/criterion.h>

/* Limits of tools/README.md. */
#define TOOLS_MAX 30
#define BYTES_MAX (24 << 10)

static void begin(struct mcp_client *client, const char *selection)
{
	mcp_tools = selection;
	mcp_init(client, 16);
	json_auto_t *hello = mcp_ask(client,
		"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":"
		"{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},"
		"\"clientInfo\":{\"name\":\"list\",\"version\":\"1\"}}}");
	cr_assert_not_null(json_object_get(hello, "result"));
}

Test(mcp_tools_list, default_selection_is_short)
{
	struct mcp_client client;
	begin(&client, TOOLS_DEFAULT);
	json_auto_t *list =
		mcp_ask(&client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}");
	const json_t *tools = json_at(list, "result|tools");
	auto_free char *line = json_dumps(list, JSON_COMPACT | JSON_REAL_PRECISION(15));
	cr_expect_gt(json_array_size(tools), 0u);
	cr_expect_leq(json_array_size(tools), (size_t)TOOLS_MAX,
		"%zu tools: mark one that a model can do without as TOOL_EXTRA",
		json_array_size(tools));
	cr_expect_leq(strlen(line), (size_t)BYTES_MAX, "tools/list has %zu bytes", strlen(line));
	mcp_done(&client);
}

static void check_missing(const char *selection, const char *tool, const char *message)
{
	struct mcp_client client;
	char call[200];
	snprintf(call, sizeof(call),
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":"
		"{\"name\":\"%s\",\"arguments\":{}}}",
		tool);
	begin(&client, selection);
	json_auto_t *answer = mcp_ask(&client, call);
	cr_expect_eq(int_at(answer, "error|code"), -32602);
	cr_expect_str_eq(text_at(answer, "error|message"), message);
	mcp_done(&client);
}

Test(mcp_tools_list, a_tool_that_is_not_selected_says_how_to_select_it)
{
	check_missing(TOOLS_DEFAULT, "sandbox_pause",
		"tool \"sandbox_pause\" is not selected; the server offers it with --tools "
		"default,sandbox_pause");
	check_missing(TOOLS_DEFAULT, "hold_key",
		"tool \"hold_key\" is not selected; the server offers it with --tools "
		"default,hold_key; computer_batch performs the same action");
	check_missing("shell", "middle_click",
		"tool \"middle_click\" is not selected; the server offers it with --tools "
		"shell,middle_click");
	check_missing("", "zoom",
		"tool \"zoom\" is not selected; the server offers it with --tools zoom");
	check_missing("computer", "click_at",
		"tool \"click_at\" is not selected; the server offers it with --tools gemini");
	check_missing(TOOLS_DEFAULT, "zom", "unknown tool \"zom\"; did you mean \"zoom\"?");
	check_missing(TOOLS_DEFAULT, "quite something else",
		"unknown tool \"quite something else\"; tools/list lists all tools");
}
