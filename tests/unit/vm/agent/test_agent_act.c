// USES agent
/* Clicks, keys, drags and waits are proved by what a window received. */
#include "tests/support/target.h"
#include "vm/agent/x11/input.h"

#include <X11/Xatom.h>

static struct agent_fixture fixture;
static struct target target;

static void start_sized(const char *size)
{
	agent_fixture_start(&fixture, size, false);
	struct size screen = display_size(fixture.agent.display);
	target_open(&target, &fixture, 0, 0, screen.width, screen.height, false);
}

static void start(void)
{
	start_sized("1280x800");
}

static void start_large(void)
{
	start_sized("2560x1440");
}

static void stop(void)
{
	target_close(&target);
	agent_fixture_stop(&fixture);
}

static void expect_button(int index, unsigned button, int x, int y, unsigned state)
{
	const XButtonEvent *press = &target_event(&target, ButtonPress, index)->xbutton;
	const XButtonEvent *release = &target_event(&target, ButtonRelease, index)->xbutton;
	cr_assert_eq(press->button, button);
	cr_assert_eq(release->button, button);
	cr_assert_eq(press->state, state, "state is 0x%x", press->state);
	cr_assert_eq(press->x, x, "x is %d", press->x);
	cr_assert_eq(press->y, y, "y is %d", press->y);
}

Test(act, clicks_where_and_as_often_as_asked, .init = start, .fini = stop)
{
	agent_fixture_do(&fixture, "{'actions': [{'action': 'click', 'at': [150, 160]},"
				   "{'action': 'click', 'at': [0, 0], 'button': 'right'},"
				   "{'action': 'click', 'at': [1279, 799], 'button': 'middle'},"
				   "{'action': 'click', 'button': 'back'},"
				   "{'action': 'click', 'at': [7, 9], 'count': 3}]}");
	expect_button(0, 1, 150, 160, 0);
	expect_button(1, 3, 0, 0, 0);
	expect_button(2, 2, 1279, 799, 0);
	expect_button(3, 8, 1279, 799, 0);
	expect_button(4, 1, 7, 9, 0);
	expect_button(6, 1, 7, 9, 0);
	cr_assert_eq(target_count(&target, ButtonPress), 7);
	cr_assert_eq(target_count(&target, ButtonRelease), 7);
}

/* Programs that look at the state once a frame, and those that count clicks by their time. */
static void expect_pace(void)
{
	agent_fixture_do(&fixture, "{'actions': [{'action': 'click', 'at': [7, 9], 'count': 3},"
				   "{'action': 'button_down'}, {'action': 'button_up'},"
				   "{'action': 'key', 'text': 'Up', 'repeat': 3},"
				   "{'action': 'key', 'text': 'Up ctrl+a'}]}");
	Time last[2] = { 0 };
	target_read(&target);
	for (int i = 0; i < target.n; i++) {
		const XEvent *event = &target.events[i];
		bool key = event->type == KeyPress || event->type == KeyRelease;
		bool part = key && (event->xkey.state & ControlMask); /* of a chord */
		Time now = key ? event->xkey.time : event->xbutton.time;
		if (event->type != MotionNotify && !part) {
			cr_expect_geq(now - last[key], INPUT_HOLD_MS, "event %d: %lu ms", i,
				now - last[key]);
			last[key] = now;
		}
	}
	cr_assert_eq(target_count(&target, KeyPress), 6);
	cr_assert_geq(target_event(&target, KeyRelease, 4)->xkey.time,
		target_event(&target, KeyPress, 5)->xkey.time + INPUT_HOLD_MS);
}

Test(act, keeps_presses_and_releases_a_frame_apart, .init = start, .fini = stop)
{
	expect_pace();
}

/* It acts on a press, and stamps it, long after the agent has sent it. */
Test(act, keeps_the_pace_of_a_server_that_stalls, .init = start, .fini = stop)
{
	char script[160];
	snprintf(script, sizeof(script),
		"while kill -STOP %d; do sleep 0.015; kill -CONT %d; sleep 0.004; done",
		fixture.server, fixture.server);
	pid_t stalls = agent_fixture_spawn(&fixture, "sh", "-c", script);
	expect_pace();
	agent_fixture_end_child(&fixture, stalls);
	kill(fixture.server, SIGCONT);
}

static Time press_time(int index)
{
	return target_event(&target, ButtonPress, index)->xbutton.time;
}

/* A program would take them together, and open or select what was only to be clicked. */
/* GTK 3 makes a triple click of a double click and the next one, for twice as long. */
Test(act, makes_no_triple_click_of_two_actions, .init = start, .fini = stop)
{
	agent_fixture_do(&fixture, "{'actions': [{'action': 'click', 'at': [7, 9], 'count': 2}]}");
	agent_fixture_do(&fixture, "{'actions': [{'action': 'click', 'at': [7, 9]}]}");
	cr_assert_eq(target_count(&target, ButtonPress), 3);
	cr_expect_geq(press_time(2) - press_time(0), INPUT_TRIPLE_CLICK_MS - 1);
}

Test(act, keeps_clicks_of_two_actions_apart, .init = start, .fini = stop)
{
	agent_fixture_do(&fixture, "{'actions': [{'action': 'click', 'at': [7, 9]}]}");
	agent_fixture_do(&fixture, "{'actions': [{'action': 'click', 'at': [9, 7]}]}");
	agent_fixture_do(
		&fixture, "{'actions': [{'action': 'drag', 'from': [8, 8], 'at': [90, 90]}]}");
	agent_fixture_do(
		&fixture, "{'actions': [{'action': 'move', 'at': [7, 9]}, {'action': 'click'}]}");
	for (int i = 1; i < 4; i++) {
		cr_expect_geq(press_time(i) - press_time(i - 1), INPUT_DOUBLE_CLICK_MS - 1);
	}
}

Test(act, holds_modifiers_around_a_click, .init = start, .fini = stop)
{
	agent_fixture_do(&fixture,
		"{'actions': [{'action': 'click', 'at': [50, 60], 'modifiers': 'ctrl+shift'},"
		"{'action': 'scroll', 'direction': 'up', 'amount': 1, 'modifiers': 'alt'},"
		"{'action': 'click', 'modifiers': ''}]}");
	expect_button(0, 1, 50, 60, ControlMask | ShiftMask);
	expect_button(1, 4, 50, 60, Mod1Mask);
	expect_button(2, 1, 50, 60, 0);
	cr_assert(target_keys_up(&target));
}

Test(act, scrolls_in_four_directions, .init = start, .fini = stop)
{
	agent_fixture_do(&fixture,
		"{'actions': [{'action': 'scroll', 'at': [30, 40], 'direction': 'up', 'amount': 1},"
		"{'action': 'scroll', 'direction': 'down', 'amount': 2},"
		"{'action': 'scroll', 'direction': 'left', 'amount': 3},"
		"{'action': 'scroll', 'direction': 'right', 'amount': 4},"
		"{'action': 'scroll', 'direction': 'right', 'amount': 0}]}");
	static const unsigned want[] = { 4, 5, 5, 6, 6, 6, 7, 7, 7, 7 };
	for (int i = 0; i < 10; i++) {
		expect_button(i, want[i], 30, 40, 0);
	}
	cr_assert_eq(target_count(&target, ButtonPress), 10);
}

/* Presses at (x, y), then moves in many small steps with the button down, then releases at the end.
 */
static void expect_path(int x0, int y0, int x1, int y1)
{
	int moves = 0, at = x0;
	target_read(&target);
	for (int i = 0; i < target.n; i++) {
		const XMotionEvent *m = &target.events[i].xmotion;
		if (m->type == MotionNotify && m->state & Button1Mask) {
			moves++;
			cr_assert_geq(m->x, at);
			cr_assert_leq(m->x - at, 60, "a jump from %d to %d", at, m->x);
			at = m->x;
		}
	}
	cr_assert_geq(moves, 5);
	expect_button(0, 1, x0, y0, 0);
	const XButtonEvent *release = &target_event(&target, ButtonRelease, 0)->xbutton;
	cr_assert_eq(release->x, x1);
	cr_assert_eq(release->y, y1);
}

Test(act, drags_along_a_path, .init = start, .fini = stop)
{
	agent_fixture_do(&fixture,
		"{'actions': [{'action': 'drag', 'from': [100, 100], 'at': [600, 300]}]}");
	expect_path(100, 100, 600, 300);
}

Test(act, drags_by_hand_along_a_path_too, .init = start, .fini = stop)
{
	agent_fixture_do(&fixture, "{'actions': [{'action': 'button_down', 'at': [100, 100]}]}");
	cr_assert_eq(target_buttons_down(&target), Button1Mask, "stays down between lists");
	agent_fixture_do(&fixture,
		"{'actions': [{'action': 'move', 'at': [500, 120]}, {'action': 'button_up'}]}");
	expect_path(100, 100, 500, 120);
}

static bool passed(int x, int y, unsigned state)
{
	for (int i = 0; i < target.n; i++) {
		const XMotionEvent *m = &target.events[i].xmotion;
		if (m->type == MotionNotify && m->x == x && m->y == y && m->state == state) {
			return true;
		}
	}
	return false;
}

/* As the dialects translate a drag with a key along three points. */
Test(act, drags_with_a_held_key_along_corners, .init = start, .fini = stop)
{
	agent_fixture_do(&fixture,
		"{'actions': [{'action': 'key_down', 'text': 'ctrl'},"
		"{'action': 'button_down', 'at': [100, 100]}, {'action': 'wait', 'ms': 60},"
		"{'action': 'move', 'at': [400, 100]}, {'action': 'move', 'at': [200, 300]},"
		"{'action': 'wait', 'ms': 90}, {'action': 'button_up'},"
		"{'action': 'key_up', 'text': 'ctrl'}]}");
	expect_button(0, 1, 100, 100, ControlMask);
	cr_assert(passed(400, 100, ControlMask | Button1Mask));
	cr_assert(passed(200, 300, ControlMask | Button1Mask));
	const XButtonEvent *release = &target_event(&target, ButtonRelease, 0)->xbutton;
	cr_assert(release->x == 200 && release->y == 300);
	cr_assert(target_keys_up(&target));
	cr_assert_eq(target_buttons_down(&target), 0);
}

Test(act, presses_keys_by_name_in_order, .init = start, .fini = stop)
{
	static const KeySym want[] = { XK_Control_L, XK_Shift_L, XK_T, XK_F5, XK_F5, XK_KP_Enter,
		XK_Shift_L, XK_A, XK_Control_L, XK_a, XK_Cyrillic_ya };
	agent_fixture_do(&fixture,
		"{'actions': [{'action': 'move', 'at': [5, 5]},"
		"{'action': 'key', 'text': 'CTRL+shift+t'}, {'action': 'key', 'text': 'f5', "
		"'repeat': 2},"
		"{'action': 'key', 'text': 'KP_Enter A ctrl+A я'}]}");
	cr_assert_eq(target_count(&target, KeyPress), 11);
	for (int i = 0; i < 11; i++) {
		KeySym got = target_key(&target, KeyPress, i);
		bool ya = want[i] == XK_Cyrillic_ya && got == 0x100044f;
		cr_assert(got == want[i] || ya, "key %d is 0x%lx", i, got);
	}
	cr_assert(target_event(&target, KeyPress, 9)->xkey.state == ControlMask);
	cr_assert(target_keys_up(&target));
}

Test(act, holds_a_key_for_a_while, .init = start, .fini = stop)
{
	agent_fixture_do(&fixture, "{'actions': [{'action': 'move', 'at': [5, 5]},"
				   "{'action': 'hold_key', 'text': 'shift+x', 'ms': 120}]}");
	cr_assert_eq(target_key(&target, KeyPress, 1), XK_X);
	Time down = target_event(&target, KeyPress, 1)->xkey.time;
	cr_assert_geq(target_event(&target, KeyRelease, 0)->xkey.time - down, 100);
	cr_assert(target_keys_up(&target));
}

/* From list to list, across other keys, clicks and combinations with the same key. */
Test(act, holds_a_key_across_lists, .init = start, .fini = stop)
{
	agent_fixture_do(&fixture, "{'actions': [{'action': 'move', 'at': [5, 5]},"
				   "{'action': 'key_down', 'text': 'shift'}]}");
	cr_assert_not(target_keys_up(&target));
	agent_fixture_do(&fixture, "{'actions': [{'action': 'key', 'text': 'Right ctrl+x shift+y'},"
				   "{'action': 'click', 'modifiers': 'ctrl'}]}");
	cr_assert_eq(target_event(&target, ButtonPress, 0)->xbutton.state,
		(unsigned)(ShiftMask | ControlMask));
	agent_fixture_do(&fixture, "{'actions': [{'action': 'key', 'text': 'a'},"
				   "{'action': 'key_up', 'text': 'shift'}]}");
	int last = target_count(&target, KeyPress) - 1;
	cr_assert_eq(target_event(&target, KeyPress, last)->xkey.state, (unsigned)ShiftMask);
	cr_assert(target_keys_up(&target));
}

Test(act, a_held_key_ends_when_text_is_typed_or_all_is_released, .init = start, .fini = stop)
{
	static const char *const down =
		"{'actions': [{'action': 'move', 'at': [5, 5]}, {'action': 'key_down', 'text': 'shift'}]}";
	agent_fixture_do(&fixture, down);
	agent_fixture_do(&fixture, "{'actions': [{'action': 'type', 'text': 'x'}]}");
	cr_assert_eq(target_key(&target, KeyPress, target_count(&target, KeyPress) - 1), XK_x);
	cr_assert(target_keys_up(&target));
	agent_fixture_do(&fixture, down);
	act_queue_let_go(fixture.agent.acts);
	agent_fixture_for_ms(&fixture, 20);
	cr_assert(target_keys_up(&target));
	agent_fixture_do(&fixture, "{'actions': [{'action': 'key_up', 'text': 'shift'}]}");
}

static void refuses(const char *json, const char *part)
{
	struct request req;
	agent_fixture_act(&fixture, &req, json);
	cr_assert_null(req.result);
	cr_assert_eq(req.err.kind, ERR_ARGUMENT);
	cr_assert(strstr(req.err.text, part), "%s", req.err.text);
	agent_fixture_done(&req);
}

Test(act, checks_the_whole_list_before_the_first_event, .init = start, .fini = stop)
{
	refuses("{'actions': [{'action': 'click', 'at': [5, 5]}, {'action': 'click', 'at': [1280, "
		"10]}]}",
		"'coordinate' (1280, 10) is outside the screen: x ranges from 0 to 1279, y from 0 to "
		"799");
	refuses("{'actions': [{'action': 'click', 'at': [5, 5]}, {'action': 'key', 'text': "
		"'ctrl+'}]}",
		"'text'");
	refuses("{'actions': [{'action': 'click', 'at': [-1, 5]}]}", "(-1, 5)");
	refuses("{'actions': [{'action': 'drag', 'from': [0, 800], 'at': [1, 1]}]}",
		"'start_coordinate'");
	refuses("{'actions': [{'action': 'click', 'modifiers': 'ctl'}]}", "'ctrl'");
	refuses("{'actions': [{'action': 'click'}], 'observe': {'mode': 'frame', 'region': [9, 0, "
		"9, 5]}}",
		"'region'");
	refuses("{'actions': [{'action': 'click'}], 'observe': {'region': [0, 0, 1281, 5]}}",
		"1280");
	refuses("{'actions': {}}", "'actions'");
	cr_assert_eq(target_count(&target, ButtonPress), 0);
}

static void expect_cancelled(const char *json, int until_event)
{
	struct request req;
	agent_fixture_begin(&fixture, &req, agent_fixture_json(json));
	agent_fixture_until(&fixture, target_count(&target, until_event) > 0);
	cr_assert_not(req.answered);
	req.cancel(req.cancel_data);
	agent_fixture_finish(&req);
	cr_assert_eq(req.err.kind, ERR_CANCELLED);
	agent_fixture_done(&req);
	agent_fixture_for_ms(&fixture, 20);
	cr_assert(target_keys_up(&target));
	cr_assert_eq(target_buttons_down(&target), 0);
}

Test(act, lets_everything_go_when_cancelled, .init = start, .fini = stop)
{
	expect_cancelled("{'actions': [{'action': 'move', 'at': [5, 5]},"
			 "{'action': 'hold_key', 'text': 'shift+a', 'ms': 60000}]}",
		KeyPress);
	expect_cancelled(
		"{'actions': [{'action': 'button_down'}, {'action': 'wait', 'ms': 60000}]}",
		ButtonPress);
	target.n = 0;
	expect_cancelled("{'actions': [{'action': 'drag', 'from': [0, 0], 'at': [900, 700], "
			 "'modifiers': 'ctrl'}]}",
		MotionNotify);
}

Test(act, runs_input_in_order_and_the_rest_at_once, .init = start, .fini = stop)
{
	struct request hold, click, look;
	agent_fixture_begin(&fixture, &hold,
		agent_fixture_json(
			"{'actions': [{'action': 'move', 'at': [5, 5]}, {'action': 'wait', 'ms': "
			"400},"
			"{'action': 'key', 'text': 'x'}]}"));
	agent_fixture_begin(
		&fixture, &click, agent_fixture_json("{'actions': [{'action': 'click'}]}"));
	agent_fixture_begin(&fixture, &look, agent_fixture_json("{'observe': {'mode': 'frame'}}"));
	agent_fixture_finish(&look);
	cr_assert_not(hold.answered);
	agent_fixture_finish(&click);
	cr_assert(hold.answered);
	cr_assert_leq(target_event(&target, KeyPress, 0)->xkey.time,
		target_event(&target, ButtonPress, 0)->xbutton.time);
	agent_fixture_done(&hold);
	agent_fixture_done(&click);
	agent_fixture_done(&look);
}

Test(act, of_a_cancelled_list_that_waits_does_nothing, .init = start, .fini = stop)
{
	struct request first, second;
	agent_fixture_begin(&fixture, &first,
		agent_fixture_json(
			"{'actions': [{'action': 'move', 'at': [5, 5]}, {'action': 'wait', 'ms': "
			"200}]}"));
	agent_fixture_begin(
		&fixture, &second, agent_fixture_json("{'actions': [{'action': 'click'}]}"));
	second.cancel(second.cancel_data);
	cr_assert_eq(second.err.kind, ERR_CANCELLED);
	agent_fixture_finish(&first);
	agent_fixture_for_ms(&fixture, 50);
	cr_assert_eq(target_count(&target, ButtonPress), 0);
	agent_fixture_done(&first);
	agent_fixture_done(&second);
}

Test(act, maps_the_frame_space_to_a_larger_screen, .init = start_large, .fini = stop)
{
	struct request req;
	cr_assert_eq(fixture.agent.frame.width, 1456);
	agent_fixture_act(&fixture, &req,
		"{'actions': [{'action': 'click', 'at': [1455, 818]}, {'action': 'click', 'at': "
		"[728, 0]}]}");
	const json_t *pointer = json_object_get(req.result, "pointer");
	cr_assert_eq(json_integer_value(json_array_get(pointer, 0)), 728);
	cr_assert_eq(json_integer_value(json_array_get(pointer, 1)), 0);
	agent_fixture_done(&req);
	expect_button(0, 1, 2559, 1439, 0);
	expect_button(1, 1, 1280, 0, 0);
	refuses("{'actions': [{'action': 'move', 'at': [1456, 0]}]}", "from 0 to 1455");
}

Test(act, fails_and_lives_on_when_the_server_dies, .init = start)
{
	struct request req;
	target.n = 0;
	agent_fixture_begin(&fixture, &req,
		agent_fixture_json(
			"{'actions': [{'action': 'hold_key', 'text': 'ctrl', 'ms': 60000}]}"));
	agent_fixture_for_ms(&fixture, 50);
	agent_fixture_end_child(&fixture, fixture.server);
	agent_fixture_finish(&req);
	cr_assert_eq(req.err.kind, ERR_STATE);
	agent_fixture_until(&fixture, fixture.lost == 1);
	agent_fixture_done(&req);
	agent_fixture_act(&fixture, &req, "{'actions': [{'action': 'click'}]}");
	cr_assert_eq(req.err.kind, ERR_STATE);
	cr_assert(strstr(req.err.text, "restarted"));
	agent_fixture_done(&req);
	agent_fixture_start_server(&fixture, "1280x800");
	agent_fixture_open_display(&fixture);
	agent_fixture_do(&fixture, "{'actions': [{'action': 'click', 'at': [5, 5]}]}");
	cr_assert_eq(fixture.lost, 1);
	agent_fixture_stop(&fixture);
}

Test(act, survives_a_window_that_dies_in_the_middle, .init = start, .fini = stop)
{
	struct err err = { 0 };
	struct display *d = fixture.agent.display;
	display_trap(d);
	XSelectInput(display_x(d), 0x12345678, PropertyChangeMask);
	cr_assert_not(display_untrap(d, &err));
	cr_assert_eq(err.kind, ERR_NOT_FOUND);
	display_trap(d);
	cr_assert(display_untrap(d, &err));
	/* Untrapped, it is ignored. */
	XDestroyWindow(display_x(d), 0x12345678);
	agent_fixture_do(&fixture, "{'actions': [{'action': 'click', 'at': [5, 5]}]}");
}

Test(act, works_while_another_client_grabs_the_server, .init = start, .fini = stop)
{
	XGrabServer(target.x);
	XSync(target.x, False);
	agent_fixture_do(&fixture,
		"{'actions': [{'action': 'click', 'at': [5, 5]}], 'observe': {'mode': 'frame'}}");
	XUngrabServer(target.x);
	expect_button(0, 1, 5, 5, 0);
}

Test(act, of_typing_fails_when_the_server_dies_in_the_middle, .init = start)
{
	struct request req;
	auto_buf struct buf text = { 0 };
	for (int i = 0; i < 20000; i++) {
		buf_printf(&text, "x");
	}
	agent_fixture_begin(&fixture, &req,
		json_pack(
			"{s:[{s:s, s:s}]}", "actions", "action", "type", "text", buf_text(&text)));
	agent_fixture_for_ms(&fixture, 5);
	agent_fixture_end_child(&fixture, fixture.server);
	agent_fixture_until(&fixture, fixture.lost == 1);
	cr_assert(req.answered);
	agent_fixture_done(&req);
	agent_fixture_stop(&fixture);
}

Test(act, says_what_failed_and_what_was_done, .init = start, .fini = stop)
{
	struct request req;
	/* Nobody has the focus, for good. */
	XSetInputFocus(target.x, None, RevertToNone, CurrentTime);
	XSync(target.x, False);
	agent_fixture_act(&fixture, &req,
		"{'actions': [{'action': 'key_down', 'text': 'shift'}, {'action': 'click', 'at': [5, 5]},"
		"{'action': 'button_down'}, {'action': 'type', 'text': 'lost'}, {'action': 'click'}],"
		"'observe': {'mode': 'frame'}}");
	const json_t *failed = json_object_get(req.result, "failed");
	cr_assert_eq(json_integer_value(json_object_get(failed, "index")), 3);
	cr_assert_str_eq(json_string_value(json_object_get(failed, "kind")), "state");
	cr_assert_eq(json_array_size(json_object_get(req.result, "done")), 3);
	cr_assert_gt(req.tail_len, 1000);
	cr_assert_eq(target_count(&target, ButtonPress), 2);
	cr_assert_eq(target_event(&target, ButtonPress, 0)->xbutton.state, (unsigned)ShiftMask);
	cr_assert_eq(target_buttons_down(&target), 0);
	cr_assert(target_keys_up(&target));
	agent_fixture_done(&req);
}

static int window_list(Window *ret_first)
{
	Atom type, list = XInternAtom(target.x, "_NET_CLIENT_LIST_STACKING", False);
	int format;
	unsigned long n = 0, left;
	unsigned char *value = NULL;
	XGetWindowProperty(target.x, DefaultRootWindow(target.x), list, 0, 100, False, XA_WINDOW,
		&type, &format, &n, &left, &value);
	*ret_first = n ? ((Window *)(void *)value)[n - 1] : None;
	XFree(value);
	return (int)n;
}

/* openbox lets its list go when it sees alt come up; it must have the keyboard by then. */
Test(act, switches_windows_by_a_chord, .fini = stop)
{
	struct target other;
	agent_fixture_start(&fixture, "1280x800", true);
	target_open(&other, &fixture, 0, 0, 300, 300, true);
	target_open(&target, &fixture, 0, 0, 300, 300, true);
	Window top;
	agent_fixture_until(&fixture, window_list(&top) == 2 && top == target.window);
	for (int i = 0; i < 10; i++) {
		agent_fixture_do(&fixture, "{'actions': [{'action': 'key', 'text': 'alt+Tab'}]}");
		agent_fixture_until(&fixture,
			window_list(&top) == 2 && top == (i % 2 ? target.window : other.window));
	}
	target_close(&other);
}

Test(act, clicks_reach_a_managed_window, .fini = stop)
{
	agent_fixture_start(&fixture, "1280x800", true);
	target_open(&target, &fixture, 0, 0, 1000, 600, true);
	for (int i = 0; i < 20; i++) {
		agent_fixture_do(&fixture, "{'actions': [{'action': 'click', 'at': [640, 400]},"
					   "{'action': 'click', 'button': 'right', 'count': 2}]}");
	}
	agent_fixture_until(&fixture, target_count(&target, ButtonRelease) == 60);
	cr_assert_eq(target_count(&target, ButtonPress), 60);
}
