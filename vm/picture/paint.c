/* Scales and encodes with reused buffers.  If the image is too large, first the quality and then
 * the size is reduced; then it gets the best quality that fits, so that a higher requested quality
 * never gives a worse image. */
#include "vm/picture/paint.h"

#include "base/cleanup.h"
#include "vm/picture/encode.h"

#include <math.h>
#include <stdio.h>

#define QUALITY_LEAST 30
#define ROUNDS_MAX 24
#define EDGE_LEAST 16 /* minimum size of an image */

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

static void describe_reduced(struct painted *to, const struct paint_want *want)
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

static bool encode(struct painter *p, const struct image *image, int64_t format, int64_t quality,
	struct encoded *ret, struct err *err)
{
	return format == FORMAT_PNG ? encoder_png(p->encoder, image, ret, err)
				    : encoder_jpeg(p->encoder, image, (int)quality, ret, err);
}

/* An image being fitted into its limit of bytes. */
struct fit {
	struct painter *painter;
	const struct image *raw;
	const struct paint_want *want;
	struct painted to;
	struct encoded encoded;
	int64_t encoded_quality; /* of the current encoding */
	struct err *err;
};

static bool try(struct fit *f, int64_t quality, bool *ret_fits)
{
	const struct image *image = resize(f->painter, f->raw, f->to.size);
	if (!encode(f->painter, image, f->want->format, quality, &f->encoded, f->err)) {
		return false;
	}
	f->encoded_quality = quality;
	*ret_fits = f->want->max_bytes <= 0 || f->encoded.len <= (size_t)f->want->max_bytes;
	if (*ret_fits) {
		f->to.quality = quality;
	}
	return true;
}

/* At that quality, until it fits. */
static bool shrink_until(struct fit *f, int64_t quality)
{
	double factor = 1;
	bool fits = false;
	for (int i = 0; i < ROUNDS_MAX; i++) {
		if (!try(f, quality, &fits)) {
			return false;
		}
		if (fits) {
			return true;
		}
		double by = sqrt((double)f->want->max_bytes / (double)f->encoded.len) * 0.95;
		factor *= by < 0.95 ? by : 0.95;
		f->to.size = times(f->want->size, factor);
		if (f->to.size.width < EDGE_LEAST || f->to.size.height < EDGE_LEAST) {
			break;
		}
	}
	return err_set(f->err, ERR_LIMIT, "the image does not fit into %lld bytes at any size",
		(long long)f->want->max_bytes);
}

/* Finds the best quality that fits, whatever was requested: low fits, high does not. */
static bool raise_quality(struct fit *f, int64_t low, int64_t high)
{
	bool fits = true;
	while (high - low > 1) {
		int64_t middle = (low + high) / 2;
		if (!try(f, middle, &fits)) {
			return false;
		}
		low = fits ? middle : low;
		high = fits ? high : middle;
	}
	return f->encoded_quality == low || try(f, low, &fits);
}

static bool make_fit(struct fit *f)
{
	bool fits;
	int64_t wish = f->want->quality, least = wish < QUALITY_LEAST ? wish : QUALITY_LEAST;
	if (f->want->format == FORMAT_PNG) {
		return shrink_until(f, wish);
	}
	if (!try(f, wish, &fits)) {
		return false;
	}
	if (fits) {
		return true;
	}
	return shrink_until(f, least) && raise_quality(f, least, wish + 1);
}

bool painter_paint(struct painter *p, const struct image *raw, const struct paint_want *want,
	struct painted *ret, struct err *err)
{
	struct fit f = { .painter = p, .raw = raw, .want = want, .err = err };
	f.to = (struct painted){ .size = want->size, .quality = want->quality };
	if (!make_fit(&f)) {
		return false;
	}
	f.to.bytes = f.encoded.bytes;
	f.to.len = f.encoded.len;
	f.to.scale = want->scale * f.to.size.width / want->size.width;
	describe_reduced(&f.to, want);
	*ret = f.to;
	return true;
}
