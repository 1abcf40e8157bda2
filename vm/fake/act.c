/* The fake agent's `act`: runs the list action by action, with real timers for waits, one list with
 * input at a time. */

#include "vm/fake/fake.h"

#include "base/cleanup.h"
#include "base/field.h"
#include "base/loop.h"

#include <string.h>

struct fake_act {
	struct action actions[ACTION_LIST_MAX];
	size_t n, at;
	struct observe observe;
	json_t *done;
	int64_t first_frame;
	uint64_t action_us, settle_us;
	bool needs_input, waiting;
};

static void run(struct fake_request *req);

static bool decode_actions(struct fake_request *req, const json_t *list, struct err *err)
{
	struct fake_act *act = req->act;
	if (!json_is_array(list) || json_array_size(list) > ACTION_LIST_MAX) {
		return err_set(err, ERR_ARGUMENT, "'actions' must be a list of at most %d actions",
			ACTION_LIST_MAX);
	}
	act->n = json_array_size(list);
	for (size_t i = 0; i < act->n; i++) {
		if (!action_decode(json_array_get(list, i), &act->actions[i], err) ||
			!fake_desktop_check(&req->fake->desktop, &act->actions[i], err)) {
			return act->n > 1 ? err_while(err, "action %zu", i + 1) : false;
		}
		act->needs_input |= action_is_input(&act->actions[i]);
	}
	return true;
}

static bool check_region(struct fake_request *req, const struct observe *observe, struct err *err)
{
	const int64_t *at = observe->region.at;
	struct size size = req->fake->desktop.frame;
	if (observe->region.count && (at[0] < 0 || at[1] < 0 || at[0] >= at[2] || at[1] >= at[3] ||
					     at[2] > size.width || at[3] > size.height)) {
		return err_set(err, ERR_ARGUMENT,
			"'region' must be [x0, y0, x1, y1] with 0 <= x0 < x1 <= %d and 0 <= y0 < "
			"y1 <= %d; got [%lld, %lld, %lld, %lld]",
			size.width, size.height, (long long)at[0], (long long)at[1],
			(long long)at[2], (long long)at[3]);
	}
	return true;
}

/* ---- observation ---- */

static struct size image_size(const struct fake_request *req)
{
	const struct observe *o = &req->act->observe;
	struct size size = req->fake->desktop.frame;
	if (o->region.count) {
		size.width = (int)(o->region.at[2] - o->region.at[0]);
		size.height = (int)(o->region.at[3] - o->region.at[1]);
	}
	if (o->fill) {
		return geometry_fill(size);
	}
	size.width = (int)(size.width * o->scale + 0.5);
	size.height = (int)(size.height * o->scale + 0.5);
	return (struct size){ size.width ? size.width : 1, size.height ? size.height : 1 };
}

static json_t *take_frame(const struct fake_request *req, struct buf *image)
{
	const struct observe *o = &req->act->observe;
	struct size size = image_size(req), full = size;
	fake_image(image, (enum observe_format)o->format, size);
	while (o->max_bytes && image->len > (size_t)o->max_bytes && size.width > 16 &&
		size.height > 16) {
		buf_done(image);
		size = (struct size){ size.width / 2, size.height / 2 };
		fake_image(image, (enum observe_format)o->format, size);
	}
	json_t *frame = json_pack("{s:I, s:i, s:i, s:s, s:f}", "frame_id",
		(json_int_t)req->fake->desktop.frame_id, "width", size.width, "height", size.height,
		"format", observe_format_words[o->format], "scale",
		o->scale * size.width / full.width);
	if (o->format == FORMAT_JPEG) {
		json_object_set_new(frame, "quality", json_integer(o->quality));
	}
	if (size.width != full.width) {
		json_object_set_new(frame, "reduced",
			json_sprintf(
				"It was scaled down from %dx%d to fit.", full.width, full.height));
	}
	return frame;
}

static void finish(struct fake_request *req)
{
	struct fake_act *act = req->act;
	const struct fake_desktop *desktop = &req->fake->desktop;
	auto_buf struct buf image = { 0 };
	json_t *result = json_pack("{s:O, s:[i,i], s:I, s:b}", "done", act->done, "pointer",
		desktop->pointer.x, desktop->pointer.y, "frame_id", (json_int_t)desktop->frame_id,
		"changed", desktop->frame_id != act->first_frame);
	if (act->observe.mode == OBSERVE_SETTLED) {
		json_object_set_new(result, "settled",
			json_boolean(act->observe.quiet_ms <= act->observe.timeout_ms));
		json_object_set_new(result, "waited_ms",
			json_integer((json_int_t)(loop_now_us() - act->settle_us) / 1000));
	}
	if (act->observe.mode != OBSERVE_NONE) {
		json_object_set_new(result, "frame", take_frame(req, &image));
	}
	fake_reply(req, result, image.data, image.len);
}

/* ---- actions ---- */

static int on_settled(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	finish(data);
	return 0;
}

static void look(struct fake_request *req)
{
	const struct observe *o = &req->act->observe;
	if (o->mode == OBSERVE_SETTLED) {
		req->act->settle_us = loop_now_us();
		fake_after(
			req, o->quiet_ms < o->timeout_ms ? o->quiet_ms : o->timeout_ms, on_settled);
	} else {
		finish(req);
	}
}

static void action_over(struct fake_request *req, int64_t chars)
{
	struct fake_act *act = req->act;
	json_t *done =
		json_pack("{s:I}", "ms", (json_int_t)(loop_now_us() - act->action_us) / 1000);
	if (act->actions[act->at].kind == ACTION_TYPE) {
		json_object_set_new(done, "chars", json_integer(chars));
	}
	json_array_append_new(act->done, done);
	act->at++;
}

static int on_time_over(sd_event_source *source, uint64_t usec, void *data)
{
	struct fake_request *req = data;
	(void)source;
	(void)usec;
	action_over(req, 0);
	run(req);
	return 0;
}

static bool takes_time(const struct action *a)
{
	return a->kind == ACTION_WAIT || a->kind == ACTION_HOLD_KEY;
}

/* The key "fail" is the only action that fails while running; real desktops have many. */
static bool fails(const struct action *a)
{
	return a->kind == ACTION_TYPE && strcmp(a->text, "fail here") == 0;
}

static void fail_in_the_middle(struct fake_request *req)
{
	struct fake_act *act = req->act;
	const struct fake_desktop *desktop = &req->fake->desktop;
	fake_reply(req,
		json_pack("{s:O, s:{s:I, s:s, s:s}, s:[i,i], s:I, s:b}", "done", act->done,
			"failed", "index", (json_int_t)act->at, "kind", err_kind_word(ERR_STATE),
			"text", "the fake desktop was asked to fail here", "pointer",
			desktop->pointer.x, desktop->pointer.y, "frame_id",
			(json_int_t)desktop->frame_id, "changed",
			desktop->frame_id != act->first_frame),
		NULL, 0);
}

static void run(struct fake_request *req)
{
	struct fake_act *act = req->act;
	struct fake_vm *fake = req->fake;
	while (act->at < act->n) {
		const struct action *a = &act->actions[act->at];
		act->action_us = loop_now_us();
		if (fails(a)) {
			fail_in_the_middle(req);
			return;
		}
		int64_t chars = fake_desktop_do(&fake->desktop, a);
		if (action_is_input(a)) {
			fake_changed(fake);
		}
		if (takes_time(a)) {
			fake_after(req, a->ms, on_time_over);
			return;
		}
		action_over(req, chars);
	}
	look(req);
}

static void begin(struct fake_request *req)
{
	req->act->waiting = false;
	req->act->first_frame = req->fake->desktop.frame_id;
	run(req);
}

/* Gives the input to the next list in order of arrival, from the loop: this one is still being
 * freed. */
static int on_turn(sd_event_source *source, uint64_t usec, void *data)
{
	struct fake_request *req = data;
	(void)source;
	(void)usec;
	loop_drop(&req->timer);
	begin(req);
	return 0;
}

static void act_done(struct fake_request *req)
{
	struct fake_vm *fake = req->fake;
	struct fake_request *next;
	json_decref(req->act->done);
	free(req->act);
	if (fake->acting != req) {
		return;
	}
	fake->acting = NULL;
	TAILQ_FOREACH(next, &fake->requests, entry)
	{
		if (next->act && next->act->waiting) {
			fake->acting = next;
			fake_after(next, 0, on_turn);
			break;
		}
	}
}

bool fake_act(struct fake_request *req, struct err *err)
{
	struct fake_vm *fake = req->fake;
	const struct msg_act *args = req->args;
	struct fake_act *act = req->act = must(calloc(1, sizeof(*act)));
	act->done = must(json_array());
	req->done = act_done;
	if (!decode_actions(req, args->actions, err) ||
		!field_decode(observe_fields, args->observe, &act->observe, err) ||
		!check_region(req, &act->observe, err)) {
		return false;
	}
	act->waiting = act->needs_input && fake->acting;
	if (act->waiting) {
		return true;
	}
	if (act->needs_input) {
		fake->acting = req;
	}
	begin(req);
	return true;
}
