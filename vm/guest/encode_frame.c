/* An emulated agent takes half a second for a JPEG that the host encodes in 4 ms. */
#include "vm/guest/encode_frame.h"

#include "base/cleanup.h"
#include "base/work.h"
#include "vm/picture/paint.h"
#include "vm/picture/pixels.h"

#include <string.h>

struct guest_painting {
	struct guest_act act; /* points into the members below */
	json_t *json;
	uint8_t *packed;
	size_t packed_len;
	struct size raw;
	struct paint_want want;
	guest_act_fn *fn; /* NULL: no longer wanted */
	void *data;
	/* used by the thread until it has ended */
	struct painter *painter;
	struct painted image;
	struct err err; /* kind ERR_NONE: success */
};

static void paint_in_thread(void *data)
{
	struct guest_painting *p = data;
	struct image raw;
	if (!pixels_unpack(p->packed, p->packed_len, p->raw, &raw, &p->err)) {
		return;
	}
	p->painter = painter_new(&p->err);
	if (p->painter) {
		(void)!painter_paint(p->painter, &raw, &p->want, &p->image, &p->err);
	}
	free(raw.pixels);
}

static void report(struct guest_painting *p)
{
	struct guest_frame *frame = &p->act.frame;
	if (p->err.kind != ERR_NONE) {
		p->fn(NULL, &p->err, p->data);
		return;
	}
	frame->width = p->image.size.width;
	frame->height = p->image.size.height;
	frame->quality = p->image.quality;
	frame->scale = p->image.scale;
	frame->reduced = *p->image.reduced ? p->image.reduced : NULL;
	frame->bytes = p->image.bytes;
	frame->len = p->image.len;
	p->fn(&p->act, NULL, p->data);
}

static void on_painted(void *data)
{
	struct guest_painting *p = data;
	if (p->fn) {
		report(p);
	}
	painter_free(p->painter);
	json_decref(p->json);
	free(p->packed);
	free(p);
}

struct guest_painting *guest_paint(sd_event *event, const struct link_msg *msg,
	const struct guest_act *act, struct size raw, int64_t max_bytes, guest_act_fn *fn,
	void *data)
{
	const struct guest_frame *frame = &act->frame;
	struct guest_painting *p = must(calloc(1, sizeof(*p)));
	*p = (struct guest_painting){
		.act = *act,
		.json = json_incref((json_t *)msg->json),
		.packed = must(malloc(frame->len)),
		.packed_len = frame->len,
		.raw = raw,
		.want = { { (int)frame->width, (int)frame->height }, frame->format, frame->quality,
			max_bytes, frame->scale },
		.fn = fn,
		.data = data,
	};
	memcpy(p->packed, frame->bytes, frame->len);
	work_run(event, paint_in_thread, on_painted, p);
	return p;
}

void guest_painting_drop(struct guest_painting *painting)
{
	painting->fn = NULL;
}
