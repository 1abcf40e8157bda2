// USES server
/* Which commands are a text to type, and which text: whatever a shell would do more with stays with it. */
#include "server/e2b/envd/typing.h"

#include "base/cleanup.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static char *text_of(const char *command)
{
	json_auto_t *args = json_pack("[s, s, s]", "-l", "-c", command);
	const struct process_config config = { .cmd = "/bin/bash", .args = args };
	return envd_typing_text(&config);
}

static void expect(const char *command, const char *text)
{
	auto_free char *got = text_of(command);
	cr_expect(
		text ? got && strcmp(got, text) == 0 : !got, "%s: %s", command, got ? got : "none");
}

Test(envd_typing, a_text_is_unquoted)
{
	expect("xdotool type --delay 75 -- word", "word");
	expect("xdotool type --delay 0 -- 'two words'", "two words");
	expect("xdotool type --delay 75 -- 'it'\"'\"'s'", "it's");
	expect("xdotool type --delay 75 -- ''\"'\"''", "'");
	expect("xdotool type --delay 75 -- '$HOME `id` \"x\" \\ \n'", "$HOME `id` \"x\" \\ \n");
	expect("xdotool type --delay 75 -- '\xc3\xbc \xe4\xbd\xa0'", "\xc3\xbc \xe4\xbd\xa0");
	expect("xdotool type --delay 75 -- a@b.c:1,2/3%+=_-", "a@b.c:1,2/3%+=_-");
}

Test(envd_typing, anything_else_is_left_to_the_shell)
{
	static const char *const others[] = {
		"",
		"xdotool",
		"xdotool type --delay 75 -- ",
		"xdotool type --delay 75 -- ''",
		"xdotool type --delay 75 -- 'open",
		"xdotool type --delay 75 -- two words",
		"xdotool type --delay 75 -- a; rm -rf x",
		"xdotool type --delay 75 -- $HOME",
		"xdotool type --delay 75 -- \"double\"",
		"xdotool type --delay 75 -- 'a' 'b'",
		"xdotool type --delay 75 -- 'a'&",
		"xdotool type --delay 75 -- a\\ b",
		"xdotool type --delay 75 -- ~",
		"xdotool type --delay 75 -- *",
		"xdotool type --delay -5 -- word",
		"xdotool type --delay 75 word",
		"xdotool type  --delay 75 -- word",
		"xdotool key Return",
		"true; xdotool type --delay 75 -- word",
	};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		expect(others[i], NULL);
	}
}

Test(envd_typing, other_programs_and_displays)
{
	const char *command = "xdotool type --delay 75 -- word";
	json_auto_t *args = json_pack("[s, s, s]", "-l", "-c", command);
	json_auto_t *no_login = json_pack("[s, s]", "-c", command);
	json_auto_t *numbers = json_pack("[s, i, s]", "-l", 1, command);
	json_auto_t *envs = json_pack("{s:s}", "DISPLAY", ":7");
	const struct process_config others[] = {
		{ .cmd = "/bin/sh", .args = args },
		{ .cmd = "/bin/bash", .args = no_login },
		{ .cmd = "/bin/bash", .args = numbers },
		{ .cmd = "/bin/bash" },
		{ .cmd = "/bin/bash", .args = args, .envs = envs },
	};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		auto_free char *got = envd_typing_text(&others[i]);
		cr_expect_null(got, "%zu", i);
	}
}
