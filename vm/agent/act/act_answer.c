/* The answer of the operation `act`: the pointer position, what has changed, and an image. */
#include "vm/agent/act/act_impl.h"

#include "base/cleanup.h"
#include "vm/agent/x11/settle.h"
#include "vm/agent/x11/windows.h"
#include "vm/wire/messages.h"

#define TRIES 3 /* to capture a display that is being resized */

/* What there is to answer with. */
struct looked {
	const struct frame *frame;            /* NULL: no image */
	const struct observe *how;            /* of it */
	const struct window_picture *picture; /* if it is of a window */
	struct rect aside;                    /* of the screen: what changed, but is not in it */
};

static struct field_ints to_frame(struct act *act, struct rect area)
{
	return rect_edges(geometry_rect_to_frame(
		area, act->queue->agent->frame, display_size(act->queue->seat->display)));
}

static json_t *describe_frame(struct act *act, const struct looked *looked)
{
	const struct frame *f = looked->frame;
	const struct size *size = &f->image.size, *raw = &f->raw;
	const struct window_picture *of = looked->picture;
	const struct msg_frame frame = {
		.frame_id = (int64_t)f->frame_id,
		.width = size->width,
		.height = size->height,
		.format = f->format,
		.quality = f->format == FORMAT_JPEG ? f->image.quality : 0,
		.scale = f->image.scale,
		.reduced = *f->image.reduced ? f->image.reduced : NULL,
		.raw = { raw->width ? 2 : 0, { raw->width, raw->height } },
		.region =
			looked->how->only_changes ? looked->how->region : (struct field_ints){ 0 },
		.aside = looked->aside.width ? to_frame(act, looked->aside)
					     : (struct field_ints){ 0 },
		.place =
			of ? rect_edges(geometry_place_to_frame(of->place, act->queue->agent->frame,
				     display_size(act->queue->seat->display)))
			   : (struct field_ints){ 0 },
		.covered = of && of->covered,
		.partial = of && of->partial,
		.title = of ? of->title : NULL,
	};
	return must(field_encode(msg_frame_fields, &frame));
}

static json_t *describe(struct act *act, struct point pointer, const struct looked *looked)
{
	struct act_queue *q = act->queue;
	struct rect ignored;
	bool awaited = act->observe.mode == OBSERVE_SETTLED && !act->failed;
	uint64_t frame_id = display_frame_id(q->seat->display);
	pointer = geometry_to_frame(pointer, q->agent->frame, display_size(q->seat->display));
	json_auto_t *moving = awaited ? settle_encode_moving(act->settle, q->agent->frame) : NULL;
	json_auto_t *described = looked->frame ? describe_frame(act, looked) : NULL;
	const struct msg_act_answer answer = {
		.done = act->runner.done,
		.failed = act->failed,
		.pointer = { 2, { pointer.x, pointer.y } },
		.frame_id = (int64_t)frame_id,
		.changed = changes_since(q->seat->changes, act->since, &ignored),
		.settled = awaited && act->settled.settled && !act->blank,
		.blank = awaited && act->blank,
		.moving = moving,
		.waited_ms = awaited ? act->settled.waited_ms : 0,
		.frame = described,
		.marks = act->marks.rows,
		.marks_found = act->marks.found,
		.marks_note = act->marks.note,
	};
	return must(message_encode(&message_act.answer, &answer));
}

bool act_wants_image(struct act *act, struct observe *ret, struct rect *ret_aside)
{
	struct act_queue *q = act->queue;
	struct rect area, panels[CHANGES_PANELS_MAX];
	*ret = act->observe;
	*ret_aside = (struct rect){ 0 };
	if (ret->mode == OBSERVE_NONE || !(ret->since || ret->only_changes)) {
		return ret->mode != OBSERVE_NONE;
	}
	size_t n = ret->only_changes ? windows_panels(q->seat->display, panels, CHANGES_PANELS_MAX)
				     : 0;
	bool changed = changes_beside(q->seat->changes, act->since, panels, n, &area, ret_aside);
	if (changed && ret->only_changes) {
		ret->region = to_frame(act, area);
	}
	return changed;
}

static void reply(struct act *act, struct point pointer, const struct looked *looked)
{
	const struct painted *image = looked->frame ? &looked->frame->image : NULL;
	json_t *result = describe(act, pointer, looked);
	struct request *req = act->req;
	act_free(act);
	request_reply(req, result, image ? image->bytes : NULL, image ? image->len : 0);
}

/* ---- of a window ---- */

/* It was clipped to the size that the screen had when the window was measured. */
static bool fits_screen(struct act *act, const struct image *image, struct err *err)
{
	struct size screen = display_size(act->queue->seat->display);
	return (image->size.width <= screen.width && image->size.height <= screen.height) ||
	       err_set(err, ERR_STATE, "the display became smaller meanwhile; try again");
}

static void on_shot(const struct window_picture *picture, const struct err *err, void *data)
{
	struct act *act = data;
	struct act_queue *q = act->queue;
	struct frame frame = { 0 };
	struct point pointer = { 0 };
	struct err why = { 0 };
	if (err || !input_pointer(act_input(act), &pointer, &why) ||
		!fits_screen(act, &picture->image, &why) ||
		!observer_picture(q->seat->observer, &picture->image,
			(struct point){ picture->place.x, picture->place.y }, &act->observe,
			q->agent->frame, &act->marks, &frame, &why)) {
		act_end(act, err ? err : &why);
		return;
	}
	reply(act, pointer, &(struct looked){ &frame, &act->observe, picture, { 0 } });
}

/* ---- of the screen ---- */

static bool take_frame(
	struct act *act, const struct observe *how, struct frame *ret, struct err *err)
{
	struct act_queue *q = act->queue;
	struct observer *o = q->seat->observer;
	if (!geometry_check_region(&how->region, q->agent->frame, err)) {
		return false; /* the display was resized since the request */
	}
	return how->marks_ms ? observer_marked_frame(o, act_input(act), how, q->agent->frame,
				       &act->marks, ret, err)
			     : observer_frame(o, act_input(act), how, q->agent->frame, ret, err);
}

static void answer(struct act *act, int tries)
{
	struct err err = { 0 };
	struct act_queue *q = act->queue;
	struct frame frame = { 0 };
	struct point pointer = { 0 };
	struct rect aside;
	struct observe how;
	if (!input_pointer(act_input(act), &pointer, &err)) {
		act_end(act, &err);
		return;
	}
	struct size frame_space = q->agent->frame;
	bool looks = act_wants_image(act, &how, &aside);
	if (looks && act_read_marks(act)) {
		return;
	}
	if (looks && how.of_window) {
		act->shot = window_shot_new(q->seat->display, (uint32_t)how.of_window,
			(uint64_t)how.quiet_ms, on_shot, act, &err);
		if (!act->shot) {
			act_end(act, &err);
		}
		return;
	}
	if (looks && !take_frame(act, &how, &frame, &err)) {
		/* Resized in between: the pointer, the region and the image must be of one size. */
		display_catch_up(q->seat->display);
		if (tries > 1 && !size_equal(frame_space, q->agent->frame)) {
			answer(act, tries - 1);
		} else {
			act_end(act, &err);
		}
		return;
	}
	reply(act, pointer, &(struct looked){ looks ? &frame : NULL, &how, NULL, aside });
}

void act_answer(struct act *act)
{
	answer(act, TRIES);
}
