/*
 * Capture through one shared-memory segment as large as the screen, made anew when that grows;
 * XGetImage where the server shares no memory with us.  The pointer is drawn on top from its image,
 * which is fetched only when it changed.
 */
#include "vm/agent/capture.h"

#include "base/cleanup.h"

#include <X11/Xutil.h>
#include <X11/extensions/XShm.h>
#include <X11/extensions/Xfixes.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>

struct capture {
	struct display *display;
	XShmSegmentInfo shm; /* shmaddr NULL: none */
	size_t shm_size;
	bool shm_refused;
	XImage *image; /* of the last XGetImage */
	XFixesCursorImage *cursor;
	uint64_t cursor_serial;
};

static bool check_pixels(struct display *d, struct err *err)
{
	Visual *visual = DefaultVisual(display_x(d), DefaultScreen(display_x(d)));
	int depth = DefaultDepth(display_x(d), DefaultScreen(display_x(d)));
	if (depth < 24 || visual->red_mask != 0xff0000 || visual->green_mask != 0xff00 ||
		visual->blue_mask != 0xff || ImageByteOrder(display_x(d)) != LSBFirst) {
		return err_set(err, ERR_UNSUPPORTED,
			"the X server's pixels have depth %d; 24 or 32 bits of 8-bit BGR are "
			"needed",
			depth);
	}
	return true;
}

struct capture *capture_new(struct display *d, struct err *err)
{
	if (!check_pixels(d, err)) {
		return NULL;
	}
	struct capture *c = must(calloc(1, sizeof(*c)));
	c->display = d;
	c->shm_refused = !XShmQueryExtension(display_x(d));
	c->cursor_serial = UINT64_MAX;
	return c;
}

static void drop_segment(struct capture *c)
{
	if (c->shm.shmaddr) {
		if (!display_is_lost(c->display)) {
			XShmDetach(display_x(c->display), &c->shm);
		}
		shmdt(c->shm.shmaddr);
		c->shm.shmaddr = NULL;
	}
}

static void drop_image(struct capture *c)
{
	if (c->image) {
		XDestroyImage(c->image);
		c->image = NULL;
	}
}

void capture_free(struct capture *c)
{
	if (c) {
		drop_segment(c);
		drop_image(c);
		if (c->cursor) {
			XFree(c->cursor);
		}
		free(c);
	}
}

/* ---- pixels ---- */

/* Marked for removal as soon as both sides have it, so that no end of ours leaves it behind. */
static bool make_segment(struct capture *c, size_t size)
{
	struct err err;
	c->shm.shmid = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);
	if (c->shm.shmid < 0) {
		return false;
	}
	void *at = shmat(c->shm.shmid, NULL, 0);
	if (at == (void *)-1) {
		shmctl(c->shm.shmid, IPC_RMID, NULL);
		return false;
	}
	c->shm.shmaddr = at;
	c->shm.readOnly = False;
	c->shm_size = size;
	display_trap(c->display);
	XShmAttach(display_x(c->display), &c->shm);
	XSync(display_x(c->display), False);
	bool attached = display_untrap(c->display, &err);
	shmctl(c->shm.shmid, IPC_RMID, NULL);
	if (!attached) {
		shmdt(c->shm.shmaddr);
		c->shm.shmaddr = NULL;
	}
	return attached;
}

static bool have_segment(struct capture *c)
{
	struct size screen = display_size(c->display);
	size_t need = (size_t)screen.width * (size_t)screen.height * 4;
	if (c->shm.shmaddr && c->shm_size >= need) {
		return true;
	}
	drop_segment(c);
	c->shm_refused = c->shm_refused || !make_segment(c, need);
	return !c->shm_refused;
}

static bool grab_shared(struct capture *c, struct rect area, struct image *ret)
{
	Display *x = display_x(c->display);
	Visual *visual = DefaultVisual(x, DefaultScreen(x));
	unsigned depth = (unsigned)DefaultDepth(x, DefaultScreen(x));
	XImage *image = XShmCreateImage(x, visual, depth, ZPixmap, c->shm.shmaddr, &c->shm,
		(unsigned)area.width, (unsigned)area.height);
	if (!image) {
		return false;
	}
	bool fits = image->bits_per_pixel == 32 &&
		    (size_t)image->bytes_per_line * (size_t)area.height <= c->shm_size;
	bool ok =
		fits && XShmGetImage(x, display_root(c->display), image, area.x, area.y, AllPlanes);
	*ret = (struct image){ (uint8_t *)c->shm.shmaddr, { area.width, area.height },
		(size_t)image->bytes_per_line };
	image->data = NULL;
	XDestroyImage(image);
	return ok;
}

static bool grab_copied(struct capture *c, struct rect area, struct image *ret)
{
	drop_image(c);
	c->image = XGetImage(display_x(c->display), display_root(c->display), area.x, area.y,
		(unsigned)area.width, (unsigned)area.height, AllPlanes, ZPixmap);
	if (!c->image || c->image->bits_per_pixel != 32) {
		return false;
	}
	*ret = (struct image){ (uint8_t *)c->image->data, { area.width, area.height },
		(size_t)c->image->bytes_per_line };
	return true;
}

/* ---- the pointer ---- */

static const XFixesCursorImage *cursor_image(struct capture *c)
{
	uint64_t serial = display_cursor_serial(c->display);
	if (c->cursor_serial != serial) {
		if (c->cursor) {
			XFree(c->cursor);
		}
		c->cursor = XFixesGetCursorImage(display_x(c->display));
		c->cursor_serial = serial;
	}
	return c->cursor;
}

/* The cursor's colours are multiplied with its alpha already. */
static void blend(uint8_t *pixel, uint32_t argb)
{
	uint32_t through = 255 - (argb >> 24);
	for (int i = 0; i < 3; i++) {
		uint32_t value = (argb >> (8 * i) & 0xff) + (pixel[i] * through + 127) / 255;
		pixel[i] = (uint8_t)(value < 255 ? value : 255);
	}
}

static void draw_pointer(const XFixesCursorImage *cursor, struct point at, struct image *image)
{
	int left = at.x - cursor->xhot, top = at.y - cursor->yhot;
	for (int y = 0; y < cursor->height; y++) {
		for (int x = 0; x < cursor->width; x++) {
			int to_x = left + x, to_y = top + y;
			if (to_x >= 0 && to_x < image->size.width && to_y >= 0 &&
				to_y < image->size.height) {
				blend(image->pixels + (size_t)to_y * image->stride +
						(size_t)to_x * 4,
					(uint32_t)cursor->pixels[y * cursor->width + x]);
			}
		}
	}
}

bool capture_grab(struct capture *c, struct rect area, struct point pointer,
	struct image *ret_image, struct err *err)
{
	bool shared = have_segment(c);
	display_trap(c->display);
	bool ok = (shared && grab_shared(c, area, ret_image)) || grab_copied(c, area, ret_image);
	if (!display_untrap(c->display, err)) {
		return false;
	}
	if (!ok) {
		return err_set(err, ERR_STATE, "the X server does not give the screen's pixels");
	}
	const XFixesCursorImage *cursor = cursor_image(c);
	if (cursor) {
		struct point within = { pointer.x - area.x, pointer.y - area.y };
		draw_pointer(cursor, within, ret_image);
	}
	return true;
}
