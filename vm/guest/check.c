/*
 * What an agent may answer.  Tables read the members; what a table cannot say (counts that must
 * agree, an image that is there when it was announced) is checked behind them.
 */

#include "vm/guest/check.h"

#include "base/plain.h"
#include "vm/picture/pixels.h"

#include <string.h>

#define EDGE_MAX 16384
#define MS_LIMIT 1e9
#define ID_LIMIT 4294967295.0 /* X resources, pids */
#define PLACE_LIMIT 1e6       /* of a window's corner, off the screen included */
#define COUNT_LIMIT 1e15
#define MOVING_MAX 256
#define WINDOWS_MAX 1000
#define APPLICATIONS_MAX 10000
#define TEXT_LIMIT 4000

#define END \
	{ \
		.name = NULL, \
	}

static bool no_tail(const struct link_msg *msg, struct err *err)
{
	return msg->tail_len == 0 ||
	       err_set(err, ERR_ARGUMENT, "%zu bytes behind it that nothing announces",
		       msg->tail_len);
}

/* ---- act ---- */

struct act_reply {
	const json_t *done, *failed, *moving, *frame;
	struct field_ints pointer;
	int64_t frame_id, waited_ms;
	bool changed, settled, blank;
};

#define A struct act_reply
static const struct field act_fields[] = {
	FIELD_JSON(A, done, "[{ms, chars?, unfocused?}]", .required = true),
	FIELD_JSON(A, failed, "{index, kind, text}"),
	FIELD_LIST(A, pointer, "[x, y]", 2, .required = true),
	FIELD_NUM(A, frame_id, "counts changes", .required = true, .max = COUNT_LIMIT),
	FIELD_FLAG(A, changed, "the screen changed", .required = true),
	FIELD_FLAG(A, settled, "it was quiet"),
	FIELD_FLAG(A, blank, "the window showed one colour"),
	FIELD_JSON(A, moving, "[[x0, y0, x1, y1]]"),
	FIELD_NUM(A, waited_ms, "until settled", .max = MS_LIMIT),
	FIELD_JSON(A, frame, "the image"),
	END,
};

struct done_reply {
	int64_t ms, chars;
	bool unfocused;
};
static const struct field done_fields[] = {
	FIELD_NUM(struct done_reply, ms, "it took", .required = true, .max = MS_LIMIT),
	FIELD_NUM(struct done_reply, chars, "delivered", .max = ACTION_TEXT_MAX),
	FIELD_FLAG(struct done_reply, unfocused, "no window had the focus"),
	END,
};

static bool check_done(const json_t *done, size_t n, struct guest_act *act, struct err *err)
{
	if (!json_is_array(done) || json_array_size(done) > n) {
		return err_set(err, ERR_ARGUMENT, "'done' must be an array of at most %zu", n);
	}
	size_t i;
	json_t *one;
	json_array_foreach(done, i, one)
	{
		struct done_reply reply = { 0 };
		if (!field_decode(done_fields, one, &reply, err)) {
			return err_while(err, "'done'");
		}
		act->chars += reply.chars;
		act->unfocused |= reply.unfocused;
	}
	act->done = json_array_size(done);
	return true;
}

struct failed_reply {
	int64_t index;
	const char *kind, *text;
};
static const struct field failed_fields[] = {
	FIELD_NUM(struct failed_reply, index, "which", .required = true, .max = ACTION_LIST_MAX),
	FIELD_STR(struct failed_reply, kind, "an error kind", .required = true, .max = 40),
	FIELD_STR(struct failed_reply, text, "why", .required = true, .max = TEXT_LIMIT),
	END,
};

static bool check_failed(const json_t *failed, size_t n, struct guest_act *act, struct err *err)
{
	struct failed_reply reply = { 0 };
	if (!failed) {
		return act->done == n ||
		       err_set(err, ERR_ARGUMENT, "%zu of %zu actions done, and none failed",
			       act->done, n);
	}
	if (!field_decode(failed_fields, failed, &reply, err)) {
		return err_while(err, "'failed'");
	}
	if ((size_t)reply.index != act->done || act->done >= n) {
		return err_set(err, ERR_ARGUMENT, "'failed' at %lld after %zu of %zu actions",
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
				at > EDGE_MAX) {
				return false;
			}
		}
	}
	return true;
}

struct frame_reply {
	int64_t frame_id, width, height, quality;
	int format;
	double scale;
	const char *reduced;
	struct field_ints raw;
};

#define F struct frame_reply
static const struct field frame_fields[] = {
	FIELD_NUM(F, frame_id, "counts changes", .required = true, .max = COUNT_LIMIT),
	FIELD_NUM(F, width, "pixels", .required = true, .min = 1, .max = EDGE_MAX),
	FIELD_NUM(F, height, "pixels", .required = true, .min = 1, .max = EDGE_MAX),
	FIELD_ONE_OF(F, format, "of the image", observe_format_words, .required = true),
	FIELD_NUM(F, quality, "JPEG quality", .max = 100),
	FIELD_DEC(F, scale, "of the frame space", .required = true, .min = 0, .max = EDGE_MAX),
	FIELD_STR(F, reduced, "why it is smaller", .max = TEXT_LIMIT),
	FIELD_LIST(F, raw, "[w, h] of the pixels", 2),
	END,
};

/* No image is decoded here: it is the client that asked for it who looks inside. */
static bool looks_like(int format, const uint8_t *bytes, size_t len)
{
	static const char *const magic[] = {
		[FORMAT_JPEG] = "\xff\xd8\xff", [FORMAT_PNG] = "\x89PNG"
	};
	size_t n = strlen(magic[format]);
	return len > n && memcmp(bytes, magic[format], n) == 0;
}

static bool check_pixels(const struct frame_reply *reply, const struct check_act *asked, size_t len,
	struct size *ret_raw, struct err *err)
{
	const int64_t *raw = reply->raw.at;
	if (!asked->raw) {
		return err_set(err, ERR_ARGUMENT, "pixels that nobody asked for");
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
	       err_set(err, ERR_ARGUMENT, "an image that is no %s", observe_format_words[format]);
}

static bool check_frame(const json_t *frame, const struct link_msg *msg,
	const struct check_act *asked, struct guest_frame *to, struct size *ret_raw,
	struct err *err)
{
	struct frame_reply reply = { 0 };
	if (!frame) {
		return no_tail(msg, err);
	}
	if (!field_decode(frame_fields, frame, &reply, err)) {
		return err_while(err, "'frame'");
	}
	*to = (struct guest_frame){ reply.frame_id, reply.width, reply.height, reply.quality,
		reply.format, reply.scale, reply.reduced, msg->tail, msg->tail_len };
	return reply.raw.count ? check_pixels(&reply, asked, msg->tail_len, ret_raw, err)
			       : check_image(to->format, msg, err);
}

bool check_act(const struct link_msg *msg, const struct check_act *asked, struct guest_act *ret_act,
	struct size *ret_raw, struct err *err)
{
	*ret_raw = (struct size){ 0 };
	struct act_reply reply = { 0 };
	struct guest_act act = { 0 };
	if (!field_decode(act_fields, msg->json, &reply, err) ||
		!check_done(reply.done, asked->n_actions, &act, err) ||
		!check_failed(reply.failed, asked->n_actions, &act, err) ||
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

struct window_reply {
	struct guest_window window;
	bool active;
};

/* A row for a member inside another struct, which the FIELD_ macros cannot name. */
#define IN_WINDOW(m, kind, ...) \
	{ \
		.name = #m, .help = "of the window", .type = kind, \
		.offset = offsetof(struct window_reply, window.m), __VA_ARGS__ \
	}
static const struct field window_fields[] = {
	IN_WINDOW(id, FIELD_INT, .required = true, .max = ID_LIMIT),
	IN_WINDOW(pid, FIELD_INT, .min = -ID_LIMIT, .max = ID_LIMIT),
	IN_WINDOW(title, FIELD_STRING, .max = TEXT_LIMIT),
	IN_WINDOW(class, FIELD_STRING, .max = TEXT_LIMIT),
	IN_WINDOW(x, FIELD_INT, .required = true, .min = -PLACE_LIMIT, .max = PLACE_LIMIT),
	IN_WINDOW(y, FIELD_INT, .required = true, .min = -PLACE_LIMIT, .max = PLACE_LIMIT),
	IN_WINDOW(width, FIELD_INT, .required = true, .min = 0, .max = PLACE_LIMIT),
	IN_WINDOW(height, FIELD_INT, .required = true, .min = 0, .max = PLACE_LIMIT),
	FIELD_FLAG(struct window_reply, active, "has the focus"),
	END,
};

struct launch_reply {
	int64_t pid;
	const json_t *window;
	const char *note;
};
static const struct field launch_fields[] = {
	FIELD_NUM(struct launch_reply, pid, "of the program", .required = true, .max = ID_LIMIT),
	FIELD_JSON(struct launch_reply, window, "its first"),
	FIELD_STR(struct launch_reply, note, "why there is none", .max = TEXT_LIMIT),
	END,
};

bool check_launch(const struct link_msg *msg, struct guest_launch *ret_launch, struct err *err)
{
	struct launch_reply reply = { 0 };
	struct window_reply window = { 0 };
	if (!no_tail(msg, err) || !field_decode(launch_fields, msg->json, &reply, err)) {
		return false;
	}
	if (reply.window && !field_decode(window_fields, reply.window, &window, err)) {
		return err_while(err, "'window'");
	}
	*ret_launch = (struct guest_launch){
		.pid = reply.pid,
		.has_window = reply.window != NULL,
		.window = window.window,
		.note = reply.note,
	};
	return true;
}

static bool check_each(const char *what, const json_t *list, size_t max, const struct field *fields,
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

/* ---- applications, info, ping ---- */

struct application_reply {
	const char *id, *name, *comment, *program;
};
/* As long as the desktop file makes them; the message as a whole is bounded. */
static const struct field application_fields[] = {
	FIELD_STR(struct application_reply, id, "of the desktop file", .required = true),
	FIELD_STR(struct application_reply, name, "for people", .required = true),
	FIELD_STR(struct application_reply, comment, "a line about it"),
	FIELD_STR(struct application_reply, program, "that it runs", .required = true),
	END,
};

struct applications_reply {
	const json_t *applications;
};
static const struct field applications_fields[] = {
	FIELD_JSON(struct applications_reply, applications, "all", .required = true),
	END,
};

bool check_applications(const struct link_msg *msg, struct err *err)
{
	struct applications_reply reply = { 0 };
	struct application_reply one;
	return no_tail(msg, err) && field_decode(applications_fields, msg->json, &reply, err) &&
	       check_each("applications", reply.applications, APPLICATIONS_MAX, application_fields,
		       &one, err);
}

struct info_reply {
	struct field_ints screen, frame;
	int64_t frame_id, uptime_ms, pid_count;
	const char *layout;
	const json_t *windows;
};
#define I struct info_reply
static const struct field info_fields[] = {
	FIELD_LIST(I, screen, "[w, h]", 2, .required = true),
	FIELD_LIST(I, frame, "[w, h]", 2, .required = true),
	FIELD_NUM(I, frame_id, "counts changes", .required = true, .max = COUNT_LIMIT),
	FIELD_NUM(I, uptime_ms, "of the agent", .required = true, .max = COUNT_LIMIT),
	FIELD_STR(I, layout, "of the keyboard", .max = 200),
	FIELD_JSON(I, windows, "all", .required = true),
	FIELD_NUM(I, pid_count, "processes", .max = ID_LIMIT),
	END,
};

bool check_info(const struct link_msg *msg, struct err *err)
{
	struct info_reply reply = { 0 };
	struct window_reply one;
	return no_tail(msg, err) && field_decode(info_fields, msg->json, &reply, err) &&
	       check_each("windows", reply.windows, WINDOWS_MAX, window_fields, &one, err);
}

bool check_nothing(const struct link_msg *msg, struct err *err)
{
	static const struct field none[] = { END };
	int scratch;
	return no_tail(msg, err) && field_decode(none, msg->json, &scratch, err);
}

/* ---- exec ---- */

struct exec_reply {
	int64_t status, signal, ms;
	bool timed_out;
};
static const struct field exec_fields[] = {
	FIELD_NUM(struct exec_reply, status, "of the exit", .min = 0, .max = 255, .preset = -1),
	FIELD_NUM(struct exec_reply, signal, "that killed it", .min = 1, .max = 64),
	FIELD_FLAG(struct exec_reply, timed_out, "killed at the timeout"),
	FIELD_NUM(struct exec_reply, ms, "it took", .required = true, .max = MS_LIMIT),
	END,
};

bool check_exec(const struct link_msg *msg, struct guest_exec *ret_exec, struct err *err)
{
	struct exec_reply reply = { 0 };
	if (!no_tail(msg, err) || !field_decode(exec_fields, msg->json, &reply, err)) {
		return false;
	}
	if ((reply.status < 0) == (reply.signal == 0)) {
		return err_set(
			err, ERR_ARGUMENT, "'status' and 'signal': one of them must be there");
	}
	*ret_exec = (struct guest_exec){
		.exited = reply.status >= 0,
		.status = reply.status >= 0 ? reply.status : reply.signal,
		.timed_out = reply.timed_out,
		.ms = reply.ms,
	};
	return true;
}
