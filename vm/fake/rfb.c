/*
 * The fake agent's `rfb` and `control`: an RFB server with a few messages, for a screen whose upper
 * left corner shows the frame number.  It answers full update requests immediately and incremental
 * ones after a change, types the keys of the viewer that has control into the text field, and logs
 * its input.
 */
#include "vm/fake/fake.h"

#include "base/bytes.h"
#include "base/cleanup.h"

#include <endian.h>
#include <string.h>

#define CORNER 16 /* visible pixels, in each direction */

struct fake_rfb {
	struct buf in, out;
	int stage;  /* of the handshake; 3: complete */
	bool waits; /* for the next change */
	bool control;
	bool held[256]; /* keys, of Latin-1 */
	unsigned buttons;
};

/* ---- output ---- */

static void send_screen(struct fake_request *req)
{
	static const uint8_t format[16] = { 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0 };
	const struct fake_desktop *d = &req->fake->desktop;
	struct buf *out = &req->rfb->out;
	bytes_append_u16(out, (uint16_t)d->screen.width);
	bytes_append_u16(out, (uint16_t)d->screen.height);
	buf_append(out, format, sizeof(format));
	bytes_append_u32(out, 4);
	buf_append(out, "fake", 4);
}

static void send_update(struct fake_request *req)
{
	struct buf *out = &req->rfb->out;
	bytes_append_u32(out, 1); /* of one rectangle */
	bytes_append_u32(out, 0);
	bytes_append_u16(out, CORNER);
	bytes_append_u16(out, CORNER);
	bytes_append_u32(out, 0); /* raw */
	for (int i = 0; i < CORNER * CORNER; i++) {
		uint32_t pixel = htole32((uint32_t)req->fake->desktop.frame_id);
		buf_append(out, &pixel, 4);
	}
	req->rfb->waits = false;
}

/* ---- input ---- */

static unsigned get(const struct buf *in, size_t at, size_t bytes)
{
	unsigned value = 0;
	for (size_t i = 0; i < bytes && at + i < in->len; i++) {
		value = value << 8 | in->data[at + i];
	}
	return value;
}

/* Length of the message that begins here, as far as it is known; 0: unknown type. */
static size_t message_len(const struct buf *in)
{
	int32_t cut = (int32_t)get(in, 4, 4);
	switch (in->data[0]) {
	case 0:
		return 20;
	case 2:
		return 4 + 4 * (size_t)get(in, 2, 2);
	case 3:
	case 150:
		return 10;
	case 4:
		return 8;
	case 5:
		return 6;
	case 6:
		return 8 + (size_t)(cut < 0 ? -(int64_t)cut : cut);
	case 248:
		return 9 + get(in, 8, 1);
	case 251:
		return 8 + 16 * (size_t)get(in, 6, 1);
	case 255:
		return 12;
	default:
		return 0;
	}
}

static void take_key(struct fake_request *req, bool down, unsigned keysym)
{
	struct fake_desktop *d = &req->fake->desktop;
	if (keysym < sizeof(req->rfb->held)) {
		req->rfb->held[keysym] = down;
	}
	buf_printf(&d->events, "rfb key %u %s\n", keysym, down ? "down" : "up");
	if (down && keysym >= 0x20 && keysym < 0x7f) {
		buf_append(&d->typed, &(char){ (char)keysym }, 1);
	}
}

static void take_pointer(struct fake_request *req, unsigned buttons, unsigned x, unsigned y)
{
	req->rfb->buttons = buttons;
	buf_printf(&req->fake->desktop.events, "rfb pointer %u,%u %u\n", x, y, buttons);
}

static void say_used(struct fake_request *req, bool refused)
{
	const struct msg_used said = { refused };
	link_send_message(
		req->fake->link, req->id, message_speech_encode(&message_used, &said), NULL, 0);
}

static void take_input(struct fake_request *req, size_t len)
{
	struct fake_desktop *d = &req->fake->desktop;
	const struct buf *in = &req->rfb->in;
	uint8_t type = in->data[0];
	if (type == 4) {
		take_key(req, in->data[1], get(in, 4, 4));
	} else if (type == 5) {
		take_pointer(req, in->data[1], get(in, 2, 2), get(in, 4, 2));
	} else {
		buf_printf(&d->events, "rfb clipboard %zu\n", len);
	}
	d->frame_id++;
	fake_changed(req->fake);
	say_used(req, false);
}

static void take_message(struct fake_request *req, size_t len)
{
	const struct buf *in = &req->rfb->in;
	uint8_t type = in->data[0];
	bool is_input = type == 4 || type == 5 || type == 6;
	if (type == 3) {
		req->rfb->waits = true;
		if (!in->data[1]) {
			send_update(req);
		}
	} else if (is_input && req->rfb->control) {
		take_input(req, len);
	} else if (is_input && type != 6 && in->data[1]) {
		say_used(req, true);
	}
}

/* Returns the number of bytes used; SIZE_MAX: it is no message. */
static size_t take_one(struct fake_request *req)
{
	static const size_t greeting[] = { 12, 1, 1 };
	struct fake_rfb *rfb = req->rfb;
	size_t len = rfb->in.len == 0 ? 1
		     : rfb->stage < 3 ? greeting[rfb->stage]
				      : message_len(&rfb->in);
	if (len == 0) {
		return SIZE_MAX;
	}
	if (rfb->in.len < len || rfb->in.len == 0) {
		return 0;
	}
	if (rfb->stage == 3) {
		take_message(req, len);
	} else if (rfb->stage++ == 0) {
		buf_append(&rfb->out, "\1\1", 2);
	} else if (rfb->stage == 2) {
		bytes_append_u32(&rfb->out, 0);
	} else {
		send_screen(req);
	}
	return len;
}

/* ---- connection ---- */

static void write_out(struct fake_request *req)
{
	struct buf *out = &req->rfb->out;
	if (req->fake->link) {
		buf_consume(out, link_write(req->fake->link, req->id, 0, out->data, out->len));
	}
}

static void end_bad(struct fake_request *req)
{
	struct err err;
	err_set(&err, ERR_ARGUMENT, "the viewer sent a message of the unknown type %u",
		req->rfb->in.data[0]);
	fake_fail(req, &err);
}

static void on_data(
	struct link *link, uint32_t id, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct fake_request *req = data;
	struct fake_rfb *rfb = req->rfb;
	size_t taken;
	(void)channel;
	buf_append(&rfb->in, bytes, len);
	while ((taken = take_one(req)) > 0) {
		if (taken == SIZE_MAX) {
			end_bad(req);
			return;
		}
		buf_consume(&rfb->in, taken);
	}
	link_consumed(link, id, len);
	write_out(req);
}

static void on_writable(struct link *link, uint32_t id, void *data)
{
	(void)link, (void)id;
	write_out(data);
}

static void on_ended(struct link *link, uint32_t id, void *data)
{
	(void)link, (void)id;
	fake_reply(data, NULL, NULL, 0);
}

static const struct link_talk talk = {
	.data = on_data,
	.ended = on_ended,
	.writable = on_writable,
};

void fake_changed(struct fake_vm *fake)
{
	struct fake_request *req;
	fake_notify_screen(fake);
	fake_wait_changed(fake);
	TAILQ_FOREACH(req, &fake->requests, entry)
	{
		if (req->rfb && req->rfb->waits) {
			send_update(req);
			write_out(req);
		}
	}
}

static void release_all(struct fake_request *req)
{
	for (unsigned keysym = 0; keysym < sizeof(req->rfb->held); keysym++) {
		if (req->rfb->held[keysym]) {
			take_key(req, false, keysym);
		}
	}
	if (req->rfb->buttons) {
		take_pointer(req, 0, 0, 0);
	}
}

static void done(struct fake_request *req)
{
	struct fake_rfb *rfb = req->rfb;
	release_all(req);
	buf_done(&rfb->in);
	buf_done(&rfb->out);
	free(rfb);
}

bool fake_rfb(struct fake_request *req, struct err *err)
{
	req->rfb = must(calloc(1, sizeof(*req->rfb)));
	req->done = done;
	if (!link_accept(req->fake->link, req->id, &talk, req, err)) {
		return false;
	}
	buf_append(&req->rfb->out, "RFB 003.008\n", 12);
	write_out(req);
	return true;
}

bool fake_control(struct fake_request *req, struct err *err)
{
	const struct msg_control *args = req->args;
	struct fake_request *at;
	if (strcmp(req->fake->fault, "unruly") == 0) {
		return err_set(err, ERR_STATE, "the agent does as it likes");
	}
	TAILQ_FOREACH(at, &req->fake->requests, entry)
	{
		if (at->rfb && (int64_t)at->id != args->viewer) {
			release_all(at);
			at->rfb->control = false;
		} else if (at->rfb) {
			at->rfb->control = true;
		}
	}
	fake_reply(req, NULL, NULL, 0);
	return true;
}
