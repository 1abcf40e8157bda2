/* Thumbnails of sandboxes: always JPEG, whatever format the agent sent. */
#include "server/viewer/viewer_impl.h"

#include "base/cleanup.h"

#include <string.h>

struct taking {
	viewer_picture_fn *fn;
	void *data;
};

/* The bytes come from inside a sandbox. */
static bool is_jpeg(const struct guest_frame *frame)
{
	return frame->bytes && frame->len > 3 && memcmp(frame->bytes, "\xff\xd8\xff", 3) == 0;
}

static void on_look(const struct guest_act *res, const struct err *err, void *data)
{
	auto_free struct taking *taking = data;
	(void)err;
	taking->fn(res && is_jpeg(&res->frame) ? &res->frame : NULL, taking->data);
}

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
	return value < least ? least : value > most ? most : value;
}

/* Around the point, within the screen. */
static struct field_ints region_of(const struct viewer_picture *picture, struct size frame)
{
	int64_t width = clamp(picture->width, 1, frame.width);
	int64_t height = clamp(picture->height, 1, frame.height);
	int64_t x = clamp(picture->point.at[0] - width / 2, 0, frame.width - width);
	int64_t y = clamp(picture->point.at[1] - height / 2, 0, frame.height - height);
	return (struct field_ints){ 4, { x, y, x + width, y + height } };
}

static double scale_of(const struct viewer_picture *picture, struct size frame)
{
	double scale = (double)picture->width / frame.width;
	return scale > 1 ? 1 : scale < 0.1 ? 0.1 : scale;
}

void viewer_take_picture(
	struct vm *vm, const struct viewer_picture *picture, viewer_picture_fn *fn, void *data)
{
	struct observe observe;
	struct taking *taking = must(calloc(1, sizeof(*taking)));
	*taking = (struct taking){ fn, data };
	observe_init(&observe, OBSERVE_FRAME);
	observe.quality = 70;
	observe.max_bytes = picture->max_bytes;
	if (picture->point.count == 2) {
		observe.region = region_of(picture, vm_frame(vm));
	} else {
		observe.scale = scale_of(picture, vm_frame(vm));
	}
	guest_look(vm_guest(vm), &observe, on_look, taking);
}
