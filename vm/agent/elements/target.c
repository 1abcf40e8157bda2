#include "vm/agent/elements/target.h"

#include "vm/agent/x11/display.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEAR 64 /* pixels: a place that a program means may include the window's frame */

static void add(struct target *target, struct display *d, const struct window_info *info)
{
	struct target_window *w = &target->windows[target->n++];
	w->number = windows_number(d, info->id);
	w->rect = (struct rect){ info->x, info->y, info->width, info->height };
	snprintf(w->title, sizeof(w->title), "%s", info->title);
}

static void add_others(struct target *target, struct display *d, Window but)
{
	Window ids[WINDOWS_MAX];
	size_t n = windows_list(d, ids);
	for (size_t i = 0; i < n && target->n < TARGET_WINDOWS_MAX; i++) {
		struct window_info info;
		if (ids[i] != but && windows_describe(d, ids[i], &info) &&
			info.pid == target->pid) {
			add(target, d, &info);
		}
	}
}

bool target_find(struct display *d, uint32_t number, struct target *target, struct err *err)
{
	struct window_info info;
	Window id = number ? windows_find(d, number) : windows_active(d);
	*target = (struct target){ .only = number != 0 };
	if (id == None || !windows_describe(d, id, &info)) {
		return number ? err_set(err, ERR_NOT_FOUND,
					"there is no window %u; it may have closed", number)
			      : err_set(err, ERR_NOT_FOUND,
					"no window is active; click one, or pass 'window'");
	}
	if (info.pid <= 0) {
		return err_set(err, ERR_UNSUPPORTED,
			"the window does not say which program it belongs to, so its elements cannot "
			"be found; use screenshot");
	}
	target->pid = info.pid;
	snprintf(target->title, sizeof(target->title), "%s", info.title);
	add(target, d, &info);
	add_others(target, d, id);
	return true;
}

static bool is_near(int a, int b)
{
	return abs(a - b) <= NEAR;
}

static int score(const struct target_window *w, const char *title, const struct rect *place)
{
	const struct rect *r = &w->rect;
	bool there = place && is_near(place->x, r->x) && is_near(place->y, r->y);
	bool sized = place && is_near(place->width, r->width) && is_near(place->height, r->height);
	bool named = title && *title && strcmp(title, w->title) == 0;
	return 4 * named + 2 * (there && sized) + sized;
}

const struct target_window *target_match(
	const struct target *target, const char *title, const struct rect *place)
{
	const struct target_window *best = NULL;
	int most = 1; /* the size alone is a coincidence */
	for (size_t i = 0; i < target->n; i++) {
		int n = score(&target->windows[i], title, place);
		if (n > most) {
			most = n;
			best = &target->windows[i];
		}
	}
	return best;
}
