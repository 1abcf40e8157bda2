// USES agent
/* The order, bounds and refusals of a user's events: pointer, queue, gate, end of the X server. */
#include "tests/support/text.h"
#include "tests/support/user_input_fixture.h"
#include "vm/agent/act/seat.h"

TestSuite(user_input, .init = user_start, .fini = user_stop, .timeout = 120);

/* ---- the pointer ---- */

Test(user_input, presses_buttons_where_the_viewer_points)
{
	user_input_pointer(user, (struct point){ 10, 20 }, 0);
	user_input_pointer(user, (struct point){ 10, 20 }, 1);
	user_input_pointer(user, (struct point){ 10, 20 }, 0);
	user_input_pointer(user, (struct point){ 300, 200 }, 1u << 3); /* the wheel */
	user_input_pointer(user, (struct point){ 300, 200 }, 0);
	user_input_pointer(user, (struct point){ 300, 201 }, 1u << 8 | 0xfffff000u);
	user_input_pointer(user, (struct point){ 300, 201 }, 0);
	program_settle();
	static const unsigned want[] = { 1, 101, 4, 104, 9, 109 };
	cr_assert_eq(seen.n_buttons, 6);
	for (int i = 0; i < 6; i++) {
		cr_expect_eq(seen.buttons[i], want[i], "%d is %u", i, seen.buttons[i]);
	}
	cr_expect(seen.at.x == 300 && seen.at.y == 201);
	/* The next click of the agent takes the click of the user into account. */
	struct err err;
	const struct input *in = &act_queue_seat(fixture.agent.acts, &err)->input;
	cr_assert(input_wm_behind(in, false));
	cr_assert_gt(input_press_due(in, 9, (struct point){ 300, 201 }), in->button_down_us);
}

Test(user_input, keeps_keys_and_clicks_in_order)
{
	user_types("ab");
	user_taps(0x1004f60);
	user_input_pointer(user, (struct point){ 10, 20 }, 1);
	user_input_pointer(user, (struct point){ 10, 20 }, 0);
	user_taps('c');
	program_settle();
	cr_assert(seen.n_buttons == 0 || text_length(buf_text(&seen.text)) >= 3);
	expect_text("ab你c");
	cr_assert_eq(seen.n_buttons, 2);
}

/* ---- what does not come through ---- */

Test(user_input, presses_nothing_that_the_x_server_would_obey)
{
	static const uint32_t bad[] = { 0, 0xfed5 /* Terminate_Server */, 0x1008fe01, 0xfee9,
		0xfe70, 0x20000000, 0xffffffff, XK_ISO_Lock };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		user_taps(bad[i]);
	}
	user_taps('a');
	expect_text("a");
	cr_assert_eq(seen.n_keys, 2);
}

Test(user_input, drops_what_waits_for_a_program_that_reads_nothing)
{
	auto_buf struct buf known = { 0 }, unknown = { 0 }, want = { 0 };
	text_append_letters(&known, 0x4e00, 20);
	text_append_letters(&unknown, 0xac00, 100);
	user_types(buf_text(&known));
	expect_text(buf_text(&known));
	program_sleep(true);
	user_types(buf_text(&known)); /* on the spares it has read of */
	cr_assert_not(user_input_is_waiting(user));
	user_types(buf_text(&unknown));
	user_input_key(user, 'a', true);
	cr_assert(user_input_is_waiting(user));
	agent_fixture_until(&fixture, !user_input_is_waiting(user));
	program_sleep(false);
	program_settle();
	buf_printf(&want, "%s%s", buf_text(&known), buf_text(&known));
	cr_assert_eq(strncmp(buf_text(&seen.text), buf_text(&want), want.len), 0);
	size_t more = strlen(buf_text(&seen.text)) - want.len;
	cr_assert_lt(more, unknown.len);
	buf_append(&want, unknown.data, more); /* those before the spares ran out */
	buf_printf(&want, "好a");
	user_types("好a");
	expect_text(buf_text(&want));
	cr_assert(all_keys_up());
}

static bool is_on_map(KeySym sym)
{
	Display *x = display_x(fixture.agent.display);
	XkbDescPtr map = XkbGetMap(x, XkbAllClientInfoMask, XkbUseCoreKbd);
	bool is = false;
	for (int code = map->min_key_code; code <= map->max_key_code; code++) {
		is |= XkbKeyNumSyms(map, code) > 0 && XkbKeySymEntry(map, code, 0, 0) == sym;
	}
	XkbFreeKeyboard(map, 0, True);
	return is;
}

/* LibreOffice typed what the keys meant before. */
Test(user_input, does_not_change_the_map_again_before_the_program_has_read_it)
{
	user_taps(0x1004e00);
	expect_text("一");
	program_sleep(true);
	user_taps(0x1004e01);
	user_taps(0x1004e02);
	agent_fixture_for_ms(&fixture, 50);
	cr_expect_not(is_on_map(0x1004e01) && is_on_map(0x1004e02));
	program_sleep(false);
	expect_text("一丁丂");
}

static void on_room(void *data)
{
	++*(int *)data;
}

Test(user_input, says_when_it_is_full_and_when_no_more)
{
	int n = 0, rooms = 0;
	user_input_on_room(user, on_room, &rooms);
	auto_buf struct buf want = { 0 };
	for (; !user_input_is_full(user); n++) {
		text_append_letters(&want, 0x4e00 + (unsigned)n, 1);
		user_taps(0x1004e00 + (uint32_t)n);
	}
	cr_assert_eq(rooms, 0);
	agent_fixture_until(&fixture, rooms);
	cr_assert_not(user_input_is_full(user));
	user_taps('x');
	buf_printf(&want, "x");
	expect_text(buf_text(&want));
	cr_assert_eq(rooms, 1);
}

Test(user_input, bounds_what_waits)
{
	program_sleep(true);
	int n = 0;
	while (!user_input_is_full(user)) {
		cr_assert_lt(n, USER_INPUT_QUEUE);
		user_taps(0x1004e00 + (uint32_t)n++);
	}
	cr_assert_gt(n, 600);
	for (int i = 0; i < USER_INPUT_QUEUE; i++) {
		user_taps(0x1008000 + (uint32_t)i);
	}
	program_sleep(false);
	agent_fixture_until(&fixture, !user_input_is_waiting(user));
	cr_assert(all_keys_up());
}

static enum user_input_verdict verdict;

static enum user_input_verdict filter(struct user_event *event, void *data)
{
	(void)data;
	event->at.x += 100;
	return event->is_key && !event->down ? USER_INPUT_PASS : verdict;
}

Test(user_input, asks_its_gate_before_each_event)
{
	user_input_free(user);
	user = user_input_new(&fixture.agent, filter, NULL);
	verdict = USER_INPUT_DROP;
	user_taps('a');
	verdict = USER_INPUT_WAIT;
	user_taps('b');
	user_input_pointer(user, (struct point){ 10, 20 }, 1);
	program_settle();
	cr_assert_eq(seen.n_keys, 0);
	verdict = USER_INPUT_PASS;
	user_input_retry(user);
	expect_text("b");
	cr_assert_eq(seen.at.x, 110);
	verdict = USER_INPUT_WAIT;
	user_taps('c');
	user_input_pointer(user, (struct point){ 10, 20 }, 0);
	user_input_forget_presses(user);
	verdict = USER_INPUT_PASS;
	user_input_retry(user);
	program_settle();
	cr_assert_eq(seen.n_buttons, 2, "the release was wanted");
	user_taps(0x1004f60); /* with the server held still now and then */
	user_taps('d');
	expect_text("b你d");
}

Test(user_input, survives_the_end_of_the_x_server)
{
	user_input_key(user, XK_Control_L, true);
	user_input_key(user, 0x1004f60, true);
	user_input_pointer(user, (struct point){ 10, 20 }, 1);
	program_close();
	kill(fixture.server, SIGKILL);
	agent_fixture_until(&fixture, fixture.lost);
	user_taps('a');
	user_input_pointer(user, (struct point){ 10, 20 }, 1);
	agent_fixture_end_child(&fixture, fixture.server);
	agent_fixture_start_server(&fixture, "1280x800");
	agent_fixture_open_display(&fixture);
	program_open();
	user_taps('b');
	user_taps(0x1004f60);
	user_input_pointer(user, (struct point){ 10, 20 }, 1);
	user_input_pointer(user, (struct point){ 10, 20 }, 0);
	expect_text("b你");
	cr_assert_eq(seen.n_buttons, 2);
	cr_assert(all_keys_up());
}
