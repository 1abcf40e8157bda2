// USES agent
/* Typed text is read back from the programs that got it. */
#include "tests/support/agent_fixture.h"
#include "tests/support/text.h"
#include "vm/agent/act/seat.h"
#include "vm/agent/act/user_input.h"
#include "vm/agent/x11/client_sync.h"
#include "vm/agent/x11/keymap.h"

#include <X11/XKBlib.h>

static struct agent_fixture fixture;

static Window focused(void)
{
	Window window = None;
	int revert;
	XGetInputFocus(display_x(fixture.agent.display), &window, &revert);
	return window;
}

static void start(void)
{
	agent_fixture_start(&fixture, "1280x800", true);
	agent_fixture_until(
		&fixture, !client_sync_has_focus(fixture.agent.display)); /* openbox has taken it */
}

static void start_bare(void)
{
	agent_fixture_start(&fixture, "1280x800", false);
}

static void stop(void)
{
	agent_fixture_stop(&fixture);
}

static void open_editor(void)
{
	char script[300], path[128];
	const char *source = getenv("VITRINE_SOURCE");
	snprintf(script, sizeof(script), "%s/tests/support/editor.py", source ? source : ".");
	agent_fixture_path(&fixture, "text", path);
	agent_fixture_spawn(&fixture, "/usr/bin/python3", script, path);
	agent_fixture_until(&fixture, agent_fixture_file_is(&fixture, "text", ""));
}

/* cat in a terminal that reads without line editing's limits; Ctrl+D at the end of a line ends it.
 */
static void open_terminal(void)
{
	Window before = focused();
	agent_fixture_spawn(&fixture, "xterm", "-e", "sh", "-c", "touch got; exec cat > got");
	agent_fixture_until(&fixture, agent_fixture_file_is(&fixture, "got", "") &&
					      focused() != before &&
					      client_sync_has_focus(fixture.agent.display));
}

/* Types into an empty editor and reads it back. */
static void types(const char *text)
{
	agent_fixture_do(&fixture, "{'actions': [{'action': 'key', 'text': 'ctrl+a Delete'}]}");
	agent_fixture_until(&fixture, agent_fixture_file_is(&fixture, "text", ""));
	cr_assert_eq(agent_fixture_type(&fixture, text), text_length(text));
	agent_fixture_expect_file(&fixture, "text", text);
}

#define PLAIN \
	"The quick (brown) fox; 100% of \"it\" costs $5 & <more> ~ `x` {y} [z] \\ | @ # ^ * + = " \
	"?!"
#define ACCENTS "-ça déjà vu: Größe, ñandú, Århus, žluťoučký kůň, €uro «ok»"
#define SCRIPTS "Καλημέρα κόσμε. Привет, мир! שלום 日本語 中文 한국어"
#define EMOJI "👩‍👩‍👧 ❤️ 🇪🇺 👍🏽 done"

Test(typing, reaches_a_gtk_editor_on_every_layout, .init = start, .fini = stop)
{
	static const char *const layouts[] = { "us", "de", "fr", "ru" };
	open_editor();
	for (int i = 0; i < 4; i++) {
		agent_fixture_run(&fixture, "setxkbmap", layouts[i]);
		types(PLAIN);
		types("one\ntwo\tthree\n\n--four");
		types(ACCENTS);
		types(SCRIPTS);
		types(EMOJI);
	}
}

Test(typing, of_more_characters_than_spare_keycodes_is_exact, .init = start, .fini = stop)
{
	auto_buf struct buf text = { 0 };
	text_append_cjk(&text, 300);
	open_editor();
	types(buf_text(&text));
	types(buf_text(&text));
}

Test(typing, of_a_long_text_is_exact, .init = start, .fini = stop)
{
	auto_buf struct buf text = { 0 };
	for (int i = 0; i < 500; i++) {
		buf_printf(&text, "Line %d: a, B; ü\n", i);
	}
	open_editor();
	types(buf_text(&text));
}

Test(typing, of_any_text_is_exact, .init = start, .fini = stop, .timeout = 300)
{
	static const int sizes[] = { 1, 10, 1000 };
	open_editor();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		auto_buf struct buf text = { 0 };
		text_append_random(&text, sizes[i], ' ');
		types(buf_text(&text));
	}
}

Test(typing, of_the_longest_text_is_exact, .init = start, .fini = stop, .timeout = 300)
{
	auto_buf struct buf line = { 0 }, text = { 0 };
	text_append_random(&line, 25, ' ');
	while (text.len + line.len < 100000) {
		buf_printf(&text, "%s\n", buf_text(&line));
	}
	open_editor();
	types(buf_text(&text));
}

Test(typing, reaches_a_terminal, .init = start, .fini = stop)
{
	static const char *const layouts[] = { "us", "de", "fr" };
	auto_buf struct buf want = { 0 };
	open_terminal();
	for (int i = 0; i < 3; i++) {
		auto_buf struct buf text = { 0 };
		agent_fixture_run(&fixture, "setxkbmap", layouts[i]);
		buf_printf(&text, "%s\n%s\n%s\n%s\n", PLAIN, ACCENTS, SCRIPTS, EMOJI);
		agent_fixture_type(&fixture, buf_text(&text));
		buf_append(&want, text.data, text.len);
		agent_fixture_expect_file(&fixture, "got", buf_text(&want));
	}
	auto_buf struct buf text = { 0 };
	text_append_cjk(&text, 200);
	buf_printf(&text, "\n");
	agent_fixture_type(&fixture, buf_text(&text));
	buf_append(&want, text.data, text.len);
	agent_fixture_expect_file(&fixture, "got", buf_text(&want));
}

static XkbStateRec state(void)
{
	XkbStateRec found;
	XkbGetState(display_x(fixture.agent.display), XkbUseCoreKbd, &found);
	return found;
}

Test(typing, neutralises_locks_and_puts_them_back, .init = start, .fini = stop)
{
	Display *x = display_x(fixture.agent.display);
	open_editor();
	agent_fixture_run(&fixture, "setxkbmap", "us,ru");
	XkbLockModifiers(x, XkbUseCoreKbd, LockMask | Mod2Mask, LockMask | Mod2Mask);
	XkbLockGroup(x, XkbUseCoreKbd, 1);
	types("Caps? No. ж 123");
	cr_assert_eq(state().locked_mods, LockMask | Mod2Mask);
	cr_assert_eq(state().locked_group, 1);
	/* But a key that is a lock does lock. */
	agent_fixture_do(&fixture, "{'actions': [{'action': 'key', 'text': 'Caps_Lock'}]}");
	cr_assert_eq(state().locked_mods, Mod2Mask);
}

static bool repeats(void)
{
	XKeyboardState state;
	XGetKeyboardControl(display_x(fixture.agent.display), &state);
	return state.global_auto_repeat == AutoRepeatModeOn;
}

/* A machine may be so slow that a short press lasts longer than the delay of repeating. */
Test(typing, presses_the_key_of_a_chord_once, .init = start, .fini = stop)
{
	Display *x = display_x(fixture.agent.display);
	open_editor();
	XkbSetAutoRepeatRate(x, XkbUseCoreKbd, 5, 5);
	agent_fixture_do(&fixture, "{'actions': [{'action': 'key', 'text': 'a b', 'repeat': 2}]}");
	agent_fixture_expect_file(&fixture, "text", "abab");
	cr_expect(repeats());
	XAutoRepeatOff(x);
	agent_fixture_do(&fixture, "{'actions': [{'action': 'key', 'text': 'c'}]}");
	agent_fixture_expect_file(&fixture, "text", "ababc");
	cr_expect_not(repeats());
}

static struct point corner(Window window)
{
	struct point at;
	Window child;
	Display *x = display_x(fixture.agent.display);
	XTranslateCoordinates(x, window, DefaultRootWindow(x), 2, 4, &at.x, &at.y, &child);
	return at;
}

/* openbox holds a click back until it has read it.  Keys typed before that would overtake it. */
Test(typing, waits_for_a_click_that_a_slow_window_manager_holds_back, .init = start, .fini = stop)
{
	open_editor();
	struct point at = corner(focused());
	struct request req;
	kill(fixture.window_manager, SIGSTOP);
	agent_fixture_begin(&fixture, &req,
		json_pack("{s:[{s:s, s:s}, {s:s, s:[i,i]}, {s:s, s:s}]}", "actions", "action",
			"type", "text", "world", "action", "click", "at", at.x, at.y, "action",
			"type", "text", "hello "));
	agent_fixture_for_ms(&fixture, 1000);
	kill(fixture.window_manager, SIGCONT);
	agent_fixture_finish(&req);
	cr_assert(req.result, "%s", req.err.text);
	agent_fixture_done(&req);
	agent_fixture_expect_file(&fixture, "text", "hello world");
}

Test(typing, follows_a_click_to_another_window, .init = start, .fini = stop)
{
	/* The window manager moves the focus; the keys must wait for that. */
	open_terminal();
	Window terminal = focused();
	open_editor();
	cr_assert_neq(focused(), terminal);
	XRaiseWindow(display_x(fixture.agent.display), terminal);
	struct point at = corner(terminal);
	for (int i = 0; i < 10; i++) {
		struct request req;
		agent_fixture_do(
			&fixture, "{'actions': [{'action': 'key', 'text': 'alt+Escape'}]}");
		agent_fixture_begin(&fixture, &req,
			json_pack("{s:[{s:s, s:[i,i]}, {s:s, s:s}]}", "actions", "action", "click",
				"at", at.x, at.y, "action", "type", "text", "ok\n"));
		agent_fixture_finish(&req);
		cr_assert(req.result, "%s", req.err.text);
		agent_fixture_done(&req);
	}
	agent_fixture_expect_file(&fixture, "got", "ok\nok\nok\nok\nok\nok\nok\nok\nok\nok\n");
	agent_fixture_expect_file(&fixture, "text", "");
}

static void refuses(const char *json, enum err_kind kind, const char *part)
{
	struct request req;
	agent_fixture_act(&fixture, &req, json);
	cr_assert_null(req.result);
	cr_assert_eq(req.err.kind, kind);
	cr_assert(strstr(req.err.text, part), "%s", req.err.text);
	agent_fixture_done(&req);
}

Test(typing, refuses_what_cannot_be_typed, .init = start, .fini = stop)
{
	struct request req;
	refuses("{'actions': [{'action': 'type', 'text': 'ab\\u0007c'}]}", ERR_ARGUMENT,
		"U+0007 at index 2");
	refuses("{'actions': [{'action': 'key', 'text': 'ctrl+Retrun'}]}", ERR_ARGUMENT,
		"'Return'");
	/* Nobody has the focus: the text would be lost. */
	agent_fixture_act(&fixture, &req, "{'actions': [{'action': 'type', 'text': 'abc'}]}");
	const char *why =
		json_string_value(json_object_get(json_object_get(req.result, "failed"), "text"));
	cr_assert(why && strstr(why, "focus"), "%s", why ? why : "typed");
	agent_fixture_done(&req);
}

Test(typing, refuses_a_key_that_the_program_takes_for_another, .init = start, .fini = stop)
{
	struct request req;
	open_editor();
	agent_fixture_act(&fixture, &req,
		"{'actions': [{'action': 'key', 'text': 'x'}, {'action': 'key', 'text': '\uff20'}]}");
	const char *why =
		json_string_value(json_object_get(json_object_get(req.result, "failed"), "text"));
	cr_expect(why && strstr(why, "U+FF20"), "%s", why ? why : "pressed");
	agent_fixture_done(&req);
	agent_fixture_do(&fixture, "{'actions': [{'action': 'key', 'text': 'y'}]}");
	agent_fixture_expect_file(&fixture, "text", "xy");
}

Test(typing, omits_such_a_key_of_a_viewer, .init = start, .fini = stop)
{
	static const uint32_t syms[] = { 'a', 0x100ff20, 'b' };
	open_editor();
	struct user_input *user = user_input_new(&fixture.agent, NULL, NULL);
	for (size_t i = 0; i < sizeof(syms) / sizeof(*syms); i++) {
		user_input_key(user, syms[i], true);
		user_input_key(user, syms[i], false);
	}
	agent_fixture_expect_file(&fixture, "text", "ab");
	user_input_free(user);
}

Test(typing, refuses_while_the_keyboard_is_frozen, .init = start, .fini = stop)
{
	struct request req;
	open_editor();
	Display *other = XOpenDisplay(fixture.name);
	int status = XGrabKeyboard(
		other, DefaultRootWindow(other), True, GrabModeAsync, GrabModeSync, CurrentTime);
	cr_assert_eq(status, GrabSuccess);
	agent_fixture_act(&fixture, &req, "{'actions': [{'action': 'type', 'text': 'lost'}]}");
	const char *why =
		json_string_value(json_object_get(json_object_get(req.result, "failed"), "text"));
	cr_assert(why && strstr(why, "grabbed the keyboard"), "%s", why ? why : "typed");
	agent_fixture_done(&req);
	XCloseDisplay(other);
	types("found");
}

/* A menu does not stop keys. */
Test(typing, goes_on_while_the_keyboard_is_only_grabbed, .init = start_bare, .fini = stop)
{
	Display *other = XOpenDisplay(fixture.name);
	int status = XGrabKeyboard(
		other, DefaultRootWindow(other), False, GrabModeAsync, GrabModeAsync, CurrentTime);
	cr_assert_eq(status, GrabSuccess);
	cr_assert_eq(agent_fixture_type(&fixture, "abc"), 3);
	XSync(other, False);
	int presses = 0;
	while (XPending(other) > 0) {
		XEvent event;
		XNextEvent(other, &event);
		presses += event.type == KeyPress;
	}
	cr_assert_eq(presses, 4, "%d", presses); /* Shift, to see whether keys pass, and three */
	XCloseDisplay(other);
}

Test(typing, keeps_spares_for_what_was_typed_before, .init = start_bare, .fini = stop)
{
	struct err err;
	struct key first, again, other;
	struct keymap *map = keymap_new(fixture.agent.display);
	cr_assert(keymap_refresh(map, &err));
	cr_assert_gt(keymap_spares(map), 30);
	cr_assert_not(keymap_find(map, 0x1004e00, &first));
	cr_assert(keymap_assign(map, 0x1004e00, &first));
	keymap_apply(map);
	cr_assert(keymap_assign(map, 0x1004e01, &other));
	cr_assert_neq(first.code, other.code);
	keymap_apply(map);
	XSync(display_x(fixture.agent.display), False);
	cr_assert(keymap_refresh(map, &err));
	cr_assert(keymap_find(map, 0x1004e00, &again));
	cr_assert_eq(first.code, again.code);
	/* Until the reader has caught up none that was pressed may change. */
	int n = 2;
	while (keymap_assign(map, 0x1005000ul + (unsigned)n, &other)) {
		n++;
	}
	cr_assert_eq(n, keymap_spares(map));
	keymap_caught_up(map, keymap_mark(map));
	cr_assert(keymap_assign(map, 0x1006000, &other));
	cr_assert_eq(other.code, first.code, "not the one unused for longest");
	keymap_free(map);
}

static struct key find(struct keymap *map, KeySym sym)
{
	struct key key = { 0 };
	cr_assert(keymap_find(map, sym, &key) || keymap_assign(map, sym, &key), "0x%lx", sym);
	return key;
}

Test(typing, uses_no_keycode_that_programs_know_by_number, .init = start_bare, .fini = stop)
{
	/* Of evdev: Copy, Open, Paste, Find, Cut, Mail, Bookmarks, Back, Forward, Next, Play,
	 * Previous, Stop, Home, Reload, F13, F24, New, Redo, Close, Print, Search, Send, Save; and
	 * those that SDL alone knows: Muhenkan, Menu, two programs, Computer, Eject, Play, Mail,
	 * Erase, Media. */
	static const KeyCode known[] = { 141, 142, 143, 144, 145, 163, 164, 166, 167, 171, 172, 173,
		174, 180, 181, 189, 190, 191, 202, 214, 218, 225, 239, 242, 103, 147, 156, 157, 165,
		170, 208, 223, 230, 234 };
	struct err err;
	struct key key;
	struct keymap *map = keymap_new(fixture.agent.display);
	cr_assert(keymap_refresh(map, &err));
	for (KeySym sym = 0x1004e00; keymap_assign(map, sym, &key); sym++) {
		cr_assert_gt(key.code, 97);
		for (size_t i = 0; i < sizeof(known); i++) {
			cr_assert_neq(key.code, known[i]);
		}
	}
	keymap_free(map);
}

Test(typing, gives_a_letter_and_its_capital_one_spare, .init = start_bare, .fini = stop)
{
	struct err err;
	struct keymap *map = keymap_new(fixture.agent.display);
	cr_assert(keymap_refresh(map, &err));
	struct key capital = find(map, 0x1000416), small = find(map, 0x1000436);
	cr_assert_eq(capital.code, small.code);
	cr_assert(capital.shift && !small.shift);
	/* Those without a partner of their own stand alone. */
	cr_assert_neq(find(map, 0x1000131).code, find(map, 'I').code);
	keymap_free(map);
}

/* As Xvnc does for a person's letters. */
Test(typing, does_not_press_a_letter_on_a_command_key, .init = start_bare, .fini = stop)
{
	Display *x = display_x(fixture.agent.display);
	KeySym taken[2] = { 0x1000436, 0x1000436 };
	struct err err;
	struct key key;
	struct keymap *map = keymap_new(fixture.agent.display);
	cr_assert(keymap_refresh(map, &err));
	XChangeKeyboardMapping(x, 166, 2, taken, 1);
	cr_assert(keymap_refresh(map, &err));
	cr_assert_not(keymap_find(map, 0x1000436, &key));
	keymap_free(map);
}

Test(typing, notices_what_others_do_to_the_map, .init = start, .fini = stop)
{
	open_editor();
	types("один");
	for (int i = 0; i < 3; i++) {
		agent_fixture_run(&fixture, "setxkbmap", i % 2 ? "us" : "ru,us");
		types("один, two, τρία");
	}
}
