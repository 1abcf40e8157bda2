// USES agent
/* The names that people and models give to keys. */
#include "vm/agent/x11/keys.h"

#include <X11/XF86keysym.h>
#include <X11/keysym.h>
#include <criterion/criterion.h>
#include <string.h>

static const struct row {
	const char *text;
	int count;
	KeySym keys[4];
} rows[] = {
	{ "a", 1, { XK_a } },
	{ "A", 1, { XK_A } },
	{ "enter", 1, { XK_Return } },
	{ "RETURN", 1, { XK_Return } },
	{ "esc", 1, { XK_Escape } },
	{ "Control", 1, { XK_Control_L } },
	{ "cmd", 1, { XK_Super_L } },
	{ "option", 1, { XK_Alt_L } },
	{ "altgr", 1, { XK_ISO_Level3_Shift } },
	{ "pgup", 1, { XK_Page_Up } },
	{ "Page_Down", 1, { XK_Page_Down } },
	{ "page_down", 1, { XK_Page_Down } },
	{ "up", 1, { XK_Up } },
	{ "backspace", 1, { XK_BackSpace } },
	{ "f12", 1, { XK_F12 } },
	{ "plus", 1, { XK_plus } },
	{ "+", 1, { XK_plus } },
	{ "-", 1, { XK_minus } },
	{ " ", 1, { XK_space } },
	{ "ctrl++", 2, { XK_Control_L, XK_plus } },
	{ "ctrl+-", 2, { XK_Control_L, XK_minus } },
	{ "ctrl+A", 2, { XK_Control_L, XK_a } },
	{ "shift+A", 2, { XK_Shift_L, XK_A } },
	{ "ctrl+shift+T", 3, { XK_Control_L, XK_Shift_L, XK_t } },
	{ "é", 1, { XK_eacute } },
	{ "я", 1, { 0x100044f } },
	{ "😀", 1, { 0x101f600 } },
	{ "eacute", 1, { XK_eacute } },
	{ "Eacute", 1, { XK_Eacute } },
	{ "XF86AudioPlay", 1, { XF86XK_AudioPlay } },
	{ "kp_enter", 1, { XK_KP_Enter } },
	{ "KP_Enter", 1, { XK_KP_Enter } },
	{ " Tab ", 1, { XK_Tab } },
	{ "BackTab", 2, { XK_Shift_L, XK_Tab } },
	{ "ctrl+BackTab", 3, { XK_Control_L, XK_Shift_L, XK_Tab } },
	{ "mute", 1, { XF86XK_AudioMute } },
	{ "KeyA", 1, { XK_a } },
	{ "ControlLeft+KeyC", 2, { XK_Control_L, XK_c } },
	{ "Digit1", 1, { XK_1 } },
	{ "Numpad7", 1, { XK_KP_7 } },
	{ "ArrowLeft", 1, { XK_Left } },
	{ "Backquote", 1, { XK_grave } },
};

Test(keys, know_names_aliases_and_characters)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct err err = { 0 };
		struct chord chord;
		cr_assert_eq(keys_parse("text", rows[i].text, &chord, 1, &err), 1, "%s: %s",
			rows[i].text, err.text);
		cr_assert_eq(chord.count, rows[i].count, "%s", rows[i].text);
		for (int k = 0; k < chord.count; k++) {
			cr_assert_eq(chord.keys[k], rows[i].keys[k], "%s: 0x%lx", rows[i].text,
				chord.keys[k]);
		}
	}
}

Test(keys, reads_several_chords)
{
	struct err err;
	struct chord chords[3];
	cr_assert_eq(keys_parse("text", "ctrl+a  Delete\nshift++", chords, 3, &err), 3);
	cr_assert_eq(chords[1].keys[0], XK_Delete);
	cr_assert_eq(chords[2].keys[1], XK_plus);
	cr_assert_eq(keys_parse("text", "a b c d", chords, 3, &err), 0);
}

static void refuses(const char *text, const char *part)
{
	struct err err = { 0 };
	struct chord chord;
	cr_assert_eq(keys_parse("text", text, &chord, 1, &err), 0, "%s", text);
	cr_assert_eq(err.kind, ERR_ARGUMENT);
	cr_assert(strstr(err.text, part), "%s", err.text);
}

Test(keys, refuse_what_is_none_and_name_the_nearest)
{
	refuses("", "names no key");
	refuses("ctrl+", "missing");
	refuses("+a", "'+'");
	refuses("ctrl+++", "missing");
	refuses("Retrun", "'Return'");
	refuses("ctl+c", "'ctrl'");
	refuses("NoSymbol", "unknown key");
	refuses("\x01", "unknown key");
	refuses("\xff\xfe", "unknown key");
	refuses("ctrl-shift-t", "did you mean 'ctrl+shift+t'?");
	refuses("foo", "a key is one character");
	refuses("ctrl-c-really-not-a-key-name-of-any-keyboard-in-the-world-ü", "unknown key");
	refuses("a+b+c+d+e+f+g+h+i", "at most 8");
}

Test(keys, reads_utf8_strictly)
{
	static const char *const bad[] = { "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
		"\xe2\x82", "\x80", "\xf8\x88\x80\x80\x80" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *at = bad[i];
		cr_assert_eq(keys_next_char(&at), UINT32_MAX, "%zu", i);
	}
	const char *at = "€😀";
	cr_assert_eq(keys_next_char(&at), 0x20ac);
	cr_assert_eq(keys_next_char(&at), 0x1f600);
	cr_assert_eq(keys_next_char(&at), 0);
}

Test(keys, say_what_fn_is_and_guess_nothing_from_two_letters)
{
	struct err err = { 0 };
	struct chord chord;
	cr_assert_eq(keys_parse("text", "fn+F5", &chord, 1, &err), 0);
	cr_assert(strstr(err.text, "key 'fn'"), "%s", err.text);
	cr_assert_eq(keys_parse("text", "gg", &chord, 1, &err), 0);
	cr_assert_not(strstr(err.text, "did you mean"), "%s", err.text);
}
