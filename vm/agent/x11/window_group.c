/*
 * The number of the connection that created a window is part of the window's id and cannot be
 * forged. Properties set by a program only distinguish its own windows.
 */
#include "vm/agent/x11/window_group.h"

#include "vm/agent/x11/windows.h"

#include <X11/Xlib-xcb.h>
#include <X11/Xutil.h>

#define DEPTH_MAX 32
#define CHAIN_MAX 8
#define EXPOSED_MAX 200 /* windows inside one */

struct tree {
	Window parent, *children;
	unsigned n;
};

static bool query(struct display *d, Window id, struct tree *ret)
{
	Window root;
	*ret = (struct tree){ 0 };
	return XQueryTree(display_x(d), id, &root, &ret->parent, &ret->children, &ret->n);
}

static void tree_done(struct tree *tree)
{
	if (tree->children) {
		XFree(tree->children);
	}
}

static Window parent_of(struct display *d, Window id)
{
	struct tree tree;
	Window parent = query(d, id, &tree) ? tree.parent : None;
	tree_done(&tree);
	return parent;
}

Window window_group_top(struct display *d, Window id)
{
	for (int i = 0; id && i < DEPTH_MAX; i++) {
		Window parent = parent_of(d, id);
		if (parent == display_root(d)) {
			return id;
		}
		id = parent;
	}
	return None;
}

bool window_group_is_inside(struct display *d, Window id, Window ancestor)
{
	for (int i = 0; id > PointerRoot && id != display_root(d) && i < DEPTH_MAX; i++) {
		if (id == ancestor) {
			return true;
		}
		id = parent_of(d, id);
	}
	return false;
}

bool window_group_same_client(struct display *d, Window a, Window b)
{
	uint32_t mask = xcb_get_setup(XGetXCBConnection(display_x(d)))->resource_id_mask;
	return (a & ~(Window)mask) == (b & ~(Window)mask);
}

static bool is_only_window(struct display *d, Window window)
{
	Window ids[WINDOWS_MAX];
	size_t n = windows_list(d, ids), count = 0;
	for (size_t i = 0; i < n; i++) {
		count += window_group_same_client(d, ids[i], window);
	}
	return count <= 1;
}

/* ret_names_other: whether it names any other window. */
static bool is_for(struct display *d, Window id, Window window, bool *ret_names_other)
{
	Window next;
	*ret_names_other = false;
	for (int i = 0; i < CHAIN_MAX; i++) {
		if (!XGetTransientForHint(display_x(d), id, &next) || !next ||
			next == display_root(d)) {
			return false;
		}
		*ret_names_other = true;
		if (next == window) {
			return true;
		}
		id = next;
	}
	return false;
}

bool window_group_belongs(struct display *d, Window id, Window window, bool passing)
{
	XWindowAttributes attributes;
	bool names_other;
	if (id == window || !window_group_same_client(d, id, window) ||
		!XGetWindowAttributes(display_x(d), id, &attributes) ||
		attributes.class != InputOutput || (passing && !attributes.override_redirect) ||
		(passing && attributes.map_state != IsViewable)) {
		return false;
	}
	if (is_for(d, id, window, &names_other)) {
		return true;
	}
	return passing && !names_other &&
	       (is_only_window(d, window) || windows_active(d) == window);
}

/* The window manager's frames are not strangers. */
static bool is_stranger(struct display *d, Window id, Window window, Window top)
{
	XWindowAttributes attributes;
	return !window_group_same_client(d, id, window) && !window_group_same_client(d, id, top) &&
	       XGetWindowAttributes(display_x(d), id, &attributes) &&
	       attributes.override_redirect && attributes.class == InputOutput &&
	       attributes.map_state == IsViewable;
}

bool window_group_has_stranger(struct display *d, Window window)
{
	struct tree tree;
	Window top = window_group_top(d, window);
	bool found = false;
	if (query(d, display_root(d), &tree)) {
		for (unsigned i = 0; i < tree.n && !found; i++) {
			found = is_stranger(d, tree.children[i], window, top);
		}
	}
	tree_done(&tree);
	return found;
}

static void expose(struct display *d, Window id, int *left, int depth)
{
	XWindowAttributes attributes;
	struct tree tree;
	if (--*left < 0 || depth > DEPTH_MAX ||
		!XGetWindowAttributes(display_x(d), id, &attributes) ||
		attributes.class != InputOutput || !query(d, id, &tree)) {
		return;
	}
	XClearArea(display_x(d), id, 0, 0, 0, 0, True);
	for (unsigned i = 0; i < tree.n; i++) {
		expose(d, tree.children[i], left, depth + 1);
	}
	tree_done(&tree);
}

void window_group_expose(struct display *d, Window id)
{
	int left = EXPOSED_MAX;
	expose(d, id, &left, 0);
}

Window window_group_at(struct display *d, struct point at)
{
	Window child = None;
	int x, y;
	XTranslateCoordinates(
		display_x(d), display_root(d), display_root(d), at.x, at.y, &x, &y, &child);
	return child;
}

/* ---- popups ---- */

bool window_group_popup(struct display *d, Window id, struct window_popup *ret)
{
	XWindowAttributes a;
	struct err ignored;
	display_trap(d); /* it may close */
	bool there = XGetWindowAttributes(display_x(d), id, &a);
	there = display_untrap(d, &ignored) && there && a.map_state == IsViewable &&
		a.class == InputOutput && a.override_redirect;
	if (there) {
		*ret = (struct window_popup){ id, { a.x, a.y, a.width, a.height } };
	}
	return there;
}

size_t window_group_popups(struct display *d, Window of, struct window_popup *ret, size_t max)
{
	struct tree tree;
	size_t n = 0;
	bool known = query(d, display_root(d), &tree);
	for (unsigned i = known ? tree.n : 0; i-- > 0 && n < max;) {
		Window id = tree.children[i];
		n += window_group_same_client(d, id, of) && window_group_popup(d, id, &ret[n]);
	}
	tree_done(&tree);
	return n;
}
