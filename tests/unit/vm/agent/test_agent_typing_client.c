// USES agent
/* What typing does to a program's queue of events: a client of ours reads it, and answers when the test says so. */
#include "tests/support/agent_fixture.h"
#include "tests/support/text.h"
#include "vm/agent/act/seat.h"
#include "vm/agent/x11/keymap.h"

#include <X11/XKBlib.h>
#include <X11/Xutil.h>
#include <X11/keysym.h>
#include <sys/mman.h>

static struct agent_fixture fixture;

static XkbStateRec state(void)
{
	XkbStateRec found;
	XkbGetState(display_x(fixture.agent.display), XkbUseCoreKbd, &found);
	return found;
}

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
	slow.x = XOpenDisplay(fixture.name);
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

static void start(void)
{
	agent_fixture_start(&fixture, "1280x800", false);
	agent_fixture_run(&fixture, "setxkbmap", "us,ru");
	slow_open();
}

static void stop(void)
{
	XCloseDisplay(slow.x);
	agent_fixture_stop(&fixture);
}

/* Begins to type n letters, and returns when the first `keys` of them are there and unanswered. */
static void slow_type(struct request *req, int n, int keys)
{
	auto_buf struct buf text = { 0 };
	for (int i = 0; i < n; i++) {
		buf_printf(&text, "%c", 'a' + i % 26);
	}
	agent_fixture_begin(&fixture, req,
		json_pack(
			"{s:[{s:s, s:s}]}", "actions", "action", "type", "text", buf_text(&text)));
	agent_fixture_until(&fixture, slow_has(keys, true));
	cr_assert_eq(slow.keys, keys, "%d", slow.keys);
	cr_assert_not(req->answered);
}

/* part NULL: it succeeds. */
static void slow_ends(struct request *req, const char *part)
{
	slow_answer();
	agent_fixture_finish(req);
	cr_assert(req->result, "%s", req->err.text);
	json_t *failed = json_object_get(req->result, "failed");
	const char *why = json_string_value(json_object_get(failed, "text"));
	if (part) {
		cr_assert(why && strstr(why, "the keyboard layout changed"));
		cr_assert(strstr(why, part), "%s", why);
		cr_assert_str_eq(json_string_value(json_object_get(failed, "kind")), "state");
	} else {
		cr_assert_null(why, "%s", why);
	}
	agent_fixture_done(req);
}

Test(typing_client, of_letters_says_when_another_map_came_in_the_middle, .init = start,
	.fini = stop)
{
	struct request req;
	slow_type(&req, 544, 544);
	agent_fixture_run(&fixture, "setxkbmap", "gr");
	slow_ends(&req, "544 of 544 characters were sent, and the last 544 may have arrived");
	/* And back again in the meantime. */
	slow.keys = 0;
	slow_type(&req, 20, 20);
	agent_fixture_run(&fixture, "setxkbmap", "us");
	agent_fixture_run(&fixture, "setxkbmap", "gr");
	slow_ends(&req, "20 of 20 characters were sent");
}

Test(typing_client, of_letters_stops_at_another_map, .init = start, .fini = stop)
{
	struct request req;
	slow_type(&req, 2500, 1000);
	slow_answer();
	agent_fixture_until(&fixture, slow_has(2000, true));
	agent_fixture_run(&fixture, "setxkbmap", "gr");
	slow_ends(&req, "2000 of 2500 characters were sent, and the last 1000 may have arrived");
	cr_assert(slow_has(2000, false));
	cr_assert_eq(slow.keys, 2000, "%d", slow.keys);
}

/* Between two segments there is nothing to lose: the next is planned for the new map. */
Test(typing_client, of_letters_goes_on_when_all_before_the_change_was_read, .init = start,
	.fini = stop)
{
	struct request req;
	slow_type(&req, 1500, 1000);
	slow_answer();
	XSync(slow.x, False);
	agent_fixture_run(&fixture, "setxkbmap", "gr");
	agent_fixture_until(&fixture, slow_has(1500, true));
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
		agent_fixture_until(&fixture, req->answered || XPending(slow.x) > 0);
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

Test(typing_client, puts_something_between_two_presses_of_one_key, .init = start, .fini = stop)
{
	static const char text[] = "100% aa AAA aA 中中\n\n";
	struct request req;
	XSelectInput(slow.x, slow.window, KeyPressMask | KeyReleaseMask);
	XSync(slow.x, False);
	agent_fixture_begin(&fixture, &req,
		json_pack("{s:[{s:s, s:s}]}", "actions", "action", "type", "text", text));
	cr_assert_eq(presses_apart(&req), text_length(text));
	cr_assert(req.result && !json_object_get(req.result, "failed"));
	agent_fixture_done(&req);
}

static void change_mapping(KeyCode code, KeySym sym)
{
	XChangeKeyboardMapping(slow.x, code, 1, &sym, 1);
	XSync(slow.x, False);
}

Test(typing_client, of_letters_says_when_a_key_got_another_letter, .init = start, .fini = stop)
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

Test(typing_client, of_letters_says_when_another_group_came_in_the_middle, .init = start,
	.fini = stop)
{
	struct request req;
	lock_group_by('q');
	slow_type(&req, 26, 26);
	cr_assert_eq(state().locked_group, 1);
	slow_ends(&req, "26 of 26 characters were sent");
	cr_assert_eq(state().locked_group, 1, "another program's group was taken back");
}

/* Keys that were pressed keep the group that was in force then. */
Test(typing_client, of_letters_is_not_concerned_by_a_later_group, .init = start, .fini = stop)
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
		sd_event_run(fixture.agent.event, 1000);
	}
}

Test(typing_client, is_not_concerned_by_spares_of_its_own, .init = start, .fini = stop)
{
	struct request req;
	auto_buf struct buf text = { 0 };
	text_append_cjk(&text, 150);
	for (int i = 0; i < 2; i++) {
		agent_fixture_begin(&fixture, &req,
			json_pack("{s:[{s:s, s:s}]}", "actions", "action", "type", "text",
				buf_text(&text)));
		slow_answers_all(&req);
		cr_assert(req.result, "%s", req.err.text);
		cr_assert_null(json_object_get(req.result, "failed"));
		agent_fixture_done(&req);
	}
}

/* A person's letter, from a viewer, may need a spare while text is being typed. */
Test(typing_client, is_not_concerned_by_spares_of_a_viewer, .init = start, .fini = stop)
{
	struct request req;
	struct err err;
	struct key key;
	struct seat *seat = act_queue_seat(fixture.agent.acts, &err);
	cr_assert(seat, "%s", err.text);
	slow_type(&req, 26, 26);
	cr_assert(keymap_refresh(seat->keymap, &err));
	cr_assert(keymap_assign(seat->keymap, 0x1004e00, &key));
	cr_assert(keymap_apply(seat->keymap));
	XSync(display_x(fixture.agent.display), False);
	slow_ends(&req, NULL);
}

/* ---- characters above U+FFFF ---- */

/* The keysyms of a text's keys, as the window got them. */
static int types_syms(const char *text, KeySym *ret_syms, int max)
{
	struct request req;
	KeyCode codes[32];
	int n = 0;
	agent_fixture_begin(&fixture, &req,
		json_pack("{s:[{s:s, s:s}]}", "actions", "action", "type", "text", text));
	while (!req.answered) {
		XEvent event;
		agent_fixture_until(&fixture, req.answered || XPending(slow.x) > 0);
		while (XPending(slow.x) > 0) {
			XNextEvent(slow.x, &event);
			if (event.type == KeyPress && n < max) {
				codes[n++] = (KeyCode)event.xkey.keycode;
			}
			slow.ping = event;
			if (is_ping(&event)) {
				slow_answer();
			}
		}
	}
	cr_assert(req.result && !json_object_get(req.result, "failed"));
	agent_fixture_done(&req);
	for (int i = 0; i < n; i++) {
		ret_syms[i] = XkbKeycodeToKeysym(display_x(fixture.agent.display), codes[i], 0, 0);
	}
	return n;
}

static void set_class(const char *class)
{
	char name[] = "any", copy[32];
	snprintf(copy, sizeof(copy), "%s", class);
	XSetClassHint(slow.x, slow.window, &(XClassHint){ name, copy });
	XSync(slow.x, False);
}

static void expect_syms(const char *text, const KeySym *want, int n)
{
	KeySym got[32];
	cr_assert_eq(types_syms(text, got, 32), n);
	for (int i = 0; i < n; i++) {
		cr_assert_eq(got[i], want[i], "key %d of %s: 0x%lx", i, text, got[i]);
	}
}

Test(typing_client, presses_a_wide_character_as_the_program_takes_it, .init = start, .fini = stop)
{
	static const KeySym whole[] = { 'a', 0x101f44d, 'b' };
	static const KeySym halves[] = { 'a', 0x100d83d, 0x100dc4d, 'b' };
	static const KeySym late[] = { 'a', XK_F20, 0x101f44d, 'b' };
	expect_syms("a\U0001f44db", whole, 3);
	set_class("FocusProxy"); /* Java's */
	expect_syms("a\U0001f44db", halves, 4);
	set_class("libreoffice-writer");
	expect_syms("a\U0001f44db", late, 4);
}

/* The window's process is this one. */
Test(typing_client, refuses_wide_characters_that_would_become_others, .init = start, .fini = stop)
{
	static const KeySym narrow[] = { 'a', 0xe9 };
	char path[128];
	struct request req;
	agent_fixture_path(&fixture, "libQt5WebEngineCore.so.5", path);
	auto_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	void *library = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);
	cr_assert_neq(library, MAP_FAILED);
	agent_fixture_act(
		&fixture, &req, "{'actions': [{'action': 'type', 'text': 'a\\ud83d\\udc4d'}]}");
	json_t *failed = json_object_get(req.result, "failed");
	const char *why = json_string_value(json_object_get(failed, "text"));
	cr_assert(why && strstr(why, "U+1F44D"), "%s", why ? why : "typed");
	cr_assert_str_eq(json_string_value(json_object_get(failed, "kind")), "unsupported");
	agent_fixture_done(&req);
	cr_assert_not(slow_has(1, false), "a key was pressed");
	expect_syms("a\u00e9", narrow, 2);
	munmap(library, 1);
}
