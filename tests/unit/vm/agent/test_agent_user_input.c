// USES agent
/* What a viewer's keys and pointer do, read back from a window that answers pings as programs do. */
#include "tests/support/desk.h"
#include "tests/support/text.h"
#include "vm/agent/act/seat.h"
#include "vm/agent/act/user_input.h"
#include "vm/agent/x11/keys.h"

#include <X11/XKBlib.h>
#include <X11/Xutil.h>
#include <X11/keysym.h>
#include <stdlib.h>
#include <xkbcommon/xkbcommon.h>

#define SEEN 8000

static struct desk desk;
static struct user_input *person;

/* ---- the program ---- */

static struct {
	Display *x;
	Window window;
	sd_event_source *readable;
	bool asleep; /* reads nothing */
	struct buf text;
	struct {
		bool down;
		unsigned code, state;
		KeySym sym;
	} keys[SEEN]; /* pressed and released, modifiers included */
	int n_keys;
	unsigned buttons[64]; /* pressed: the number; released: that and 100 */
	int n_buttons;
	struct point at;
} seen;

static void append_char(uint32_t ch)
{
	char bytes[8];
	int n = xkb_keysym_to_utf8((xkb_keysym_t)keys_of_char(ch), bytes, sizeof(bytes));
	buf_append(&seen.text, bytes, n > 1 ? (size_t)n - 1 : 0);
}

static void take_key(XKeyEvent *event)
{
	char unused[16];
	KeySym sym = NoSymbol;
	XLookupString(event, unused, sizeof(unused), &sym, NULL);
	cr_assert_lt(seen.n_keys, SEEN);
	seen.keys[seen.n_keys].down = event->type == KeyPress;
	seen.keys[seen.n_keys].code = event->keycode;
	seen.keys[seen.n_keys].state = event->state;
	seen.keys[seen.n_keys++].sym = sym;
	uint32_t ch = keys_to_char(sym);
	if (event->type == KeyPress && ch && !(event->state & (ControlMask | Mod1Mask))) {
		append_char(ch);
	}
}

static void take_message(XEvent *event)
{
	if ((Atom)event->xclient.data.l[0] == XInternAtom(seen.x, "_NET_WM_PING", False)) {
		event->xclient.window = DefaultRootWindow(seen.x);
		XSendEvent(seen.x, event->xclient.window, False,
			SubstructureNotifyMask | SubstructureRedirectMask, event);
	}
}

static void take(XEvent *event)
{
	switch (event->type) {
	case KeyPress:
	case KeyRelease:
		take_key(&event->xkey);
		break;
	case ButtonPress:
	case ButtonRelease:
		seen.buttons[seen.n_buttons++ % 64] =
			event->xbutton.button + (event->type == ButtonRelease ? 100 : 0);
		seen.at = (struct point){ event->xbutton.x, event->xbutton.y };
		break;
	case MappingNotify:
		XRefreshKeyboardMapping(&event->xmapping);
		break;
	case ClientMessage:
		take_message(event);
		break;
	default:
		break;
	}
}

static void read_all(void)
{
	while (!seen.asleep && XPending(seen.x) > 0) {
		XEvent event;
		XNextEvent(seen.x, &event);
		take(&event);
	}
	XFlush(seen.x);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *data)
{
	(void)source;
	(void)fd;
	(void)events;
	(void)data;
	read_all();
	return 0;
}

static void sleep_program(bool asleep)
{
	seen.asleep = asleep;
	loop_enable(seen.readable, !asleep);
	read_all();
}

/* All that the server has for it. */
static void settle(void)
{
	XSync(display_x(desk.agent.display), False);
	XSync(seen.x, False);
	read_all();
}

static void open_program(void)
{
	memset(&seen, 0, sizeof(seen));
	seen.x = XOpenDisplay(desk.name);
	seen.window =
		XCreateSimpleWindow(seen.x, DefaultRootWindow(seen.x), 0, 0, 1280, 800, 0, 0, 0);
	Atom ping = XInternAtom(seen.x, "_NET_WM_PING", False);
	XSetWMProtocols(seen.x, seen.window, &ping, 1);
	XSelectInput(seen.x, seen.window,
		KeyPressMask | KeyReleaseMask | ButtonPressMask | ButtonReleaseMask);
	XMapWindow(seen.x, seen.window);
	XSync(seen.x, False);
	XSetInputFocus(seen.x, seen.window, RevertToParent, CurrentTime);
	XSync(seen.x, False);
	seen.readable =
		loop_add_io(desk.agent.event, ConnectionNumber(seen.x), EPOLLIN, on_readable, NULL);
}

static void close_program(void)
{
	loop_drop(&seen.readable);
	XCloseDisplay(seen.x);
	buf_done(&seen.text);
}

static void start(void)
{
	desk_start(&desk, "1280x800", false);
	open_program();
	person = user_input_new(&desk.agent, NULL, NULL);
}

static void stop(void)
{
	user_input_free(person);
	close_program();
	desk_stop(&desk);
}

TestSuite(user_input, .init = start, .fini = stop, .timeout = 120);

/* ---- a person ---- */

/* As browsers and viewers name a character's key: with the old keysyms where there are some. */
static uint32_t sym_of(uint32_t ch)
{
	return ch == '\n' ? XK_Return : xkb_utf32_to_keysym(ch);
}

static void tap(uint32_t sym)
{
	user_input_key(person, sym, true);
	user_input_key(person, sym, false);
}

static void person_types(const char *text)
{
	for (uint32_t ch; (ch = keys_next_char(&text));) {
		tap(sym_of(ch));
	}
}

static void expect_text(const char *want)
{
	desk_until(&desk, !user_input_is_waiting(person));
	settle();
	cr_assert_str_eq(buf_text(&seen.text), want);
}

static void expect_key(int i, bool down, KeySym sym)
{
	settle();
	cr_assert_lt(i, seen.n_keys, "only %d key events", seen.n_keys);
	cr_expect_eq(seen.keys[i].sym, sym, "key %d is 0x%lx", i, seen.keys[i].sym);
	cr_expect_eq(seen.keys[i].down, down, "key %d", i);
}

static bool all_keys_up(void)
{
	char down[32], none[32] = { 0 };
	XQueryKeymap(display_x(desk.agent.display), down);
	return memcmp(down, none, sizeof(none)) == 0;
}

static XkbStateRec state(void)
{
	XkbStateRec found;
	XkbGetState(display_x(desk.agent.display), XkbUseCoreKbd, &found);
	return found;
}

static const char *const scripts[] = {
	"déjà vu: Größe, ñandú, Århus «ok» 100% #1 @home {x} [y] ~z",
	"Zażółć gęślą JAŹŃ",
	"Καλημέρα κόσμε",
	"Съешь же ещё этих мягких французских булок, да выпей чаю",
	"שלום עולם",
	"مرحبا بالعالم",
	"नमस्ते दुनिया",
	"视野无限广，窗外有蓝天",
	"いろはにほへと漢字カナ",
	"다람쥐 헌 쳇바퀴에",
	"👍🏽 🇪🇺 𝔘𝔫𝔦 done",
};
#define N_SCRIPTS (sizeof(scripts) / sizeof(*scripts))

Test(user_input, types_every_script_on_every_layout)
{
	static const char *const layouts[] = { "us", "de", "fr", "ru", "us,ru" };
	auto_buf struct buf want = { 0 };
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
		desk_run(&desk, "setxkbmap", layouts[i]);
		for (size_t j = 0; j < N_SCRIPTS; j++) {
			person_types(scripts[j]);
			buf_printf(&want, "%s", scripts[j]);
			expect_text(buf_text(&want));
		}
	}
	cr_assert(all_keys_up());
}

/* The same, with another group of the layout in force. */
Test(user_input, types_every_script_in_another_group)
{
	auto_buf struct buf want = { 0 };
	desk_run(&desk, "setxkbmap", "us,ru");
	XkbLockGroup(display_x(desk.agent.display), XkbUseCoreKbd, 1);
	for (size_t j = 0; j < N_SCRIPTS; j++) {
		person_types(scripts[j]);
		buf_printf(&want, "%s", scripts[j]);
	}
	expect_text(buf_text(&want));
	cr_assert_eq(state().locked_group, 1);
}

Test(user_input, takes_a_burst_of_a_thousand_characters)
{
	auto_buf struct buf text = { 0 };
	text_append_cjk(&text, 500);
	person_types(buf_text(&text));
	expect_text(buf_text(&text));
}

static void begin_agent(struct request *req, const char *text)
{
	desk_begin(&desk, req,
		json_pack("{s:[{s:s, s:s}]}", "actions", "action", "type", "text", text));
}

static void end_agent(struct request *req)
{
	desk_finish(req);
	cr_assert(req->result, "%s", req->err.text);
	const char *why =
		json_string_value(json_object_get(json_object_get(req->result, "failed"), "text"));
	cr_assert_null(why, "%s", why);
	desk_done(req);
}

/* Letters that no other text has. */
static void append_letters(struct buf *text, unsigned first, int n)
{
	for (int i = 0; i < n; i++) {
		text_append_char(text, first + (unsigned)i);
	}
}

Test(user_input, never_runs_out_of_letters_whatever_the_agent_types)
{
	auto_buf struct buf want = { 0 };
	for (unsigned i = 0; i < 30; i++) {
		struct request req;
		auto_buf struct buf agents = { 0 }, persons = { 0 };
		append_letters(&agents, 0x4e00 + i * 40, 25);
		append_letters(&persons, 0xac00 + i * 40, 25);
		begin_agent(&req, buf_text(&agents));
		end_agent(&req);
		person_types(buf_text(&persons));
		buf_printf(&want, "%s%s", buf_text(&agents), buf_text(&persons));
		expect_text(buf_text(&want));
	}
}

/* The characters of `from` in `all`, in their order. */
static bool holds_in_order(const char *all, const char *from)
{
	for (uint32_t want; (want = keys_next_char(&from));) {
		uint32_t ch;
		while ((ch = keys_next_char(&all)) && ch != want) {
		}
		if (!ch) {
			return false;
		}
	}
	return true;
}

Test(user_input, and_the_agent_at_once_are_both_exact)
{
	struct request req;
	auto_buf struct buf agents = { 0 }, persons = { 0 };
	for (unsigned i = 0; i < 4; i++) {
		append_letters(&agents, 0x4e00 + i * 200, 200);
		buf_printf(&agents, "abc DEF");
		append_letters(&persons, 0xac00 + i * 100, 100);
		buf_printf(&persons, "Жж");
	}
	begin_agent(&req, buf_text(&agents));
	const char *at = buf_text(&persons);
	for (uint32_t ch; (ch = keys_next_char(&at));) {
		sd_event_run(desk.agent.event, 1000);
		tap(sym_of(ch));
	}
	end_agent(&req);
	desk_until(&desk, !user_input_is_waiting(person));
	settle();
	const char *all = buf_text(&seen.text);
	cr_assert(holds_in_order(all, buf_text(&agents)), "the agent's: %s", all);
	cr_assert(holds_in_order(all, buf_text(&persons)), "the person's: %s", all);
	cr_assert_eq(
		text_length(all), text_length(buf_text(&agents)) + text_length(buf_text(&persons)));
}

/* Shift that a person holds is none of the agent's, and capitals do not need it. */
Test(user_input, keeps_a_held_shift_from_the_agents_text)
{
	user_input_key(person, XK_Shift_L, true);
	tap('A');
	desk_type(&desk, "bcD");
	tap('E');
	user_input_key(person, XK_Shift_L, false);
	tap('f');
	expect_text("AbcDEf");
	cr_assert(all_keys_up());
}

/* ---- modifiers ---- */

Test(user_input, gives_the_character_whatever_shift_is_like)
{
	tap('A'); /* Caps Lock at the other end */
	tap('?');
	user_input_key(person, XK_Shift_R, true);
	tap('/'); /* Shift and 7 on the person's keyboard */
	tap('b');
	tap('C');
	tap(0x1000436); /* a small letter on a spare key */
	desk_until(&desk, !user_input_is_waiting(person));
	cr_assert(state().mods & ShiftMask, "Shift is still held");
	user_input_key(person, XK_Shift_R, false);
	tap(0x1000416);
	expect_text("A?/bCжЖ");
	cr_assert(all_keys_up());
}

Test(user_input, gives_the_character_whatever_the_locks_are_like)
{
	tap(XK_Caps_Lock);
	cr_assert_eq(state().locked_mods & LockMask, LockMask);
	tap('A'); /* as a browser with Caps Lock sends it */
	tap('b');
	tap(XK_Cyrillic_zhe);
	tap(XK_Cyrillic_ZHE);
	tap(XK_KP_1);
	tap(XK_Num_Lock);
	tap(XK_KP_2);
	expect_text("AbжЖ12");
	cr_assert_eq(state().locked_mods & LockMask, LockMask, "the lock is as it was set");
	tap(XK_Caps_Lock);
	cr_assert_eq(state().locked_mods & LockMask, 0);
	tap('c');
	expect_text("AbжЖ12c");
}

Test(user_input, takes_the_third_level_of_the_layout)
{
	desk_run(&desk, "setxkbmap", "de");
	int before = seen.n_keys;
	tap('@'); /* AltGr and Q here, and of another key there */
	expect_text("@");
	for (int i = before; i < seen.n_keys; i++) {
		cr_expect_neq(seen.keys[i].sym, XK_Shift_L);
	}
	unsigned q = XKeysymToKeycode(display_x(desk.agent.display), 'q');
	cr_expect_eq(seen.keys[before + 1].code, q, "a key of the layout");
	user_input_key(person, XK_ISO_Level3_Shift, true);
	tap('@');
	tap(XK_EuroSign);
	tap('{');
	tap(0x1004f60); /* on no key */
	user_input_key(person, XK_ISO_Level3_Shift, false);
	tap('q');
	expect_text("@@€{你q");
	cr_assert(all_keys_up());
}

/* The key that a chord means, and no Shift that nobody holds. */
static void expect_chord(KeySym sym, unsigned mods)
{
	desk_until(&desk, !user_input_is_waiting(person));
	settle();
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
	user_input_key(person, XK_Control_L, true);
	tap('c');
	expect_chord('c', ControlMask);
	tap('X'); /* Caps Lock at the other end */
	expect_chord('x', ControlMask);
	user_input_key(person, XK_Shift_L, true);
	tap('T');
	expect_chord('T', ControlMask | ShiftMask);
	user_input_key(person, XK_Shift_L, false);
	desk_run(&desk, "setxkbmap", "ru");
	tap('v');
	expect_chord('v', ControlMask);
	user_input_key(person, XK_Control_L, false);
	user_input_key(person, XK_Alt_L, true);
	tap(XK_F4);
	expect_chord(XK_F4, Mod1Mask);
	user_input_key(person, XK_Alt_L, false);
	tap('v'); /* a spare, without Control now */
	user_input_key(person, XK_Shift_L, true);
	tap(XK_Tab);
	expect_chord(XK_ISO_Left_Tab, ShiftMask);
	user_input_key(person, XK_Shift_L, false);
	cr_assert(all_keys_up());
}

/* ---- held keys ---- */

Test(user_input, repeats_as_often_as_the_viewer_says)
{
	uint32_t syms[] = { 'a', 0x1004f60, XK_Left };
	for (int i = 0; i < 3; i++) {
		user_input_key(person, syms[i], true);
		user_input_key(person, syms[i], true);
		user_input_key(person, syms[i], true);
		desk_until(&desk, !user_input_is_waiting(person));
		cr_assert_not(all_keys_up(), "it is held");
		user_input_key(person, syms[i], false);
		cr_assert(all_keys_up());
	}
	expect_text("aaa你你你");
	int lefts = 0;
	for (int i = 0; i < seen.n_keys; i++) {
		lefts += seen.keys[i].down && seen.keys[i].sym == XK_Left;
	}
	cr_assert_eq(lefts, 3);
	/* But locks and modifiers do not, as on a keyboard. */
	user_input_key(person, XK_Caps_Lock, true);
	user_input_key(person, XK_Caps_Lock, true);
	user_input_key(person, XK_Caps_Lock, false);
	cr_assert_eq(state().locked_mods & LockMask, LockMask);
}

Test(user_input, releases_the_key_that_was_pressed_though_the_map_has_changed)
{
	user_input_key(person, 'z', true);
	desk_run(&desk, "setxkbmap", "de"); /* another key has it now */
	user_input_key(person, 'z', false);
	cr_assert(all_keys_up());
	user_input_key(person, 0x1004f60, true);
	desk_until(&desk, !user_input_is_waiting(person));
	settle();
	unsigned code = seen.keys[seen.n_keys - 1].code;
	auto_buf struct buf text = { 0 };
	text_append_cjk(&text, 100); /* needs all other spares, more than once */
	desk_type(&desk, buf_text(&text));
	person_types(buf_text(&text));
	desk_until(&desk, !user_input_is_waiting(person));
	settle();
	for (int i = 3; i < seen.n_keys; i++) {
		cr_assert(seen.keys[i].code != code || seen.keys[i].sym == 0x1004f60 ||
				  !seen.keys[i].down,
			"the held key was given another letter");
	}
	user_input_key(person, 0x1004f60, false);
	cr_assert(all_keys_up());
}

Test(user_input, releases_a_key_by_its_other_case)
{
	user_input_key(person, XK_Shift_L, true);
	user_input_key(person, 'A', true);
	user_input_key(person, XK_Shift_L, false);
	user_input_key(person, 'a', false);
	cr_assert(all_keys_up());
}

Test(user_input, lets_go_of_all_it_holds)
{
	user_input_key(person, XK_Control_L, true);
	user_input_key(person, 'q', true);
	user_input_pointer(person, (struct point){ 40, 50 }, 1);
	user_input_release(person);
	settle();
	cr_assert(all_keys_up());
	cr_assert_eq(seen.n_buttons, 2);
	cr_assert_eq(seen.buttons[1], 101);
	user_input_key(person, 'w', true);
	user_input_pointer(person, (struct point){ 40, 50 }, 4);
	user_input_free(take_ptr(&person));
	settle();
	cr_assert(all_keys_up());
	cr_assert_eq(seen.buttons[3], 103);
}

Test(user_input, holds_no_more_keys_than_there_are_fingers)
{
	for (uint32_t i = 0; i < 26; i++) {
		user_input_key(person, 'a' + i, true);
		user_input_key(person, XK_F1 + i, true);
	}
	for (uint32_t i = 0; i < 200; i++) {
		user_input_key(person, 0x1004e00 + i, true);
	}
	desk_until(&desk, !user_input_is_waiting(person));
	user_input_release(person);
	cr_assert(all_keys_up());
	tap('x');
	settle();
	cr_assert_eq(seen.keys[seen.n_keys - 1].sym, 'x');
}

/* ---- the pointer ---- */

Test(user_input, presses_buttons_where_the_viewer_points)
{
	user_input_pointer(person, (struct point){ 10, 20 }, 0);
	user_input_pointer(person, (struct point){ 10, 20 }, 1);
	user_input_pointer(person, (struct point){ 10, 20 }, 0);
	user_input_pointer(person, (struct point){ 300, 200 }, 1u << 3); /* the wheel */
	user_input_pointer(person, (struct point){ 300, 200 }, 0);
	user_input_pointer(person, (struct point){ 300, 201 }, 1u << 8 | 0xfffff000u);
	user_input_pointer(person, (struct point){ 300, 201 }, 0);
	settle();
	static const unsigned want[] = { 1, 101, 4, 104, 9, 109 };
	cr_assert_eq(seen.n_buttons, 6);
	for (int i = 0; i < 6; i++) {
		cr_expect_eq(seen.buttons[i], want[i], "%d is %u", i, seen.buttons[i]);
	}
	cr_expect(seen.at.x == 300 && seen.at.y == 201);
	/* The agent's next click knows of the person's. */
	struct err err;
	const struct input *in = &act_queue_seat(desk.agent.acts, &err)->input;
	cr_assert(input_wm_behind(in, false));
	cr_assert_gt(input_press_due(in, 9, (struct point){ 300, 201 }), in->button_down_us);
}

Test(user_input, keeps_keys_and_clicks_in_order)
{
	person_types("ab");
	tap(0x1004f60);
	user_input_pointer(person, (struct point){ 10, 20 }, 1);
	user_input_pointer(person, (struct point){ 10, 20 }, 0);
	tap('c');
	settle();
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
		tap(bad[i]);
	}
	tap('a');
	expect_text("a");
	cr_assert_eq(seen.n_keys, 2);
}

Test(user_input, drops_what_waits_for_a_program_that_reads_nothing)
{
	auto_buf struct buf known = { 0 }, unknown = { 0 }, want = { 0 };
	append_letters(&known, 0x4e00, 20);
	append_letters(&unknown, 0xac00, 100);
	person_types(buf_text(&known));
	expect_text(buf_text(&known));
	sleep_program(true);
	person_types(buf_text(&known)); /* on the spares it has read of */
	cr_assert_not(user_input_is_waiting(person));
	person_types(buf_text(&unknown));
	user_input_key(person, 'a', true);
	cr_assert(user_input_is_waiting(person));
	desk_until(&desk, !user_input_is_waiting(person));
	sleep_program(false);
	settle();
	buf_printf(&want, "%s%s", buf_text(&known), buf_text(&known));
	cr_assert_eq(strncmp(buf_text(&seen.text), buf_text(&want), want.len), 0);
	size_t more = strlen(buf_text(&seen.text)) - want.len;
	cr_assert_lt(more, unknown.len);
	buf_append(&want, unknown.data, more); /* those before the spares ran out */
	buf_printf(&want, "好a");
	person_types("好a");
	expect_text(buf_text(&want));
	cr_assert(all_keys_up());
}

static void on_room(void *data)
{
	++*(int *)data;
}

Test(user_input, says_when_it_is_full_and_when_no_more)
{
	int n = 0, rooms = 0;
	user_input_on_room(person, on_room, &rooms);
	auto_buf struct buf want = { 0 };
	for (; !user_input_is_full(person); n++) {
		append_letters(&want, 0x4e00 + (unsigned)n, 1);
		tap(0x1004e00 + (uint32_t)n);
	}
	cr_assert_eq(rooms, 0);
	desk_until(&desk, rooms);
	cr_assert_not(user_input_is_full(person));
	tap('x');
	buf_printf(&want, "x");
	expect_text(buf_text(&want));
	cr_assert_eq(rooms, 1);
}

Test(user_input, bounds_what_waits)
{
	sleep_program(true);
	int n = 0;
	while (!user_input_is_full(person)) {
		cr_assert_lt(n, USER_INPUT_QUEUE);
		tap(0x1004e00 + (uint32_t)n++);
	}
	cr_assert_gt(n, 600);
	for (int i = 0; i < USER_INPUT_QUEUE; i++) {
		tap(0x1008000 + (uint32_t)i);
	}
	sleep_program(false);
	desk_until(&desk, !user_input_is_waiting(person));
	cr_assert(all_keys_up());
}

static enum user_input_verdict verdict;

static enum user_input_verdict gate(struct user_event *event, void *data)
{
	(void)data;
	event->at.x += 100;
	return event->is_key && !event->down ? USER_INPUT_PASS : verdict;
}

Test(user_input, asks_its_gate_before_each_event)
{
	user_input_free(person);
	person = user_input_new(&desk.agent, gate, NULL);
	verdict = USER_INPUT_DROP;
	tap('a');
	verdict = USER_INPUT_WAIT;
	tap('b');
	user_input_pointer(person, (struct point){ 10, 20 }, 1);
	settle();
	cr_assert_eq(seen.n_keys, 0);
	verdict = USER_INPUT_PASS;
	user_input_retry(person);
	expect_text("b");
	cr_assert_eq(seen.at.x, 110);
	verdict = USER_INPUT_WAIT;
	tap('c');
	user_input_pointer(person, (struct point){ 10, 20 }, 0);
	user_input_forget_presses(person);
	verdict = USER_INPUT_PASS;
	user_input_retry(person);
	settle();
	cr_assert_eq(seen.n_buttons, 2, "the release was wanted");
	tap(0x1004f60); /* with the server held still now and then */
	tap('d');
	expect_text("b你d");
}

Test(user_input, survives_the_end_of_the_x_server)
{
	user_input_key(person, XK_Control_L, true);
	user_input_key(person, 0x1004f60, true);
	user_input_pointer(person, (struct point){ 10, 20 }, 1);
	close_program();
	kill(desk.server, SIGKILL);
	desk_until(&desk, desk.lost);
	tap('a');
	user_input_pointer(person, (struct point){ 10, 20 }, 1);
	desk_end_child(&desk, desk.server);
	desk_start_server(&desk, "1280x800");
	desk_open_display(&desk);
	open_program();
	tap('b');
	tap(0x1004f60);
	user_input_pointer(person, (struct point){ 10, 20 }, 1);
	user_input_pointer(person, (struct point){ 10, 20 }, 0);
	expect_text("b你");
	cr_assert_eq(seen.n_buttons, 2);
	cr_assert(all_keys_up());
}

/* Dead keys come as such. */
Test(user_input, leaves_composing_to_the_program)
{
	tap(XK_dead_acute); /* on no key of this layout */
	tap('e');
	tap(XK_Multi_key);
	desk_until(&desk, !user_input_is_waiting(person));
	expect_key(0, true, XK_dead_acute);
	expect_key(2, true, 'e');
	expect_key(4, true, XK_Multi_key);
}
