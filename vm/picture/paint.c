/* Scaling and encoding with buffers that are used again and again.  What does not fit loses quality
 * first, then size. */
#include "vm/picture/paint.h"

#include "base/cleanup.h"
#include "vm/picture/encode.h"

#include <math.h>
#include <stdio.h>

#define QUALITY_LEAST 30
#define QUALITY_STEP 15
#define ROUNDS_MAX 24
#define EDGE_LEAST 16 /* an image shrinks no further */

struct painter {
	struct encoder *encoder;
	struct image scaled; /* pixels owned */
	size_t scaled_size;
};

struct painter *painter_new(struct err *err)
{
	struct encoder *encoder = encoder_new(err);
	if (!encoder) {
		return NULL;
	}
	struct painter *p = must(calloc(1, sizeof(*p)));
	p->encoder = encoder;
	return p;
}

void painter_free(struct painter *p)
{
	if (p) {
		encoder_free(p->encoder);
		free(p->scaled.pixels);
		free(p);
	}
}

static const struct image *resize(struct painter *p, const struct image *raw, struct size size)
{
	if (raw->size.width == size.width && raw->size.height == size.height) {
		return raw;
	}
	size_t need = (size_t)size.width * (size_t)size.height * 4;
	if (p->scaled_size < need) {
		free(p->scaled.pixels);
		p->scaled.pixels = must(malloc(need));
		p->scaled_size = need;
	}
	p->scaled.size = size;
	p->scaled.stride = (size_t)size.width * 4;
	image_scale(raw, &p->scaled);
	return &p->scaled;
}

static void say_reduced(struct painted *to, const struct paint_want *want)
{
	char quality[64] = "", size[80] = "";
	if (to->quality != want->quality) {
		snprintf(quality, sizeof(quality), "JPEG quality %lld instead of %lld",
			(long long)to->quality, (long long)want->quality);
	}
	if (to->size.width != want->size.width || to->size.height != want->size.height) {
		snprintf(size, sizeof(size), "%dx%d instead of %dx%d pixels", to->size.width,
			to->size.height, want->size.width, want->size.height);
	}
	if (*quality || *size) {
		snprintf(to->reduced, sizeof(to->reduced), "%s%s%s, to stay within %lld bytes.",
			quality, *quality && *size ? " and " : "", size,
			(long long)want->max_bytes);
	}
}

static struct size times(struct size size, double factor)
{
	int width = (int)lround(size.width * factor), height = (int)lround(size.height * factor);
	return (struct size){ width > 1 ? width : 1, height > 1 ? height : 1 };
}

/* The next, smaller try. */
static bool reduce(const struct paint_want *want, struct painted *to, double *shrink, size_t len)
{
	if (want->format == FORMAT_JPEG && to->quality > QUALITY_LEAST) {
		int64_t next = to->quality - QUALITY_STEP;
		to->quality = next > QUALITY_LEAST ? next : QUALITY_LEAST;
		return true;
	}
	double fits = sqrt((double)want->max_bytes / (double)len) * 0.95;
	*shrink *= fits < 0.95 ? fits : 0.95;
	to->size = times(want->size, *shrink);
	return to->size.width >= EDGE_LEAST && to->size.height >= EDGE_LEAST;
}

static bool encode(struct painter *p, const struct image *image, int64_t format, int64_t quality,
	struct encoded *ret, struct err *err)
{
	return format == FORMAT_PNG ? encoder_png(p->encoder, image, ret, err)
				    : encoder_jpeg(p->encoder, image, (int)quality, ret, err);
}

bool painter_paint(struct painter *p, const struct image *raw, const struct paint_want *want,
	struct painted *ret, struct err *err)
{
	double shrink = 1;
	struct encoded encoded;
	struct painted to = { .size = want->size, .quality = want->quality };
	for (int i = 0; i < ROUNDS_MAX; i++) {
		if (!encode(p, resize(p, raw, to.size), want->format, to.quality, &encoded, err)) {
			return false;
		}
		if (want->max_bytes <= 0 || encoded.len <= (size_t)want->max_bytes) {
			to.bytes = encoded.bytes;
			to.len = encoded.len;
			to.scale = want->scale * to.size.width / want->size.width;
			say_reduced(&to, want);
			*ret = to;
			return true;
		}
		if (!reduce(want, &to, &shrink, encoded.len)) {
			break;
		}
	}
	return err_set(err, ERR_LIMIT, "the image does not fit %lld bytes at any size",
		(long long)want->max_bytes);
}
