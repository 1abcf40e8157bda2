#ifndef VM_AGENT_DESKTOP_SCALE_H
#define VM_AGENT_DESKTOP_SCALE_H

#include "vm/agent/x11/display.h"

/*
 * How large programs draw, in percent: what they read when they start (the resource Xft.dpi), and
 * what those of GTK and browsers follow while they run (XSETTINGS).  The agent is the display's
 * XSETTINGS manager, unless another program is.
 */
struct scale;

static inline int scale_dpi(int percent)
{
	return 96 * percent / 100;
}

/* Sets the resources of the display, too.  Must be freed before the display. */
struct scale *scale_new(struct display *d, int percent);
/* Programs have been told when this returns; they draw later.  NULL-safe. */
void scale_set(struct scale *scale, int percent);
/* The display may be lost.  NULL-safe. */
void scale_free(struct scale *scale);

#endif
