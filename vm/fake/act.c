/* The fake agent's `act`: runs the list action by action, with real timers for waits, one list with
 * input at a time. */

#include "vm/fake/fake.h"

#include "base/cleanup.h"
#include "base/field.h"
#include "base/loop.h"

#include <stdio.h>
#include <string.h>

struct fake_act {
	struct action actions[ACTION_LIST_MAX];
	size_t n, at;
	struct observe observe;
	json_t *done;
	struct fake_window window; /* of the image, if one is */
	struct rect place;         /* its */
	struct size screen;        /* that the points refer to */
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

/* ---- observation ---- */

static struct size image_size(const struct fake_request *req)
{
	const struct observe *o = &req->act->observe;
	struct size size = req->fake->desktop.frame;
	if (o->of_window) {
		size = (struct size){ req->act->place.width, req->act->place.height };
	} else if (o->region.count) {
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

/* Each change of the fake desktop is one of the whole screen. */
static bool has_changed(const struct fake_request *req)
{
	int64_t since = req->act->observe.since;
	return req->fake->desktop.frame_id > (since ? since : req->act->first_frame);
}

static bool is_image_wanted(const struct fake_request *req)
{
	const struct observe *o = &req->act->observe;
	return o->mode != OBSERVE_NONE && (has_changed(req) || !(o->since || o->only_changes));
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
	char reduced[60];
	snprintf(reduced, sizeof(reduced), "It was scaled down from %dx%d to fit.", full.width,
		full.height);
	const struct msg_frame frame = {
		.frame_id = req->fake->desktop.frame_id,
		.width = size.width,
		.height = size.height,
		.format = o->format,
		.quality = o->format == FORMAT_JPEG ? o->quality : 0,
		.scale = o->scale * size.width / full.width,
		.region = { o->only_changes ? 4 : 0,
			{ 0, 0, req->fake->desktop.frame.width, req->fake->desktop.frame.height } },
		.reduced = size.width != full.width ? reduced : NULL,
		.place = o->of_window ? rect_edges(req->act->place) : (struct field_ints){ 0 },
		.covered = o->of_window && !fake_window_is_top(&req->fake->desktop, o->of_window),
		.title = req->act->window.title,
	};
	return must(field_encode(msg_frame_fields, &frame));
}

static bool find_window(struct fake_request *req, struct err *err)
{
	int64_t id = req->act->observe.of_window;
	const struct fake_desktop *d = &req->fake->desktop;
	const struct fake_window *w = fake_window_find(d, id);
	if (!w) {
		return err_set(err, ERR_NOT_FOUND, "there is no window %lld", (long long)id);
	}
	if (w->state == WINDOW_MINIMIZED) {
		return err_set(err, ERR_STATE,
			"window %lld is minimized and has no picture; window_focus restores it",
			(long long)id);
	}
	req->act->window = *w;
	req->act->place = fake_window_place(d, w);
	return true;
}

static struct msg_act_answer answer_of(const struct fake_request *req)
{
	const struct fake_desktop *desktop = &req->fake->desktop;
	return (struct msg_act_answer){ .done = req->act->done,
		.pointer = { 2, { desktop->pointer.x, desktop->pointer.y } },
		.frame_id = desktop->frame_id,
		.changed = has_changed(req) };
}

static void finish(struct fake_request *req)
{
	const struct observe *o = &req->act->observe;
	auto_buf struct buf image = { 0 };
	struct err err;
	if (o->of_window && !find_window(req, &err)) {
		fake_fail(req, &err);
		return;
	}
	json_auto_t *frame = is_image_wanted(req) ? take_frame(req, &image) : NULL;
	struct msg_act_answer answer = answer_of(req);
	json_auto_t *marks = frame && o->marks_ms ? fake_marks(&req->fake->desktop, o->of_window,
							    &answer.marks_note)
						  : NULL;
	answer.frame = frame;
	answer.marks = marks;
	answer.marks_found = (int64_t)json_array_size(marks);
	if (o->mode == OBSERVE_SETTLED) {
		answer.settled = o->quiet_ms <= o->timeout_ms;
		answer.waited_ms = (int64_t)(loop_now_us() - req->act->settle_us) / 1000;
	}
	fake_reply(req, must(message_encode(&message_act.answer, &answer)), image.data, image.len);
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
	const struct msg_done done = {
		.ms = (int64_t)(loop_now_us() - act->action_us) / 1000,
		.chars = chars,
	};
	json_array_append_new(act->done, must(field_encode(msg_done_fields, &done)));
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
	return (a->kind == ACTION_TYPE || a->kind == ACTION_PASTE) &&
	       strcmp(a->text, "fail here") == 0;
}

static void fail_in_the_middle(struct fake_request *req)
{
	const struct msg_failed failed = { (int64_t)req->act->at, err_kind_word(ERR_STATE),
		"the fake desktop was asked to fail here" };
	json_auto_t *described = must(field_encode(msg_failed_fields, &failed));
	struct msg_act_answer answer = answer_of(req);
	answer.failed = described;
	fake_answer(req, &message_act, &answer);
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

static bool has_points(const struct fake_act *act)
{
	for (size_t i = 0; i < act->n; i++) {
		if (action_has_point(&act->actions[i])) {
			return true;
		}
	}
	return false;
}

static bool check_frame(const struct fake_request *req, struct err *err)
{
	const struct fake_act *act = req->act;
	const struct fake_desktop *d = &req->fake->desktop;
	int64_t since = act->observe.since;
	if (!has_points(act)) {
		return true;
	}
	if (!size_equal(act->screen, d->screen) || (since && since < d->resized_frame)) {
		return err_set(err, ERR_STATE,
			"the display was resized, so the coordinates no longer fit");
	}
	return !since || act->first_frame <= since ||
	       err_set(err, ERR_STATE, "the screen has changed since frame %lld", (long long)since);
}

static void begin(struct fake_request *req)
{
	struct fake_act *act = req->act;
	act->waiting = false;
	act->first_frame = req->fake->desktop.frame_id;
	struct err err;
	if (!check_frame(req, &err)) {
		fake_fail(req, &err);
		return;
	}
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
	act->screen = fake->desktop.screen;
	req->done = act_done;
	if (!decode_actions(req, args->actions, err) ||
		!field_decode(observe_fields, args->observe, &act->observe, err) ||
		!observe_check(&act->observe, req->fake->desktop.frame, err)) {
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
