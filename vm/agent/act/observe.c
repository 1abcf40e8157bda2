/* Captures and encodes images.  The last image is cached with all of its parameters. */
#include "vm/agent/act/observe.h"

#include "base/cleanup.h"
#include "vm/agent/x11/capture.h"
#include "vm/picture/paint.h"
#include "vm/picture/pixels.h"

#include <math.h>
#include <string.h>

#define CORNER 16 /* in pixels; every screen is larger */

/* Everything that an image depends on; without padding, so that memcmp can compare it. */
struct look {
	uint64_t frame_id, cursor_serial;
	struct point pointer;
	struct size frame, screen;
	struct rect area; /* screen pixels */
	struct paint_want want;
	int64_t raw;
};

struct observer {
	struct display *display;
	struct capture *capture;
	struct painter *painter;
	struct pixels_buf packed;
	bool has_last;
	struct look look;
	struct frame last;
};

struct observer *observer_new(struct display *d, struct err *err)
{
	struct observer *o = must(calloc(1, sizeof(*o)));
	o->display = d;
	o->capture = capture_new(d, err);
	o->painter = o->capture ? painter_new(err) : NULL;
	if (!o->painter) {
		observer_free(o);
		return NULL;
	}
	return o;
}

void observer_free(struct observer *o)
{
	if (o) {
		capture_free(o->capture);
		painter_free(o->painter);
		pixels_buf_done(&o->packed);
		free(o);
	}
}

/* ---- parameters ---- */

bool observe_check(const struct observe *how, struct size frame, struct err *err)
{
	const int64_t *r = how->region.at;
	if (how->region.count == 0) {
		return true;
	}
	if (r[0] < 0 || r[1] < 0 || r[0] >= r[2] || r[1] >= r[3] || r[2] > frame.width ||
		r[3] > frame.height) {
		return err_set(err, ERR_ARGUMENT,
			"'region' must be [x0, y0, x1, y1] with 0 <= x0 < x1 <= %d and 0 <= y0 < "
			"y1 <= %d; got [%lld, %lld, %lld, %lld]",
			frame.width, frame.height, (long long)r[0], (long long)r[1],
			(long long)r[2], (long long)r[3]);
	}
	return true;
}

/* Maps an edge of the frame space to one of the screen; both ends are exact, and no pixel is
 * lost. */
static int edge_down(int64_t at, int frame, int screen)
{
	return (int)(at * screen / frame);
}

static int edge_up(int64_t at, int frame, int screen)
{
	return (int)((at * screen + frame - 1) / frame);
}

static struct rect area_of(const struct look *look, const int64_t *r)
{
	int x0 = edge_down(r[0], look->frame.width, look->screen.width);
	int y0 = edge_down(r[1], look->frame.height, look->screen.height);
	int x1 = edge_up(r[2], look->frame.width, look->screen.width);
	int y1 = edge_up(r[3], look->frame.height, look->screen.height);
	return (struct rect){ x0, y0, x1 - x0, y1 - y0 };
}

static struct size times(struct size size, double factor)
{
	int width = (int)lround(size.width * factor), height = (int)lround(size.height * factor);
	return (struct size){ width > 1 ? width : 1, height > 1 ? height : 1 };
}

static struct look look_make(struct observer *o, const struct observe *how, struct size frame)
{
	struct look look;
	memset(&look, 0, sizeof(look));
	look.frame = frame;
	look.screen = display_size(o->display);
	int64_t whole[4] = { 0, 0, frame.width, frame.height };
	const int64_t *region = how->region.count ? how->region.at : whole;
	look.area = area_of(&look, region);
	struct size cut = { (int)(region[2] - region[0]), (int)(region[3] - region[1]) };
	struct size on_screen = { look.area.width, look.area.height };
	look.want.size = times(how->fill ? geometry_fill(on_screen) : cut, how->scale);
	look.want.scale = (double)look.want.size.width / cut.width;
	look.want.format = how->format;
	look.want.quality = how->format == FORMAT_JPEG ? how->quality : 0;
	look.want.max_bytes = how->max_bytes;
	look.raw = how->raw;
	return look;
}

/* ---- image ---- */

static bool pack(
	struct observer *o, const struct image *raw, const struct look *look, struct frame *ret)
{
	ret->raw = raw->size;
	ret->image = (struct painted){ .size = look->want.size,
		.quality = look->want.quality,
		.scale = look->want.scale,
		.len = pixels_pack(&o->packed, raw) };
	ret->image.bytes = (const uint8_t *)o->packed.bytes;
	return ret->image.len > 0;
}

/* Pixels that do not fit a message are encoded as an image. */
static bool make(struct observer *o, const struct image *raw, const struct look *look,
	struct frame *ret, struct err *err)
{
	*ret = (struct frame){ .frame_id = look->frame_id, .format = (int)look->want.format };
	if (look->raw && pack(o, raw, look, ret)) {
		return true;
	}
	ret->raw = (struct size){ 0 };
	return painter_paint(o->painter, raw, &look->want, &ret->image, err);
}

bool observer_glance(struct observer *o, struct err *err)
{
	struct image ignored;
	struct rect corner = { 0, 0, CORNER, CORNER };
	return capture_grab(o->capture, corner, (struct point){ CORNER, CORNER }, &ignored, err);
}

static struct rect cut(struct rect r, struct size screen)
{
	int x0 = r.x > 0 ? r.x : 0, y0 = r.y > 0 ? r.y : 0;
	int x1 = r.x + r.width < screen.width ? r.x + r.width : screen.width;
	int y1 = r.y + r.height < screen.height ? r.y + r.height : screen.height;
	return (struct rect){ x0, y0, x1 > x0 ? x1 - x0 : 0, y1 > y0 ? y1 - y0 : 0 };
}

bool observer_is_plain(struct observer *o, struct rect area, bool *ret_plain, struct err *err)
{
	struct point nowhere = { -10000, -10000 };
	struct image image;
	area = cut(area, display_size(o->display));
	if (area.width == 0 || area.height == 0) {
		*ret_plain = false;
		return true;
	}
	if (!capture_grab(o->capture, area, nowhere, &image, err)) {
		return false;
	}
	bool plain = true;
	for (int y = 0; y < image.size.height && plain; y++) {
		const uint8_t *row = image.pixels + (size_t)y * image.stride;
		for (int x = 0; x < image.size.width && plain; x++) {
			plain = memcmp(row + (size_t)x * 4, image.pixels, 3) == 0;
		}
	}
	*ret_plain = plain;
	return true;
}

bool observer_frame(struct observer *o, struct input *in, const struct observe *how,
	struct size frame, struct frame *ret_frame, struct err *err)
{
	struct look look = look_make(o, how, frame);
	/* The round trip that updates the counters. */
	if (!input_pointer(in, &look.pointer, err)) {
		return false;
	}
	look.frame_id = display_frame_id(o->display);
	look.cursor_serial = display_cursor_serial(o->display);
	if (o->has_last && memcmp(&look, &o->look, sizeof(look)) == 0) {
		*ret_frame = o->last;
		return true;
	}
	struct image raw;
	o->has_last = false;
	if (!capture_grab(o->capture, look.area, look.pointer, &raw, err) ||
		!make(o, &raw, &look, &o->last, err)) {
		return false;
	}
	o->has_last = true;
	o->look = look;
	*ret_frame = o->last;
	return true;
}
