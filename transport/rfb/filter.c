/*
 * One table defines the length and the handling of each message.  The parser collects or skips one
 * message, then reads the next.  A message that is not in the table disconnects the viewer.
 */
#include "transport/rfb/filter.h"

#include "base/bytes.h"
#include "base/cleanup.h"

#include <string.h>

#define HELLO "RFB 003.008\n"
#define SECURITY_NONE 1
#define MESSAGE_KEY 4
#define MESSAGE_POINTER 5
#define MESSAGE_CUT_TEXT 6
#define MESSAGE_ENCODINGS 2

struct rfb_filter {
	enum rfb_policy policy;
	size_t stage; /* of the handshake; STAGES: complete */
	bool broken;
	struct err why;
	struct buf message; /* its received part */
	size_t skip;        /* remaining bytes of a dropped message */
	struct buf offered; /* the viewer's encodings, 4 bytes each */
	bool has_offered;
	uint32_t keys[RFB_KEYS_MAX]; /* keysyms held down */
	size_t n_keys;
	uint8_t buttons, at[4];
	struct rfb_counts counts;
};

/* ---- encodings ---- */

/* A viewer without control does not offer those by which it would draw the pointer itself: the
 * server then paints the agent's pointer into the picture. */
static bool draws_pointer(int32_t encoding)
{
	static const int32_t all[] = { -232, -239, -240, -314, 0x574d5664, 0x574d5665, 0x574d5666 };
	size_t i = 0;
	while (i < sizeof(all) / sizeof(*all) && all[i] != encoding) {
		i++;
	}
	return i < sizeof(all) / sizeof(*all);
}

static void say_encodings(struct rfb_filter *f, struct buf *out)
{
	size_t start = out->len;
	bytes_append_u16(out, MESSAGE_ENCODINGS << 8);
	bytes_append_u16(out, 0);
	for (size_t at = 0; at < f->offered.len; at += 4) {
		int32_t encoding = (int32_t)bytes_get_u32(f->offered.data + at);
		if (f->policy == RFB_CONTROL || !draws_pointer(encoding)) {
			buf_append(out, f->offered.data + at, 4);
		}
	}
	bytes_put_u16(out->data + start + 2, (uint16_t)((out->len - start - 4) / 4));
}

/* ---- handling of complete messages (m) ---- */

static void pass(struct rfb_filter *f, const uint8_t *m, size_t len, struct buf *out)
{
	buf_append(out, m, len);
	f->counts.passed++;
}

static bool take_plain(
	struct rfb_filter *f, const uint8_t *m, size_t len, struct buf *out, struct err *err)
{
	(void)err;
	pass(f, m, len, out);
	return true;
}

static bool take_frame(
	struct rfb_filter *f, const uint8_t *m, size_t len, struct buf *out, struct err *err)
{
	(void)err;
	f->counts.frames++;
	pass(f, m, len, out);
	return true;
}

static bool take_format(
	struct rfb_filter *f, const uint8_t *m, size_t len, struct buf *out, struct err *err)
{
	if (m[4] != 8 && m[4] != 16 && m[4] != 32) {
		return err_set(
			err, ERR_ARGUMENT, "a pixel must have 8, 16 or 32 bits, not %u", m[4]);
	}
	pass(f, m, len, out);
	return true;
}

static bool take_encodings(
	struct rfb_filter *f, const uint8_t *m, size_t len, struct buf *out, struct err *err)
{
	(void)err;
	f->offered.len = 0;
	f->has_offered = true;
	buf_append(&f->offered, m + 4, len - 4);
	say_encodings(f, out);
	f->counts.passed++;
	return true;
}

/* Records a key press or release.  False: too many keys are pressed. */
static bool hold(struct rfb_filter *f, uint32_t keysym, bool down)
{
	size_t i = 0;
	while (i < f->n_keys && f->keys[i] != keysym) {
		i++;
	}
	if (i < f->n_keys && !down) {
		f->n_keys--;
		memmove(&f->keys[i], &f->keys[i + 1], (f->n_keys - i) * sizeof(*f->keys));
	} else if (i == f->n_keys && down) {
		if (f->n_keys == RFB_KEYS_MAX) {
			return false;
		}
		f->keys[f->n_keys++] = keysym;
	}
	return true;
}

static bool take_key(
	struct rfb_filter *f, const uint8_t *m, size_t len, struct buf *out, struct err *err)
{
	(void)err;
	if (hold(f, bytes_get_u32(m + 4), m[1] != 0)) {
		pass(f, m, len, out);
	} else {
		f->counts.dropped++;
	}
	return true;
}

static bool take_pointer(
	struct rfb_filter *f, const uint8_t *m, size_t len, struct buf *out, struct err *err)
{
	(void)err;
	f->buttons = m[1];
	memcpy(f->at, m + 2, sizeof(f->at));
	pass(f, m, len, out);
	return true;
}

/* ---- length of messages: head has row->head bytes; SIZE_MAX with err: invalid ---- */

static size_t bad_length(struct err *err, const char *what, size_t is, size_t most)
{
	err_set(err, ERR_ARGUMENT, "%s may have at most %zu, not %zu", what, most, is);
	return SIZE_MAX;
}

static size_t encodings_length(const uint8_t *head, struct err *err)
{
	size_t n = bytes_get_u16(head + 2);
	return n > RFB_ENCODINGS_MAX ? bad_length(err, "a list of encodings", n, RFB_ENCODINGS_MAX)
				     : 4 + 4 * n;
}

/* A negative number is the length of the extended form. */
static size_t cut_text_length(const uint8_t *head, struct err *err)
{
	uint32_t n = bytes_get_u32(head + 4);
	n = n & 0x80000000u ? 0u - n : n;
	return n > RFB_CUT_TEXT_MAX ? bad_length(err, "bytes of a clipboard", n, RFB_CUT_TEXT_MAX)
				    : 8 + (size_t)n;
}

static size_t fence_length(const uint8_t *head, struct err *err)
{
	size_t n = head[8];
	return n > RFB_FENCE_MAX ? bad_length(err, "bytes of a fence", n, RFB_FENCE_MAX) : 9 + n;
}

static size_t size_length(const uint8_t *head, struct err *err)
{
	(void)err;
	return 8 + 16 * (size_t)head[6];
}

/* ---- the table ---- */

enum access { ANYBODY, CONTROL, NOBODY };

static const struct message {
	uint8_t type;
	uint8_t head; /* bytes that determine its length; without length(), all of it */
	enum access access;
	uint32_t keep; /* longer ones are dropped; 0: all are */
	size_t (*length)(const uint8_t *head, struct err *err);
	bool (*take)(struct rfb_filter *f, const uint8_t *m, size_t len, struct buf *out,
		struct err *err);
} messages[] = {
	{ 0, 20, ANYBODY, 0, NULL, take_format }, /* SetPixelFormat */
	{ MESSAGE_ENCODINGS, 4, ANYBODY, 0, encodings_length, take_encodings },
	{ 3, 10, ANYBODY, 0, NULL, take_frame }, /* FramebufferUpdateRequest */
	{ MESSAGE_KEY, 8, CONTROL, 0, NULL, take_key },
	{ MESSAGE_POINTER, 6, CONTROL, 0, NULL, take_pointer },
	{ MESSAGE_CUT_TEXT, 8, CONTROL, 8 + RFB_CUT_TEXT_KEEP, cut_text_length, take_plain },
	{ 150, 10, ANYBODY, 0, NULL, take_plain },        /* EnableContinuousUpdates */
	{ 248, 9, ANYBODY, 0, fence_length, take_frame }, /* ClientFence */
	{ 251, 8, NOBODY, 0, size_length, NULL },         /* SetDesktopSize */
};

static const struct message *find_message(uint8_t type, struct err *err)
{
	for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
		if (messages[i].type == type) {
			return &messages[i];
		}
	}
	err_set(err, ERR_ARGUMENT, "a viewer sent a message of the unknown type %u", type);
	return NULL;
}

static bool is_kept(const struct rfb_filter *f, const struct message *row, size_t len)
{
	return row->access == NOBODY || (row->access == CONTROL && f->policy != RFB_CONTROL) ||
	       (row->keep && len > row->keep);
}

/* ---- the handshake ---- */

static bool take_hello(struct rfb_filter *f, struct buf *out, struct err *err)
{
	if (memcmp(f->message.data, HELLO, strlen(HELLO)) != 0) {
		return err_set(err, ERR_ARGUMENT, "a viewer must speak RFB 3.8");
	}
	buf_append(out, HELLO, strlen(HELLO));
	return true;
}

static bool take_security(struct rfb_filter *f, struct buf *out, struct err *err)
{
	if (f->message.data[0] != SECURITY_NONE) {
		return err_set(err, ERR_ARGUMENT,
			"a viewer must choose the security type None, not %u", f->message.data[0]);
	}
	buf_append(out, f->message.data, 1);
	return true;
}

/* Always shared: one viewer must not disconnect the others. */
static bool take_init(struct rfb_filter *f, struct buf *out, struct err *err)
{
	(void)f;
	(void)err;
	buf_append(out, "\1", 1);
	return true;
}

static const struct stage {
	size_t length;
	bool (*take)(struct rfb_filter *f, struct buf *out, struct err *err);
} stages[] = {
	{ sizeof(HELLO) - 1, take_hello },
	{ 1, take_security },
	{ 1, take_init },
};

#define STAGES (sizeof(stages) / sizeof(*stages))

/* ---- input ---- */

/* Moves bytes to the message until it has want of them. */
static bool collect(struct rfb_filter *f, const uint8_t **at, size_t *len, size_t want)
{
	size_t n = want - f->message.len;
	n = n < *len ? n : *len;
	buf_append(&f->message, *at, n);
	*at += n;
	*len -= n;
	return f->message.len == want;
}

static bool feed_stage(
	struct rfb_filter *f, const uint8_t **at, size_t *len, struct buf *out, struct err *err)
{
	const struct stage *stage = &stages[f->stage];
	if (!collect(f, at, len, stage->length)) {
		return true;
	}
	bool taken = stage->take(f, out, err);
	f->message.len = 0;
	f->stage++;
	return taken;
}

/* m: the head of a dropped message. */
static bool is_press(const uint8_t *m)
{
	return (m[0] == MESSAGE_KEY || m[0] == MESSAGE_POINTER) && m[1] != 0;
}

/* The policy is checked at both ends of a message: one that began without control is skipped, and
 * one that ends without control is dropped. */
static bool feed_message(
	struct rfb_filter *f, const uint8_t **at, size_t *len, struct buf *out, struct err *err)
{
	const struct message *row =
		find_message(f->message.len > 0 ? f->message.data[0] : **at, err);
	if (!row) {
		return false;
	}
	if (f->message.len < row->head && !collect(f, at, len, row->head)) {
		return true;
	}
	size_t whole = row->length ? row->length(f->message.data, err) : row->head;
	if (whole == SIZE_MAX) {
		return false;
	}
	if (is_kept(f, row, whole)) {
		f->skip = whole - f->message.len;
		f->counts.dropped++;
		f->counts.presses += is_press(f->message.data);
	} else if (!collect(f, at, len, whole)) {
		return true;
	} else if (!row->take(f, f->message.data, whole, out, err)) {
		return false;
	}
	f->message.len = 0;
	if (f->message.cap > RFB_CUT_TEXT_KEEP / 4) {
		buf_done(&f->message);
	}
	return true;
}

static void skip(struct rfb_filter *f, const uint8_t **at, size_t *len)
{
	size_t n = f->skip < *len ? f->skip : *len;
	f->skip -= n;
	*at += n;
	*len -= n;
}

bool rfb_filter_feed(
	struct rfb_filter *f, const void *bytes, size_t len, struct buf *out, struct err *err)
{
	const uint8_t *at = bytes;
	while (len > 0 && !f->broken) {
		if (f->skip > 0) {
			skip(f, &at, &len);
		} else if (!(f->stage < STAGES ? feed_stage : feed_message)(
				   f, &at, &len, out, &f->why)) {
			f->broken = true;
		}
	}
	if (f->broken) {
		*err = f->why;
	}
	return !f->broken;
}

/* ---- policy ---- */

void rfb_filter_release(struct rfb_filter *f, struct buf *out)
{
	while (f->n_keys > 0) {
		uint8_t m[8] = { MESSAGE_KEY };
		bytes_put_u32(m + 4, f->keys[--f->n_keys]);
		buf_append(out, m, sizeof(m));
	}
	if (f->buttons) {
		uint8_t m[6] = { MESSAGE_POINTER };
		memcpy(m + 2, f->at, sizeof(f->at));
		buf_append(out, m, sizeof(m));
		f->buttons = 0;
	}
}

void rfb_filter_set_policy(struct rfb_filter *f, enum rfb_policy policy, struct buf *out)
{
	if (f->policy == policy || f->broken) {
		return;
	}
	rfb_filter_release(f, out);
	f->policy = policy;
	if (f->has_offered) {
		say_encodings(f, out);
	}
}

enum rfb_policy rfb_filter_policy(const struct rfb_filter *f)
{
	return f->policy;
}

const struct rfb_counts *rfb_filter_counts(const struct rfb_filter *f)
{
	return &f->counts;
}

struct rfb_filter *rfb_filter_new(enum rfb_policy policy)
{
	struct rfb_filter *f = must(calloc(1, sizeof(*f)));
	f->policy = policy;
	return f;
}

void rfb_filter_free(struct rfb_filter *f)
{
	if (f) {
		buf_done(&f->message);
		buf_done(&f->offered);
		free(f);
	}
}
