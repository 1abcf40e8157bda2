// USES agent
/* The picture of one window: terminals of one colour each that lie over each other. */
#include "tests/support/agent_client.h"
#include "vm/wire/messages_windows.h"

#include <spng.h>

#define RED 0xff0000u
#define BLUE 0x0000ffu

static struct client c;

static void start(void)
{
	client_start_ready(&c);
}

static void stop(void)
{
	client_stop(&c);
}

TestSuite(window_shot, .init = start, .fini = stop, .timeout = 120);

/* ---- windows ---- */

static json_int_t open_terminal(const char *colour, const char *geometry)
{
	struct shell sh;
	struct answer a;
	auto_buf struct buf command = { 0 };
	buf_printf(&command,
		"setsid xterm -T %s -bg %s -fg %s -geometry %s +sb -e sleep 1000 >/dev/null 2>&1 &",
		colour, colour, colour, geometry);
	client_call(&c, "ping", NULL, &a);
	answer_done(&a);
	shell_run(&c, buf_text(&command), &sh);
	shell_done(&sh);
	client_call(&c, "wait",
		json_pack(
			"{s:s, s:s, s:i}", "until", "window", "title", colour, "timeout_ms", 20000),
		&a);
	cr_assert(a.result, "%s", a.err.text);
	json_int_t id =
		json_integer_value(json_object_get(json_object_get(a.result, "window"), "id"));
	cr_assert_gt(id, 0, "%s", json_dumps(a.result, 0));
	answer_done(&a);
	return id;
}

static void change(json_int_t window, const char *verb, const char *state)
{
	struct answer a;
	client_call(&c, "window_change",
		json_pack("{s:I, s:s, s:s*}", "window", window, "verb", verb, "state", state), &a);
	cr_assert(a.result, "%s", a.err.text);
	cr_assert(json_is_true(json_object_get(a.result, "done")));
	answer_done(&a);
}

/* ---- pictures ---- */

static void look(struct answer *a, json_int_t window, const char *more)
{
	json_auto_t *other = json_loads(more, 0, NULL);
	json_t *observe =
		json_pack("{s:s, s:s, s:I}", "mode", "frame", "format", "png", "of_window", window);
	json_object_update(observe, other);
	client_call(&c, "act", json_pack("{s:[], s:o}", "actions", "observe", observe), a);
}

static json_int_t edge(const struct answer *a, size_t i)
{
	cr_assert(a->result, "%s", a->err.text);
	const json_t *place = json_object_get(json_object_get(a->result, "frame"), "place");
	cr_assert_eq(json_array_size(place), 4);
	return json_integer_value(json_array_get(place, i));
}

static bool flag(const struct answer *a, const char *name)
{
	return json_is_true(json_object_get(json_object_get(a->result, "frame"), name));
}

/* Percent of the picture that has this colour. */
static size_t share(const struct answer *a, uint32_t colour)
{
	size_t size, n = 0;
	struct spng_ihdr header;
	cr_assert(a->result, "%s", a->err.text);
	spng_ctx *png = spng_ctx_new(0);
	spng_set_png_buffer(png, a->tail.data, a->tail.len);
	cr_assert_eq(spng_get_ihdr(png, &header), 0);
	spng_decoded_image_size(png, SPNG_FMT_RGB8, &size);
	auto_free uint8_t *rgb = must(malloc(size));
	cr_assert_eq(spng_decode_image(png, rgb, size, SPNG_FMT_RGB8, 0), 0);
	spng_ctx_free(png);
	for (size_t i = 0; i < size; i += 3) {
		n += ((uint32_t)rgb[i] << 16 | (uint32_t)rgb[i + 1] << 8 | rgb[i + 2]) == colour;
	}
	return n * 100 / (size / 3);
}

/* ---- tests ---- */

Test(window_shot, shows_all_of_a_window_that_is_covered)
{
	struct answer a;
	json_int_t red = open_terminal("red", "60x20+60+60");
	json_int_t blue = open_terminal("blue", "60x20+100+100");
	look(&a, red, "{}");
	cr_expect_geq(share(&a, RED), 97, "%zu %%", share(&a, RED));
	cr_expect(flag(&a, "covered"));
	cr_expect_not(flag(&a, "partial"));
	cr_expect_eq(edge(&a, 2) - edge(&a, 0),
		json_integer_value(json_object_get(json_object_get(a.result, "frame"), "width")));
	answer_done(&a);
	look(&a, blue, "{}");
	cr_expect_geq(share(&a, BLUE), 97);
	cr_expect_not(flag(&a, "covered"));
	answer_done(&a);
	change(red, "focus", NULL);
	look(&a, red, "{\"scale\": 0.5}");
	cr_expect_geq(share(&a, RED), 97);
	cr_expect_not(flag(&a, "covered"));
	cr_expect_eq((edge(&a, 2) - edge(&a, 0)) / 2,
		json_integer_value(json_object_get(json_object_get(a.result, "frame"), "width")));
	answer_done(&a);
}

Test(window_shot, tells_where_the_window_is)
{
	struct answer a, list;
	json_int_t red = open_terminal("red", "60x20+60+60");
	look(&a, red, "{}");
	client_call(&c, "windows", NULL, &list);
	const json_t *window = json_array_get(json_object_get(list.result, "windows"), 0);
	cr_expect_eq(edge(&a, 0), json_integer_value(json_object_get(window, "x")));
	cr_expect_eq(edge(&a, 1), json_integer_value(json_object_get(window, "y")));
	cr_expect_str_eq(
		json_string_value(json_object_get(json_object_get(a.result, "frame"), "title")),
		"red");
	answer_done(&list);
	answer_done(&a);
}

static json_int_t settled_frame(json_int_t since, bool *ret_changed)
{
	struct answer a;
	client_call(&c, "act",
		json_pack("{s:[], s:{s:s, s:I}}", "actions", "observe", "mode", "settled", "since",
			since),
		&a);
	cr_assert(json_is_true(json_object_get(a.result, "settled")));
	json_int_t frame = json_integer_value(json_object_get(a.result, "frame_id"));
	*ret_changed = json_is_true(json_object_get(a.result, "changed"));
	answer_done(&a);
	return frame;
}

/* The panel's clock may tick meanwhile, so one of several attempts must be without a change. */
Test(window_shot, is_no_change_of_the_screen)
{
	bool changed = true;
	json_int_t red = open_terminal("red", "60x20+60+60");
	json_int_t frame = settled_frame(0, &changed);
	for (int attempt = 0; attempt == 0 || (changed && attempt < 5); attempt++) {
		for (int i = 0; i < 3; i++) {
			struct answer a;
			look(&a, red, "{}");
			answer_done(&a);
		}
		frame = settled_frame(frame, &changed);
	}
	cr_expect_not(changed);
}

static void expect_error(json_int_t window, const char *more, enum err_kind kind, const char *says)
{
	struct answer a;
	look(&a, window, more);
	cr_expect_eq(a.err.kind, kind, "%s", a.err.text);
	cr_expect(strstr(a.err.text, says), "%s", a.err.text);
	answer_done(&a);
}

Test(window_shot, needs_a_window_that_is_shown_and_nothing_of_the_screen)
{
	json_int_t red = open_terminal("red", "60x20+60+60");
	expect_error(4711, "{}", ERR_NOT_FOUND, "4711");
	expect_error(red, "{\"since\": 1}", ERR_ARGUMENT, "since");
	expect_error(red, "{\"only_changes\": true}", ERR_ARGUMENT, "screen");
	expect_error(red, "{\"region\": [0, 0, 10, 10]}", ERR_ARGUMENT, "region");
	change(red, "set", "minimized");
	expect_error(red, "{}", ERR_STATE, "window_focus");
	change(red, "focus", NULL);
	struct answer a;
	look(&a, red, "{}");
	cr_expect_geq(share(&a, RED), 97, "it is restored");
	answer_done(&a);
}

Test(window_shot, a_program_that_hangs_leaves_a_part_out)
{
	struct answer a;
	json_int_t red = open_terminal("red", "60x20+60+60");
	(void)open_terminal("blue", "60x20+100+100");
	pid_t pid = 0;
	client_call(&c, "windows", NULL, &a);
	pid = (pid_t)json_integer_value(
		json_object_get(json_array_get(json_object_get(a.result, "windows"), 1), "pid"));
	answer_done(&a);
	kill(pid, SIGSTOP);
	look(&a, red, "{}");
	kill(pid, SIGCONT);
	cr_expect_lt(share(&a, BLUE), 1, "never another window's pixels");
	cr_expect_gt(share(&a, RED), 10);
	answer_done(&a);
}
