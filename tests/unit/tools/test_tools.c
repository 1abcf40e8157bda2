// USES tools
#include "tests/support/fake_call.h"
#include "tests/support/holds.h"

/*
 * The tools on a whole sandbox of the fake backend: what arrives on its desktop is read back from
 * the desktop (its own record of events and its text field), not from the answer that a tool gives.
 */

static struct tool_fixture fixture;

static void open_fixture(void)
{
	fixture = tool_fixture_open();
}

static void close_fixture(void)
{
	tool_fixture_close(&fixture);
}

TestSuite(tools, .init = open_fixture, .fini = close_fixture);

static void check(const char *name, const char *args, const char *says)
{
	struct fake_call *call = fake_run(&fixture, name, args);
	const char *text = fake_block(call, 0, "text", "text");
	cr_assert_eq(call->err.kind, ERR_NONE, "%s %s: %s", name, args, call->err.text);
	cr_assert_not_null(text, "%s %s", name, args);
	cr_expect(holds(text, says), "%s %s said:\n%s\nnot:\n%s", name, args, text, says);
	fake_end(call);
}

static void check_failure(const char *name, const char *args, enum err_kind kind, const char *names)
{
	struct fake_call *call = fake_run(&fixture, name, args);
	cr_expect_eq(call->err.kind, kind, "%s %s: kind %d", name, args, (int)call->err.kind);
	cr_expect(holds(call->err.text, names), "%s %s: %s", name, args, call->err.text);
	fake_end(call);
}

/* ---- every tool once ---- */

Test(tools, input_arrives)
{
	check("left_click", "{\"coordinate\":[10,20]}", "(10, 20) ... changed (frame 2)");
	check("right_click", "{}", "(10, 20) ... changed (frame 3)");
	check("middle_click", "{\"coordinate\":[0,0]}", "(0, 0) ... changed (frame 4)");
	check("double_click", "{\"coordinate\":[5,6],\"text\":\"ctrl\"}",
		"(5, 6) ... changed (frame 5)");
	check("triple_click", "{}", "(5, 6) ... changed (frame 6)");
	check("mouse_move", "{\"coordinate\":[1279,799]}", "(1279, 799) ... changed (frame 7)");
	check("left_mouse_down", "{}", "(1279, 799) ... changed (frame 8)");
	check("left_mouse_up", "{}", "(1279, 799) ... changed (frame 9)");
	check("left_click_drag",
		"{\"start_coordinate\":[1,2],\"coordinate\":[3,4],\"text\":\"shift\"}",
		"(3, 4) ... changed (frame 10)");
	check("scroll", "{\"scroll_direction\":\"down\",\"scroll_amount\":5,\"coordinate\":[7,8]}",
		"(7, 8) ... changed (frame 11)");
	check("key", "{\"text\":\"ctrl+s\",\"repeat\":2}", "ctrl+s ... changed (frame 12)");
	check("hold_key", "{\"text\":\"shift\",\"duration\":0.001}",
		"shift ... 0.001s ... changed (frame 13)");
	check("cursor_position", "{}", "X=7,Y=8");
	check("run_command", "{\"command\":\"cat events\"}",
		"click left 10,20 count=1\n"
		"click right 10,20 count=1\n"
		"click middle 0,0 count=1\n"
		"click left 5,6 count=2 ctrl\n"
		"click left 5,6 count=3\n"
		"move 1279,799\n"
		"button_down left 1279,799\n"
		"button_up left 1279,799\n"
		"drag left 3,4 from=1,2 shift\n"
		"scroll down 5 7,8\n"
		"key ctrl+s repeat=2\n"
		"hold_key shift\n");
}

Test(tools, text_arrives_exactly)
{
	check("type",
		"{\"text\":\"-n h\u00e9\\tllo\\n\u041f\u0440\u0438\u0432\u0435\u0442 \U0001F44B\"}",
		"18 characters ... (frame 2)");
	check("type", "{\"text\":\"!\"}", "1 character ... (frame 3)");
	check("run_command", "{\"command\":\"cat typed\"}",
		"-n h\u00e9\tllo\n\u041f\u0440\u0438\u0432\u0435\u0442 \U0001F44B!");
}

Test(tools, waiting_changes_nothing)
{
	check("wait", "{\"duration\":0.01}", "0.01s ... not changed (frame 1)");
	check("wait", "{\"duration\":0}", "0s ... not changed (frame 1)");
}

Test(tools, pictures)
{
	struct fake_call *call = fake_run(&fixture, "screenshot", "{}");
	cr_expect_str_eq(fake_block(call, 0, "image", "mimeType"), "image/jpeg");
	cr_expect_eq(strncmp(fake_block(call, 0, "image", "data"), "/9j/", 4), 0);
	cr_expect_str_eq(fake_block(call, 1, "text", "text"), "1280x800, frame 1.");
	fake_end(call);
	call = fake_run(&fixture, "screenshot", "{\"format\":\"png\",\"scale\":0.5}");
	cr_expect_str_eq(fake_block(call, 0, "image", "mimeType"), "image/png");
	cr_expect_eq(strncmp(fake_block(call, 0, "image", "data"), "iVBORw0KGgo", 11), 0);
	cr_expect(holds(fake_block(call, 1, "text", "text"), "640x400, frame 1. ... 1280x800"));
	fake_end(call);
	call = fake_run(&fixture, "zoom", "{\"region\":[0,0,100,100]}");
	cr_expect_not_null(fake_block(call, 0, "image", "data"));
	const char *text = fake_block(call, 1, "text", "text");
	cr_expect(holds(text, "[0, 0, 100, 100] ... 10.92 times ... 1092x1092 ... frame 1"), "%s",
		text);
	fake_end(call);
}

Test(tools, marks_are_listed_and_clicked)
{
	check_failure("left_click", "{\"mark\":1}", ERR_NOT_FOUND, "screenshot with marks");
	check("launch", "{\"application\":\"editor\"}", "Launched");
	check_failure("left_click", "{\"mark\":1}", ERR_NOT_FOUND, "screenshot with marks");
	struct fake_call *call = fake_run(&fixture, "screenshot", "{\"marks\":true}");
	cr_expect_not_null(fake_block(call, 0, "image", "data"));
	cr_expect(
		holds(fake_block(call, 1, "text", "text"),
			"1280x800, frame ... Marks:\n1 menu \"File\"\n2 text focused\n3 check box "
			"\"Bold\" checked"),
		"%s", fake_block(call, 1, "text", "text"));
	fake_end(call);
	check("left_click", "{\"mark\":1}", "Clicked.\nPointer at (30, 20). ");
	check("mouse_move", "{\"mark\":2}", "Pointer at (180, 50). ");
	check("computer_batch",
		"{\"actions\":[{\"action\":\"double_click\",\"mark\":3},"
		"{\"action\":\"scroll\",\"mark\":1,\"scroll_direction\":\"up\",\"scroll_amount\":1}]}",
		"Double-clicked.\nScrolled up.\nPointer at (30, 20). ");
	check_failure("computer_batch",
		"{\"actions\":[{\"action\":\"left_click\"},{\"action\":\"left_click\",\"mark\":9}]}",
		ERR_NOT_FOUND, "mark 9");
	check("launch", "{\"application\":\"editor\"}", "Launched");
	check_failure("left_click", "{\"mark\":1}", ERR_STATE, "covered ... screenshot with marks");
}

Test(tools, observing)
{
	struct fake_call *call =
		fake_run(&fixture, "key", "{\"text\":\"a\",\"observe\":\"frame\"}");
	cr_expect(holds(fake_block(call, 0, "text", "text"), "a ... changed (frame 2)"));
	cr_expect_not_null(fake_block(call, 1, "image", "data"));
	fake_end(call);
	call = fake_run(&fixture, "key", "{\"text\":\"a\",\"observe\":\"settled\"}");
	const char *text = fake_block(call, 0, "text", "text");
	cr_expect_eq(strncmp(text, "Pressed a.\nThe screen changed and settled after ", 47), 0,
		"%s", text);
	cr_expect_not_null(fake_block(call, 1, "image", "data"));
	fake_end(call);
	call = fake_run(&fixture, "key", "{\"text\":\"a\",\"observe\":\"none\"}");
	cr_expect_eq(json_array_size(call->content), 1);
	fake_end(call);
}

Test(tools, programs)
{
	check("launch", "{\"application\":\"editor\"}",
		"Launched editor (pid 101).\nWindow 4194404 \"Untitled - Editor\" at (40, 30), "
		"640x400.");
	check("list_applications", "{}",
		"2 applications ... \neditor: Text Editor\nterminal: Terminal");
	check_failure("launch", "{\"application\":\"edtor\"}", ERR_NOT_FOUND,
		"unknown application or program 'edtor'; did you mean editor");
	struct fake_call *call = fake_run(
		&fixture, "launch", "{\"application\":\"terminal\",\"observe\":\"settled\"}");
	cr_expect_not_null(fake_block(call, 1, "image", "data"));
	fake_end(call);
}

Test(tools, commands)
{
	check("run_command", "{\"command\":\"echo hi\"}", "hi\n");
	check("run_command", "{\"command\":\"true\"}", "[no output]");
	check("run_command", "{\"command\":\"exit 3\"}", "[exit code 3]");
	check("run_command", "{\"command\":\"kill\"}", "[killed by signal 15, SIGTERM]");
	check("run_command", "{\"command\":\"warn careful\"}", "[stderr]\ncareful\n");
	check_failure("run_command", "{\"command\":\"sleep 600\",\"timeout\":1}", ERR_TIMEOUT,
		"timeout of 1 s");
}

Test(tools, a_flood_is_cut_and_fits)
{
	struct fake_call *call =
		fake_run(&fixture, "run_command", "{\"command\":\"flood 1000000\"}");
	const char *text = fake_block(call, 0, "text", "text");
	cr_assert_not_null(text);
	cr_expect_lt(strlen(text), (size_t)50000);
	cr_expect_not_null(strstr(text, "[976,000 bytes "));
	fake_end(call);
}

/* ---- failing, stopping ---- */

Test(tools, wrong_keys_name_the_nearest)
{
	check_failure("key", "{\"text\":\"Retrun\"}", ERR_ARGUMENT,
		"'text': unknown key 'Retrun'; did you mean 'Return'?");
	check_failure("left_click", "{\"text\":\"ctrl+shfit\"}", ERR_ARGUMENT,
		"'text': unknown key 'shfit'; did you mean 'shift'?");
	check("run_command", "{\"command\":\"cat events\"}", "[no output]");
}

Test(tools, a_failure_in_the_middle)
{
	check_failure("type", "{\"text\":\"fail here\"}", ERR_STATE,
		"the fake desktop was asked to fail here");
}

Test(tools, taking_back_a_long_hold)
{
	struct fake_call *first =
		fake_run(&fixture, "cursor_position", "{}"); /* the desktop is up now */
	struct fake_call *call =
		fake_begin(&fixture, "hold_key", "{\"text\":\"a\",\"duration\":300}");
	struct fake_call *after = fake_begin(&fixture, "key", "{\"text\":\"b\"}");
	fake_cancel(call);
	fake_await(&fixture, call);
	cr_expect_eq(call->err.kind, ERR_CANCELLED);
	fake_await(&fixture, after);
	cr_expect_eq(after->err.kind, ERR_NONE, "%s", after->err.text);
	fake_end(first);
	fake_end(call);
	fake_end(after);
}

Test(tools, taking_back_a_command)
{
	struct fake_call *first = fake_run(&fixture, "cursor_position", "{}");
	struct fake_call *call = fake_begin(&fixture, "run_command", "{\"command\":\"sleep 600\"}");
	fake_cancel(call);
	fake_await(&fixture, call);
	cr_expect_eq(call->err.kind, ERR_CANCELLED);
	fake_end(first);
	fake_end(call);
}

Test(tools, taking_back_before_the_desktop_is_up)
{
	struct fake_call *call = fake_begin(&fixture, "left_click", "{}");
	fake_cancel(call);
	cr_expect_eq(call->answers, 1);
	cr_expect_eq(call->err.kind, ERR_CANCELLED);
	check("run_command", "{\"command\":\"cat events\"}", "[no output]");
	fake_end(call);
}

Test(tools, a_screenshot_does_not_wait_for_a_hold)
{
	struct fake_call *first = fake_run(&fixture, "cursor_position", "{}");
	struct fake_call *hold =
		fake_begin(&fixture, "hold_key", "{\"text\":\"a\",\"duration\":300}");
	struct fake_call *shot = fake_run(&fixture, "screenshot", "{}");
	cr_expect_eq(hold->answers, 0);
	fake_cancel(hold);
	fake_await(&fixture, hold);
	fake_end(first);
	fake_end(hold);
	fake_end(shot);
}

Test(tools, input_keeps_its_order_while_the_desktop_starts)
{
	struct fake_call *calls[5];
	for (int i = 0; i < 5; i++) {
		char args[30];
		snprintf(args, sizeof(args), "{\"text\":\"%d\"}", i);
		calls[i] = fake_begin(&fixture, "type", args);
	}
	for (int i = 0; i < 5; i++) {
		fake_await(&fixture, calls[i]);
		cr_expect_gt(calls[i]->stages, 0, "the start tells its stages");
		fake_end(calls[i]);
	}
	check("run_command", "{\"command\":\"cat typed\"}", "01234");
}

/* ---- whose sandbox ---- */

Test(tools, sandboxes)
{
	struct err err = { 0 };
	char args[100];
	struct vm *mine = vm_create(fixture.vms, "test", NULL, &err),
		  *other = vm_create(fixture.vms, "else", NULL, &err);
	cr_assert(mine && other, "%s", err.text);
	snprintf(args, sizeof(args), "{\"sandbox\":\"%s\"}", vm_id(mine));
	check("cursor_position", args, "X=640,Y=400");
	snprintf(args, sizeof(args), "{\"sandbox\":\"%s\"}", vm_id(other));
	check_failure("cursor_position", args, ERR_NOT_FOUND, "you have no sandbox '");
	check_failure("cursor_position", "{\"sandbox\":\"../../etc\"}", ERR_NOT_FOUND,
		"a sandbox id must be 20");
	snprintf(args, sizeof(args), "{\"sandbox\":\"%s\"}", vm_id(mine));
	vm_stop(mine, "the test ended it");
	check_failure("screenshot", args, ERR_GONE, "sandbox ");
}

Test(tools, a_desktop_that_crashes_is_replaced_and_says_so)
{
	check("type", "{\"text\":\"lost\"}", "4 characters ... (frame 2)");
	check_failure("launch", "{\"application\":\"crash\"}", ERR_GONE, "sandbox ");
	struct fake_call *call = fake_run(&fixture, "run_command", "{\"command\":\"cat typed\"}");
	cr_expect_str_eq(fake_block(call, 0, "text", "text"), "[no output]");
	const char *note = fake_block(call, 1, "text", "text");
	cr_assert_not_null(note, "the first answer of the new desktop says that it is new");
	cr_expect_eq(strncmp(note, "This is a new sandbox:", 22), 0, "%s", note);
	fake_end(call);
}

Test(tools, the_pool_ends_with_calls_in_flight)
{
	struct fake_call *first = fake_run(&fixture, "cursor_position", "{}");
	struct fake_call *call = fake_begin(&fixture, "run_command", "{\"command\":\"sleep 600\"}");
	vm_pool_free(take_ptr(&fixture.vms));
	cr_expect_eq(call->answers, 1);
	cr_expect_eq(call->err.kind, ERR_GONE);
	fake_end(first);
	fake_end(call);
}
