#include "vm/agent/elements/role.h"

#include <stddef.h>

enum use {
	PASSIVE,  /* never acted on itself */
	ACTIVE,   /* always */
	BY_STATE, /* if it can have the focus */
};

static const struct {
	const char *name;
	enum use use;
	enum role_value value;
} roles[] = {
	[0] = { "invalid", PASSIVE },
	[1] = { "accelerator label", PASSIVE },
	[2] = { "alert", PASSIVE },
	[3] = { "animation", BY_STATE },
	[4] = { "arrow", BY_STATE },
	[5] = { "calendar", ACTIVE },
	[6] = { "canvas", BY_STATE },
	[7] = { "check box", ACTIVE },
	[8] = { "check menu item", ACTIVE },
	[9] = { "color chooser", PASSIVE },
	[10] = { "column header", ACTIVE },
	[11] = { "combo box", ACTIVE, VALUE_TEXT },
	[12] = { "date editor", ACTIVE, VALUE_TEXT },
	[13] = { "desktop icon", ACTIVE },
	[14] = { "desktop frame", PASSIVE },
	[15] = { "dial", ACTIVE, VALUE_NUMBER },
	[16] = { "dialog", PASSIVE },
	[17] = { "directory pane", PASSIVE },
	[18] = { "drawing area", BY_STATE },
	[19] = { "file chooser", PASSIVE },
	[20] = { "filler", PASSIVE },
	[21] = { "focus traversable", BY_STATE },
	[22] = { "font chooser", PASSIVE },
	[23] = { "frame", PASSIVE },
	[24] = { "glass pane", PASSIVE },
	[25] = { "html container", PASSIVE },
	[26] = { "icon", ACTIVE },
	[27] = { "image", BY_STATE },
	[28] = { "internal frame", PASSIVE },
	[29] = { "label", BY_STATE },
	[30] = { "layered pane", PASSIVE },
	[31] = { "list", PASSIVE },
	[32] = { "list item", ACTIVE },
	[33] = { "menu", ACTIVE },
	[34] = { "menu bar", PASSIVE },
	[35] = { "menu item", ACTIVE },
	[36] = { "option pane", PASSIVE },
	[37] = { "page tab", ACTIVE },
	[38] = { "page tab list", PASSIVE },
	[39] = { "panel", PASSIVE },
	[40] = { "password text", ACTIVE },
	[41] = { "popup menu", PASSIVE },
	[42] = { "progress bar", PASSIVE, VALUE_NUMBER },
	[43] = { "button", ACTIVE },
	[44] = { "radio button", ACTIVE },
	[45] = { "radio menu item", ACTIVE },
	[46] = { "root pane", PASSIVE },
	[47] = { "row header", ACTIVE },
	[48] = { "scroll bar", PASSIVE, VALUE_NUMBER },
	[49] = { "scroll pane", PASSIVE },
	[50] = { "separator", PASSIVE },
	[51] = { "slider", ACTIVE, VALUE_NUMBER },
	[52] = { "spin button", ACTIVE, VALUE_NUMBER },
	[53] = { "split pane", PASSIVE, VALUE_NUMBER },
	[54] = { "status bar", PASSIVE, VALUE_TEXT },
	[55] = { "table", PASSIVE },
	[56] = { "table cell", ACTIVE },
	[57] = { "column header", ACTIVE },
	[58] = { "row header", ACTIVE },
	[59] = { "tearoff menu item", PASSIVE },
	[60] = { "terminal", ACTIVE, VALUE_TEXT },
	[61] = { "text", BY_STATE, VALUE_TEXT },
	[62] = { "toggle button", ACTIVE },
	[63] = { "tool bar", PASSIVE },
	[64] = { "tool tip", PASSIVE },
	[65] = { "tree", PASSIVE },
	[66] = { "tree table", PASSIVE },
	[67] = { "unknown", BY_STATE },
	[68] = { "viewport", PASSIVE },
	[69] = { "window", PASSIVE },
	[70] = { "extended", BY_STATE },
	[71] = { "header", PASSIVE },
	[72] = { "footer", PASSIVE },
	[73] = { "paragraph", PASSIVE, VALUE_TEXT },
	[74] = { "ruler", PASSIVE },
	[75] = { "application", PASSIVE },
	[76] = { "autocomplete", ACTIVE, VALUE_TEXT },
	[77] = { "edit bar", ACTIVE, VALUE_TEXT },
	[78] = { "embedded", PASSIVE },
	[79] = { "entry", ACTIVE, VALUE_TEXT },
	[80] = { "chart", PASSIVE },
	[81] = { "caption", PASSIVE, VALUE_TEXT },
	[82] = { "document frame", PASSIVE },
	[83] = { "heading", PASSIVE },
	[84] = { "page", PASSIVE },
	[85] = { "section", PASSIVE, VALUE_TEXT },
	[86] = { "redundant object", PASSIVE },
	[87] = { "form", PASSIVE },
	[88] = { "link", ACTIVE },
	[89] = { "input method window", PASSIVE },
	[90] = { "table row", BY_STATE },
	[91] = { "tree item", ACTIVE },
	[92] = { "spreadsheet", PASSIVE },
	[93] = { "presentation", PASSIVE },
	[94] = { "text document", PASSIVE },
	[95] = { "web document", PASSIVE },
	[96] = { "mail", PASSIVE },
	[97] = { "comment", PASSIVE },
	[98] = { "list box", PASSIVE },
	[99] = { "group", PASSIVE },
	[100] = { "image map", PASSIVE },
	[101] = { "notification", PASSIVE },
	[102] = { "info bar", PASSIVE },
	[103] = { "level bar", PASSIVE, VALUE_NUMBER },
	[104] = { "title bar", PASSIVE },
	[105] = { "block quote", PASSIVE },
	[106] = { "audio", BY_STATE },
	[107] = { "video", BY_STATE },
	[108] = { "definition", PASSIVE },
	[109] = { "article", PASSIVE },
	[110] = { "landmark", PASSIVE },
	[111] = { "log", PASSIVE },
	[112] = { "marquee", PASSIVE },
	[113] = { "formula", PASSIVE },
	[114] = { "rating", BY_STATE, VALUE_NUMBER },
	[115] = { "timer", PASSIVE },
	[116] = { "static text", PASSIVE },
	[117] = { "fraction", PASSIVE },
	[118] = { "root", PASSIVE },
	[119] = { "subscript", PASSIVE },
	[120] = { "superscript", PASSIVE },
	[121] = { "description list", PASSIVE },
	[122] = { "description term", PASSIVE },
	[123] = { "description value", PASSIVE },
	[124] = { "footnote", PASSIVE },
	[125] = { "deletion", PASSIVE },
	[126] = { "insertion", PASSIVE },
	[127] = { "mark", PASSIVE },
	[128] = { "suggestion", PASSIVE },
	[129] = { "menu button", ACTIVE },
};
#define ROLES (sizeof(roles) / sizeof(*roles))
#define ROLE_UNKNOWN 67

static uint32_t known(uint32_t role)
{
	return role < ROLES ? role : ROLE_UNKNOWN;
}

const char *role_name(uint32_t role)
{
	return roles[known(role)].name;
}

enum role_value role_value(uint32_t role, uint64_t states)
{
	enum role_value value = roles[known(role)].value;
	return value == VALUE_NONE && state_has(states, STATE_EDITABLE) &&
			       role != ROLE_PASSWORD_TEXT
		       ? VALUE_TEXT
		       : value;
}

bool role_is_interactive(uint32_t role, uint64_t states)
{
	enum use use = roles[known(role)].use;
	return use == ACTIVE || (use == BY_STATE && (state_has(states, STATE_FOCUSABLE) ||
							    state_has(states, STATE_EDITABLE)));
}

/* ---- states ---- */

/* Those that a model must know to act; the usual ones are told by their absence. */
static const struct {
	int state;
	const char *name;
} told[] = { { 1, "active" }, { 3, "busy" }, { 4, "checked" }, { 5, "collapsed" },
	{ 10, "expanded" }, { 12, "focused" }, { 15, "minimized" }, { 16, "modal" },
	{ 20, "pressed" }, { 23, "selected" }, { 32, "indeterminate" }, { 33, "required" },
	{ 36, "invalid" }, { 39, "default" }, { 43, "read-only" } };

static void add(struct buf *out, const char *name)
{
	buf_printf(out, "%s%s", out->len ? ", " : "", name);
}

void state_format(struct buf *out, uint32_t role, uint64_t states)
{
	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++) {
		if (states >> told[i].state & 1) {
			add(out, told[i].name);
		}
	}
	bool enabled = state_has(states, STATE_ENABLED) || state_has(states, STATE_SENSITIVE);
	if (!enabled && role_is_interactive(role, states)) {
		add(out, "disabled");
	}
}
