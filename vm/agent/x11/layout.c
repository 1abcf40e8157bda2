/*
 * The server stamps an event with the number of our last request that it has processed: a change of
 * the map by one of our requests has exactly that request's number.
 */
#include "vm/agent/x11/layout.h"

#include <X11/XKBlib.h>

bool layout_has_xkb(struct layout *l, Display *x)
{
	int opcode, error, major = XkbMajorVersion, minor = XkbMinorVersion;
	return XkbQueryExtension(x, &opcode, &l->first_event, &error, &major, &minor);
}

void layout_watch(Display *x)
{
	unsigned maps = XkbMapNotifyMask | XkbNewKeyboardNotifyMask;
	unsigned locks = XkbGroupStateMask | XkbModifierLockMask;
	XkbSelectEvents(x, XkbUseCoreKbd, maps, maps);
	XkbSelectEventDetails(x, XkbUseCoreKbd, XkbStateNotify, locks, locks);
}

bool layout_is_event(const struct layout *l, const XEvent *event)
{
	return event->type == l->first_event;
}

void layout_count(struct layout *l, const XEvent *event)
{
	const XkbEvent *xkb = (const void *)event;
	switch (xkb->any.xkb_type) {
	case XkbMapNotify:
		l->maps++;
		l->others_maps += xkb->any.serial != l->own_request;
		break;
	case XkbNewKeyboardNotify:
		l->maps++;
		/* With XkbSetMap's number: keys now come from another device, with its copy of the
		 * map. */
		l->others_maps += xkb->new_kbd.req_minor != X_kbSetMap;
		break;
	case XkbStateNotify:
		l->locks += xkb->state.group || xkb->state.locked_mods;
		break;
	default:
		break;
	}
}

void layout_expect_own(struct layout *l, Display *x)
{
	l->own_request = NextRequest(x);
}
