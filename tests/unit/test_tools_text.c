// USES tools
#include "tools_stand_in.h"

/* What the input tools ask of an agent, and what they make of its answers, word by word. */

TestSuite(tools_text, .init = open_desk, .fini = close_desk);

/* ---- acknowledgements ---- */

struct ack {
	const char *tool, *args, *says;
	struct point pointer;
};

Test(tools_text, acknowledgements)
{
	static const struct ack rows[] = {
		{ "left_click", "{\"coordinate\":[10,20]}", "Clicked.", { 10, 20 } },
		{ "right_click", "{\"coordinate\":[10,20]}", "Right-clicked.", { 10, 20 } },
		{ "middle_click", "{}", "Middle-clicked.", { 10, 20 } },
		{ "double_click", "{\"coordinate\":[10.0,20]}", "Double-clicked.", { 10, 20 } },
		{ "triple_click", "{\"coordinate\":[0,0],\"text\":\"shift\"}", "Triple-clicked.",
			{ 0, 0 } },
		{ "mouse_move", "{\"coordinate\":[1279,799]}", "Moved the mouse.", { 1279, 799 } },
		{ "left_mouse_down", "{}", "Left mouse button pressed.", { 10, 20 } },
		{ "left_mouse_up", "{}", "Left mouse button released.", { 10, 20 } },
		{ "left_click_drag", "{\"start_coordinate\":[1,2],\"coordinate\":[3,4]}",
			"Dragged.", { 3, 4 } },
		{ "scroll", "{\"scroll_direction\":\"left\",\"scroll_amount\":3}", "Scrolled left.",
			{ 10, 20 } },
		{ "scroll", "{\"scroll_direction\":\"down\",\"scroll_amount\":0}",
			"Did not scroll, for 'scroll_amount' is 0." },
	};
	struct guest_act res = { .done = 1, .frame_id = 42, .changed = true };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char says[200];
		snprintf(says, sizeof(says),
			"%s\nPointer at (%d, %d). The screen changed (frame 42).", rows[i].says,
			rows[i].pointer.x, rows[i].pointer.y);
		res.pointer = rows[i].pointer;
		check_text(rows[i].tool, rows[i].args, &res, says);
	}
}

Test(tools_text, a_pointer_that_is_elsewhere)
{
	struct guest_act res = {
		.done = 1, .frame_id = 42, .changed = true, .pointer = { 640, 400 }
	};
	check_text("left_click", "{\"coordinate\":[400,300]}", &res,
		"Clicked.\nPointer at (640, 400), not at (400, 300): another program has moved it or "
		"holds it, and then this input arrives late. The screen changed (frame 42).");
	res.pointer = (struct point){ 401, 300 };
	check_text("left_click", "{\"coordinate\":[400,300]}", &res,
		"Clicked.\nPointer at (401, 300). The screen changed (frame 42).");
}

Test(tools_text, acknowledgements_without_a_pointer)
{
	static const struct ack rows[] = {
		{ "type", "{\"text\":\"x\"}", "Typed.\n1000 characters delivered. " },
		{ "key", "{\"text\":\"ctrl+s\"}", "Pressed ctrl+s.\n" },
		{ "hold_key", "{\"text\":\"shift\",\"duration\":1.5}", "Held shift for 1.5s.\n" },
		{ "wait", "{\"duration\":2.0}", "Waited 2s.\n" },
	};
	struct guest_act res = { .done = 1, .chars = 1000, .frame_id = 41 };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char says[200];
		snprintf(says, sizeof(says), "%sThe screen has not changed so far (frame 41).",
			rows[i].says);
		check_text(rows[i].tool, rows[i].args, &res, says);
	}
}

Test(tools_text, keys_without_a_window)
{
	struct guest_act res = { .done = 1, .unfocused = true, .frame_id = 41 };
	check_text("key", "{\"text\":\"ctrl+s\"}", &res,
		"Pressed ctrl+s.\nNo window has the keyboard focus, so only shortcuts of the desktop "
		"work; click into a window first. The screen has not changed so far (frame 41).");
}

/* ---- what the agent is asked to do ---- */

Test(tools_text, actions)
{
	struct guest_act res = { .done = 1 };
	fake_end(answered("double_click", "{\"coordinate\":[7,0],\"text\":\"ctrl+shift\"}", &res));
	cr_expect_eq(asked.action.kind, ACTION_CLICK);
	cr_expect_eq(asked.action.at.count, 2);
	cr_expect_eq(asked.action.at.at[0], 7);
	cr_expect_eq(asked.action.at.at[1], 0);
	cr_expect_eq(asked.action.count, 2);
	cr_expect_eq(asked.action.button, BUTTON_LEFT);
	cr_expect_eq(asked.observe.mode, OBSERVE_NONE);
	fake_end(answered("right_click", "{\"text\":\"\"}", &res));
	cr_expect_eq(asked.action.button, BUTTON_RIGHT);
	cr_expect_eq(asked.action.at.count, 0);
	cr_expect_null(asked.action.modifiers, "an empty text holds nothing");
	fake_end(answered(
		"left_click_drag", "{\"start_coordinate\":[1,2],\"coordinate\":[3,4]}", &res));
	cr_expect_eq(asked.action.kind, ACTION_DRAG);
	cr_expect_eq(asked.action.from.at[1], 2);
	cr_expect_eq(asked.action.at.at[1], 4);
	fake_end(answered("scroll", "{\"scroll_direction\":\"right\",\"scroll_amount\":0}", &res));
	cr_expect_eq(asked.action.kind, ACTION_SCROLL);
	cr_expect_eq(asked.action.direction, SCROLL_RIGHT);
	cr_expect_eq(asked.action.amount, 0);
	fake_end(answered("hold_key", "{\"text\":\"a\",\"duration\":0.0625}", &res));
	cr_expect_eq(asked.action.ms, 63, "rounded to whole milliseconds");
	fake_end(answered("wait", "{\"duration\":300}", &res));
	cr_expect_eq(asked.action.ms, 300000);
	fake_end(answered("key", "{\"text\":\"a\",\"repeat\":100,\"observe\":\"settled\"}", &res));
	cr_expect_eq(asked.action.repeat, 100);
	cr_expect_eq(asked.observe.mode, OBSERVE_SETTLED);
	fake_end(answered("key", "{\"text\":\"a\"}", &res));
	cr_expect_eq(asked.action.repeat, 1);
}

/* ---- observing ---- */

Test(tools_text, a_frame_comes_with_the_acknowledgement)
{
	struct guest_act res = {
		.done = 1, .frame_id = 42, .changed = true, .frame = frame_of(1280, 800)
	};
	struct fake_call *call = answered("left_click", "{\"observe\":\"frame\"}", &res);
	cr_expect_eq(asked.observe.mode, OBSERVE_FRAME);
	cr_expect_eq(json_array_size(call->content), 2);
	cr_expect_str_eq(fake_block(call, 0, "text", "text"),
		"Clicked.\nPointer at (0, 0). The screen changed (frame 42).");
	cr_expect_str_eq(fake_block(call, 1, "image", "data"), "/9j/4A==");
	cr_expect_str_eq(fake_block(call, 1, "image", "mimeType"), "image/jpeg");
	fake_end(call);
}

Test(tools_text, settling)
{
	struct guest_act res = {
		.done = 1, .frame_id = 42, .changed = true, .settled = true, .waited_ms = 230
	};
	const char *args = "{\"text\":\"a\",\"observe\":\"settled\"}";
	check_text("key", args, &res,
		"Pressed a.\nThe screen changed and settled after 230 ms (frame 42).");
	res.changed = false;
	check_text("key", args, &res,
		"Pressed a.\nThe screen did not change within 230 ms (frame 42).");
	res.settled = false;
	res.changed = true;
	res.waited_ms = 5000;
	json_auto_t *moving = json_loads("[[0,0,32,32],[64,0,96,32]]", 0, NULL);
	res.moving = moving;
	check_text("key", args, &res,
		"Pressed a.\nThe screen changed and had not settled after 5000 ms (frame 42). "
		"Still moving: [0, 0, 32, 32], [64, 0, 96, 32].");
	for (int i = 0; i < 6; i++) {
		json_array_append_new(moving, json_pack("[i,i,i,i]", i, 0, i + 1, 1));
	}
	struct fake_call *call = answered("key", args, &res);
	cr_expect_not_null(strstr(fake_block(call, 0, "text", "text"), "] and 2 more regions."));
	fake_end(call);
}

/* ---- failing ---- */
Test(tools_text, an_action_that_fails)
{
	struct guest_act res = { .frame = frame_of(1280, 800) };
	err_set(&res.failed, ERR_ARGUMENT, "there is no key 'Retrun'; did you mean 'Return'?");
	struct fake_call *call =
		answered("key", "{\"text\":\"Retrun\",\"observe\":\"frame\"}", &res);
	check_failure(call, ERR_ARGUMENT, "there is no key 'Retrun'; did you mean 'Return'?");
	cr_expect_not_null(fake_block(call, 0, "image", "data"), "the frame shows how far it came");
	fake_end(call);
}

Test(tools_text, a_sandbox_that_ends_meanwhile)
{
	struct err gone;
	err_set(&gone, ERR_GONE, "sandbox mine has ended: its agent died");
	static const char *const names[] = { "left_click", "screenshot", "cursor_position" };
	for (size_t i = 0; i < 3; i++) {
		stand_in.state = VM_READY;
		struct fake_call *call = fake_begin(&desk, names[i], "{\"sandbox\":\"mine\"}");
		stand_in.state = VM_STOPPING;
		asked.act(NULL, &gone, asked.data);
		check_failure(call, ERR_GONE,
			"sandbox mine has ended: its agent died. Call again without 'sandbox' for "
			"a new desktop; what was in the old one is lost");
		fake_end(call);
	}
}

/* Its calls are over, but it is not: no advice to begin a new one. */
Test(tools_text, a_sandbox_that_is_paused_meanwhile)
{
	struct err gone;
	err_set(&gone, ERR_GONE, "sandbox mine was paused while this ran");
	struct fake_call *call = fake_begin(&desk, "left_click", "{\"sandbox\":\"mine\"}");
	stand_in.state = VM_PAUSED;
	asked.act(NULL, &gone, asked.data);
	cr_expect_str_eq(call->err.text, gone.text);
	fake_end(call);
}

Test(tools_text, other_sandboxes)
{
	struct fake_call *call = fake_begin(&desk, "left_click", "{\"sandbox\":\"stranger\"}");
	check_failure(call, ERR_NOT_FOUND, "you have no sandbox 'stranger'");
	fake_end(call);
	call = fake_begin(&desk, "run_command", "{\"command\":\"true\",\"sandbox\":\"gone\"}");
	check_failure(call, ERR_GONE,
		"sandbox gone has ended: the X server died. Call again without 'sandbox' for a new "
		"desktop; what was in the old one is lost");
	fake_end(call);
}

Test(tools_text, a_note_comes_last)
{
	struct guest_act res = { .done = 1, .pointer = { 3, 0 }, .frame = frame_of(1280, 800) };
	stand_in.note = "The window manager died and was restarted.";
	struct fake_call *call = answered("screenshot", "{}", &res);
	cr_expect_eq(json_array_size(call->content), 3);
	cr_expect_str_eq(
		fake_block(call, 2, "text", "text"), "The window manager died and was restarted.");
	fake_end(call);
	check_text("cursor_position", "{}", &res, "X=3,Y=0");
}

/* ---- waiting and taking back ---- */

Test(tools_text, waits_until_ready_and_tells_stages)
{
	stand_in.state = VM_STARTING;
	asked.act = NULL;
	struct fake_call *call = fake_begin(&desk, "cursor_position", "{}");
	cr_expect_null(asked.act, "nothing is asked of a sandbox that is not ready");
	waiting.stage("x-server", 1, 5, waiter);
	waiting.stage("window-manager", 3, 5, waiter);
	cr_expect_eq(call->stages, 2);
	cr_expect_str_eq(call->stage, "Starting the desktop: window-manager");
	stand_in.state = VM_READY;
	waiting.done(&stand_in, NULL, waiter);
	struct guest_act res = { .pointer = { 1, 2 } };
	asked.act(&res, NULL, asked.data);
	cr_expect_str_eq(fake_block(call, 0, "text", "text"), "X=1,Y=2");
	fake_end(call);
}

Test(tools_text, a_sandbox_that_does_not_start)
{
	struct err why;
	stand_in.state = VM_STARTING;
	struct fake_call *call = fake_begin(&desk, "screenshot", "{}");
	err_set(&why, ERR_HOST, "sandbox mine could not start: there is no Xvnc");
	waiting.done(&stand_in, &why, waiter);
	check_failure(call, ERR_HOST, "sandbox mine could not start: there is no Xvnc");
	fake_end(call);
}

Test(tools_text, taken_back_before_it_is_ready)
{
	stand_in.state = VM_STARTING;
	asked.cancelled = 0;
	struct fake_call *call = fake_begin(&desk, "type", "{\"text\":\"a\"}");
	fake_cancel(call);
	cr_expect(wait_cancelled);
	check_failure(
		call, ERR_CANCELLED, "cancelled before the desktop was ready; nothing was done");
	cr_expect_eq(asked.cancelled, 0);
	fake_end(call);
}

Test(tools_text, taken_back_while_it_runs)
{
	struct err why;
	struct fake_call *call = fake_begin(&desk, "hold_key", "{\"text\":\"a\",\"duration\":300}");
	fake_cancel(call);
	cr_expect_eq(call->answers, 0, "the agent still answers, when the keys are released");
	cr_expect_eq(asked.cancelled, asked.id);
	err_set(&why, ERR_CANCELLED, "cancelled");
	asked.act(NULL, &why, asked.data);
	check_failure(call, ERR_CANCELLED, "cancelled");
	fake_end(call);
}
