// USES wire
/* The desktop's VNC server through the link: viewers come, look, stall and go. */
#include "tests/support/agent_client.h"
#include "tests/support/rfb.h"

static struct client c;

static void start(void)
{
	client_start_ready(&c);
}

static void stop(void)
{
	client_stop(&c);
}

TestSuite(rfb, .init = start, .fini = stop, .timeout = 120);

struct viewer {
	uint32_t id; /* of the conversation */
	struct answer answer;
	struct rfb_seen seen;
	size_t got;
	bool stalled;
	int used, refused; /* messages of the agent */
};

static void on_data(
	struct link *link, uint32_t id, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct viewer *v = data;
	cr_assert_eq(channel, 0);
	v->got += len;
	if (!v->stalled) {
		rfb_take(&v->seen, bytes, len);
		link_consumed(link, id, len);
	}
}

static void on_message(
	struct link *link, uint32_t id, const struct link_msg *msg, size_t cost, void *data)
{
	struct viewer *v = data;
	const json_t *args = json_object_get(msg->json, "args");
	cr_assert_str_eq(json_string_value(json_object_get(msg->json, "message")), "used");
	v->refused += json_is_true(json_object_get(args, "refused"));
	v->used += !json_is_true(json_object_get(args, "refused"));
	link_consumed(link, id, cost);
}

static void on_viewer_reply(const struct link_msg *msg, const struct err *err, void *data)
{
	client_on_reply(msg, err, &((struct viewer *)data)->answer);
}

static void join(struct viewer *v, json_t *args)
{
	static const struct link_talk talk = { .data = on_data, .message = on_message };
	*v = (struct viewer){ 0 };
	v->id = link_converse(c.link, "rfb", args, NULL, 0, &talk, on_viewer_reply, v);
}

static void open_viewer(struct viewer *v)
{
	join(v, NULL);
}

static void say(struct viewer *v, struct buf *what)
{
	cr_assert_eq(link_write(c.link, v->id, 0, what->data, what->len), what->len);
	buf_done(what);
}

static void ask_all(struct viewer *v, bool incremental)
{
	struct buf out = { 0 };
	rfb_say_update(&out, incremental, 0, 0, v->seen.width, v->seen.height);
	say(v, &out);
}

static void greet(struct viewer *v, const int32_t *encodings, size_t n)
{
	struct buf out = { 0 };
	rfb_say_hello(&out);
	rfb_say_encodings(&out, encodings, n);
	say(v, &out);
	cr_assert(client_until(&c, v->seen.stage == 4 || v->answer.came), "no greeting");
	cr_assert(!v->answer.came, "%s", v->answer.err.text);
}

static void start_viewer(struct viewer *v, const int32_t *encodings, size_t n)
{
	open_viewer(v);
	greet(v, encodings, n);
}

/* NULL: no viewer has control. */
static void control(const struct viewer *v)
{
	struct answer a;
	client_call(&c, "control", json_pack("{s:I}", "viewer", v ? (json_int_t)v->id : 0), &a);
	cr_assert(a.result, "%s", a.err.text);
	answer_done(&a);
}

/* Sizes and cursors may come alone, in answer to the first requests. */
static void see_all(struct viewer *v)
{
	ask_all(v, false);
	while (v->seen.pixels < (int)(v->seen.width * v->seen.height)) {
		int before = v->seen.updates;
		cr_assert(client_until(&c, v->seen.updates > before));
		ask_all(v, true);
	}
}

static const int32_t raw[] = { RFB_RAW };

/* Those that were closed by the other side, too. */
static void forget_viewer(struct viewer *v)
{
	cr_assert(client_until(&c, v->answer.came));
	answer_done(&v->answer);
	buf_done(&v->seen.in);
}

static void close_viewer(struct viewer *v)
{
	link_end(c.link, v->id);
	cr_assert(client_until(&c, v->answer.came));
	cr_expect(v->answer.result);
	forget_viewer(v);
}

static void move_pointer(int x, int y)
{
	struct answer a;
	client_call(&c, "act",
		json_pack("{s:[{s:s, s:[i,i]}], s:{s:s}}", "actions", "action", "move", "at", x, y,
			"observe", "mode", "none"),
		&a);
	cr_assert(a.result && !json_object_get(a.result, "failed"), "%s", a.err.text);
	answer_done(&a);
}

Test(rfb, two_viewers_see_the_screen)
{
	static struct viewer v[2];
	for (int i = 0; i < 2; i++) {
		start_viewer(&v[i], raw, 1);
		cr_expect_eq(v[i].seen.width, 1280);
		cr_expect_eq(v[i].seen.height, 800);
		ask_all(&v[i], false);
		cr_assert(client_until(&c, v[i].seen.pixels >= 1280 * 800));
	}
	close_viewer(&v[0]);
	ask_all(&v[1], false);
	cr_assert(client_until(&c, v[1].seen.pixels >= 2 * 1280 * 800), "one is still there");
	close_viewer(&v[1]);
}

Test(rfb, a_viewer_that_takes_nothing_holds_up_nobody)
{
	static struct viewer slow, other;
	start_viewer(&slow, raw, 1);
	start_viewer(&other, raw, 1);
	slow.stalled = true;
	slow.got = 0;
	ask_all(&slow, false);
	cr_assert(client_until(&c, slow.got > LINK_WINDOW / 2));
	for (int i = 1; i <= 5; i++) {
		ask_all(&other, false);
		cr_assert(client_until(&c, other.seen.pixels >= i * 1280 * 800));
		move_pointer(100 + i, 100);
	}
	cr_expect_leq(slow.got, LINK_WINDOW);
	close_viewer(&slow);
	close_viewer(&other);
}

Test(rfb, the_agents_pointer_is_painted_for_those_who_do_not_draw_it)
{
	static const int32_t with_cursor[] = { RFB_RAW, RFB_CURSOR };
	static struct viewer painted, drawing;
	start_viewer(&painted, raw, 1);
	start_viewer(&drawing, with_cursor, 2);
	control(&drawing);
	see_all(&painted);
	see_all(&drawing);
	cr_assert(client_until(&c, drawing.seen.cursors));
	cr_expect_eq(painted.seen.cursors, 0);
	int before = painted.seen.updates;
	for (int i = 0; i < 3; i++) {
		ask_all(&painted, true);
		move_pointer(300 + 10 * i, 300);
		cr_assert(client_until(&c, painted.seen.updates > before));
		before = painted.seen.updates;
	}
	control(NULL);
	int drawn = drawing.seen.updates;
	ask_all(&drawing, true);
	move_pointer(400, 400);
	cr_assert(client_until(&c, drawing.seen.updates > drawn), "it is painted now");
	close_viewer(&painted);
	close_viewer(&drawing);
}

Test(rfb, follows_the_size_of_the_display)
{
	static const int32_t with_size[] = { RFB_RAW, RFB_DESKTOP_SIZE };
	static const int sizes[][2] = { { 1000, 900 }, { 640, 480 }, { 1280, 800 } };
	static struct viewer v;
	struct answer a;
	start_viewer(&v, with_size, 2);
	see_all(&v);
	for (size_t i = 0; i < 3; i++) {
		client_call(&c, "display_set",
			json_pack("{s:i, s:i}", "width", sizes[i][0], "height", sizes[i][1]), &a);
		cr_assert(a.result, "%s", a.err.text);
		answer_done(&a);
		while (v.seen.sizes <= (int)i) {
			int updates = v.seen.updates; /* other changes may have answered it */
			ask_all(&v, true);
			cr_assert(client_until(&c, v.seen.updates > updates), "size %zu", i);
		}
		cr_expect_eq(v.seen.width, (unsigned)sizes[i][0]);
		cr_expect_eq(v.seen.height, (unsigned)sizes[i][1]);
		see_all(&v);
	}
	close_viewer(&v);
}

Test(rfb, nobody_resizes_the_desktop)
{
	static const int32_t with_size[] = { RFB_RAW, RFB_DESKTOP_SIZE, RFB_EXTENDED_SIZE };
	static struct viewer v;
	struct answer a;
	struct buf out = { 0 };
	start_viewer(&v, with_size, 3);
	rfb_say_size(&out, 640, 480);
	say(&v, &out);
	see_all(&v);
	cr_expect_eq(v.seen.sizes, 0);
	client_call(&c, "info", NULL, &a);
	cr_expect_eq(
		json_integer_value(json_array_get(json_object_get(a.result, "screen"), 0)), 1280);
	answer_done(&a);
	close_viewer(&v);
}

Test(rfb, those_who_never_finish_their_greeting_lock_nobody_out)
{
	static struct viewer v;
	for (int i = 0; i < 12; i++) {
		open_viewer(&v);
		cr_assert(client_until(&c, v.seen.stage == 1), "viewer %d", i);
		close_viewer(&v);
	}
	start_viewer(&v, raw, 1);
	close_viewer(&v);
}

Test(rfb, a_bad_message_closes_only_its_own_viewer)
{
	static struct viewer bad, good;
	struct buf out = { 0 };
	start_viewer(&good, raw, 1);
	start_viewer(&bad, raw, 1);
	rfb_u8(&out, 77);
	say(&bad, &out);
	cr_assert(client_until(&c, bad.answer.came));
	cr_expect_eq(bad.answer.err.kind, ERR_ARGUMENT, "%s", bad.answer.err.text);
	forget_viewer(&bad);
	ask_all(&good, false);
	cr_assert(client_until(&c, good.seen.pixels >= 1280 * 800));
	close_viewer(&good);
}

/* The last cut text is the desktop's clipboard; a request may overtake what a viewer says. */
Test(rfb, a_viewers_clipboard_is_the_desktops)
{
	static struct viewer v;
	struct buf out = { 0 };
	struct answer a;
	bool same = false;
	start_viewer(&v, raw, 1);
	control(&v);
	rfb_say_cut_text(&out, "first", 5);
	rfb_say_cut_text(&out, "caf\xe9\r\n", 6);
	say(&v, &out);
	while (!same) {
		client_call(&c, "clipboard_get", json_pack("{s:[s]}", "types", "text/plain"), &a);
		cr_assert(a.result, "%s", a.err.text);
		same = a.tail.len == 6 && memcmp(a.tail.data, "caf\xc3\xa9\n", 6) == 0;
		answer_done(&a);
	}
	cr_expect_eq(v.seen.cut_texts, 0);
	close_viewer(&v);
}

Test(rfb, ends_with_the_x_server_and_works_with_the_next)
{
	static struct viewer v;
	start_viewer(&v, raw, 1);
	kill(client_pid_of(&c, "Xvnc"), SIGKILL);
	cr_assert(client_until(&c, v.answer.came));
	cr_expect_eq(v.answer.err.kind, ERR_STATE);
	forget_viewer(&v);
	client_expect(&c, "restarted", 0);
	start_viewer(&v, raw, 1);
	close_viewer(&v);
}

Test(rfb, ends_with_the_host)
{
	static struct viewer v;
	start_viewer(&v, raw, 1);
	ask_all(&v, false);
	client_stop(&c);
	cr_expect_eq(v.answer.err.kind, ERR_GONE);
	buf_done(&v.seen.in);
	client_start(&c, NULL); /* for stop() */
}

/* What a viewer wrote before it left, a released key for one, still arrives. */
Test(rfb, what_was_written_before_a_cancellation_arrives)
{
	static struct viewer v, other;
	struct buf out = { 0 };
	struct shell sh;
	start_viewer(&v, raw, 1);
	control(&v);
	rfb_say_pointer(&out, 0, 321, 123);
	say(&v, &out);
	link_cancel(c.link, v.id);
	cr_assert(client_until(&c, v.answer.came));
	cr_expect_eq(v.answer.err.kind, ERR_CANCELLED);
	start_viewer(&other, raw, 1);
	shell_run(&c, "xdotool getmouselocation", &sh);
	cr_expect(strstr(buf_text(&sh.out), "x:321 y:123"), "%s", buf_text(&sh.out));
	shell_done(&sh);
	close_viewer(&other);
	buf_done(&v.seen.in);
}

/* ---- control ---- */

static void expect_shell(const char *command, const char *says)
{
	struct shell sh;
	shell_run(&c, command, &sh);
	cr_expect(strstr(buf_text(&sh.out), says), "%s: '%s', not '%s'", command, buf_text(&sh.out),
		says);
	shell_done(&sh);
}

/* All that it said before has been parsed when its request is answered. */
static void settle(struct viewer *v)
{
	int before = v->seen.updates;
	ask_all(v, false);
	cr_assert(client_until(&c, v->seen.updates > before));
}

static void click(struct viewer *v, unsigned buttons, unsigned x, unsigned y)
{
	struct buf out = { 0 };
	rfb_say_pointer(&out, buttons, x, y);
	say(v, &out);
}

#define WHERE "xdotool getmouselocation"

Test(rfb, without_control_nothing_is_done_and_the_press_is_told)
{
	static struct viewer v;
	struct buf out = { 0 };
	struct answer a;
	move_pointer(700, 600);
	start_viewer(&v, raw, 1);
	click(&v, 0, 11, 12);
	rfb_say_cut_text(&out, "spy", 3);
	say(&v, &out);
	settle(&v);
	cr_expect_eq(v.refused + v.used, 0, "no press yet");
	click(&v, 1, 11, 12);
	cr_assert(client_until(&c, v.refused == 1));
	rfb_say_key(&out, true, 'x');
	say(&v, &out);
	settle(&v);
	expect_shell(WHERE, "x:700 y:600");
	client_call(&c, "clipboard_get", json_pack("{s:[s]}", "types", "text/plain"), &a);
	cr_expect_str_eq(json_string_value(json_object_get(a.result, "absent")), "empty");
	answer_done(&a);
	cr_expect_eq(v.used, 0);
	close_viewer(&v);
}

/* A terminal that tells what the mouse does in it, in a file of its home. */
static void open_terminal(const char *more)
{
	struct shell sh;
	auto_buf struct buf command = { 0 };
	buf_printf(&command,
		"setsid xterm -u8 -geometry 100x40+60+60 +sb %s -e sh -c 'stty raw -echo; "
		"printf \"word\\033[?1002h\"; echo >up; exec cat >seen' >/dev/null 2>&1 & "
		"until [ -e up ]; do sleep 0.05; done",
		more);
	shell_run(&c, buf_text(&command), &sh);
	shell_done(&sh);
}

static void await_shell(const char *command, const char *says)
{
	struct shell sh;
	bool said = false;
	for (int i = 0; i < 300 && !said; i++) {
		shell_run(&c, command, &sh);
		said = strstr(buf_text(&sh.out), says);
		shell_done(&sh);
	}
	cr_assert(said, "%s never says '%s'", command, says);
}

/* The mouse in xterm: ESC [ M, a button and its place, 32 added to each; 35: a release. */
#define SEEN "cat -v seen"

Test(rfb, the_press_that_is_refused_has_no_effect_later)
{
	static struct viewer v;
	open_terminal("");
	start_viewer(&v, raw, 1);
	click(&v, 1, 300, 300);
	cr_assert(client_until(&c, v.refused == 1));
	control(&v);
	click(&v, 1, 340, 340); /* still held */
	click(&v, 0, 340, 340);
	click(&v, 4, 340, 340);
	click(&v, 0, 340, 340);
	await_shell(SEEN, "[M#");
	expect_shell(SEEN " | head -c 3", "^[[");
	expect_shell(SEEN " | cut -c 5", "\"");
	cr_assert(client_until(&c, v.used > 0));
	close_viewer(&v);
}

Test(rfb, who_loses_control_lets_go_and_the_next_one_has_it)
{
	static struct viewer first, second;
	struct buf out = { 0 };
	open_terminal("");
	start_viewer(&first, raw, 1);
	start_viewer(&second, raw, 1);
	control(&first);
	click(&first, 0, 300, 300);
	click(&first, 1, 300, 300);
	rfb_say_key(&out, true, 'a');
	rfb_say_key(&out, false, 'a');
	rfb_say_key(&out, true, 0xffe1);
	say(&first, &out);
	await_shell(SEEN, "a");
	control(&second);
	await_shell(SEEN, "[M#");
	click(&first, 0, 500, 500);
	rfb_say_key(&out, true, 'b');
	say(&first, &out);
	settle(&first);
	rfb_say_key(&out, true, 'c'); /* small, for Shift is no more held */
	say(&second, &out);
	await_shell(SEEN, "c");
	expect_shell(SEEN " | tr -dc abBC; echo .", "a.");
	expect_shell(WHERE, "x:300 y:300");
	close_viewer(&first);
	rfb_say_key(&out, false, 'c');
	rfb_say_key(&out, true, 'd');
	say(&second, &out);
	await_shell(SEEN, "d");
	close_viewer(&second);
}

static void type(const char *text)
{
	struct answer a;
	client_call(&c, "act",
		json_pack("{s:[{s:s, s:s}], s:{s:s}}", "actions", "action", "type", "text", text,
			"observe", "mode", "none"),
		&a);
	cr_assert(a.result && !json_object_get(a.result, "failed"), "%s", a.err.text);
	answer_done(&a);
}

/* A character that no key has waits for a map of the keyboard: the rest of the line waits behind it,
 * here and in the agent, and is not typed when control is gone. */
Test(rfb, what_waits_when_control_is_lost_is_not_done)
{
	static struct viewer v;
	struct buf out = { 0 };
	open_terminal("");
	start_viewer(&v, raw, 1);
	control(&v);
	click(&v, 0, 300, 300);
	for (uint32_t i = 0; i < 3000; i++) {
		rfb_say_key(&out, true, 0x01004e00 + i);
		rfb_say_key(&out, false, 0x01004e00 + i);
	}
	size_t n = link_write(c.link, v.id, 0, out.data, out.len);
	cr_assert_eq(n, out.len);
	buf_done(&out);
	control(NULL);
	settle(&v);
	move_pointer(700, 600);
	type("Z"); /* behind all that was pressed: the terminal may be late */
	await_shell("tr -dc YZ <seen", "Z");
	type("Y");
	await_shell("tr -dc YZ <seen", "ZY");
	expect_shell("tail -c 2 seen", "ZY");
	expect_shell("[ $(wc -m <seen) -lt 3000 ] && echo less", "less");
	close_viewer(&v);
}

static void expect_nothing_of_the_clipboard(const struct viewer *v)
{
	cr_expect_eq(v->seen.cut_texts, 0);
}

Test(rfb, what_is_copied_is_told_to_the_one_with_control_that_wants_it)
{
	static struct viewer v, unwanted, looker;
	json_t *wants = json_pack("{s:b}", "clipboard", 1);
	open_terminal("-xrm 'XTerm*selectToClipboard: true'");
	start_viewer(&unwanted, raw, 1);
	join(&looker, json_incref(wants));
	greet(&looker, raw, 1);
	join(&v, wants);
	greet(&v, raw, 1);
	control(&v);
	struct buf out = { 0 };
	rfb_say_key(&out, true, 0xffe1); /* Shift: the terminal selects */
	say(&v, &out);
	for (int i = 0; i < 2; i++) {
		click(&v, 0, 75, 90);
		click(&v, 1, 75, 90);
		click(&v, 0, 75, 90);
	}
	cr_assert(client_until(&c, v.seen.cut_texts > 0));
	cr_expect_str_eq(buf_text(&v.seen.cut_text), "word");
	settle(&unwanted);
	settle(&looker);
	expect_nothing_of_the_clipboard(&unwanted);
	expect_nothing_of_the_clipboard(&looker);
	buf_done(&v.seen.cut_text);
	close_viewer(&v);
	close_viewer(&unwanted);
	close_viewer(&looker);
}
