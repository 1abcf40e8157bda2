#include "vm/agent/elements/reach.h"

#include "vm/agent/x11/display.h"
#include "vm/agent/x11/window_group.h"

void reach_init(struct reach *reach, struct display *d, const uint32_t *numbers, size_t n)
{
	struct err ignored;
	*reach = (struct reach){ .display = d, .n = n };
	for (size_t i = 0; i < n; i++) {
		Window window = windows_find(d, numbers[i]);
		display_trap(d); /* it may close */
		reach->tops[i] = window ? window_group_top(d, window) : None;
		(void)!display_untrap(d, &ignored);
		reach->anchor = reach->anchor ? reach->anchor : window;
	}
}

/* Frames belong to the window manager, menus to the program itself. */
static bool is_menu(const struct reach *reach, Window child)
{
	return child && reach->anchor &&
	       window_group_same_client(reach->display, child, reach->anchor);
}

bool reach_has(const struct reach *reach, int window, struct point at)
{
	Window child = window_group_at(reach->display, at);
	return window == REACH_MENU ? is_menu(reach, child)
				    : child != None && child == reach->tops[window];
}

bool reach_has_alone(const struct reach *reach, int window, struct point at)
{
	Window child = window_group_at(reach->display, at);
	bool is_other = false;
	for (size_t i = 0; i < reach->n; i++) {
		is_other |= (int)i != window && child != None && child == reach->tops[i];
	}
	return window == REACH_MENU || (!is_other && !is_menu(reach, child));
}
