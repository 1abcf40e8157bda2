/* The recording of all clients' requests for the map, and of our changes to it. */
#include "vm/agent/x11/keymap_readers_impl.h"

#include "base/cleanup.h"

#include <X11/Xlibint.h>
#include <X11/extensions/XKBproto.h>
#include <X11/extensions/XRes.h>
#include <poll.h>

#define START_MS 2000

static void on_answer(struct readers *r, XID base)
{
	struct reader *reader = reader_find(r, base, false);
	if (reader && reader->was_sent) {
		reader->is_mute &= !reader->answers;
		r->answered |= base == (r->asked & ~r->mask);
	}
}

static void on_request(struct readers *r, XID base, const uint8_t *request)
{
	if (request[0] == r->xkb_opcode && request[1] == X_kbSetMap && base == r->own) {
		r->changes++;
		for (int i = 0; i < READERS_MAX; i++) {
			r->clients[i].has_read = false;
		}
	} else if (request[0] == X_GetModifierMapping) {
		on_answer(r, base);
	} else if (request[0] != r->xkb_opcode || request[1] == X_kbGetMap) {
		struct reader *reader = reader_find(r, base, true);
		if (reader) {
			reader->has_read = true;
		}
	}
}

static void on_record(XPointer closure, XRecordInterceptData *data)
{
	struct readers *r = (void *)closure;
	if (r->freed) {
		XRecordFreeData(data);
		return;
	}
	r->started |= data->category == XRecordStartOfData;
	if (data->category == XRecordFromClient && data->data_len > 0) {
		on_request(r, data->id_base, data->data);
	} else if (data->category == XRecordClientDied) {
		struct reader *reader = reader_find(r, data->id_base, false);
		if (reader) {
			*reader = (struct reader){ 0 };
		}
		r->answered |= data->id_base == (r->asked & ~r->mask);
	}
	XRecordFreeData(data);
}

bool readers_take_record(struct readers *r)
{
	Display *x = display_recorder(r->display);
	if (x) {
		XRecordProcessReplies(x);
	}
	return display_recorder(r->display);
}

static bool create_context(struct readers *r)
{
	Display *x = display_x(r->display);
	int major, minor, event, error;
	if (!XRecordQueryVersion(x, &major, &minor) || !XResQueryExtension(x, &event, &error) ||
		!XResQueryVersion(x, &major, &minor) ||
		!XQueryExtension(x, "XKEYBOARD", &r->xkb_opcode, &event, &error)) {
		return false;
	}
	XRecordRange *keys = must(XRecordAllocRange()), *core = must(XRecordAllocRange()),
		     *modifiers = must(XRecordAllocRange());
	keys->ext_requests.ext_major =
		(XRecordRange8){ (unsigned char)r->xkb_opcode, (unsigned char)r->xkb_opcode };
	keys->ext_requests.ext_minor = (XRecordRange16){ X_kbGetMap, X_kbSetMap };
	core->core_requests = (XRecordRange8){ X_GetKeyboardMapping, X_GetKeyboardMapping };
	modifiers->core_requests = (XRecordRange8){ X_GetModifierMapping, X_GetModifierMapping };
	core->client_died = True;
	XRecordClientSpec all = XRecordAllClients;
	XRecordRange *ranges[] = { keys, core, modifiers };
	r->context = XRecordCreateContext(x, 0, &all, 1, ranges, 3);
	XFree(keys);
	XFree(core);
	XFree(modifiers);
	XSync(x, False);
	return r->context != 0;
}

/* The recording must start before the map is changed. */
static bool await_start(struct readers *r)
{
	struct pollfd fd = { .fd = ConnectionNumber(display_recorder(r->display)),
		.events = POLLIN };
	while (!r->started && poll(&fd, 1, START_MS) == 1 && readers_take_record(r)) {
	}
	return r->started;
}

/* While it records, its connection answers no requests. */
void readers_stop_record(struct readers *r)
{
	Display *x = display_x(r->display), *recorder = display_recorder(r->display);
	if (recorder) {
		XRecordDisableContext(x, r->context);
		XRecordFreeContext(x, r->context);
		XSync(x, False);
		XSync(recorder, False); /* reads the end of the recording */
	}
}

bool readers_start_record(struct readers *r)
{
	Display *recorder = display_recorder(r->display);
	if (!recorder || !create_context(r)) {
		return false;
	}
	XRecordEnableContextAsync(recorder, r->context, on_record, (XPointer)r);
	XFlush(recorder);
	if (!await_start(r)) {
		readers_stop_record(r);
		return false;
	}
	return true;
}
