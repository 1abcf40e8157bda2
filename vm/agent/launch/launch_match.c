/*
 * Matches windows to a launch whenever the list of windows changes.  A window belongs to it if its
 * process descends from ours, or if it has our startup id, and does not if it belongs to another
 * launch.  Any other new window is remembered, for programs that pass their work to a running
 * instance and for windows without an owner.
 */
#include "vm/agent/launch/launch_impl.h"

#include <string.h>

#define UNMANAGED_MIN 40 /* in pixels: smaller ones are icons or tooltips */

/* A window that has closed is skipped, too. */
static bool is_known(const struct launch *l, Window id)
{
	uint32_t number = windows_number(l->display, id);
	for (size_t i = 0; i < l->n_known; i++) {
		if (l->known[i] == number) {
			return true;
		}
	}
	return number == 0;
}

void launch_match_know(struct launch *l, Window id)
{
	uint32_t number = id ? windows_number(l->display, id) : 0;
	if (number && l->n_known < WINDOWS_MAX) {
		l->known[l->n_known++] = number;
	}
}

/* A window is the result of one launch only. */
void launch_match_claim(struct launch *l, Window id)
{
	for (struct launch *other = l->agent->launches; other; other = other->next) {
		if (other != l && other->stranger == id) {
			other->stranger = None;
		}
		if (other != l) {
			launch_match_know(other, id);
		}
	}
}

static bool is_of(const struct launch *l, const struct window_info *info)
{
	return strcmp(info->startup_id, l->startup_id) == 0 || task_owns(&l->task, info->pid);
}

static bool is_of_another(const struct launch *l, const struct window_info *info)
{
	for (const struct launch *other = l->agent->launches; other; other = other->next) {
		if (other != l && (other->found == info->id || is_of(other, info))) {
			return true;
		}
	}
	return false;
}

static void look_at(struct launch *l, const struct window_info *info)
{
	if (info->type != WINDOW_NORMAL) {
		launch_match_know(l, info->id);
	} else if (is_of(l, info) && windows_is_bare(l->display, info->id)) {
		launch_match_know(l, info->id);
		l->bare = info->id;
	} else if (is_of(l, info)) {
		l->found = info->id;
	} else if (is_of_another(l, info)) {
		launch_match_know(l, info->id);
	} else if (!l->stranger || l->stranger_is_launched) {
		launch_match_know(l, l->stranger);
		l->stranger = info->id;
		l->stranger_is_launched = task_is_any(info->pid);
	}
}

/* Menus and tooltips have a type; a window without one may be all that the program shows. */
static void look_at_unmanaged(struct launch *l)
{
	for (size_t i = 0; i < l->n_unmanaged; i++) {
		struct window_info info;
		if (windows_describe(l->display, l->unmanaged[i], &info) && info.viewable &&
			info.type == WINDOW_NORMAL && info.width >= UNMANAGED_MIN &&
			info.height >= UNMANAGED_MIN && is_of(l, &info)) {
			l->bare = info.id;
		}
	}
	l->n_unmanaged = 0;
}

void launch_match_search(struct launch *l)
{
	look_at_unmanaged(l);
	Window ids[WINDOWS_MAX];
	size_t n = windows_list(l->display, ids);
	for (size_t i = 0; i < n && !l->found; i++) {
		struct window_info info;
		if (!is_known(l, ids[i]) && ids[i] != l->stranger &&
			windows_describe(l->display, ids[i], &info)) {
			look_at(l, &info);
		}
	}
}
