// USES tools
#include "tests/support/fake_call.h"

/*
 * Dialects on the fake backend: what arrives on its desktop is read back from the desktop, in its
 * own record of events and its text field.
 */

static struct tool_fixture fixture;

static void open_dialect(const char *selection)
{
	struct err err = { 0 };
	fixture = tool_fixture_open();
	tool_set_free(fixture.tools);
	fixture.tools = tool_set_new(selection, &err);
	cr_assert_not_null(fixture.tools, "%s", err.text);
}

static void open_claude(void)
{
	open_dialect("claude,shell");
}

static void open_openai(void)
{
	open_dialect("openai,shell");
}

static void open_gemini(void)
{
	open_dialect("gemini,shell");
}

static void close_fixture(void)
{
	tool_fixture_close(&fixture);
}

static void run(const char *name, const char *args)
{
	struct fake_call *call = fake_run(&fixture, name, args);
	size_t n = json_array_size(call->content);
	cr_assert_eq(call->err.kind, ERR_NONE, "%s %s: %s", name, args, call->err.text);
	cr_expect(fake_block(call, 0, "image", "data") || fake_block(call, n - 1, "image", "data"),
		"%s %s: no image", name, args);
	fake_end(call);
}

static void expect_file(const char *name, const char *want)
{
	char command[100];
	snprintf(command, sizeof(command), "{\"command\":\"cat %s\"}", name);
	struct fake_call *call = fake_run(&fixture, "run_command", command);
	const char *text = fake_block(call, 0, "text", "text");
	cr_expect_str_eq(text, want);
	fake_end(call);
}

Test(dialects, claude, .init = open_claude, .fini = close_fixture)
{
	run("computer", "{\"action\":\"left_click\",\"coordinate\":[10,20],\"key\":\"ctrl\"}");
	run("computer", "{\"action\":\"triple_click\",\"coordinate\":[1,2],\"text\":\"shift\"}");
	run("computer", "{\"action\":\"left_click_drag\",\"coordinate\":[3,4]}");
	run("computer", "{\"action\":\"left_click_drag\",\"start_coordinate\":[5,6],"
			"\"end_coordinate\":[7,8],\"text\":\"alt\"}");
	run("computer", "{\"action\":\"scroll\",\"coordinate\":[9,9],\"scroll_direction\":\"left\","
			"\"scroll_amount\":4}");
	run("computer", "{\"action\":\"key\",\"key\":\"ctrl+s\"}");
	run("computer", "{\"action\":\"type\",\"text\":\"Gr\u00fc\u00dfe\"}");
	expect_file("typed", "Gr\u00fc\u00dfe");
	expect_file("events", "click left 10,20 count=1 ctrl\n"
			      "click left 1,2 count=3 shift\n"
			      "drag left 3,4\n"
			      "drag left 7,8 from=5,6 alt\n"
			      "scroll left 4 9,9\n"
			      "key ctrl+s\n"
			      "type\n");
}

Test(dialects, openai, .init = open_openai, .fini = close_fixture)
{
	run("computer",
		"{\"actions\":[{\"type\":\"click\",\"button\":\"wheel\",\"x\":10,\"y\":20,\"keys\":"
		"[\"CTRL\",\"SHIFT\"]},{\"type\":\"click\",\"button\":\"back\",\"x\":1,\"y\":2},"
		"{\"type\":\"double_click\",\"x\":3,\"y\":4,\"keys\":null},"
		"{\"type\":\"move\",\"x\":5,\"y\":6,\"keys\":[\"ALT\"]},"
		"{\"type\":\"keypress\",\"keys\":[\"CTRL\",\"c\"]},"
		"{\"type\":\"scroll\",\"x\":7,\"y\":8,\"scroll_x\":-60,\"scroll_y\":530},"
		"{\"type\":\"type\",\"text\":\"abc\"},{\"type\":\"screenshot\"}]}");
	run("computer",
		"{\"action\":{\"type\":\"drag\",\"path\":[{\"x\":1,\"y\":1},{\"x\":9,\"y\":9}]}}");
	run("computer",
		"{\"action\":{\"type\":\"drag\",\"path\":[{\"x\":1,\"y\":1},{\"x\":9,\"y\":9},"
		"{\"x\":5,\"y\":20}],\"keys\":[\"SHIFT\"]}}");
	expect_file("typed", "abc");
	expect_file("events", "click middle 10,20 count=1 CTRL+SHIFT\n"
			      "click back 1,2 count=1\n"
			      "click left 3,4 count=2\n"
			      "key_down ALT\n"
			      "move 5,6\n"
			      "key_up ALT\n"
			      "key CTRL+c\n"
			      "scroll down 10 7,8\n"
			      "scroll left 1 7,8\n"
			      "type\n"
			      "drag left 9,9 from=1,1\n"
			      "key_down SHIFT\n"
			      "button_down left 1,1\n"
			      "move 9,9\n"
			      "move 5,20\n"
			      "button_up left 5,20\n"
			      "key_up SHIFT\n");
}

/* On 1280x800, 500 is the middle: the pixel that begins there. */
Test(dialects, gemini, .init = open_gemini, .fini = close_fixture)
{
	run("click", "{\"x\":500,\"y\":0}");
	run("hover_at", "{\"x\":0,\"y\":999}");
	run("drag_and_drop", "{\"start_x\":0,\"start_y\":0,\"end_x\":999,\"end_y\":999}");
	run("drag_and_drop", "{\"x\":0,\"y\":0,\"destination_x\":999,\"destination_y\":999}");
	run("scroll", "{\"x\":0,\"y\":0,\"direction\":\"down\",\"magnitude_in_pixels\":530}");
	run("scroll_at", "{\"x\":0,\"y\":0,\"direction\":\"right\",\"magnitude\":500}");
	run("scroll_document", "{\"direction\":\"up\"}");
	run("type_text_at", "{\"x\":500,\"y\":500,\"text\":\"abc\"}");
	run("hotkey", "{\"keys\":[\"control\",\"c\"]}");
	run("key_down", "{\"key\":\"shift\"}");
	run("key_up", "{\"key\":\"shift\"}");
	run("go_back", "{}");
	expect_file("typed", "abc\n");
	expect_file("events", "click left 640,0 count=1\n"
			      "move 0,799\n"
			      "drag left 1279,799 from=0,0\n"
			      "drag left 1279,799 from=0,0\n"
			      "scroll down 10 0,0\n"
			      "scroll right 12 0,0\n"
			      "key Page_Up\n"
			      "click left 640,400 count=1\n"
			      "key ctrl+a\n"
			      "key BackSpace\n"
			      "type\n"
			      "key Return\n"
			      "key control+c\n"
			      "key_down shift\n"
			      "key_up shift\n"
			      "key alt+Left\n");
}

/* One step of several: the model hears of its action, and the rest did not happen. */
Test(dialects, a_failure_ends_the_call, .init = open_gemini, .fini = close_fixture)
{
	struct fake_call *call =
		fake_run(&fixture, "type_text_at", "{\"x\":1,\"y\":1,\"text\":\"fail here\"}");
	cr_expect_str_eq(call->err.text, "the fake desktop was asked to fail here");
	fake_end(call);
	expect_file("events", "click left 1,1 count=1\nkey ctrl+a\nkey BackSpace\n");
}
