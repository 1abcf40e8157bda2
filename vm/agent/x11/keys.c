/*
 * Key names and combinations.  A name is a character, a common alias, or an X keysym name: first
 * exact, then in any case, so that real names (XF86AudioPlay, KP_Enter) are never misinterpreted.
 */
#include "vm/agent/x11/keys.h"

#include "base/nearest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <xkbcommon/xkbcommon.h>

#define NAME_MAX_BYTES 48

static const struct alias {
	const char *name;
	xkb_keysym_t sym;
} aliases[] = {
	{ "ctrl", XKB_KEY_Control_L },
	{ "control", XKB_KEY_Control_L },
	{ "shift", XKB_KEY_Shift_L },
	{ "alt", XKB_KEY_Alt_L },
	{ "option", XKB_KEY_Alt_L },
	{ "opt", XKB_KEY_Alt_L },
	{ "altgr", XKB_KEY_ISO_Level3_Shift },
	{ "super", XKB_KEY_Super_L },
	{ "meta", XKB_KEY_Super_L },
	{ "cmd", XKB_KEY_Super_L },
	{ "command", XKB_KEY_Super_L },
	{ "win", XKB_KEY_Super_L },
	{ "windows", XKB_KEY_Super_L },
	{ "hyper", XKB_KEY_Hyper_L },
	{ "enter", XKB_KEY_Return },
	{ "newline", XKB_KEY_Return },
	{ "esc", XKB_KEY_Escape },
	{ "del", XKB_KEY_Delete },
	{ "ins", XKB_KEY_Insert },
	{ "bksp", XKB_KEY_BackSpace },
	{ "spacebar", XKB_KEY_space },
	{ "pgup", XKB_KEY_Prior },
	{ "pageup", XKB_KEY_Prior },
	{ "page_up", XKB_KEY_Prior },
	{ "pgdn", XKB_KEY_Next },
	{ "pgdown", XKB_KEY_Next },
	{ "pagedown", XKB_KEY_Next },
	{ "page_down", XKB_KEY_Next },
	{ "arrowup", XKB_KEY_Up },
	{ "arrowdown", XKB_KEY_Down },
	{ "arrowleft", XKB_KEY_Left },
	{ "arrowright", XKB_KEY_Right },
	{ "caps", XKB_KEY_Caps_Lock },
	{ "capslock", XKB_KEY_Caps_Lock },
	{ "numlock", XKB_KEY_Num_Lock },
	{ "scrolllock", XKB_KEY_Scroll_Lock },
	{ "prtsc", XKB_KEY_Print },
	{ "printscreen", XKB_KEY_Print },
	{ "contextmenu", XKB_KEY_Menu },
	{ "apps", XKB_KEY_Menu },
	{ "dash", XKB_KEY_minus },
	{ "hyphen", XKB_KEY_minus },
	{ "dot", XKB_KEY_period },
	{ "equals", XKB_KEY_equal },
	{ "mute", XKB_KEY_XF86AudioMute },
	{ "volumemute", XKB_KEY_XF86AudioMute },
	{ "playpause", XKB_KEY_XF86AudioPlay },
	{ "volumeup", XKB_KEY_XF86AudioRaiseVolume },
	{ "volumedown", XKB_KEY_XF86AudioLowerVolume },
	/* The names of browsers (KeyboardEvent.code). */
	{ "ControlLeft", XKB_KEY_Control_L },
	{ "ControlRight", XKB_KEY_Control_R },
	{ "ShiftLeft", XKB_KEY_Shift_L },
	{ "ShiftRight", XKB_KEY_Shift_R },
	{ "AltLeft", XKB_KEY_Alt_L },
	{ "AltRight", XKB_KEY_Alt_R },
	{ "MetaLeft", XKB_KEY_Super_L },
	{ "MetaRight", XKB_KEY_Super_R },
	{ "Backquote", XKB_KEY_grave },
	{ "Quote", XKB_KEY_apostrophe },
	{ "NumpadEnter", XKB_KEY_KP_Enter },
	{ "NumpadAdd", XKB_KEY_KP_Add },
	{ "NumpadSubtract", XKB_KEY_KP_Subtract },
	{ "NumpadMultiply", XKB_KEY_KP_Multiply },
	{ "NumpadDivide", XKB_KEY_KP_Divide },
	{ "NumpadDecimal", XKB_KEY_KP_Decimal },
	{ NULL, 0 },
};

/* Candidates for misspelt names: all common ones. */
static const char *const usual[] = { "ctrl", "control", "shift", "alt", "option", "altgr", "super",
	"meta", "cmd", "command", "win", "enter", "esc", "del", "ins", "pgup", "pageup", "pgdn",
	"pagedown", "capslock", "numlock", "printscreen", "Return", "Tab", "Escape", "BackSpace",
	"Delete", "Insert", "Home", "End", "Page_Up", "Page_Down", "Up", "Down", "Left", "Right",
	"space", "Menu", "Print", "Pause", "Caps_Lock", "Num_Lock", "Scroll_Lock", "KP_Enter",
	"KP_Add", "KP_Subtract", "KP_Multiply", "KP_Divide", "Shift_L", "Shift_R", "Control_L",
	"Control_R", "Alt_L", "Alt_R", "Super_L", "Super_R", "ISO_Level3_Shift", "plus", "minus",
	"equal", "comma", "period", "slash", "backslash", "semicolon", "colon", "apostrophe",
	"quotedbl", "grave", "asciitilde", "bracketleft", "bracketright", "braceleft", "braceright",
	"parenleft", "parenright", "less", "greater", "question", "exclam", "at", "numbersign",
	"dollar", "percent", "ampersand", "asterisk", "underscore", "bar", "F1", "F2", "F3", "F4",
	"F5", "F6", "F7", "F8", "F9", "F10", "F11", "F12", "XF86AudioPlay", "XF86AudioMute",
	"XF86AudioRaiseVolume", "XF86AudioLowerVolume", "XF86Back", "XF86Forward", NULL };

/* ---- characters ---- */

uint32_t keys_next_char(const char **at)
{
	const unsigned char *s = (const unsigned char *)*at;
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	int more = s[0] < 0x80 ? 0 : s[0] >= 0xf0 ? 3 : s[0] >= 0xe0 ? 2 : 1;
	if (s[0] == 0) {
		return 0;
	}
	if ((s[0] >= 0x80 && s[0] < 0xc2) || s[0] > 0xf4) {
		return UINT32_MAX;
	}
	uint32_t ch = more ? s[0] & (0x3fu >> more) : s[0];
	for (int i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80) {
			return UINT32_MAX;
		}
		ch = ch << 6 | (s[i] & 0x3f);
	}
	if (ch < least[more] || ch > 0x10ffff || (ch >= 0xd800 && ch < 0xe000)) {
		return UINT32_MAX;
	}
	*at += more + 1;
	return ch;
}

KeySym keys_of_char(uint32_t ch)
{
	return ch < 0x100 ? ch : 0x01000000u | ch;
}

uint32_t keys_to_char(KeySym sym)
{
	return sym <= UINT32_MAX ? xkb_keysym_to_utf32((xkb_keysym_t)sym) : 0;
}

bool keys_is_lock(KeySym sym)
{
	switch (sym) {
	case XKB_KEY_Caps_Lock:
	case XKB_KEY_Shift_Lock:
	case XKB_KEY_Num_Lock:
	case XKB_KEY_Scroll_Lock:
	case XKB_KEY_Mode_switch:
		return true;
	default:
		return sym >= XKB_KEY_ISO_Lock && sym <= XKB_KEY_ISO_Level5_Lock &&
		       sym != XKB_KEY_ISO_Level3_Shift && sym != XKB_KEY_ISO_Level5_Shift;
	}
}

/* ---- names ---- */

static KeySym single_char(const char *name)
{
	const char *at = name;
	uint32_t ch = keys_next_char(&at);
	bool printable = ch >= 0x20 && ch != 0x7f && !(ch >= 0x80 && ch < 0xa0);
	return ch != UINT32_MAX && printable && *at == '\0' ? keys_of_char(ch) : NoSymbol;
}

/* KeyA, Digit1, Numpad1: one character after the kind of key. */
static KeySym placed_key(const char *name)
{
	size_t len = strlen(name);
	char last = len > 0 ? name[len - 1] : '\0';
	if (len == 4 && strncasecmp(name, "Key", 3) == 0 && isalpha((unsigned char)last)) {
		return (KeySym)tolower((unsigned char)last);
	}
	if (len == 6 && strncasecmp(name, "Digit", 5) == 0 && isdigit((unsigned char)last)) {
		return (KeySym)last;
	}
	if (len == 7 && strncasecmp(name, "Numpad", 6) == 0 && isdigit((unsigned char)last)) {
		return XKB_KEY_KP_0 + (KeySym)(last - '0');
	}
	return NoSymbol;
}

static KeySym find_name(const char *name)
{
	KeySym sym = single_char(name);
	sym = sym ? sym : placed_key(name);
	if (sym) {
		return sym;
	}
	sym = xkb_keysym_from_name(name, XKB_KEYSYM_NO_FLAGS);
	for (const struct alias *a = aliases; !sym && a->name; a++) {
		sym = strcasecmp(a->name, name) == 0 ? a->sym : NoSymbol;
	}
	if (!sym) {
		sym = xkb_keysym_from_name(name, XKB_KEYSYM_CASE_INSENSITIVE);
	}
	return sym == XKB_KEY_VoidSymbol ? NoSymbol : sym;
}

/* ctrl-c, as in manuals, becomes ctrl+c; false if it is something else. */
static bool join_with_plus(char *name)
{
	size_t len = strlen(name);
	for (char *part = name, *dash; part; part = dash ? dash + 1 : NULL) {
		dash = strchr(part, '-');
		if (dash) {
			*dash = '\0';
		}
		if (!find_name(part)) {
			return false;
		}
	}
	for (size_t i = 0; i < len; i++) {
		name[i] = name[i] ? name[i] : '+';
	}
	return true;
}

static bool unknown(const char *what, const char *name, struct err *err)
{
	char chord[NAME_MAX_BYTES + 1];
	snprintf(chord, sizeof(chord), "%s", name);
	if (strcasecmp(name, "fn") == 0) {
		return err_set(err, ERR_ARGUMENT,
			"'%s': the key 'fn' is not visible to a desktop; use the key that it gives, such "
			"as F5 or XF86AudioMute",
			what);
	}
	/* Two letters are similar to too many names. */
	const char *near = join_with_plus(chord) ? chord
			   : strlen(name) > 2    ? nearest_name(name, usual)
						 : NULL;
	if (near) {
		return err_set(err, ERR_ARGUMENT, "'%s': unknown key '%s'; did you mean '%s'?",
			what, name, near);
	}
	return err_set(err, ERR_ARGUMENT,
		"'%s': unknown key '%s'; a key is one character or an X keysym name such as "
		"Return, Page_Up or F5, and a combination joins keys with '+', as in ctrl+shift+t",
		what, name);
}

/* ---- combinations ---- */

/* A '+' at the start of a name is the key itself. */
static size_t name_length(const char *at)
{
	return *at == '+' ? 1 : strcspn(at, "+ \t\r\n");
}

static bool append_key(const char *what, KeySym sym, struct chord *chord, struct err *err)
{
	if (chord->count == CHORD_KEYS_MAX) {
		return err_set(err, ERR_ARGUMENT, "'%s': a combination has at most %d keys", what,
			CHORD_KEYS_MAX);
	}
	chord->keys[chord->count++] = sym;
	return true;
}

static bool add_key(
	const char *what, const char *at, size_t len, struct chord *chord, struct err *err)
{
	char name[NAME_MAX_BYTES + 1];
	size_t fits = len < NAME_MAX_BYTES ? len : NAME_MAX_BYTES;
	while (fits < len && fits > 0 && (at[fits] & 0xc0) == 0x80) {
		fits--; /* never half a character in an error's text */
	}
	memcpy(name, at, fits);
	name[fits] = '\0';
	if (strcasecmp(name, "BackTab") == 0) { /* X has a key of that name that no program knows */
		return append_key(what, XKB_KEY_Shift_L, chord, err) &&
		       append_key(what, XKB_KEY_Tab, chord, err);
	}
	KeySym sym = len <= NAME_MAX_BYTES ? find_name(name) : NoSymbol;
	return sym ? append_key(what, sym, chord, err) : unknown(what, name, err);
}

static bool is_command_modifier(KeySym sym)
{
	switch (sym) {
	case XKB_KEY_Control_L:
	case XKB_KEY_Control_R:
	case XKB_KEY_Alt_L:
	case XKB_KEY_Alt_R:
	case XKB_KEY_Super_L:
	case XKB_KEY_Super_R:
		return true;
	default:
		return false;
	}
}

/* Models write ctrl+A for the key combination ctrl+a. */
static void lower_capitals(struct chord *chord)
{
	bool command = false;
	for (int i = 0; i < chord->count; i++) {
		command |= is_command_modifier(chord->keys[i]);
	}
	for (int i = 0; command && i < chord->count; i++) {
		if (chord->keys[i] >= 'A' && chord->keys[i] <= 'Z') {
			chord->keys[i] += 'a' - 'A';
		}
	}
}

/* Reads one combination at *at and advances it. */
static bool read_chord(const char *what, const char **at, struct chord *ret, struct err *err)
{
	*ret = (struct chord){ 0 };
	for (;;) {
		size_t len = name_length(*at);
		if (len == 0) {
			return err_set(err, ERR_ARGUMENT,
				"'%s': a key is missing after '+'; the plus key itself is called "
				"'plus'",
				what);
		}
		if (!add_key(what, *at, len, ret, err)) {
			return false;
		}
		*at += len;
		if (**at != '+') {
			break;
		}
		(*at)++;
	}
	if (**at && !isspace((unsigned char)**at)) {
		return err_set(err, ERR_ARGUMENT,
			"'%s': keys are joined with '+' and combinations separated by spaces; the plus "
			"key itself is called 'plus'",
			what);
	}
	lower_capitals(ret);
	return true;
}

int keys_parse(
	const char *what, const char *text, struct chord *ret_chords, int max, struct err *err)
{
	int n = 0;
	if (strcmp(text, " ") == 0) {
		text = "space";
	}
	for (const char *at = text + strspn(text, " \t\r\n"); *at; at += strspn(at, " \t\r\n")) {
		if (n == max) {
			err_set(err, ERR_ARGUMENT, "'%s' must have at most %d combination%s", what,
				max, max == 1 ? ", such as 'ctrl+shift'" : "s");
			return 0;
		}
		if (!read_chord(what, &at, &ret_chords[n], err)) {
			return 0;
		}
		n++;
	}
	if (n == 0) {
		err_set(err, ERR_ARGUMENT,
			"'%s' names no key; use for example 'Return' or 'ctrl+s'", what);
	}
	return n;
}
