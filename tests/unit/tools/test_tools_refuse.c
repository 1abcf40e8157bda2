// USES tools
#include "tests/support/fake_call.h"
#include "tests/support/holds.h"

#include <criterion/parameterized.h>

/* Every argument wrong in each way: the exact sentence, and nothing done. */

struct bad {
	char tool[32];
	char args[220];
	char says[440];
};

#define POINT "a list of 2 integers, such as [100, 200]"
#define REGION "a list of 4 integers, such as [100, 200, 500, 400]"
#define CHORD "a string of 1 to 200 bytes"

static struct bad rows[] = {
	/* coordinate */
	{ "left_click", "{\"coordinate\":[10]}", "'coordinate' must be " POINT "; got [10]" },
	{ "left_click", "{\"coordinate\":[10,20,30]}",
		"'coordinate' must be " POINT "; got [10,20,30]" },
	{ "left_click", "{\"coordinate\":[10.5,20]}",
		"'coordinate' must be " POINT "; got [10.5,20]" },
	{ "left_click", "{\"coordinate\":\"10,20\"}",
		"'coordinate' must be " POINT "; got \"10,20\"" },
	{ "left_click", "{\"coordinate\":{\"x\":1,\"y\":2}}",
		"'coordinate' must be " POINT "; got {\"x\":1,\"y\":2}" },
	{ "left_click", "{\"coordinate\":[-1,20]}",
		"'coordinate' ... 1280x800 ... 1279 ... 799 ... got [-1, 20]" },
	{ "left_click", "{\"coordinate\":[1280,20]}",
		"'coordinate' ... 1280x800 ... 1279 ... 799 ... got [1280, 20]" },
	{ "mouse_move", "{\"coordinate\":[0,800]}",
		"'coordinate' ... 1280x800 ... 1279 ... 799 ... got [0, 800]" },
	{ "mouse_move", "{\"coordinate\":[9007199254740992,9223372036854775807]}",
		"'coordinate' ... 1280x800 ... 1279 ... 799 ... got [9007199254740992, 9223372036854775807]" },
	{ "mouse_move", "{}", "'coordinate' or 'mark' is required" },
	{ "mouse_move", "{\"coordinate\":null}", "'coordinate' or 'mark' is required" },
	{ "left_click_drag", "{\"coordinate\":[1,1]}",
		"'start_coordinate' is missing; it must be " POINT },
	{ "left_click_drag", "{\"start_coordinate\":[1,1]}",
		"'coordinate' is missing; it must be " POINT },
	{ "left_click_drag", "{\"start_coordinate\":[5000,1],\"coordinate\":[1,1]}",
		"'start_coordinate' ... 1280x800 ... 1279 ... 799 ... got [5000, 1]" },
	{ "left_click_drag", "{\"start_coordinate\":[1,1],\"end_coordinate\":[2,2]}",
		"'end_coordinate' ... 'coordinate'" },
	/* shared by all */
	{ "left_click", "{\"observe\":\"later\"}",
		"'observe' must be one of 'none', 'frame', 'settled', 'changed'; got \"later\"" },
	{ "left_click", "{\"sandbox\":7}", "'sandbox' must be a string; got 7" },
	{ "left_click", "{\"coordinat\":[1,1]}", "'coordinat' ... 'coordinate'" },
	{ "left_click", "[]", "the arguments must be an object; got []" },
	{ "left_mouse_down", "{\"coordinate\":[1,1]}",
		"'coordinate' ... 'observe', 'since', 'sandbox'" },
	{ "left_click", "{\"text\":[\"ctrl\"]}",
		"'text' must be a string of at most 200 bytes; got [\"ctrl\"]" },
	{ "launch", "{\"application\":\"xterm\",\"args\":[\"-e\",\"top\"]}",
		"'args' ... 'arguments'" },
	/* scroll */
	{ "scroll", "{\"scroll_amount\":3}",
		"'scroll_direction' is missing; it must be one of 'up', 'down', 'left', 'right'" },
	{ "scroll", "{\"scroll_direction\":\"north\",\"scroll_amount\":3}",
		"'scroll_direction' must be one of 'up', 'down', 'left', 'right'; got \"north\"" },
	{ "scroll", "{\"scroll_direction\":\"up\"}",
		"'scroll_amount' is missing; it must be an integer from 0 to 100" },
	{ "scroll", "{\"scroll_direction\":\"up\",\"scroll_amount\":-1}",
		"'scroll_amount' must be an integer from 0 to 100; got -1" },
	{ "scroll", "{\"scroll_direction\":\"up\",\"scroll_amount\":101}",
		"'scroll_amount' must be an integer from 0 to 100; got 101" },
	{ "scroll", "{\"scroll_direction\":\"up\",\"scroll_amount\":\"3\"}",
		"'scroll_amount' must be an integer from 0 to 100; got \"3\"" },
	{ "scroll", "{\"scroll_direction\":\"up\",\"scroll_amount\":2.5}",
		"'scroll_amount' must be an integer from 0 to 100; got 2.5" },
	/* keyboard */
	{ "type", "{}", "'text' is missing; it must be a string of 1 to 100000 bytes" },
	{ "type", "{\"text\":\"\"}", "'text' must be a string of 1 to 100000 bytes; got 0 bytes" },
	{ "type", "{\"text\":5}", "'text' must be a string of 1 to 100000 bytes; got 5" },
	{ "key", "{}", "'text' is missing; it must be " CHORD },
	{ "key", "{\"text\":\"\"}", "'text' must be " CHORD "; got 0 bytes" },
	{ "key", "{\"text\":\"a\",\"repeat\":0}",
		"'repeat' must be an integer from 1 to 100; got 0" },
	{ "key", "{\"text\":\"a\",\"repeat\":101}",
		"'repeat' must be an integer from 1 to 100; got 101" },
	{ "hold_key", "{\"text\":\"a\"}",
		"'duration' is missing; it must be a number from 0 to 300" },
	{ "hold_key", "{\"duration\":1}", "'text' is missing; it must be " CHORD },
	{ "hold_key", "{\"text\":\"a\",\"duration\":-0.5}",
		"'duration' must be a number from 0 to 300; got -0.5" },
	{ "wait", "{}", "'duration' is missing; it must be a number from 0 to 300" },
	{ "wait", "{\"duration\":300.5}", "'duration' must be a number from 0 to 300; got 300.5" },
	{ "wait", "{\"duration\":\"1\"}", "'duration' must be a number from 0 to 300; got \"1\"" },
	{ "wait", "{\"duration\":true}", "'duration' must be a number from 0 to 300; got true" },
	/* looking */
	{ "screenshot", "{\"format\":\"gif\"}",
		"'format' must be one of 'jpeg', 'png'; got \"gif\"" },
	{ "screenshot", "{\"quality\":0}", "'quality' must be an integer from 1 to 100; got 0" },
	{ "screenshot", "{\"scale\":1.5}", "'scale' must be a number from 0.1 to 1; got 1.5" },
	{ "screenshot", "{\"region\":[0,0,1,1]}",
		"'region' ... 'window', 'marks', 'format', 'quality', 'scale', 'sandbox'" },
	{ "left_click", "{\"mark\":1,\"coordinate\":[1,2]}", "'coordinate' or 'mark', not both" },
	{ "left_click", "{\"mark\":81}", "'mark' must be an integer from 1 to 80; got 81" },
	{ "computer_batch",
		"{\"actions\":[{\"action\":\"left_click\"},{\"action\":\"mouse_move\"}]}",
		"action 2 of 2 (mouse_move): 'coordinate' or 'mark' is required" },
	{ "screenshot", "{\"marks\":true,\"observe\":\"changed\",\"since\":1}",
		"'marks' ... changed" },
	{ "screenshot", "{\"window\":7,\"since\":1}", "'since' ... 'window'" },
	{ "screenshot", "{\"window\":0}", "'window' must be an integer" },
	{ "zoom", "{}", "'region' is missing; it must be " REGION },
	{ "zoom", "{\"region\":[0,0]}", "'region' must be " REGION "; got [0,0]" },
	{ "zoom", "{\"region\":[10,10,10,20]}",
		"'region' must be [x0, y0, x1, y1] on the 1280x800 screen, with x0 < x1 and y0 < "
		"y1; got [10, 10, 10, 20]" },
	{ "zoom", "{\"region\":[0,0,1281,800]}",
		"'region' must be [x0, y0, x1, y1] on the 1280x800 screen, with x0 < x1 and y0 < "
		"y1; got [0, 0, 1281, 800]" },
	{ "cursor_position", "{\"observe\":\"frame\"}", "'observe' ... 'sandbox'" },
	/* programs */
	{ "launch", "{}", "'application' is missing; it must be a string of 1 to 1000 bytes" },
	{ "launch", "{\"application\":\"\"}",
		"'application' must be a string of 1 to 1000 bytes; got 0 bytes" },
	{ "launch", "{\"application\":\"a\",\"uri\":3}",
		"'uri' must be a string of 1 to 8000 bytes; got 3" },
	{ "run_command", "{}", "'command' is missing; it must be a string of 1 to 1048576 bytes" },
	{ "run_command", "{\"command\":\"true\",\"timeout\":3601}",
		"'timeout' must be a number from 1 to 3600; got 3601" },
	{ "run_command", "{\"command\":\"true\",\"timeout\":0}",
		"'timeout' must be a number from 1 to 3600; got 0" },
	{ "run_command", "{\"command\":[\"ls\"]}",
		"'command' must be a string of 1 to 1048576 bytes; got [\"ls\"]" },
};

ParameterizedTestParameters(tools_refuse, sentence)
{
	return cr_make_param_array(struct bad, rows, sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct bad *row, tools_refuse, sentence)
{
	struct tool_fixture fixture = tool_fixture_open();
	struct fake_call *call = fake_run(&fixture, row->tool, row->args);
	cr_expect_eq(call->err.kind, ERR_ARGUMENT);
	cr_expect(holds(call->err.text, row->says), "%s %s\n  said: %s\n  not:  %s", row->tool,
		row->args, call->err.text, row->says);
	cr_expect_null(call->content);
	fake_end(call);
	tool_fixture_close(&fixture);
}
