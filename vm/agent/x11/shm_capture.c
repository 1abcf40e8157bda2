/*
 * One shared-memory segment, at least as large as the screen and replaced if it must grow;
 * XGetImage if the server does not support shared memory.
 */
#include "vm/agent/x11/shm_capture.h"

#include "base/cleanup.h"

#include <X11/Xutil.h>
#include <X11/extensions/XShm.h>
#include <sys/ipc.h>
#include <sys/shm.h>

struct grab {
	struct display *display;
	XShmSegmentInfo shm; /* shmaddr NULL: none */
	size_t shm_size;
	bool shm_refused;
	XImage *image; /* of the last XGetImage */
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

struct grab *grab_new(struct display *d, struct err *err)
{
	if (!check_pixels(d, err)) {
		return NULL;
	}
	struct grab *g = must(calloc(1, sizeof(*g)));
	g->display = d;
	g->shm_refused = !XShmQueryExtension(display_x(d));
	return g;
}

static void drop_segment(struct grab *g)
{
	if (g->shm.shmaddr) {
		if (!display_is_lost(g->display)) {
			XShmDetach(display_x(g->display), &g->shm);
		}
		shmdt(g->shm.shmaddr);
		g->shm.shmaddr = NULL;
	}
}

static void drop_image(struct grab *g)
{
	if (g->image) {
		XDestroyImage(g->image);
		g->image = NULL;
	}
}

void grab_free(struct grab *g)
{
	if (g) {
		drop_segment(g);
		drop_image(g);
		free(g);
	}
}

/* Marked for removal as soon as both sides have attached it, so that it cannot be left behind. */
static bool make_segment(struct grab *g, size_t size)
{
	struct err err;
	g->shm.shmid = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);
	if (g->shm.shmid < 0) {
		return false;
	}
	void *at = shmat(g->shm.shmid, NULL, 0);
	if (at == (void *)-1) {
		shmctl(g->shm.shmid, IPC_RMID, NULL);
		return false;
	}
	g->shm.shmaddr = at;
	g->shm.readOnly = False;
	g->shm_size = size;
	display_trap(g->display);
	XShmAttach(display_x(g->display), &g->shm);
	XSync(display_x(g->display), False);
	bool attached = display_untrap(g->display, &err);
	shmctl(g->shm.shmid, IPC_RMID, NULL);
	if (!attached) {
		shmdt(g->shm.shmaddr);
		g->shm.shmaddr = NULL;
	}
	return attached;
}

static size_t bytes_of(int width, int height)
{
	return (size_t)width * (size_t)height * 4;
}

static bool have_segment(struct grab *g, struct rect area)
{
	struct size screen = display_size(g->display);
	size_t need = bytes_of(area.width, area.height);
	size_t usual = bytes_of(screen.width, screen.height);
	if (g->shm.shmaddr && g->shm_size >= need) {
		return true;
	}
	drop_segment(g);
	g->shm_refused = g->shm_refused || !make_segment(g, need > usual ? need : usual);
	return !g->shm_refused;
}

static bool grab_shared(
	struct grab *g, Drawable from, int depth, struct rect area, struct image *ret)
{
	Display *x = display_x(g->display);
	Visual *visual = DefaultVisual(x, DefaultScreen(x));
	XImage *image = XShmCreateImage(x, visual, (unsigned)depth, ZPixmap, g->shm.shmaddr,
		&g->shm, (unsigned)area.width, (unsigned)area.height);
	if (!image) {
		return false;
	}
	bool fits = image->bits_per_pixel == 32 &&
		    (size_t)image->bytes_per_line * (size_t)area.height <= g->shm_size;
	bool ok = fits && XShmGetImage(x, from, image, area.x, area.y, AllPlanes);
	*ret = (struct image){ (uint8_t *)g->shm.shmaddr, { area.width, area.height },
		(size_t)image->bytes_per_line };
	image->data = NULL;
	XDestroyImage(image);
	return ok;
}

static bool grab_copied(struct grab *g, Drawable from, struct rect area, struct image *ret)
{
	drop_image(g);
	g->image = XGetImage(display_x(g->display), from, area.x, area.y, (unsigned)area.width,
		(unsigned)area.height, AllPlanes, ZPixmap);
	if (!g->image || g->image->bits_per_pixel != 32) {
		return false;
	}
	*ret = (struct image){ (uint8_t *)g->image->data, { area.width, area.height },
		(size_t)g->image->bytes_per_line };
	return true;
}

bool grab_pixels(struct grab *g, Drawable from, int depth, struct rect area,
	struct image *ret_image, struct err *err)
{
	bool shared = have_segment(g, area);
	display_trap(g->display);
	bool ok = (shared && grab_shared(g, from, depth, area, ret_image)) ||
		  grab_copied(g, from, area, ret_image);
	if (!display_untrap(g->display, err)) {
		return false;
	}
	if (!ok) {
		return err_set(err, ERR_STATE, "the X server does not return the screen's pixels");
	}
	return true;
}
