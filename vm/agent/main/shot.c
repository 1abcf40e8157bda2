#include "vm/agent/main/shot.h"

#include "base/cleanup.h"
#include "vm/picture/cursor.h"
#include "vm/picture/encode.h"

#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <X11/extensions/Xfixes.h>
#include <fcntl.h>
#include <stdlib.h>

static bool write_all(const char *path, const struct encoded *png, struct err *err)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	for (size_t at = 0; fd >= 0 && at < png->len;) {
		ssize_t n = write(fd, png->bytes + at, png->len - at);
		if (n <= 0) {
			return err_errno(err, "cannot write %.300s", path);
		}
		at += (size_t)n;
	}
	return fd >= 0 || err_errno(err, "cannot create %.300s", path);
}

/* Xlib has each pixel in a long. */
static void paint_pointer(Display *x, const struct image *picture)
{
	int base, error;
	XFixesCursorImage *at =
		XFixesQueryExtension(x, &base, &error) ? XFixesGetCursorImage(x) : NULL;
	if (!at) {
		return;
	}
	size_t n = (size_t)at->width * at->height;
	auto_free uint32_t *pixels = must(calloc(n ? n : 1, sizeof(*pixels)));
	for (size_t i = 0; i < n; i++) {
		pixels[i] = (uint32_t)at->pixels[i];
	}
	const struct cursor_image cursor = {
		.pixels = pixels,
		.size = { at->width, at->height },
		.hot = { at->xhot, at->yhot },
	};
	cursor_image_paint(&cursor, (struct point){ at->x, at->y }, picture);
	XFree(at);
}

static bool encode(const struct image *picture, const char *path, struct err *err)
{
	struct encoder *encoder = encoder_new(err);
	struct encoded png;
	bool good =
		encoder && encoder_png(encoder, picture, &png, err) && write_all(path, &png, err);
	encoder_free(encoder);
	return good;
}

static bool capture(Display *x, const char *path, struct err *err)
{
	XWindowAttributes root;
	XGetWindowAttributes(x, DefaultRootWindow(x), &root);
	XImage *seen = XGetImage(x, DefaultRootWindow(x), 0, 0, (unsigned)root.width,
		(unsigned)root.height, AllPlanes, ZPixmap);
	if (!seen || seen->bits_per_pixel != 32) {
		return err_set(err, ERR_UNSUPPORTED, "the display has no pixels of 32 bits");
	}
	const struct image picture = { (uint8_t *)seen->data, { root.width, root.height },
		(size_t)seen->bytes_per_line };
	paint_pointer(x, &picture);
	bool good = encode(&picture, path, err);
	XDestroyImage(seen);
	return good;
}

bool shot_write(const char *path, struct err *err)
{
	Display *x = XOpenDisplay(NULL);
	if (!x) {
		return err_set(err, ERR_NOT_FOUND, "cannot open the display '%.60s'",
			getenv("DISPLAY") ? getenv("DISPLAY") : "");
	}
	bool good = capture(x, path, err);
	XCloseDisplay(x);
	return good;
}
