/* Captures and encodes images.  The last image is cached with all of its parameters. */
#include "vm/agent/act/observe.h"

#include "base/cleanup.h"
#include "vm/agent/x11/capture.h"
#include "vm/picture/paint.h"
#include "vm/picture/pixels.h"

#include <math.h>
#include <string.h>

#define CORNER 16 /* in pixels */

static const struct point nowhere = { -10000, -10000 };

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

void observer_renumber(struct observer *o, uint64_t newest, uint64_t frame_id)
{
	if (o->look.frame_id == newest) {
		o->look.frame_id = frame_id;
		o->last.frame_id = frame_id;
	}
}

/* ---- parameters ---- */

static struct size times(struct size size, double factor)
{
	int width = (int)lround(size.width * factor), height = (int)lround(size.height * factor);
	return (struct size){ width > 1 ? width : 1, height > 1 ? height : 1 };
}

/* cut: the size in the frame space; full: the size at scale 1. */
static struct paint_want want_of(const struct observe *how, struct size cut, struct size full)
{
	struct paint_want want = {
		.size = times(full, how->scale),
		.format = how->format,
		.quality = how->format == FORMAT_JPEG ? how->quality : 0,
		.max_bytes = how->max_bytes,
	};
	want.scale = (double)want.size.width / cut.width;
	return want;
}

static struct look look_make(struct observer *o, const struct observe *how, struct size frame)
{
	struct look look;
	memset(&look, 0, sizeof(look));
	look.frame = frame;
	look.screen = display_size(o->display);
	int64_t whole[4] = { 0, 0, frame.width, frame.height };
	const int64_t *region = how->region.count ? how->region.at : whole;
	look.area = geometry_region_to_screen(&how->region, frame, look.screen);
	struct size cut = { (int)(region[2] - region[0]), (int)(region[3] - region[1]) };
	struct size on_screen = { look.area.width, look.area.height };
	look.want = want_of(how, cut, how->fill ? geometry_fill(on_screen) : cut);
	look.raw = how->raw;
	return look;
}

/* With a round trip, which updates the counters and the size. */
static bool look_begin(struct observer *o, struct input *in, const struct observe *how,
	struct size frame, struct look *ret, struct err *err)
{
	struct point pointer;
	if (!input_pointer(in, &pointer, err)) {
		return false;
	}
	if (!size_equal(frame, geometry_fit(display_size(o->display)))) {
		return err_set(err, ERR_STATE, "the display is being resized; try again");
	}
	*ret = look_make(o, how, frame);
	ret->pointer = pointer;
	ret->frame_id = display_frame_id(o->display);
	return true;
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

/* corner: of the image on the screen.  Digits have their size when it has been scaled. */
static void draw_marks(const struct image *to, struct point corner, const struct look *look,
	const struct marks_read *marks)
{
	double shrinks = (double)to->size.width / look->want.size.width;
	auto_free struct picture_mark *moved =
		must(calloc(marks->n ? marks->n : 1, sizeof(*moved)));
	for (size_t i = 0; i < marks->n; i++) {
		moved[i] = marks->marks[i];
		moved[i].box.x -= corner.x;
		moved[i].box.y -= corner.y;
	}
	picture_marks_draw(to, moved, marks->n, shrinks > 1.3 ? (int)ceil(shrinks) : 1);
}

bool observer_picture(struct observer *o, const struct image *picture, struct point corner,
	const struct observe *how, struct size frame, const struct marks_read *marks,
	struct frame *ret_frame, struct err *err)
{
	struct look look;
	memset(&look, 0, sizeof(look));
	look.screen = display_size(o->display);
	struct rect place = { 0, 0, picture->size.width, picture->size.height };
	place = geometry_place_to_frame(place, frame, look.screen);
	struct size size = { place.width, place.height };
	look.frame_id = display_frame_id(o->display);
	look.want = want_of(how, size, size);
	look.raw = how->raw;
	o->has_last = false; /* its bytes are those of the encoder */
	draw_marks(picture, corner, &look, marks);
	return make(o, picture, &look, ret_frame, err);
}

bool observer_marked_frame(struct observer *o, struct input *in, const struct observe *how,
	struct size frame, const struct marks_read *marks, struct frame *ret_frame, struct err *err)
{
	struct look look;
	struct image raw;
	o->has_last = false;
	if (!look_begin(o, in, how, frame, &look, err)) {
		return false;
	}
	if (!capture_grab(o->capture, look.area, look.pointer, &raw, err)) {
		return false;
	}
	draw_marks(&raw, (struct point){ look.area.x, look.area.y }, &look, marks);
	return make(o, &raw, &look, ret_frame, err);
}

bool observer_glance(struct observer *o, struct err *err)
{
	struct image ignored;
	struct rect corner =
		rect_clip((struct rect){ 0, 0, CORNER, CORNER }, display_size(o->display));
	return capture_grab(o->capture, corner, (struct point){ CORNER, CORNER }, &ignored, err);
}

bool observer_pixels(struct observer *o, struct rect area, struct image *ret_image, struct err *err)
{
	return capture_grab(o->capture, area, nowhere, ret_image, err);
}

bool observer_is_plain(struct observer *o, struct rect area, bool *ret_plain, struct err *err)
{
	struct image image;
	area = rect_clip(area, display_size(o->display));
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
	struct look look;
	if (!look_begin(o, in, how, frame, &look, err)) {
		return false;
	}
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
