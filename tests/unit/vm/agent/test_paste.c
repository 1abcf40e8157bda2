// USES agent
/* The action `paste`, in real programs; and any text through the clipboard. */
#include "tests/support/agent_client.h"
#include "tests/support/text.h"

#include "base/utf8.h"
#include "vm/wire/action.h"

static struct client c;

static void start(void)
{
	client_start_ready(&c);
}

static void stop(void)
{
	client_stop(&c);
}

TestSuite(paste, .init = start, .fini = stop, .timeout = 240);

static void launch(const char *program, const char *uri)
{
	struct answer a;
	client_call(&c, "launch",
		json_pack("{s:s, s:s*, s:i}", "application", program, "uri", uri, "timeout_ms",
			20000),
		&a);
	cr_assert(a.result, "%s", a.err.text);
	cr_assert(json_object_get(a.result, "window"), "no window");
	answer_done(&a);
}

/* The answer to one action; free it. */
static json_t *act(json_t *action)
{
	struct answer a;
	client_call(&c, "act", json_pack("{s:[o]}", "actions", action), &a);
	cr_assert(a.result, "%s", a.err.text);
	json_t *result = json_incref(a.result);
	answer_done(&a);
	return result;
}

static void press(const char *chord)
{
	json_auto_t *result = act(json_pack("{s:s, s:s}", "action", "key", "text", chord));
	cr_assert_null(json_object_get(result, "failed"));
}

static const char *why(const json_t *result)
{
	const char *text =
		json_string_value(json_object_get(json_object_get(result, "failed"), "text"));
	return text ? text : "";
}

static void paste(const char *text)
{
	json_auto_t *result = act(json_pack("{s:s, s:s}", "action", "paste", "text", text));
	cr_assert_str_empty(why(result));
	const json_t *done = json_array_get(json_object_get(result, "done"), 0);
	cr_expect_null(json_object_get(done, "note"));
}

static void copy(const char *text)
{
	struct answer a = { 0 };
	link_request_with(c.link, "clipboard_set", json_pack("{s:s}", "type", "text/plain"), text,
		strlen(text), client_on_reply, &a);
	cr_assert(client_until(&c, a.came));
	cr_assert_eq(a.err.kind, ERR_NONE, "%s", a.err.text);
	answer_done(&a);
}

static void expect_clipboard(const char *want, size_t len)
{
	struct answer a;
	client_call(&c, "clipboard_get", json_pack("{s:[s]}", "types", "text/plain"), &a);
	cr_assert(a.result, "%s", a.err.text);
	cr_assert_eq(a.tail.len, len, "%zu of %zu bytes", a.tail.len, len);
	cr_assert(len == 0 || memcmp(a.tail.data, want, len) == 0);
	answer_done(&a);
}

static void save_and_expect(const char *want)
{
	press("ctrl+s");
	shell_expect(&c, "until [ -s to ]; do sleep 0.05; done; cat to", want);
}

static void open_editor(void)
{
	char path[200];
	snprintf(path, sizeof(path), "%s/to", c.dir);
	shell_expect(&c, ": > to", "");
	launch("mousepad", path);
}

Test(paste, into_an_editor_keeps_the_clipboard)
{
	open_editor();
	copy("before");
	paste("two\nlines \xc3\xa9 \xf0\x9f\x98\x80");
	expect_clipboard("before", 6);
	save_and_expect("two\nlines \xc3\xa9 \xf0\x9f\x98\x80");
	press("ctrl+q");
}

/* It is the editor's own copy that is kept. */
Test(paste, keeps_what_the_program_itself_copied)
{
	open_editor();
	paste("abc");
	press("ctrl+a");
	press("ctrl+c");
	press("End");
	paste("def");
	expect_clipboard("abc", 3);
	save_and_expect("abcdef");
	press("ctrl+q");
}

Test(paste, an_empty_clipboard_stays_empty)
{
	struct answer a;
	open_editor();
	paste("abc");
	client_call(&c, "clipboard_get", json_pack("{s:[s]}", "types", "text/plain"), &a);
	cr_expect_str_eq(json_string_value(json_object_get(a.result, "absent")), "empty");
	answer_done(&a);
	press("ctrl+z");
	press("ctrl+q");
}

Test(paste, into_xterm)
{
	shell_expect(&c,
		"printf '#!/bin/sh\\nexec xterm -e sh -c \"head -n 1 > got; mv got to\"\\n' > term; "
		"chmod +x term; pwd > where",
		"");
	char path[200];
	snprintf(path, sizeof(path), "%s/term", c.dir);
	launch(path, NULL);
	copy("before");
	paste("h\xc3\xa9llo\n");
	shell_expect(&c, "until [ -s to ]; do sleep 0.05; done; cat to", "h\xc3\xa9llo\n");
	expect_clipboard("before", 6);
}

Test(paste, a_program_that_does_not_ask_is_told_of)
{
	open_editor();
	copy("before");
	json_auto_t *result = act(json_pack(
		"{s:s, s:s, s:s}", "action", "paste", "text", "abc", "keys", "shift+F12"));
	cr_expect(strstr(why(result), "did not ask"), "%s", why(result));
	cr_expect(strstr(why(result), "ousepad"), "%s", why(result));
	expect_clipboard("before", 6);
	press("ctrl+q");
}

Test(paste, needs_a_focused_window)
{
	json_auto_t *result = act(json_pack("{s:s, s:s}", "action", "paste", "text", "abc"));
	cr_expect(strstr(why(result), "focus"), "%s", why(result));
}

/* ---- any text ---- */

/* Set by the host and read back; and handed to a program of its own, which copies it. */
Test(paste, any_text_passes_through_the_clipboard)
{
	static const int sizes[] = { 1, 2, 10, 1000, 31000, 33000, 65537, 100000 };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		auto_buf struct buf text = { 0 };
		text_append_random(&text, sizes[i], 1);
		cr_assert(utf8_is_valid(text.data, text.len));
		copy(buf_text(&text));
		expect_clipboard(buf_text(&text), text.len);
	}
}
