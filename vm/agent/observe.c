/* From "what to show" to an image.  The last image is kept with all it depended on, and answers
 * again as it is. */
#include "vm/agent/observe.h"

#include "base/cleanup.h"
#include "vm/agent/capture.h"
#include "vm/agent/encode.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define QUALITY_LEAST 30
#define QUALITY_STEP 15
#define ROUNDS_MAX 24
#define EDGE_LEAST 16 /* an image shrinks no further */
#define CORNER 16     /* pixels; every screen is larger */

/* All that an image depends on; without padding, so that memcmp compares. */
struct look {
	uint64_t frame_id, cursor_serial;
	struct point pointer;
	struct size frame, screen;
	struct rect area; /* screen pixels */
	struct size size; /* of the image asked for */
	int64_t quality, max_bytes;
	double scale;
	int64_t format;
};

struct observer {
	struct display *display;
	struct capture *capture;
	struct encoder *encoder;
	struct image scaled; /* pixels owned */
	size_t scaled_size;
	bool has_last;
	struct look look;
	struct frame last;
};

struct observer *observer_new(struct display *d, struct err *err)
{
	struct observer *o = must(calloc(1, sizeof(*o)));
	o->display = d;
	o->capture = capture_new(d, err);
	o->encoder = o->capture ? encoder_new(err) : NULL;
	if (!o->encoder) {
		observer_free(o);
		return NULL;
	}
	return o;
}

void observer_free(struct observer *o)
{
	if (o) {
		capture_free(o->capture);
		encoder_free(o->encoder);
		free(o->scaled.pixels);
		free(o);
	}
}

/* ---- what to show ---- */

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
			"y1 <= %d; "
			"it is [%lld, %lld, %lld, %lld]",
			frame.width, frame.height, (long long)r[0], (long long)r[1],
			(long long)r[2], (long long)r[3]);
	}
	return true;
}

/* From an edge of the frame space to one of the screen; both ends are kept, and no pixel is lost.
 */
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
	look.size = times(how->fill ? geometry_fill(on_screen) : cut, how->scale);
	look.scale = (double)look.size.width / cut.width;
	look.format = how->format;
	look.quality = how->format == FORMAT_JPEG ? how->quality : 0;
	look.max_bytes = how->max_bytes;
	return look;
}

/* ---- making the image ---- */

static const struct image *resize(struct observer *o, const struct image *raw, struct size size)
{
	if (raw->size.width == size.width && raw->size.height == size.height) {
		return raw;
	}
	size_t need = (size_t)size.width * (size_t)size.height * 4;
	if (o->scaled_size < need) {
		free(o->scaled.pixels);
		o->scaled.pixels = must(malloc(need));
		o->scaled_size = need;
	}
	o->scaled.size = size;
	o->scaled.stride = (size_t)size.width * 4;
	image_scale(raw, &o->scaled);
	return &o->scaled;
}

static void say_reduced(struct frame *f, const struct look *look)
{
	char quality[64] = "", size[80] = "";
	if (f->quality != look->quality) {
		snprintf(quality, sizeof(quality), "JPEG quality %lld instead of %lld",
			(long long)f->quality, (long long)look->quality);
	}
	if (f->size.width != look->size.width || f->size.height != look->size.height) {
		snprintf(size, sizeof(size), "%dx%d instead of %dx%d pixels", f->size.width,
			f->size.height, look->size.width, look->size.height);
	}
	if (*quality || *size) {
		snprintf(f->reduced, sizeof(f->reduced), "%s%s%s, to stay within %lld bytes.",
			quality, *quality && *size ? " and " : "", size,
			(long long)look->max_bytes);
	}
}

/* The next, smaller try: quality first, then size. */
static bool reduce(const struct look *look, struct frame *f, double *shrink, size_t len)
{
	if (look->format == FORMAT_JPEG && f->quality > QUALITY_LEAST) {
		int64_t next = f->quality - QUALITY_STEP;
		f->quality = next > QUALITY_LEAST ? next : QUALITY_LEAST;
		return true;
	}
	double fits = sqrt((double)look->max_bytes / (double)len) * 0.95;
	*shrink *= fits < 0.95 ? fits : 0.95;
	f->size = times(look->size, *shrink);
	return f->size.width >= EDGE_LEAST && f->size.height >= EDGE_LEAST;
}

static bool encode(struct observer *o, const struct image *image, const struct frame *f,
	struct encoded *ret, struct err *err)
{
	return f->format == FORMAT_PNG ? encoder_png(o->encoder, image, ret, err)
				       : encoder_jpeg(o->encoder, image, (int)f->quality, ret, err);
}

static bool encode_within(struct observer *o, const struct image *raw, const struct look *look,
	struct frame *f, struct err *err)
{
	double shrink = 1;
	struct encoded encoded;
	for (int i = 0; i < ROUNDS_MAX; i++) {
		if (!encode(o, resize(o, raw, f->size), f, &encoded, err)) {
			return false;
		}
		if (look->max_bytes <= 0 || encoded.len <= (size_t)look->max_bytes) {
			f->bytes = encoded.bytes;
			f->len = encoded.len;
			f->scale = look->scale * f->size.width / look->size.width;
			say_reduced(f, look);
			return true;
		}
		if (!reduce(look, f, &shrink, encoded.len)) {
			break;
		}
	}
	return err_set(err, ERR_LIMIT, "the image does not fit %lld bytes at any size",
		(long long)look->max_bytes);
}

bool observer_glance(struct observer *o, struct err *err)
{
	struct image ignored;
	struct rect corner = { 0, 0, CORNER, CORNER };
	return capture_grab(o->capture, corner, (struct point){ CORNER, CORNER }, &ignored, err);
}

bool observer_frame(struct observer *o, struct input *in, const struct observe *how,
	struct size frame, struct frame *ret_frame, struct err *err)
{
	struct look look = look_make(o, how, frame);
	/* The one round trip that makes the counters true. */
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
	struct frame f = { look.frame_id, look.size, how->format, look.quality, look.scale, "",
		NULL, 0 };
	o->has_last = false;
	if (!capture_grab(o->capture, look.area, look.pointer, &raw, err) ||
		!encode_within(o, &raw, &look, &f, err)) {
		return false;
	}
	o->has_last = true;
	o->look = look;
	*ret_frame = o->last = f;
	return true;
}
