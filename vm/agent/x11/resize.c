/*
 * The size of the screen.  Xvnc has one output, which shows a mode of any size.  The screen must
 * always contain it, so it is off while the screen gets its new size.  The server is grabbed
 * meanwhile: programs see one change, from one size to the other.
 */
#include "vm/agent/x11/resize.h"

#include <X11/extensions/Xrandr.h>
#include <stdio.h>
#include <string.h>

#define OURS "vitrine-" /* the names of our modes begin with this */

struct outputs {
	Display *x;
	Window root;
	XRRScreenResources *all;
	RRCrtc crtc;
	RROutput output;
};

static bool find_outputs(struct display *d, struct outputs *ret)
{
	*ret = (struct outputs){ .x = display_x(d), .root = display_root(d) };
	ret->all = XRRGetScreenResourcesCurrent(ret->x, ret->root);
	if (!ret->all || ret->all->ncrtc < 1 || ret->all->noutput < 1) {
		return false;
	}
	ret->crtc = ret->all->crtcs[0];
	ret->output = ret->all->outputs[0];
	return true;
}

static RRMode shown_mode(const struct outputs *o)
{
	XRRCrtcInfo *info = XRRGetCrtcInfo(o->x, o->all, o->crtc);
	RRMode mode = info ? info->mode : None;
	if (info) {
		XRRFreeCrtcInfo(info);
	}
	return mode;
}

static RRMode mode_of_size(const struct outputs *o, struct size size)
{
	char name[40];
	XRRModeInfo mode = { .width = (unsigned)size.width,
		.height = (unsigned)size.height,
		.hTotal = (unsigned)size.width,
		.vTotal = (unsigned)size.height,
		.dotClock = (unsigned long)size.width * (unsigned long)size.height * 60,
		.name = name };
	for (int i = 0; i < o->all->nmode; i++) {
		const XRRModeInfo *known = &o->all->modes[i];
		if (known->width == mode.width && known->height == mode.height) {
			return known->id;
		}
	}
	snprintf(name, sizeof(name), OURS "%dx%d", size.width, size.height);
	mode.nameLength = (unsigned)strlen(name);
	return XRRCreateMode(o->x, o->root, &mode);
}

static bool show(const struct outputs *o, RRMode mode)
{
	RROutput output = o->output;
	return XRRSetCrtcConfig(o->x, o->all, o->crtc, CurrentTime, 0, 0, mode, RR_Rotate_0,
		       mode ? &output : NULL, mode ? 1 : 0) == RRSetConfigSuccess;
}

static void turn_off(const struct outputs *o)
{
	for (int i = 0; i < o->all->ncrtc; i++) {
		XRRSetCrtcConfig(o->x, o->all, o->all->crtcs[i], CurrentTime, 0, 0, None,
			RR_Rotate_0, NULL, 0);
	}
}

static int millimetres(int pixels, int dpi)
{
	return (pixels * 254 + dpi * 5) / (dpi * 10);
}

static void set_size(const struct outputs *o, struct size size, int dpi)
{
	XRRSetScreenSize(o->x, o->root, size.width, size.height, millimetres(size.width, dpi),
		millimetres(size.height, dpi));
}

/* One that was just created is not in the list. */
static bool is_ours(const struct outputs *o, RRMode mode)
{
	bool ours = true;
	for (int i = 0; i < o->all->nmode; i++) {
		const XRRModeInfo *known = &o->all->modes[i];
		ours &= known->id != mode || strncmp(known->name, OURS, strlen(OURS)) == 0;
	}
	return ours;
}

/* Modes that are not shown any more would add up. */
static void drop_mode(const struct outputs *o, RRMode mode)
{
	if (mode && is_ours(o, mode)) {
		XRRDeleteOutputMode(o->x, o->output, mode);
		XRRDestroyMode(o->x, mode);
	}
}

/* The output refuses a mode that it has already, so only the result counts. */
static void change(struct display *d, const struct outputs *o, struct size size, int dpi)
{
	struct size was = display_size(d);
	RRMode before = shown_mode(o), mode = mode_of_size(o, size);
	XRRAddOutputMode(o->x, o->output, mode);
	turn_off(o);
	set_size(o, size, dpi);
	if (show(o, mode)) {
		drop_mode(o, before == mode ? None : before);
		return;
	}
	set_size(o, was, dpi);
	show(o, before);
	drop_mode(o, before == mode ? None : mode);
}

bool resize_display(struct display *d, struct size size, int dpi, struct err *err)
{
	struct outputs outputs;
	struct err ignored;
	if (!display_refresh(d, err)) { /* another program may just have resized it */
		return false;
	}
	if (size_equal(size, display_size(d))) {
		outputs = (struct outputs){ .x = display_x(d), .root = display_root(d) };
		set_size(&outputs, size, dpi);
		return true;
	}
	display_trap(d);
	XGrabServer(display_x(d));
	if (find_outputs(d, &outputs)) {
		change(d, &outputs, size, dpi);
	}
	if (outputs.all) {
		XRRFreeScreenResources(outputs.all);
	}
	XUngrabServer(display_x(d));
	XSync(display_x(d), False);
	(void)!display_untrap(d, &ignored);
	if (!display_is_up(d, err)) {
		return false;
	}
	display_catch_up(d);
	return size_equal(size, display_size(d)) ||
	       err_set(err, ERR_STATE, "the X server does not take a display of %dx%d pixels",
		       size.width, size.height);
}
