/*
 * Windows by EWMH.  Programs write the properties, so these may have any type, length and content:
 * they are bounded when fetched and converted to UTF-8.  The trap reports a window that has closed.
 */
#include "vm/agent/x11/windows.h"

#include "base/cleanup.h"
#include "vm/agent/x11/display.h"
#include "vm/agent/x11/window_state.h"
#include "vm/wire/messages.h"

#include <X11/Xatom.h>
#include <X11/Xutil.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

enum {
	CLIENT_LIST,
	STACKING,
	ACTIVE_WINDOW,
	WM_NAME_UTF8,
	WM_PID,
	STARTUP_ID,
	WINDOW_TYPE,
	CLIENT_LEADER,
	NUMBER,
	MOTIF_HINTS,
	TYPE_DOCK,
	TYPE_DESKTOP,
	TYPE_SPLASH,
	TYPE_NOTIFICATION,
	TYPE_TOOLTIP,
	TYPE_MENU,
	ATOMS,
};

static const char *const names[ATOMS] = {
	[CLIENT_LIST] = "_NET_CLIENT_LIST",
	[STACKING] = "_NET_CLIENT_LIST_STACKING",
	[ACTIVE_WINDOW] = "_NET_ACTIVE_WINDOW",
	[WM_NAME_UTF8] = "_NET_WM_NAME",
	[WM_PID] = "_NET_WM_PID",
	[STARTUP_ID] = "_NET_STARTUP_ID",
	[WINDOW_TYPE] = "_NET_WM_WINDOW_TYPE",
	[CLIENT_LEADER] = "WM_CLIENT_LEADER",
	[NUMBER] = "_VITRINE_NUMBER",
	[MOTIF_HINTS] = "_MOTIF_WM_HINTS",
	[TYPE_DOCK] = "_NET_WM_WINDOW_TYPE_DOCK",
	[TYPE_DESKTOP] = "_NET_WM_WINDOW_TYPE_DESKTOP",
	[TYPE_SPLASH] = "_NET_WM_WINDOW_TYPE_SPLASH",
	[TYPE_NOTIFICATION] = "_NET_WM_WINDOW_TYPE_NOTIFICATION",
	[TYPE_TOOLTIP] = "_NET_WM_WINDOW_TYPE_TOOLTIP",
	[TYPE_MENU] = "_NET_WM_WINDOW_TYPE_MENU",
};

/* Xlib caches atoms per connection, so only the first call asks the server. */
static Atom atom(struct display *d, int which)
{
	return XInternAtom(display_x(d), names[which], False);
}

/* Up to max items of a property of that format; free with XFree.  NULL if it does not exist or
 * differs. */
static void *get_typed(struct display *d, Window of, Atom property, int format, long max,
	size_t *ret_n, Atom *ret_type)
{
	Atom type;
	int got = 0;
	unsigned long n = 0, after;
	unsigned char *value = NULL;
	long words = format == 32 ? max : (max + 3) / 4;
	if (XGetWindowProperty(display_x(d), of, property, 0, words, False, AnyPropertyType, &type,
		    &got, &n, &after, &value) != Success ||
		!value || got != format || n == 0) {
		if (value) {
			XFree(value);
		}
		return NULL;
	}
	*ret_n = n;
	*ret_type = type;
	return value;
}

void *windows_property(
	struct display *d, Window of, Atom property, int format, long max, size_t *ret_n)
{
	Atom ignored;
	return get_typed(d, of, property, format, max, ret_n, &ignored);
}

static unsigned long get_number(struct display *d, Window of, Atom property)
{
	size_t n;
	unsigned long *value = windows_property(d, of, property, 32, 1, &n);
	unsigned long number = value ? value[0] : 0;
	if (value) {
		XFree(value);
	}
	return number;
}

static bool get_window(struct display *d, Window of, Atom property, Window *ret_id)
{
	*ret_id = (Window)get_number(d, of, property);
	return *ret_id != None;
}

/* A STRING is Latin-1, but many programs write UTF-8; valid UTF-8 is taken as such. */
static char *to_utf8(const char *value, size_t len, Atom type)
{
	if (type == XA_STRING && !g_utf8_validate(value, (gssize)len, NULL)) {
		return g_convert(value, (gssize)len, "UTF-8", "ISO-8859-1", NULL, NULL, NULL);
	}
	return g_utf8_make_valid(value, (gssize)len);
}

static bool get_text(struct display *d, Window of, Atom property, char *ret, size_t size)
{
	size_t n;
	Atom type;
	char *value = get_typed(d, of, property, 8, (long)size - 1, &n, &type);
	ret[0] = '\0';
	if (!value) {
		return false;
	}
	g_autofree char *valid = to_utf8(value, strnlen(value, n), type);
	const char *end;
	g_strlcpy(ret, valid ? valid : "", size);
	if (!g_utf8_validate(ret, -1, &end)) {
		ret[end - ret] = '\0'; /* the last character did not fit */
	}
	XFree(value);
	return true;
}

static size_t list(struct display *d, int which, Window ret_ids[WINDOWS_MAX])
{
	size_t n = 0;
	Window *ids = windows_property(d, display_root(d), atom(d, which), 32, WINDOWS_MAX, &n);
	if (ids) {
		memcpy(ret_ids, ids, n * sizeof(*ids));
		XFree(ids);
	}
	return n;
}

size_t windows_list(struct display *d, Window ret_ids[WINDOWS_MAX])
{
	return list(d, CLIENT_LIST, ret_ids);
}

size_t windows_stack(struct display *d, Window ret_ids[WINDOWS_MAX])
{
	size_t n = list(d, STACKING, ret_ids);
	for (size_t i = 0; i < n / 2; i++) {
		Window id = ret_ids[i];
		ret_ids[i] = ret_ids[n - 1 - i];
		ret_ids[n - 1 - i] = id;
	}
	return n;
}

Window windows_active(struct display *d)
{
	return (Window)get_number(d, display_root(d), atom(d, ACTIVE_WINDOW));
}

static enum window_type type_of(struct display *d, Window id)
{
	Atom type = (Atom)get_number(d, id, atom(d, WINDOW_TYPE));
	if (!type) {
		return WINDOW_NORMAL;
	}
	if (type == atom(d, TYPE_DOCK) || type == atom(d, TYPE_DESKTOP)) {
		return WINDOW_DOCK;
	}
	for (int i = TYPE_SPLASH; i <= TYPE_MENU; i++) {
		if (type == atom(d, i)) {
			return WINDOW_PASSING;
		}
	}
	return WINDOW_NORMAL;
}

static void read_class(struct display *d, Window id, char *ret, size_t size)
{
	XClassHint hint = { 0 };
	if (XGetClassHint(display_x(d), id, &hint)) {
		g_autofree char *valid =
			g_utf8_make_valid(hint.res_class ? hint.res_class : "", -1);
		if (strlen(valid) < size) {
			g_strlcpy(ret, valid, size);
		}
		XFree(hint.res_name);
		XFree(hint.res_class);
	}
}

static void read_geometry(struct display *d, Window id, struct window_info *info)
{
	XWindowAttributes attributes;
	Window child;
	if (XGetWindowAttributes(display_x(d), id, &attributes)) {
		info->viewable = attributes.map_state == IsViewable;
		info->width = attributes.width;
		info->height = attributes.height;
		XTranslateCoordinates(
			display_x(d), id, display_root(d), 0, 0, &info->x, &info->y, &child);
	}
}

/* GTK writes the startup id to the program's leader, which may have closed. */
static void read_leader(struct display *d, struct window_info *info)
{
	struct err err;
	Window leader;
	display_trap(d);
	if (!info->startup_id[0] && get_window(d, info->id, atom(d, CLIENT_LEADER), &leader)) {
		get_text(
			d, leader, atom(d, STARTUP_ID), info->startup_id, sizeof(info->startup_id));
	}
	(void)!display_untrap(d, &err);
}

bool windows_describe(struct display *d, Window id, struct window_info *ret_info)
{
	struct window_info info = { .id = id };
	struct err err;
	display_trap(d);
	read_geometry(d, id, &info);
	window_state_read(d, id, &info);
	info.type = type_of(d, id);
	info.pid = (pid_t)get_number(d, id, atom(d, WM_PID));
	if (!get_text(d, id, atom(d, WM_NAME_UTF8), info.title, sizeof(info.title))) {
		get_text(d, id, XA_WM_NAME, info.title, sizeof(info.title));
	}
	read_class(d, id, info.class, sizeof(info.class));
	get_text(d, id, atom(d, STARTUP_ID), info.startup_id, sizeof(info.startup_id));
	if (!display_untrap(d, &err)) {
		return false;
	}
	read_leader(d, &info);
	*ret_info = info;
	return true;
}

bool windows_is_minimised(struct display *d, Window id)
{
	struct err err;
	struct window_info info = { 0 };
	display_trap(d);
	window_state_read(d, id, &info);
	return display_untrap(d, &err) && info.state == WINDOW_MINIMIZED;
}

static bool is_undecorated(struct display *d, Window id)
{
	enum { FLAGS, FUNCTIONS, DECORATIONS, MEMBERS };
	enum { MWM_HINTS_DECORATIONS = 2 };
	size_t n;
	unsigned long *hints = windows_property(d, id, atom(d, MOTIF_HINTS), 32, MEMBERS, &n);
	bool is = hints && n == MEMBERS && hints[FLAGS] & MWM_HINTS_DECORATIONS &&
		  hints[DECORATIONS] == 0;
	if (hints) {
		XFree(hints);
	}
	return is;
}

static bool is_of_one_size(struct display *d, Window id)
{
	XSizeHints hints;
	long supplied;
	return XGetWMNormalHints(display_x(d), id, &hints, &supplied) && hints.flags & PMinSize &&
	       hints.flags & PMaxSize && hints.min_width == hints.max_width &&
	       hints.min_height == hints.max_height;
}

#define MIDDLE 40 /* in pixels; a panel moves it up */

static bool is_in_the_middle(const struct window_info *info, struct size screen)
{
	return abs(info->x * 2 + info->width - screen.width) < MIDDLE * 2 &&
	       abs(info->y * 2 + info->height - screen.height) < MIDDLE * 2;
}

bool windows_is_bare(struct display *d, Window id)
{
	struct err err;
	XWindowAttributes attributes;
	struct window_info info = { 0 };
	struct size screen = display_size(d);
	display_trap(d);
	read_geometry(d, id, &info);
	bool bare = XGetWindowAttributes(display_x(d), id, &attributes) &&
		    (info.width < screen.width || info.height < screen.height) &&
		    (attributes.override_redirect ||
			    (is_undecorated(d, id) &&
				    (is_of_one_size(d, id) || is_in_the_middle(&info, screen))));
	return display_untrap(d, &err) && bare;
}

void windows_watch(struct display *d, Window id)
{
	struct err err;
	XWindowAttributes attributes;
	display_trap(d);
	/* Other parts of the agent may watch it, too. */
	if (XGetWindowAttributes(display_x(d), id, &attributes)) {
		XSelectInput(display_x(d), id,
			attributes.your_event_mask | StructureNotifyMask | PropertyChangeMask);
	}
	(void)!display_untrap(d, &err);
}

bool windows_has_dock(struct display *d)
{
	Window ids[WINDOWS_MAX];
	struct window_info info;
	size_t i = 0, n = windows_list(d, ids);
	while (i < n && !(windows_describe(d, ids[i], &info) && info.type == WINDOW_DOCK &&
				info.viewable)) {
		i++;
	}
	return i < n;
}

size_t windows_panels(struct display *d, struct rect *ret, size_t max)
{
	Window ids[WINDOWS_MAX];
	size_t all = windows_stack(d, ids), n = 0;
	struct window_info info = { 0 };
	struct err err;
	display_trap(d);
	for (size_t i = 0; i < all && n < max && type_of(d, ids[i]) == WINDOW_DOCK; i++) {
		read_geometry(d, ids[i], &info);
		ret[n] = (struct rect){ info.x, info.y, info.width, info.height };
		n += info.viewable;
	}
	return display_untrap(d, &err) ? n : 0;
}

bool windows_are_managed(struct display *d)
{
	Atom type = None, list = atom(d, CLIENT_LIST);
	int format;
	unsigned long n, after;
	unsigned char *value = NULL;
	struct window_info info;
	Window check;
	XGetWindowProperty(display_x(d), display_root(d), list, 0, 0, False, AnyPropertyType, &type,
		&format, &n, &after, &value);
	if (value) {
		XFree(value);
	}
	return type != None &&
	       get_window(
		       d, display_root(d), display_atom(d, ATOM_NET_SUPPORTING_WM_CHECK), &check) &&
	       windows_describe(d, check, &info);
}

void windows_forget_manager(struct display *d)
{
	XDeleteProperty(
		display_x(d), display_root(d), display_atom(d, ATOM_NET_SUPPORTING_WM_CHECK));
	XDeleteProperty(display_x(d), display_root(d), atom(d, CLIENT_LIST));
	XSync(display_x(d), False);
}

/* ---- numbers: stored on the window itself, so they end with it ---- */

static unsigned long last_number;

uint32_t windows_number(struct display *d, Window id)
{
	struct err err;
	display_trap(d);
	unsigned long number = get_number(d, id, atom(d, NUMBER));
	if (number == 0) {
		number = ++last_number;
		XChangeProperty(display_x(d), id, atom(d, NUMBER), XA_CARDINAL, 32, PropModeReplace,
			(const unsigned char *)&number, 1);
	}
	return display_untrap(d, &err) ? (uint32_t)number : 0;
}

Window windows_find(struct display *d, uint32_t number)
{
	Window ids[WINDOWS_MAX];
	size_t n = number ? windows_list(d, ids) : 0;
	for (size_t i = 0; i < n; i++) {
		if (get_number(d, ids[i], atom(d, NUMBER)) == number) {
			return ids[i];
		}
	}
	return None;
}

json_t *windows_encode(struct display *d, const struct window_info *info, bool active,
	struct size frame, struct size screen)
{
	struct rect at = geometry_rect_to_frame(
		(struct rect){ info->x, info->y, info->width, info->height }, frame, screen);
	const struct msg_window window = {
		.id = windows_number(d, info->id),
		.xid = (int64_t)info->id,
		.pid = info->pid > 0 ? info->pid : 0,
		.title = info->title,
		.class = info->class[0] ? info->class : NULL,
		.x = at.x,
		.y = at.y,
		.width = at.width,
		.height = at.height,
		.desktop = info->desktop,
		.state = info->state,
		.active = active,
	};
	return must(field_encode(msg_window_fields, &window));
}
