/*
 * Checks an agent's replies.  Tables decode the members; the code after them checks what a table
 * cannot express (counts that must agree, an announced image that must be present).
 */

#include "vm/guest/check.h"

#include "base/plain.h"
#include "vm/picture/pixels.h"
#include "vm/wire/messages.h"

#include <string.h>

#define MOVING_MAX 256

static bool decode(
	const struct message *message, const struct link_msg *msg, void *out, struct err *err)
{
	return message_decode(&message->answer, msg->json, msg->tail_len, out, err);
}

static bool no_tail(const struct link_msg *msg, struct err *err)
{
	return msg->tail_len == 0 ||
	       err_set(err, ERR_ARGUMENT, "unexpected payload of %zu bytes", msg->tail_len);
}

/* ---- act ---- */

static bool check_done(const json_t *done, size_t n, struct guest_act *act, struct err *err)
{
	if (!json_is_array(done) || json_array_size(done) > n) {
		return err_set(err, ERR_ARGUMENT, "'done' must be an array of at most %zu", n);
	}
	size_t i;
	json_t *one;
	json_array_foreach(done, i, one)
	{
		struct msg_done reply = { 0 };
		if (!field_decode(msg_done_fields, one, &reply, err)) {
			return err_while(err, "'done'");
		}
		act->chars += reply.chars;
		act->unfocused |= reply.unfocused;
		act->note = act->note ? act->note : reply.note;
	}
	act->done = json_array_size(done);
	return true;
}

static bool check_failed(const json_t *failed, size_t n, struct guest_act *act, struct err *err)
{
	struct msg_failed reply = { 0 };
	if (!failed) {
		return act->done == n ||
		       err_set(err, ERR_ARGUMENT, "%zu of %zu actions done, but no failed action",
			       act->done, n);
	}
	if (!field_decode(msg_failed_fields, failed, &reply, err)) {
		return err_while(err, "'failed'");
	}
	if ((size_t)reply.index != act->done || act->done >= n) {
		return err_set(err, ERR_ARGUMENT, "'failed' at index %lld after %zu of %zu actions",
			(long long)reply.index, act->done, n);
	}
	auto_buf struct buf plain = { 0 };
	plain_append(&plain, reply.text, sizeof(act->failed.text) - 1);
	err_set(&act->failed, err_kind_from(reply.kind), "%s", buf_text(&plain));
	act->failed_index = (size_t)reply.index;
	return true;
}

static bool is_moving_list(const json_t *moving)
{
	size_t i;
	json_t *region;
	if (!json_is_array(moving) || json_array_size(moving) > MOVING_MAX) {
		return false;
	}
	json_array_foreach(moving, i, region)
	{
		if (!json_is_array(region) || json_array_size(region) != 4) {
			return false;
		}
		for (size_t k = 0; k < 4; k++) {
			json_int_t at = json_integer_value(json_array_get(region, k));
			if (!json_is_integer(json_array_get(region, k)) || at < 0 ||
				at > MESSAGE_EDGE_MAX) {
				return false;
			}
		}
	}
	return true;
}

/* Images are not decoded here; the client that requested one does it. */
static bool looks_like(int format, const uint8_t *bytes, size_t len)
{
	static const char *const magic[] = {
		[FORMAT_JPEG] = "\xff\xd8\xff", [FORMAT_PNG] = "\x89PNG"
	};
	size_t n = strlen(magic[format]);
	return len > n && memcmp(bytes, magic[format], n) == 0;
}

static bool check_pixels(const struct msg_frame *reply, const struct check_act *asked, size_t len,
	struct size *ret_raw, struct err *err)
{
	const int64_t *raw = reply->raw.at;
	if (!asked->raw) {
		return err_set(err, ERR_ARGUMENT, "unrequested pixels");
	}
	if (raw[0] < 1 || raw[1] < 1 || raw[0] > asked->screen.width ||
		raw[1] > asked->screen.height || reply->width > BUDGET_EDGE ||
		reply->height > BUDGET_EDGE) {
		return err_set(err, ERR_ARGUMENT,
			"%lldx%lld pixels of a screen of %dx%d, for an image of %lldx%lld",
			(long long)raw[0], (long long)raw[1], asked->screen.width,
			asked->screen.height, (long long)reply->width, (long long)reply->height);
	}
	*ret_raw = (struct size){ (int)raw[0], (int)raw[1] };
	return (len > 0 && len <= PIXELS_PACKED_MAX) ||
	       err_set(err, ERR_ARGUMENT, "pixels in %zu bytes, which must be 1 to %u", len,
		       PIXELS_PACKED_MAX);
}

static bool check_image(int format, const struct link_msg *msg, struct err *err)
{
	if (msg->tail_len == 0 || msg->tail_len > OBSERVE_MAX_BYTES) {
		return err_set(err, ERR_ARGUMENT, "an image of %zu bytes, which must be 1 to %d",
			msg->tail_len, OBSERVE_MAX_BYTES);
	}
	return looks_like(format, msg->tail, msg->tail_len) ||
	       err_set(err, ERR_ARGUMENT, "an image that is not %s", observe_format_names[format]);
}

static bool check_frame_region(const struct field_ints *region, const struct check_act *asked,
	struct rect *ret, struct err *err)
{
	const int64_t *r = region->at;
	if (region->count && (r[0] < 0 || r[1] < 0 || r[0] >= r[2] || r[1] >= r[3] ||
				     r[2] > asked->frame.width || r[3] > asked->frame.height)) {
		return err_set(err, ERR_ARGUMENT, "a region [%lld, %lld, %lld, %lld]",
			(long long)r[0], (long long)r[1], (long long)r[2], (long long)r[3]);
	}
	*ret = (struct rect){ (int)r[0], (int)r[1], (int)(r[2] - r[0]), (int)(r[3] - r[1]) };
	return true;
}

/* Parts of a window may be outside the screen. */
static bool check_window_place(const struct field_ints *place, const struct check_act *asked,
	struct rect *ret, struct err *err)
{
	const int64_t *r = place->at;
	if (!asked->window != !place->count) {
		return err_set(err, ERR_ARGUMENT,
			place->count ? "a place of the screen" : "a window without its place");
	}
	for (int i = 0; i < place->count; i++) {
		if (r[i] < -MESSAGE_EDGE_MAX || r[i] > 2 * MESSAGE_EDGE_MAX) {
			return err_set(err, ERR_ARGUMENT, "a window at %lld", (long long)r[i]);
		}
	}
	*ret = (struct rect){ (int)r[0], (int)r[1], (int)(r[2] - r[0]), (int)(r[3] - r[1]) };
	return !place->count || (ret->width > 0 && ret->height > 0) ||
	       err_set(err, ERR_ARGUMENT, "a window of %dx%d", ret->width, ret->height);
}

static bool check_frame(const json_t *frame, const struct link_msg *msg,
	const struct check_act *asked, struct guest_frame *to, struct size *ret_raw,
	struct err *err)
{
	struct msg_frame reply = { 0 };
	if (!frame) {
		return no_tail(msg, err);
	}
	if (!field_decode(msg_frame_fields, frame, &reply, err)) {
		return err_while(err, "'frame'");
	}
	*to = (struct guest_frame){
		.frame_id = reply.frame_id,
		.width = reply.width,
		.height = reply.height,
		.quality = reply.quality,
		.format = reply.format,
		.scale = reply.scale,
		.reduced = reply.reduced,
		.covered = reply.covered,
		.partial = reply.partial,
		.title = reply.title,
		.bytes = msg->tail,
		.len = msg->tail_len,
	};
	if (!check_frame_region(&reply.region, asked, &to->region, err) ||
		!check_frame_region(&reply.aside, asked, &to->aside, err) ||
		!check_window_place(&reply.place, asked, &to->place, err)) {
		return false;
	}
	return reply.raw.count ? check_pixels(&reply, asked, msg->tail_len, ret_raw, err)
			       : check_image(to->format, msg, err);
}

static bool check_marks(const struct msg_act_answer *reply, const struct check_act *asked,
	struct guest_act *act, struct err *err)
{
	struct msg_mark one = { 0 };
	act->marks = reply->marks;
	act->marks_found = reply->marks_found;
	act->marks_note = reply->marks_note;
	if (reply->marks && !asked->marks) {
		return err_set(err, ERR_ARGUMENT, "unrequested marks");
	}
	return !reply->marks ||
	       check_rows("marks", reply->marks, MARKS_MAX, msg_mark_fields, &one, err);
}

bool check_act(const struct link_msg *msg, const struct check_act *asked, struct guest_act *ret_act,
	struct size *ret_raw, struct err *err)
{
	*ret_raw = (struct size){ 0 };
	struct msg_act_answer reply = { 0 };
	struct guest_act act = { 0 };
	if (!decode(&message_act, msg, &reply, err) ||
		!check_done(reply.done, asked->n_actions, &act, err) ||
		!check_failed(reply.failed, asked->n_actions, &act, err) ||
		!check_marks(&reply, asked, &act, err) ||
		!check_frame(reply.frame, msg, asked, &act.frame, ret_raw, err)) {
		return false;
	}
	const int64_t *at = reply.pointer.at;
	if (at[0] < 0 || at[1] < 0 || at[0] >= asked->frame.width || at[1] >= asked->frame.height) {
		return err_set(err, ERR_ARGUMENT, "a pointer at [%lld, %lld]", (long long)at[0],
			(long long)at[1]);
	}
	if (reply.moving && !is_moving_list(reply.moving)) {
		return err_set(err, ERR_ARGUMENT, "'moving' must be a list of at most %d regions",
			MOVING_MAX);
	}
	act.pointer = (struct point){ (int)at[0], (int)at[1] };
	act.frame_id = reply.frame_id;
	act.changed = reply.changed;
	act.settled = reply.settled;
	act.blank = reply.blank;
	act.waited_ms = reply.waited_ms;
	act.moving = reply.moving;
	*ret_act = act;
	return true;
}

/* ---- windows ---- */

bool check_launch(const struct link_msg *msg, struct guest_launch *ret_launch, struct err *err)
{
	struct msg_launch_answer reply = { 0 };
	struct msg_window w = { 0 };
	if (!decode(&message_launch, msg, &reply, err)) {
		return false;
	}
	if (reply.window && !field_decode(msg_window_fields, reply.window, &w, err)) {
		return err_while(err, "'window'");
	}
	*ret_launch = (struct guest_launch){
		.pid = reply.pid,
		.from = reply.from,
		.application = reply.application,
		.has_window = reply.window != NULL,
		.window = { w.id, w.pid, w.x, w.y, w.width, w.height, w.title, w.class },
		.note = reply.note,
	};
	return true;
}

bool check_rows(const char *what, const json_t *list, size_t max, const struct field *fields,
	void *scratch, struct err *err)
{
	size_t i;
	json_t *one;
	if (!json_is_array(list) || json_array_size(list) > max) {
		return err_set(
			err, ERR_ARGUMENT, "'%s' must be an array of at most %zu", what, max);
	}
	json_array_foreach(list, i, one)
	{
		if (!json_is_object(one) || !field_decode(fields, one, scratch, err)) {
			return json_is_object(one)
				       ? err_while(err, "'%s'", what)
				       : err_set(err, ERR_ARGUMENT, "'%s' must hold objects", what);
		}
	}
	return true;
}

/* ---- text, wait ---- */

bool check_text_match(const json_t *row, struct err *err)
{
	struct msg_text_match match = { 0 };
	const int64_t *box = match.box.at;
	if (!json_is_object(row)) {
		return err_set(err, ERR_ARGUMENT, "a match must be an object");
	}
	if (!field_decode(msg_text_match_fields, row, &match, err)) {
		return err_while(err, "a match");
	}
	return (box[0] >= 0 && box[1] >= 0 && box[0] < box[2] && box[1] < box[3] &&
		       box[2] <= MESSAGE_EDGE_MAX && box[3] <= MESSAGE_EDGE_MAX) ||
	       err_set(err, ERR_ARGUMENT, "a match at [%lld, %lld, %lld, %lld]", (long long)box[0],
		       (long long)box[1], (long long)box[2], (long long)box[3]);
}

bool check_wait(const struct link_msg *msg, struct err *err)
{
	struct msg_wait_answer reply = { 0 };
	struct msg_window window;
	return decode(&message_wait, msg, &reply, err) && no_tail(msg, err) &&
	       (!reply.match || check_text_match(reply.match, err)) &&
	       (!reply.window || field_decode(msg_window_fields, reply.window, &window, err)) &&
	       (!reply.moving || is_moving_list(reply.moving) ||
		       err_set(err, ERR_ARGUMENT, "'moving' must be a list of at most %d regions",
			       MOVING_MAX));
}

/* ---- applications, info, ping ---- */

bool check_applications(const struct link_msg *msg, struct err *err)
{
	struct msg_applications_answer reply = { 0 };
	struct msg_application one;
	return decode(&message_applications, msg, &reply, err) &&
	       check_rows("applications", reply.applications, MESSAGE_APPLICATIONS_MAX,
		       msg_application_fields, &one, err);
}

bool check_info(const struct link_msg *msg, struct err *err)
{
	struct msg_info_answer reply = { 0 };
	struct msg_window one;
	return decode(&message_info, msg, &reply, err) &&
	       check_rows(
		       "windows", reply.windows, MESSAGE_WINDOWS_MAX, msg_window_fields, &one, err);
}

bool check_display(const struct link_msg *msg, struct err *err)
{
	struct msg_display reply = { 0 };
	return decode(&message_display_set, msg, &reply, err) && no_tail(msg, err);
}

bool check_windows(const struct link_msg *msg, struct err *err)
{
	struct msg_windows_answer reply = { 0 };
	struct msg_window one;
	return decode(&message_windows, msg, &reply, err) &&
	       check_rows(
		       "windows", reply.windows, MESSAGE_WINDOWS_MAX, msg_window_fields, &one, err);
}

bool check_window_change(const struct link_msg *msg, struct err *err)
{
	struct msg_window_change_answer reply = { 0 };
	struct msg_window one;
	if (!decode(&message_window_change, msg, &reply, err)) {
		return false;
	}
	if (reply.window && !field_decode(msg_window_fields, reply.window, &one, err)) {
		return err_while(err, "'window'");
	}
	return check_rows(
		"opened", reply.opened, MESSAGE_WINDOWS_MAX, msg_window_fields, &one, err);
}

bool check_nothing(const struct link_msg *msg, struct err *err)
{
	int scratch;
	return decode(&message_ping, msg, &scratch, err);
}

/* ---- the clipboard ---- */

bool check_clipboard(const struct link_msg *msg, const struct clipboard_wish *wish,
	struct guest_clipboard *ret_clipboard, struct err *err)
{
	struct msg_clipboard_get_answer reply = { 0 };
	if (!decode(&message_clipboard_get, msg, &reply, err)) {
		return false;
	}
	if ((reply.type < 0) == (reply.absent < 0)) {
		return err_set(err, ERR_ARGUMENT, "either 'type' or 'absent' is required");
	}
	if (reply.type < 0 ? !no_tail(msg, err)
			   : !clipboard_check(reply.type, msg->tail, msg->tail_len, err)) {
		return false;
	}
	*ret_clipboard =
		(struct guest_clipboard){ reply.type, reply.absent, msg->tail, msg->tail_len };
	return reply.type < 0 || clipboard_wish_has(wish, reply.type) ||
	       err_set(err, ERR_ARGUMENT, "content of a type that was not asked for");
}
