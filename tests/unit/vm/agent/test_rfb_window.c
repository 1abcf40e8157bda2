// USES wire
/* Streams of one window, through a real X server and window manager: two terminals that lie over
 * each other, each of its own colour. */
#include "tests/support/agent_client.h"
#include "tests/support/rfb.h"

#define RED 0xff0000u
#define BLUE 0x0000ffu
#define GREEN 0x00ff00u
#define PLAIN 0x808080u

static struct client c;

static void start(void)
{
	client_start_ready(&c);
}

static void stop(void)
{
	client_stop(&c);
}

TestSuite(rfb_window, .init = start, .fini = stop, .timeout = 120);

/* ---- windows ---- */

/* A terminal that writes what is typed into it, and clicks, to a file of its name. */
static void open_terminal(const char *name, const char *more)
{
	struct shell sh;
	auto_buf struct buf command = { 0 };
	buf_printf(&command,
		"setsid xterm -u8 -T %s -bg %s -fg %s -geometry 60x20+60+60 +sb %s -e sh -c "
		"'stty raw -echo; printf \"\\033[?1000h\"; exec cat >\"$HOME/%s\"' >/dev/null 2>&1 "
		"&",
		name, name, name, more, name);
	shell_run(&c, buf_text(&command), &sh);
	shell_done(&sh);
}

static json_int_t window_number(const char *title, bool *ret_active)
{
	struct answer a;
	json_int_t id = 0;
	client_call(&c, "info", NULL, &a);
	cr_assert(a.result, "%s", a.err.text);
	const json_t *windows = json_object_get(a.result, "windows"), *window;
	size_t i;
	json_array_foreach(windows, i, window)
	{
		if (strcmp(json_string_value(json_object_get(window, "title")), title) == 0) {
			id = json_integer_value(json_object_get(window, "id"));
			*ret_active = json_is_true(json_object_get(window, "active"));
		}
	}
	answer_done(&a);
	return id;
}

/* Until it is there, and has the focus. */
static json_int_t await_window(const char *title)
{
	bool active = false;
	json_int_t id = 0;
	for (int i = 0; i < 1000 && !(id && active); i++) {
		id = window_number(title, &active);
	}
	cr_assert(id && active, "%s does not come up", title);
	return id;
}

static char *content_of(const char *name)
{
	char path[128];
	auto_buf struct buf all = { 0 };
	snprintf(path, sizeof(path), "%s/%s", c.dir, name);
	FILE *file = fopen(path, "re");
	char part[512];
	size_t n = 0;
	while (file && (n = fread(part, 1, sizeof(part), file)) > 0) {
		buf_append(&all, part, n);
	}
	if (file) {
		fclose(file);
	}
	return strdup(buf_text(&all));
}

/* ---- viewers ---- */

struct viewer {
	uint32_t id; /* of the conversation */
	struct answer answer;
	struct rfb_seen seen;
	size_t got;
	bool stalled;
};

static void on_data(
	struct link *link, uint32_t id, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct viewer *v = data;
	cr_assert_eq(channel, 0);
	v->got += len;
	if (!v->stalled) {
		bool greeted = v->seen.stage == 4;
		rfb_take(&v->seen, bytes, len);
		if (!greeted && v->seen.stage == 4) {
			rfb_keep(&v->seen);
		}
		link_consumed(link, id, len);
	}
}

static void on_message(
	struct link *link, uint32_t id, const struct link_msg *msg, size_t cost, void *data)
{
	(void)msg, (void)data;
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

static void open_viewer(struct viewer *v, json_int_t window)
{
	static const int32_t encodings[] = { RFB_RAW, RFB_DESKTOP_SIZE };
	struct buf out = { 0 };
	join(v, json_pack("{s:I}", "window", window));
	rfb_say_hello(&out);
	rfb_say_encodings(&out, encodings, 2);
	say(v, &out);
	cr_assert(client_until(&c, v->seen.stage == 4 || v->answer.came), "no greeting");
	cr_assert(!v->answer.came, "%s", v->answer.err.text);
	ask_all(v, false);
}

static void control(const struct viewer *v)
{
	struct answer a;
	client_call(&c, "control", json_pack("{s:I}", "viewer", (json_int_t)v->id), &a);
	cr_assert(a.result, "%s", a.err.text);
	answer_done(&a);
}

static void close_viewer(struct viewer *v)
{
	link_end(c.link, v->id);
	cr_assert(client_until(&c, v->answer.came));
	answer_done(&v->answer);
	buf_done(&v->seen.in);
	free(v->seen.frame);
}

/* Pixels of this colour. */
static unsigned count(const struct viewer *v, uint32_t colour)
{
	size_t size = (size_t)v->seen.width * v->seen.height;
	unsigned n = 0;
	for (size_t i = 0; i < size; i++) {
		n += (v->seen.frame[i] & 0xffffff) == colour;
	}
	return n;
}

/* Percent of the picture. */
static unsigned share(const struct viewer *v, uint32_t colour)
{
	return count(v, colour) * 100 / (v->seen.width * v->seen.height);
}

static bool has(const struct viewer *v, uint32_t colour)
{
	return count(v, colour) > 0;
}

/* Looks on until the condition holds, and asserts at each update that no other colour is there. */
#define see_until(v, condition, never) \
	do { \
		int before_ = (v)->seen.updates; \
		cr_assert(!has(v, never), "another window's colour"); \
		if (condition) { \
			break; \
		} \
		ask_all(v, true); \
		cr_assert(client_until(&c, (v)->seen.updates > before_), "no update"); \
	} while (true)

static void type(struct viewer *v, const char *text)
{
	struct buf out = { 0 };
	for (; *text; text++) {
		rfb_say_key(&out, true, (uint32_t)*text);
		rfb_say_key(&out, false, (uint32_t)*text);
	}
	say(v, &out);
}

static void say_key(struct viewer *v, uint32_t keysym)
{
	struct buf out = { 0 };
	rfb_say_key(&out, true, keysym);
	rfb_say_key(&out, false, keysym);
	say(v, &out);
}

static void await_content(const char *name, const char *text)
{
	auto_free char *content = NULL;
	for (int i = 0; i < 3000; i++) {
		struct answer a;
		free(content);
		content = content_of(name);
		if (strstr(content, text)) {
			return;
		}
		client_call(&c, "ping", NULL, &a);
		answer_done(&a);
		usleep(10000);
	}
	cr_assert_fail("in %s there is '%s'", name, content);
}

/* ---- tests ---- */

Test(rfb_window, each_stream_shows_its_window_alone_covered_or_not)
{
	static struct viewer below, above;
	open_terminal("red", "");
	json_int_t red = await_window("red");
	open_terminal("blue", "-geometry 40x10+100+100");
	json_int_t blue = await_window("blue");
	open_viewer(&below, red);
	open_viewer(&above, blue);
	see_until(&below, share(&below, RED) >= 95, BLUE);
	see_until(&above, share(&above, BLUE) >= 95, RED);
	cr_expect_gt(below.seen.width, above.seen.width);
	close_viewer(&below);
	close_viewer(&above);
}

/* Both redirect the window; the end of one must not end the other. */
Test(rfb_window, a_stream_goes_on_while_pictures_of_its_window_are_taken)
{
	static struct viewer v;
	struct answer a;
	open_terminal("red", "");
	json_int_t red = await_window("red");
	open_viewer(&v, red);
	see_until(&v, share(&v, RED) >= 95, BLUE);
	for (int i = 0; i < 3; i++) {
		client_call(&c, "act",
			json_pack("{s:[], s:{s:s, s:I}}", "actions", "observe", "mode", "frame",
				"of_window", red),
			&a);
		cr_assert(a.result, "%s", a.err.text);
		answer_done(&a);
	}
	open_terminal("blue", "-geometry 60x20+60+60");
	(void)await_window("blue");
	control(&v);
	type(&v, "seen");
	await_content("red", "seen");
	see_until(&v, share(&v, RED) >= 95, BLUE);
	close_viewer(&v);
}

Test(rfb_window, what_is_typed_arrives_there_alone_and_is_seen_though_it_was_covered)
{
	static struct viewer v;
	open_terminal("red", "");
	json_int_t red = await_window("red");
	open_terminal("blue", "");
	await_window("blue");
	open_viewer(&v, red);
	control(&v);
	see_until(&v, share(&v, RED) >= 95, BLUE);
	type(&v, "Hello, {World}?");
	say_key(&v, 0xc4);      /* on no key of this keyboard */
	say_key(&v, 0x1000416); /* nor is this */
	say_key(&v, 'Z');       /* with Caps Lock on at the other end: no Shift comes */
	await_content("red", "Hello, {World}?ÄЖZ");
	auto_free char *other = content_of("blue");
	cr_expect_str_eq(other, "");
	see_until(&v, share(&v, RED) >= 95, BLUE);
	close_viewer(&v);
}

static void click(struct viewer *v, unsigned button, unsigned x, unsigned y)
{
	struct buf out = { 0 };
	rfb_say_pointer(&out, 0, x, y);
	rfb_say_pointer(&out, 1u << (button - 1), x, y);
	rfb_say_pointer(&out, 0, x, y);
	say(v, &out);
}

Test(rfb_window, a_click_reaches_the_window_though_another_lies_over_it)
{
	static struct viewer v;
	open_terminal("red", "");
	json_int_t red = await_window("red");
	open_terminal("blue", "");
	await_window("blue");
	open_viewer(&v, red);
	control(&v);
	see_until(&v, share(&v, RED) >= 95, BLUE);
	click(&v, 1, 100, 100);
	await_content("red", "\033[M");
	auto_free char *other = content_of("blue");
	cr_expect_str_eq(other, "");
	await_window("red");
	close_viewer(&v);
}

Test(rfb_window, its_menus_are_seen_and_no_other_windows)
{
	static struct viewer with, without;
	struct buf out = { 0 };
	open_terminal("red", "-xrm 'xterm*SimpleMenu.background: #00ff00'");
	json_int_t red = await_window("red");
	open_terminal("blue", "-geometry 40x10+100+100");
	json_int_t blue = await_window("blue");
	open_viewer(&with, red);
	open_viewer(&without, blue);
	control(&with);
	see_until(&with, share(&with, RED) >= 95, BLUE);
	see_until(&without, share(&without, BLUE) >= 95, RED);
	rfb_say_key(&out, true, 0xffe3); /* Control_L */
	rfb_say_pointer(&out, 0, 120, 120);
	rfb_say_pointer(&out, 1, 120, 120);
	say(&with, &out);
	see_until(&with, share(&with, GREEN) >= 5, BLUE);
	ask_all(&without, false);
	int before = without.seen.pixels;
	cr_assert(client_until(&c,
		without.seen.pixels >= before + (int)(without.seen.width * without.seen.height)));
	cr_expect(!has(&without, GREEN));
	rfb_say_pointer(&out, 0, 2, 300);
	rfb_say_key(&out, false, 0xffe3);
	say(&with, &out);
	see_until(&with, share(&with, RED) >= 95, BLUE);
	close_viewer(&with);
	close_viewer(&without);
}

/* All of it, once nothing on the screen changes. */
static void see_settled(struct viewer *v)
{
	struct answer a;
	int before = v->seen.pixels;
	client_call(&c, "act",
		json_pack("{s:[], s:{s:s}}", "actions", "observe", "mode", "settled"), &a);
	cr_assert(a.result, "%s", a.err.text);
	answer_done(&a);
	ask_all(v, false);
	cr_assert(
		client_until(&c, v->seen.pixels >= before + (int)(v->seen.width * v->seen.height)));
}

/* A GTK program's, which has windows inside that paint nothing. */
Test(rfb_window, the_picture_grows_while_a_dialog_is_larger)
{
	static struct viewer v;
	struct shell sh;
	struct buf out = { 0 };
	shell_run(&c, "setsid mousepad >/dev/null 2>&1 &", &sh);
	shell_done(&sh);
	open_viewer(&v, await_window("Untitled 1 - Mousepad"));
	control(&v);
	see_until(&v, share(&v, 0xffffff) >= 50, BLUE);
	see_settled(&v);
	unsigned width = v.seen.width;
	rfb_say_key(&out, true, 0xffe3); /* Control_L, Shift_L, S: save as */
	rfb_say_key(&out, true, 0xffe1);
	rfb_say_key(&out, true, 'S');
	rfb_say_key(&out, false, 'S');
	rfb_say_key(&out, false, 0xffe1);
	rfb_say_key(&out, false, 0xffe3);
	say(&v, &out);
	see_until(&v, v.seen.width > width, BLUE);
	see_until(&v, share(&v, 0xffffff) >= 30, BLUE);
	say_key(&v, 0xff1b);
	see_until(&v, v.seen.width == width, BLUE);
	see_until(&v, share(&v, 0xffffff) >= 50, BLUE);
	close_viewer(&v);
}

static void refused(json_int_t window, enum err_kind kind)
{
	static struct viewer v;
	join(&v, json_pack("{s:I}", "window", window));
	cr_assert(client_until(&c, v.answer.came));
	cr_expect_eq(v.answer.err.kind, kind, "%s", v.answer.err.text);
	buf_done(&v.seen.in);
}

Test(rfb_window, a_change_of_size_is_told_and_the_end_with_its_reason)
{
	static struct viewer v;
	open_terminal("blue", "");
	await_window("blue");
	open_terminal("red", "-geometry 30x10+100+100");
	json_int_t red = await_window("red");
	open_viewer(&v, red);
	see_until(&v, share(&v, RED) >= 95, BLUE);
	unsigned width = v.seen.width;
	struct shell sh;
	shell_run(&c, "xdotool windowsize $(xdotool search --name '^red$') 500 300", &sh);
	shell_done(&sh);
	see_until(&v, v.seen.width > width, BLUE);
	see_until(&v, share(&v, RED) >= 95, BLUE);
	ask_all(&v, true);
	shell_run(&c, "xdotool windowkill $(xdotool search --name '^red$')", &sh);
	shell_done(&sh);
	cr_assert(client_until(&c, v.answer.came));
	cr_expect_eq(v.answer.err.kind, ERR_NOT_FOUND);
	cr_expect(strstr(v.answer.err.text, "was closed"), "%s", v.answer.err.text);
	close_viewer(&v);
	open_terminal("green", ""); /* X gives it the ids that red had */
	cr_expect_neq(await_window("green"), red);
	refused(red, ERR_NOT_FOUND);
}

Test(rfb_window, the_pointer_is_painted_only_over_the_window)
{
	static struct viewer v;
	struct answer a;
	open_terminal("red", "-ms white");
	json_int_t red = await_window("red");
	client_call(&c, "act",
		json_pack("{s:[{s:s, s:[i,i]}], s:{s:s}}", "actions", "action", "move", "at", 1200,
			700, "observe", "mode", "none"),
		&a);
	answer_done(&a);
	open_viewer(&v, red);
	see_until(&v, share(&v, RED) == 100 || share(&v, RED) >= 99, BLUE);
	unsigned reds = count(&v, RED);
	client_call(&c, "act",
		json_pack("{s:[{s:s, s:[i,i]}], s:{s:s}}", "actions", "action", "move", "at", 200,
			200, "observe", "mode", "none"),
		&a);
	answer_done(&a);
	see_until(&v, count(&v, RED) < reds, BLUE);
	close_viewer(&v);
}

Test(rfb_window, a_viewer_that_takes_nothing_holds_up_nobody)
{
	static struct viewer slow, other;
	open_terminal("red", "-geometry 100x40+60+60");
	json_int_t red = await_window("red");
	open_viewer(&slow, red);
	open_viewer(&other, red);
	slow.stalled = true;
	slow.got = 0;
	for (int i = 1; i <= 5; i++) {
		struct answer a;
		int before = other.seen.pixels;
		ask_all(&slow, false);
		ask_all(&other, false);
		cr_assert(client_until(&c,
			other.seen.pixels >= before + (int)(other.seen.width * other.seen.height)));
		client_call(&c, "ping", NULL, &a);
		answer_done(&a);
	}
	cr_expect_leq(slow.got, LINK_WINDOW);
	close_viewer(&slow);
	close_viewer(&other);
}

Test(rfb_window, what_is_no_window_is_refused_and_the_x_servers_end_told)
{
	static struct viewer v, bad;
	struct buf out = { 0 };
	refused(4000, ERR_NOT_FOUND);
	refused(-1, ERR_ARGUMENT);
	open_terminal("red", "");
	json_int_t red = await_window("red");
	open_viewer(&v, red);
	open_viewer(&bad, red);
	rfb_u8(&out, 77);
	say(&bad, &out);
	cr_assert(client_until(&c, bad.answer.came));
	cr_expect_eq(bad.answer.err.kind, ERR_ARGUMENT);
	close_viewer(&bad);
	see_until(&v, share(&v, RED) >= 95, BLUE);
	kill(client_pid_of(&c, "Xvnc"), SIGKILL);
	cr_assert(client_until(&c, v.answer.came));
	cr_expect_eq(v.answer.err.kind, ERR_STATE);
	close_viewer(&v);
	client_expect(&c, "restarted", 0);
	refused(red, ERR_NOT_FOUND);
}
