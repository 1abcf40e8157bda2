// USES agent
/* Typed text is read back from the programs that got it. */
#include "tests/helpers/desk.h"
#include "vm/agent/barrier.h"
#include "vm/agent/hands.h"
#include "vm/agent/keymap.h"

#include <X11/XKBlib.h>
#include <X11/keysym.h>

static struct desk desk;

static Window focused(void)
{
	Window window = None;
	int revert;
	XGetInputFocus(display_x(desk.agent.display), &window, &revert);
	return window;
}

static void start(void)
{
	desk_start(&desk, "1280x800", true);
	desk_until(&desk, !barrier_has_focus(desk.agent.display)); /* openbox has taken it */
}

static void start_bare(void)
{
	desk_start(&desk, "1280x800", false);
}

static void stop(void)
{
	desk_stop(&desk);
}

static void open_editor(void)
{
	char script[300], path[128];
	const char *source = getenv("VITRINE_SOURCE");
	snprintf(script, sizeof(script), "%s/tests/helpers/editor.py", source ? source : ".");
	desk_path(&desk, "text", path);
	desk_spawn(&desk, "/usr/bin/python3", script, path);
	desk_until(&desk, desk_file_is(&desk, "text", ""));
}

/* cat in a terminal that reads without line editing's limits; Ctrl+D at the end of a line ends it.
 */
static void open_terminal(void)
{
	Window before = focused();
	desk_spawn(&desk, "xterm", "-e", "sh", "-c", "touch got; exec cat > got");
	desk_until(&desk, desk_file_is(&desk, "got", "") && focused() != before &&
				  barrier_has_focus(desk.agent.display));
}

static int64_t length(const char *text)
{
	int64_t chars = 0;
	for (const char *c = text; *c; c++) {
		chars += (*c & 0xc0) != 0x80;
	}
	return chars;
}

/* Types into an empty editor and reads it back. */
static void types(const char *text)
{
	desk_do(&desk, "{'actions': [{'action': 'key', 'text': 'ctrl+a Delete'}]}");
	desk_until(&desk, desk_file_is(&desk, "text", ""));
	cr_assert_eq(desk_type(&desk, text), length(text));
	desk_expect_file(&desk, "text", text);
}

static void append_char(struct buf *buf, unsigned ch)
{
	char bytes[3] = { (char)(0xe0 | ch >> 12), (char)(0x80 | (ch >> 6 & 0x3f)),
		(char)(0x80 | (ch & 0x3f)) };
	buf_append(buf, bytes, 3);
}

/* More characters than there are spare keycodes, and all of them once more, backwards. */
static void append_cjk(struct buf *buf, int n)
{
	for (int i = 0; i < n; i++) {
		append_char(buf, 0x4e00 + (unsigned)i * 7);
	}
	for (int i = n; i-- > 0;) {
		append_char(buf, 0x4e00 + (unsigned)i * 7);
	}
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
		desk_run(&desk, "setxkbmap", layouts[i]);
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
	append_cjk(&text, 300);
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

Test(typing, reaches_a_terminal, .init = start, .fini = stop)
{
	static const char *const layouts[] = { "us", "de", "fr" };
	auto_buf struct buf want = { 0 };
	open_terminal();
	for (int i = 0; i < 3; i++) {
		auto_buf struct buf text = { 0 };
		desk_run(&desk, "setxkbmap", layouts[i]);
		buf_printf(&text, "%s\n%s\n%s\n%s\n", PLAIN, ACCENTS, SCRIPTS, EMOJI);
		desk_type(&desk, buf_text(&text));
		buf_append(&want, text.data, text.len);
		desk_expect_file(&desk, "got", buf_text(&want));
	}
	auto_buf struct buf text = { 0 };
	append_cjk(&text, 200);
	buf_printf(&text, "\n");
	desk_type(&desk, buf_text(&text));
	buf_append(&want, text.data, text.len);
	desk_expect_file(&desk, "got", buf_text(&want));
}

static XkbStateRec state(void)
{
	XkbStateRec found;
	XkbGetState(display_x(desk.agent.display), XkbUseCoreKbd, &found);
	return found;
}

Test(typing, neutralises_locks_and_puts_them_back, .init = start, .fini = stop)
{
	Display *x = display_x(desk.agent.display);
	open_editor();
	desk_run(&desk, "setxkbmap", "us,ru");
	XkbLockModifiers(x, XkbUseCoreKbd, LockMask | Mod2Mask, LockMask | Mod2Mask);
	XkbLockGroup(x, XkbUseCoreKbd, 1);
	types("Caps? No. ж 123");
	cr_assert_eq(state().locked_mods, LockMask | Mod2Mask);
	cr_assert_eq(state().locked_group, 1);
	/* But a key that is a lock does lock. */
	desk_do(&desk, "{'actions': [{'action': 'key', 'text': 'Caps_Lock'}]}");
	cr_assert_eq(state().locked_mods, Mod2Mask);
}

Test(typing, follows_a_click_to_another_window, .init = start, .fini = stop)
{
	/* The window manager moves the focus; the keys must wait for that. */
	open_terminal();
	Window terminal = focused();
	open_editor();
	cr_assert_neq(focused(), terminal);
	int x, y;
	Window child;
	XRaiseWindow(display_x(desk.agent.display), terminal);
	XTranslateCoordinates(display_x(desk.agent.display), terminal,
		display_root(desk.agent.display), 2, 2, &x, &y, &child);
	for (int i = 0; i < 10; i++) {
		struct request req;
		desk_do(&desk, "{'actions': [{'action': 'key', 'text': 'alt+Escape'}]}");
		desk_begin(&desk, &req,
			json_pack("{s:[{s:s, s:[i,i]}, {s:s, s:s}]}", "actions", "action", "click",
				"at", x, y, "action", "type", "text", "ok\n"));
		desk_finish(&req);
		cr_assert(req.result, "%s", req.err.text);
		desk_done(&req);
	}
	desk_expect_file(&desk, "got", "ok\nok\nok\nok\nok\nok\nok\nok\nok\nok\n");
	desk_expect_file(&desk, "text", "");
}

static void refuses(const char *json, enum err_kind kind, const char *part)
{
	struct request req;
	desk_act(&desk, &req, json);
	cr_assert_null(req.result);
	cr_assert_eq(req.err.kind, kind);
	cr_assert(strstr(req.err.text, part), "%s", req.err.text);
	desk_done(&req);
}

Test(typing, refuses_what_cannot_be_typed, .init = start, .fini = stop)
{
	struct request req;
	refuses("{'actions': [{'action': 'type', 'text': 'ab\\u0007c'}]}", ERR_ARGUMENT,
		"U+0007 at index 2");
	refuses("{'actions': [{'action': 'key', 'text': 'ctrl+Retrun'}]}", ERR_ARGUMENT,
		"'Return'");
	/* Nobody has the focus: the text would be lost. */
	desk_act(&desk, &req, "{'actions': [{'action': 'type', 'text': 'abc'}]}");
	const char *why =
		json_string_value(json_object_get(json_object_get(req.result, "failed"), "text"));
	cr_assert(why && strstr(why, "focus"), "%s", why ? why : "typed");
	desk_done(&req);
}

Test(typing, refuses_while_the_keyboard_is_frozen, .init = start, .fini = stop)
{
	struct request req;
	open_editor();
	Display *other = XOpenDisplay(desk.name);
	int status = XGrabKeyboard(
		other, DefaultRootWindow(other), True, GrabModeAsync, GrabModeSync, CurrentTime);
	cr_assert_eq(status, GrabSuccess);
	desk_act(&desk, &req, "{'actions': [{'action': 'type', 'text': 'lost'}]}");
	const char *why =
		json_string_value(json_object_get(json_object_get(req.result, "failed"), "text"));
	cr_assert(why && strstr(why, "lets no key through"), "%s", why ? why : "typed");
	desk_done(&req);
	XCloseDisplay(other);
	types("found");
}

/* A menu does not stop keys. */
Test(typing, goes_on_while_the_keyboard_is_only_grabbed, .init = start_bare, .fini = stop)
{
	Display *other = XOpenDisplay(desk.name);
	int status = XGrabKeyboard(
		other, DefaultRootWindow(other), False, GrabModeAsync, GrabModeAsync, CurrentTime);
	cr_assert_eq(status, GrabSuccess);
	cr_assert_eq(desk_type(&desk, "abc"), 3);
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
	struct keymap *map = keymap_new(desk.agent.display);
	cr_assert(keymap_refresh(map, &err));
	cr_assert_gt(keymap_spares(map), 30);
	cr_assert_not(keymap_find(map, 0x1004e00, &first));
	cr_assert(keymap_assign(map, 0x1004e00, &first));
	keymap_apply(map);
	cr_assert(keymap_assign(map, 0x1004e01, &other));
	cr_assert_neq(first.code, other.code);
	keymap_apply(map);
	XSync(display_x(desk.agent.display), False);
	cr_assert(keymap_refresh(map, &err));
	cr_assert(keymap_find(map, 0x1004e00, &again));
	cr_assert_eq(first.code, again.code);
	/* Until the reader has caught up none that was pressed may change. */
	int n = 2;
	while (keymap_assign(map, 0x1005000ul + (unsigned)n, &other)) {
		n++;
	}
	cr_assert_eq(n, keymap_spares(map));
	keymap_caught_up(map);
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
	struct keymap *map = keymap_new(desk.agent.display);
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
	struct keymap *map = keymap_new(desk.agent.display);
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
	Display *x = display_x(desk.agent.display);
	KeySym taken[2] = { 0x1000436, 0x1000436 };
	struct err err;
	struct key key;
	struct keymap *map = keymap_new(desk.agent.display);
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
		desk_run(&desk, "setxkbmap", i % 2 ? "us" : "ru,us");
		types("один, two, τρία");
	}
}

/* ---- a change of the layout before the keys were read ---- */

/* A window of ours on a second connection: it answers a ping when the test says so. */
static struct {
	Display *x;
	Window window;
	int keys; /* pressed */
	bool pinged;
	XEvent ping;
} slow;

static bool is_ping(const XEvent *event)
{
	return event->type == ClientMessage &&
	       event->xclient.message_type == XInternAtom(slow.x, "WM_PROTOCOLS", False);
}

static void slow_take(const XEvent *event)
{
	slow.keys += event->type == KeyPress;
	if (is_ping(event)) {
		slow.pinged = true;
		slow.ping = *event;
	}
}

static bool slow_has(int keys, bool ping)
{
	while (XPending(slow.x) > 0) {
		XEvent event;
		XNextEvent(slow.x, &event);
		slow_take(&event);
	}
	return slow.keys >= keys && (slow.pinged || !ping);
}

static void slow_answer(void)
{
	slow.pinged = false;
	slow.ping.xclient.window = DefaultRootWindow(slow.x);
	XSendEvent(slow.x, slow.ping.xclient.window, False,
		SubstructureNotifyMask | SubstructureRedirectMask, &slow.ping);
	XFlush(slow.x);
}

static void slow_open(void)
{
	memset(&slow, 0, sizeof(slow));
	slow.x = XOpenDisplay(desk.name);
	Window root = DefaultRootWindow(slow.x);
	slow.window = XCreateSimpleWindow(slow.x, root, 0, 0, 100, 100, 0, 0, 0);
	Atom ping = XInternAtom(slow.x, "_NET_WM_PING", False);
	XSetWMProtocols(slow.x, slow.window, &ping, 1);
	XSelectInput(slow.x, slow.window, KeyPressMask);
	XMapWindow(slow.x, slow.window);
	XSync(slow.x, False);
	XSetInputFocus(slow.x, slow.window, RevertToParent, CurrentTime);
	XSync(slow.x, False);
}

static void start_slow(void)
{
	start_bare();
	desk_run(&desk, "setxkbmap", "us,ru");
	slow_open();
}

static void stop_slow(void)
{
	XCloseDisplay(slow.x);
	stop();
}

/* Begins to type n letters, and returns when the first `keys` of them are there and unanswered. */
static void slow_type(struct request *req, int n, int keys)
{
	auto_buf struct buf text = { 0 };
	for (int i = 0; i < n; i++) {
		buf_printf(&text, "%c", 'a' + i % 26);
	}
	desk_begin(&desk, req,
		json_pack(
			"{s:[{s:s, s:s}]}", "actions", "action", "type", "text", buf_text(&text)));
	desk_until(&desk, slow_has(keys, true));
	cr_assert_eq(slow.keys, keys, "%d", slow.keys);
	cr_assert_not(req->answered);
}

/* part NULL: it succeeds. */
static void slow_ends(struct request *req, const char *part)
{
	slow_answer();
	desk_finish(req);
	cr_assert(req->result, "%s", req->err.text);
	json_t *failed = json_object_get(req->result, "failed");
	const char *why = json_string_value(json_object_get(failed, "text"));
	if (part) {
		cr_assert(why && strstr(why, "the keyboard layout changed while this was typed"));
		cr_assert(strstr(why, part), "%s", why);
		cr_assert_str_eq(json_string_value(json_object_get(failed, "kind")), "state");
	} else {
		cr_assert_null(why, "%s", why);
	}
	desk_done(req);
}

Test(typing, of_letters_says_when_another_map_came_in_the_middle, .init = start_slow,
	.fini = stop_slow)
{
	struct request req;
	slow_type(&req, 544, 544);
	desk_run(&desk, "setxkbmap", "gr");
	slow_ends(&req, "544 of 544 characters were sent, and the last 544 may have arrived");
	/* And back again in the meantime. */
	slow.keys = 0;
	slow_type(&req, 20, 20);
	desk_run(&desk, "setxkbmap", "us");
	desk_run(&desk, "setxkbmap", "gr");
	slow_ends(&req, "20 of 20 characters were sent");
}

Test(typing, of_letters_stops_at_another_map, .init = start_slow, .fini = stop_slow)
{
	struct request req;
	slow_type(&req, 2500, 1000);
	slow_answer();
	desk_until(&desk, slow_has(2000, true));
	desk_run(&desk, "setxkbmap", "gr");
	slow_ends(&req, "2000 of 2500 characters were sent, and the last 1000 may have arrived");
	cr_assert(slow_has(2000, false));
	cr_assert_eq(slow.keys, 2000, "%d", slow.keys);
}

/* Between two segments there is nothing to lose: the next is planned for the new map. */
Test(typing, of_letters_goes_on_when_all_before_the_change_was_read, .init = start_slow,
	.fini = stop_slow)
{
	struct request req;
	slow_type(&req, 1500, 1000);
	slow_answer();
	XSync(slow.x, False);
	desk_run(&desk, "setxkbmap", "gr");
	desk_until(&desk, slow_has(1500, true));
	slow_ends(&req, NULL);
}

/* Some programs (VCL) take a release and a press of one key, next to each other in their queue, for
 * a key held down, and drop both. */
static int presses_apart(struct request *req)
{
	KeyCode released = 0;
	int keys = 0;
	while (!req->answered) {
		XEvent event;
		desk_until(&desk, req->answered || XPending(slow.x) > 0);
		while (XPending(slow.x) > 0) {
			XNextEvent(slow.x, &event);
			bool press = event.type == KeyPress;
			keys += press && event.xkey.keycode != XKeysymToKeycode(slow.x, XK_Shift_L);
			cr_expect_not(press && event.xkey.keycode == released, "key %d", keys);
			released = event.type == KeyRelease ? (KeyCode)event.xkey.keycode : 0;
			slow.ping = event;
			if (is_ping(&event)) {
				slow_answer();
			}
		}
	}
	return keys;
}

Test(typing, puts_something_between_two_presses_of_one_key, .init = start_slow, .fini = stop_slow)
{
	static const char text[] = "100% aa AAA aA 中中\n\n";
	struct request req;
	XSelectInput(slow.x, slow.window, KeyPressMask | KeyReleaseMask);
	XSync(slow.x, False);
	desk_begin(&desk, &req,
		json_pack("{s:[{s:s, s:s}]}", "actions", "action", "type", "text", text));
	cr_assert_eq(presses_apart(&req), length(text));
	cr_assert(req.result && !json_object_get(req.result, "failed"));
	desk_done(&req);
}

static void change_mapping(KeyCode code, KeySym sym)
{
	XChangeKeyboardMapping(slow.x, code, 1, &sym, 1);
	XSync(slow.x, False);
}

Test(typing, of_letters_says_when_a_key_got_another_letter, .init = start_slow, .fini = stop_slow)
{
	struct request req;
	slow_type(&req, 26, 26);
	change_mapping(XKeysymToKeycode(slow.x, 'q'), 'w');
	slow_ends(&req, "26 of 26 characters were sent");
}

/* The letter q locks the second group: those after it come as Cyrillic. */
static void lock_group_by(KeySym sym)
{
	KeyCode code = XKeysymToKeycode(slow.x, sym);
	XkbDescPtr xkb = XkbGetMap(slow.x, XkbAllMapComponentsMask, XkbUseCoreKbd);
	XkbAction *acts = XkbResizeKeyActions(xkb, code, XkbKeyNumSyms(xkb, code));
	for (int i = 0; i < XkbKeyNumSyms(xkb, code); i++) {
		acts[i].group = (XkbGroupAction){
			.type = XkbSA_LockGroup, .flags = XkbSA_GroupAbsolute, .group_XXX = 1
		};
	}
	xkb->server->explicit[code] |= XkbExplicitInterpretMask;
	XkbMapChangesRec changes = {
		.changed = XkbKeyActionsMask | XkbExplicitComponentsMask,
		.first_key_act = code,
		.num_key_acts = 1,
		.first_key_explicit = code,
		.num_key_explicit = 1,
	};
	XkbChangeMap(slow.x, xkb, &changes);
	XSync(slow.x, False);
	XkbFreeKeyboard(xkb, 0, True);
}

Test(typing, of_letters_says_when_another_group_came_in_the_middle, .init = start_slow,
	.fini = stop_slow)
{
	struct request req;
	lock_group_by('q');
	slow_type(&req, 26, 26);
	cr_assert_eq(state().locked_group, 1);
	slow_ends(&req, "26 of 26 characters were sent");
	cr_assert_eq(state().locked_group, 1, "another program's group was taken back");
}

/* Keys that were pressed keep the group that was in force then. */
Test(typing, of_letters_is_not_concerned_by_a_later_group, .init = start_slow, .fini = stop_slow)
{
	struct request req;
	slow_type(&req, 26, 26);
	XkbLockGroup(slow.x, XkbUseCoreKbd, 1);
	XSync(slow.x, False);
	slow_ends(&req, NULL);
	cr_assert_eq(state().locked_group, 1);
	/* The next text neutralises it, and is not taken aback by its own doing. */
	slow.keys = 0;
	slow_type(&req, 26, 26);
	slow_ends(&req, NULL);
	cr_assert_eq(state().locked_group, 1);
}

static void slow_answers_all(struct request *req)
{
	while (!req->answered) {
		if (slow_has(0, true)) {
			slow_answer();
		}
		sd_event_run(desk.agent.event, 1000);
	}
}

Test(typing, is_not_concerned_by_spares_of_its_own, .init = start_slow, .fini = stop_slow)
{
	struct request req;
	auto_buf struct buf text = { 0 };
	append_cjk(&text, 150);
	for (int i = 0; i < 2; i++) {
		desk_begin(&desk, &req,
			json_pack("{s:[{s:s, s:s}]}", "actions", "action", "type", "text",
				buf_text(&text)));
		slow_answers_all(&req);
		cr_assert(req.result, "%s", req.err.text);
		cr_assert_null(json_object_get(req.result, "failed"));
		desk_done(&req);
	}
}

/* A person's letter, from a viewer, may need a spare while text is being typed. */
Test(typing, is_not_concerned_by_spares_of_a_viewer, .init = start_slow, .fini = stop_slow)
{
	struct request req;
	struct err err;
	struct key key;
	struct hands *hands = act_queue_hands(desk.agent.acts, &err);
	cr_assert(hands, "%s", err.text);
	slow_type(&req, 26, 26);
	cr_assert(keymap_refresh(hands->keymap, &err));
	cr_assert(keymap_assign(hands->keymap, 0x1004e00, &key));
	cr_assert(keymap_apply(hands->keymap));
	XSync(display_x(desk.agent.display), False);
	slow_ends(&req, NULL);
}
