/*
 * Waiting for a window to open or to close: by the window manager's list, and by the properties and
 * the mapping of each window.
 */
#include "base/plain.h"
#include "vm/agent/wait/wait.h"
#include "vm/agent/x11/display.h"

#include <glib.h>
#include <string.h>

#define SHOWN_MAX 8
#define TITLE_SHOWN 80

static bool contains(const char *text, const char *part)
{
	g_autofree char *in = g_utf8_casefold(text, -1), *of = g_utf8_casefold(part, -1);
	return strstr(in, of);
}

static bool is_same(const char *a, const char *b)
{
	g_autofree char *x = g_utf8_casefold(a, -1), *y = g_utf8_casefold(b, -1);
	return strcmp(x, y) == 0;
}

static bool matches(struct wait *w, const struct window_info *info)
{
	const struct msg_wait *args = w->args;
	return (!args->title || contains(info->title, args->title)) &&
	       (!args->class || is_same(info->class, args->class)) &&
	       (!args->pid || info->pid == args->pid) &&
	       (!args->window || windows_number(w->display, info->id) == (uint32_t)args->window);
}

/* Its title may come later, and its end is an event. */
static void watch(struct wait *w, Window id)
{
	for (size_t i = 0; i < w->n_watched; i++) {
		if (w->watched[i] == id) {
			return;
		}
	}
	if (w->n_watched == WINDOWS_MAX) {
		w->n_watched = 0; /* watching twice does no harm */
	}
	w->watched[w->n_watched++] = id;
	windows_watch(w->display, id);
}

/* The newest that matches; a visible one, if there is any. */
static bool find(struct wait *w, struct window_info *ret)
{
	Window ids[WINDOWS_MAX];
	bool found = false;
	for (size_t i = windows_list(w->display, ids); i-- > 0;) {
		struct window_info info;
		watch(w, ids[i]);
		if (!windows_describe(w->display, ids[i], &info) || info.type == WINDOW_DOCK ||
			!matches(w, &info)) {
			continue;
		}
		if (!found || info.viewable) {
			*ret = info;
			found = true;
		}
		if (info.viewable) {
			return true;
		}
	}
	return found;
}

static bool on_event(struct wait *w, const XEvent *event)
{
	(void)w;
	switch (event->type) {
	case PropertyNotify:
	case MapNotify:
	case UnmapNotify:
	case DestroyNotify:
		return true;
	default:
		return false;
	}
}

/* "Open windows: "a", "b"." */
static void name_windows(struct wait *w, struct buf *out)
{
	Window ids[WINDOWS_MAX];
	size_t n = windows_list(w->display, ids), shown = 0;
	for (size_t i = 0; i < n && shown < SHOWN_MAX; i++) {
		struct window_info info;
		if (windows_describe(w->display, ids[i], &info) && info.type != WINDOW_DOCK) {
			buf_printf(out, "%s", shown++ ? ", " : " Open windows: ");
			plain_quote(out, info.title, TITLE_SHOWN);
		}
	}
	buf_printf(out, "%s", shown ? "." : " There is none.");
}

/* ---- window ---- */

static void check_window(struct wait *w)
{
	struct window_info info;
	if (find(w, &info) && info.viewable) {
		wait_happened(w, &info, "The window is open.");
	}
}

static void missing_window(struct wait *w, struct buf *out)
{
	struct window_info info;
	if (find(w, &info)) {
		buf_printf(out, "The window ");
		plain_quote(out, info.title, TITLE_SHOWN);
		buf_printf(out, " exists, but is not shown: it may be minimized.");
		return;
	}
	buf_printf(out, "No window matches.");
	name_windows(w, out);
}

const struct wait_kind wait_window = {
	.check = check_window,
	.event = on_event,
	.missing = missing_window,
};

/* ---- window_gone ---- */

static void check_gone(struct wait *w)
{
	struct window_info info;
	if (find(w, &info)) {
		w->seen = true;
	} else {
		wait_happened(w, NULL, "%s",
			w->seen ? "The window is closed." : "No open window matches.");
	}
}

static void missing_gone(struct wait *w, struct buf *out)
{
	struct window_info info;
	bool found = find(w, &info);
	buf_printf(out, "The window ");
	plain_quote(out, found ? info.title : "", TITLE_SHOWN);
	buf_printf(out, " is still open.");
}

const struct wait_kind wait_window_gone = {
	.check = check_gone,
	.event = on_event,
	.missing = missing_gone,
};
