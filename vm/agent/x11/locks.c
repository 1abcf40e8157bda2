/* What others lock after we have changed the locks is added to what is restored. */
#include "vm/agent/x11/locks.h"

static bool read_state(struct locks *l, XkbStateRec *ret_now)
{
	if (XkbGetState(display_x(l->display), XkbUseCoreKbd, ret_now) != Success) {
		return false;
	}
	if (!l->changed) {
		l->kept = *ret_now;
	}
	l->kept.locked_mods |= ret_now->locked_mods;
	if (ret_now->locked_group) {
		l->kept.locked_group = ret_now->locked_group;
	}
	return true;
}

bool locks_neutralise(struct locks *l)
{
	Display *x = display_x(l->display);
	XkbStateRec now;
	if (!read_state(l, &now)) {
		return true;
	}
	bool locked = now.locked_mods || now.latched_mods || now.locked_group;
	if (locked || now.group) {
		l->changed = true;
		XkbLatchModifiers(x, XkbUseCoreKbd, 0xff, 0);
		XkbLockModifiers(x, XkbUseCoreKbd, 0xff, 0);
		XkbLatchGroup(x, XkbUseCoreKbd, 0);
		XkbLockGroup(x, XkbUseCoreKbd, 0);
	}
	return !locked;
}

void locks_restore(struct locks *l)
{
	XkbStateRec now;
	if (l->changed && !display_is_lost(l->display) && read_state(l, &now)) {
		Display *x = display_x(l->display);
		XkbLockModifiers(x, XkbUseCoreKbd, 0xff, l->kept.locked_mods);
		XkbLockGroup(x, XkbUseCoreKbd, l->kept.locked_group);
		XFlush(x);
	}
	l->changed = false;
}
