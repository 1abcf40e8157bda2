// USES agent
/* Modifiers, locks, held keys and dead keys of a user, as the focused program receives them. */
#include "tests/support/text.h"
#include "tests/support/user_input_fixture.h"

TestSuite(user_input, .init = user_start, .fini = user_stop, .timeout = 120);

/* ---- modifiers ---- */

Test(user_input, gives_the_character_whatever_shift_is_like)
{
	user_taps('A'); /* Caps Lock at the other end */
	user_taps('?');
	user_input_key(user, XK_Shift_R, true);
	user_taps('/'); /* Shift and 7 on the keyboard of the user */
	user_taps('b');
	user_taps('C');
	user_taps(0x1000436); /* a small letter on a spare key */
	agent_fixture_until(&fixture, !user_input_is_waiting(user));
	cr_assert(keyboard_state().mods & ShiftMask, "Shift is still held");
	user_input_key(user, XK_Shift_R, false);
	user_taps(0x1000416);
	expect_text("A?/bCжЖ");
	cr_assert(all_keys_up());
}

Test(user_input, gives_the_character_whatever_the_locks_are_like)
{
	user_taps(XK_Caps_Lock);
	cr_assert_eq(keyboard_state().locked_mods & LockMask, LockMask);
	user_taps('A'); /* as a browser with Caps Lock sends it */
	user_taps('b');
	user_taps(XK_Cyrillic_zhe);
	user_taps(XK_Cyrillic_ZHE);
	user_taps(XK_KP_1);
	user_taps(XK_Num_Lock);
	user_taps(XK_KP_2);
	expect_text("AbжЖ12");
	cr_assert_eq(
		keyboard_state().locked_mods & LockMask, LockMask, "the lock is as it was set");
	user_taps(XK_Caps_Lock);
	cr_assert_eq(keyboard_state().locked_mods & LockMask, 0);
	user_taps('c');
	expect_text("AbжЖ12c");
}

Test(user_input, takes_the_third_level_of_the_layout)
{
	agent_fixture_run(&fixture, "setxkbmap", "de");
	int before = seen.n_keys;
	user_taps('@'); /* AltGr and Q here, and of another key there */
	expect_text("@");
	for (int i = before; i < seen.n_keys; i++) {
		cr_expect_neq(seen.keys[i].sym, XK_Shift_L);
	}
	unsigned q = XKeysymToKeycode(display_x(fixture.agent.display), 'q');
	cr_expect_eq(seen.keys[before + 1].code, q, "a key of the layout");
	user_input_key(user, XK_ISO_Level3_Shift, true);
	user_taps('@');
	user_taps(XK_EuroSign);
	user_taps('{');
	user_taps(0x1004f60); /* on no key */
	user_input_key(user, XK_ISO_Level3_Shift, false);
	user_taps('q');
	expect_text("@@€{你q");
	cr_assert(all_keys_up());
}

/* The key that a chord means, and no Shift that nobody holds. */
static void expect_chord(KeySym sym, unsigned mods)
{
	agent_fixture_until(&fixture, !user_input_is_waiting(user));
	program_settle();
	for (int i = seen.n_keys; i-- > 0;) {
		if (seen.keys[i].down && seen.keys[i].sym == sym) {
			cr_assert_eq(seen.keys[i].state & 0xff, mods, "0x%x", seen.keys[i].state);
			return;
		}
	}
	cr_assert_fail("no key 0x%lx", sym);
}

Test(user_input, means_keys_while_control_or_alt_is_held)
{
	user_input_key(user, XK_Control_L, true);
	user_taps('c');
	expect_chord('c', ControlMask);
	user_taps('X'); /* Caps Lock at the other end */
	expect_chord('x', ControlMask);
	user_input_key(user, XK_Shift_L, true);
	user_taps('T');
	expect_chord('T', ControlMask | ShiftMask);
	user_input_key(user, XK_Shift_L, false);
	agent_fixture_run(&fixture, "setxkbmap", "ru");
	user_taps('v');
	expect_chord('v', ControlMask);
	user_input_key(user, XK_Control_L, false);
	user_input_key(user, XK_Alt_L, true);
	user_taps(XK_F4);
	expect_chord(XK_F4, Mod1Mask);
	user_input_key(user, XK_Alt_L, false);
	user_taps('v'); /* a spare, without Control now */
	user_input_key(user, XK_Shift_L, true);
	user_taps(XK_Tab);
	expect_chord(XK_ISO_Left_Tab, ShiftMask);
	user_input_key(user, XK_Shift_L, false);
	cr_assert(all_keys_up());
}

/* ---- held keys ---- */

Test(user_input, repeats_as_often_as_the_viewer_says)
{
	uint32_t syms[] = { 'a', 0x1004f60, XK_Left };
	for (int i = 0; i < 3; i++) {
		user_input_key(user, syms[i], true);
		user_input_key(user, syms[i], true);
		user_input_key(user, syms[i], true);
		agent_fixture_until(&fixture, !user_input_is_waiting(user));
		cr_assert_not(all_keys_up(), "it is held");
		user_input_key(user, syms[i], false);
		cr_assert(all_keys_up());
	}
	expect_text("aaa你你你");
	int lefts = 0;
	for (int i = 0; i < seen.n_keys; i++) {
		lefts += seen.keys[i].down && seen.keys[i].sym == XK_Left;
	}
	cr_assert_eq(lefts, 3);
	/* But locks and modifiers do not, as on a keyboard. */
	user_input_key(user, XK_Caps_Lock, true);
	user_input_key(user, XK_Caps_Lock, true);
	user_input_key(user, XK_Caps_Lock, false);
	cr_assert_eq(keyboard_state().locked_mods & LockMask, LockMask);
}

/* A release that is late on a busy machine must not type the letter twice. */
Test(user_input, the_x_server_repeats_no_key_of_a_user)
{
	user_input_key(user, 'a', true);
	agent_fixture_for_ms(&fixture, 1000);
	user_input_key(user, 'a', false);
	expect_text("a");
	user_input_release(user);
	XKeyboardState state;
	XGetKeyboardControl(display_x(fixture.agent.display), &state);
	cr_expect_eq(state.global_auto_repeat, AutoRepeatModeOn);
}

Test(user_input, releases_the_key_that_was_pressed_though_the_map_has_changed)
{
	user_input_key(user, 'z', true);
	agent_fixture_run(&fixture, "setxkbmap", "de"); /* another key has it now */
	user_input_key(user, 'z', false);
	cr_assert(all_keys_up());
	user_input_key(user, 0x1004f60, true);
	agent_fixture_until(&fixture, !user_input_is_waiting(user));
	program_settle();
	unsigned code = seen.keys[seen.n_keys - 1].code;
	auto_buf struct buf text = { 0 };
	text_append_cjk(&text, 100); /* needs all other spares, more than once */
	agent_fixture_type(&fixture, buf_text(&text));
	user_types(buf_text(&text));
	agent_fixture_until(&fixture, !user_input_is_waiting(user));
	program_settle();
	for (int i = 3; i < seen.n_keys; i++) {
		cr_assert(seen.keys[i].code != code || seen.keys[i].sym == 0x1004f60 ||
				  !seen.keys[i].down,
			"the held key was given another letter");
	}
	user_input_key(user, 0x1004f60, false);
	cr_assert(all_keys_up());
}

Test(user_input, releases_a_key_by_its_other_case)
{
	user_input_key(user, XK_Shift_L, true);
	user_input_key(user, 'A', true);
	user_input_key(user, XK_Shift_L, false);
	user_input_key(user, 'a', false);
	cr_assert(all_keys_up());
}

Test(user_input, lets_go_of_all_it_holds)
{
	user_input_key(user, XK_Control_L, true);
	user_input_key(user, 'q', true);
	user_input_pointer(user, (struct point){ 40, 50 }, 1);
	user_input_release(user);
	program_settle();
	cr_assert(all_keys_up());
	cr_assert_eq(seen.n_buttons, 2);
	cr_assert_eq(seen.buttons[1], 101);
	user_input_key(user, 'w', true);
	user_input_pointer(user, (struct point){ 40, 50 }, 4);
	user_input_free(take_ptr(&user));
	program_settle();
	cr_assert(all_keys_up());
	cr_assert_eq(seen.buttons[3], 103);
}

Test(user_input, holds_no_more_keys_than_there_are_fingers)
{
	for (uint32_t i = 0; i < 26; i++) {
		user_input_key(user, 'a' + i, true);
		user_input_key(user, XK_F1 + i, true);
	}
	for (uint32_t i = 0; i < 200; i++) {
		user_input_key(user, 0x1004e00 + i, true);
	}
	agent_fixture_until(&fixture, !user_input_is_waiting(user));
	user_input_release(user);
	cr_assert(all_keys_up());
	user_taps('x');
	program_settle();
	cr_assert_eq(seen.keys[seen.n_keys - 1].sym, 'x');
}

/* Dead keys come as such. */
Test(user_input, leaves_composing_to_the_program)
{
	user_taps(XK_dead_acute); /* on no key of this layout */
	user_taps('e');
	user_taps(XK_Multi_key);
	agent_fixture_until(&fixture, !user_input_is_waiting(user));
	expect_key(0, true, XK_dead_acute);
	expect_key(2, true, 'e');
	expect_key(4, true, XK_Multi_key);
}
