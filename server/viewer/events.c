/*
 * What a page is told: who it is, how things are whenever that changes, what the agent did, and why
 * it is over.  As server-sent events, or as messages of a WebSocket, {"event", "data"}: of requests
 * a browser has six to a server, and a seventh page would wait for another to be closed.
 */
#include "server/viewer/viewer_impl.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "server/mcp/json_write.h"
#include "transport/http/websocket.h"

#include <string.h>

#define PENDING_MAX (256u << 10) /* bytes; a page that reads nothing comes back later */

struct wire {
	struct visit *visit; /* NULL: another took its place */
	struct websocket *ws;
};

static void send_message(struct wire *wire, const char *name, const char *text)
{
	auto_buf struct buf message = { 0 };
	if (websocket_pending(wire->ws) > PENDING_MAX) {
		websocket_close(wire->ws, WEBSOCKET_POLICY, "you do not read what is sent");
		return;
	}
	buf_printf(&message, "{\"event\":\"%s\",\"data\":%s}", name, text);
	websocket_send(wire->ws, message.data, message.len);
}

static void send_event(struct visit *visit, const char *name, const char *text)
{
	if (visit->wire) {
		send_message(visit->wire, name, text);
	}
	if (!visit->events) {
		return;
	}
	if (http_stream_pending(visit->events) > PENDING_MAX) {
		http_stream_end(visit->events);
		return;
	}
	http_stream_event(visit->events, name, NULL, text, strlen(text), 0);
}

static void send_json(struct visit *visit, const char *name, json_t *taken)
{
	auto_free char *text = must(json_dumps(must(taken), JSON_COMPACT));
	json_decref(taken);
	send_event(visit, name, text);
}

static bool listens(const struct visit *visit)
{
	return visit->events || visit->wire;
}

/* ---- how things are ---- */

static void set_text(json_t *object, const char *name, const char *text)
{
	if (text) {
		json_object_set_new(object, name, json_text(text));
	}
}

json_t *viewer_control_json(const struct vm *vm)
{
	const struct vm_control *control = vm_control(vm);
	json_t *out = must(json_pack("{s:s, s:I}", "holder", vm_holder_words[control->holder],
		"since", (json_int_t)control->since));
	set_text(out, "who", control->who);
	set_text(out, "wanted", control->wanted);
	return out;
}

const char *viewer_state_word(const struct vm *vm)
{
	static const char *const words[] = {
		[VM_STARTING] = "starting",
		[VM_READY] = "ready",
		[VM_PAUSED] = "paused",
		[VM_STOPPING] = "gone",
		[VM_GONE] = "gone",
	};
	return words[vm_state(vm)];
}

void visit_tell_state(struct visit *visit)
{
	const struct vm *vm = visit->desk->vm;
	struct size screen = vm_screen(vm);
	if (!listens(visit) || !visit->stream) {
		return;
	}
	json_auto_t *state =
		must(json_pack("{s:s, s:[i,i], s:o, s:b, s:i}", "sandbox", viewer_state_word(vm),
			"screen", screen.width, screen.height, "control", viewer_control_json(vm),
			"mine", visit_holds(visit), "viewers", (int)visit->desk->present));
	auto_free char *text = must(json_dumps(state, JSON_COMPACT));
	if (!visit->said || strcmp(visit->said, text) != 0) {
		send_event(visit, "state", text);
		free(visit->said);
		visit->said = take_ptr(&text);
	}
}

void visit_tell_end(struct visit *visit, enum stream_code code, const char *reason)
{
	send_json(visit, "ended",
		json_pack("{s:i, s:o}", "code", (int)code, "reason", json_text(reason)));
	if (visit->wire) {
		websocket_close(visit->wire->ws, code, reason);
	}
	if (visit->events) {
		http_stream_end(visit->events);
	}
}

void visit_tell_alive(struct visit *visit)
{
	if (visit->wire) {
		send_message(visit->wire, "alive", "{}");
	}
}

/* ---- what the agent did ---- */

bool viewer_sees_deeds(const struct stream *stream)
{
	return stream && !stream->window;
}

static void tell_deed(struct visit *visit, const struct deed *deed)
{
	json_t *out = must(json_pack("{s:I, s:I, s:s, s:o, s:b, s:b}", "seq", (json_int_t)deed->seq,
		"at", (json_int_t)deed->at, "tool", deed->tool->name, "text", json_text(deed->text),
		"failed", deed->failed, "picture", deed->picture == PICTURE_MADE));
	if (deed->point.count == 2) {
		json_object_set_new(out, "x", json_integer(deed->point.at[0]));
		json_object_set_new(out, "y", json_integer(deed->point.at[1]));
	}
	send_json(visit, "action", out);
}

/* In order: one whose picture is not there yet holds up those behind it. */
void visit_tell_deeds(struct visit *visit)
{
	const struct desk *desk = visit->desk;
	if (!listens(visit) || !viewer_sees_deeds(visit->stream)) {
		return;
	}
	while (visit->told < desk->last_seq) {
		const struct deed *deed = desk_deed(desk, visit->told + 1);
		if (deed &&
			(deed->picture == PICTURE_WANTED || deed->picture == PICTURE_BEING_MADE)) {
			break;
		}
		visit->told++;
		if (deed) {
			tell_deed(visit, deed);
		}
	}
}

/* ---- the connection ---- */

static void on_closed(struct http_exchange *x, void *data)
{
	struct visit *visit = data;
	if (visit->events == x) {
		visit->events = NULL;
		visit_changed(visit);
	}
}

static void forget(struct http_exchange *x, void *data)
{
	(void)x;
	(void)data;
}

static void say_hello(struct visit *visit)
{
	const struct stream *stream = visit->stream;
	send_json(visit, "hello",
		json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "viewer", visit->id, "mode",
			stream_mode_words[stream->mode], "sandbox", vm_id(stream->vm), "window",
			(json_int_t)stream->window, "expires", (json_int_t)stream->expires, "now",
			(json_int_t)clock_wall_ms()));
}

/* ---- ... by a WebSocket ---- */

static void on_wire_data(struct websocket *ws, const void *bytes, size_t len, void *data)
{
	(void)bytes, (void)len, (void)data;
	websocket_close(ws, WEBSOCKET_POLICY, "events are for listening only");
}

static void on_wire_sent(struct websocket *ws, size_t len, void *data)
{
	(void)ws, (void)len, (void)data;
}

static void on_wire_closed(struct websocket *ws, unsigned code, const char *reason, void *data)
{
	struct wire *wire = data;
	struct visit *visit = wire->visit;
	(void)ws, (void)code, (void)reason;
	free(wire);
	if (visit) {
		visit->wire = NULL;
		visit_changed(visit);
	}
}

static struct wire *open_wire(struct http_exchange *x)
{
	static const struct websocket_handlers handlers = { on_wire_data, on_wire_sent,
		on_wire_closed };
	struct wire *wire = must(calloc(1, sizeof(*wire)));
	wire->ws = websocket_accept(x, "binary", &handlers, wire);
	if (!wire->ws) {
		free(wire);
		return NULL;
	}
	return wire;
}

void visit_forget_wire(struct visit *visit)
{
	struct wire *wire = take_ptr(&visit->wire);
	if (wire) {
		wire->visit = NULL;
		websocket_close(wire->ws, WEBSOCKET_POLICY, "this page has opened another one");
	}
}

/* ---- beginning ---- */

static void forget_events(struct visit *visit)
{
	visit_forget_wire(visit);
	if (visit->events) {
		http_on_closed(visit->events, forget, NULL);
		http_stream_end(visit->events);
		visit->events = NULL;
	}
}

static bool begin(struct viewer_pages *pages, struct http_exchange *x, struct visit *visit)
{
	struct wire *wire = NULL;
	const char *upgrade = http_header(x, "Upgrade");
	bool by_wire = upgrade && strcasecmp(upgrade, "websocket") == 0;
	if (by_wire && !(wire = open_wire(x))) {
		return false;
	}
	forget_events(visit);
	if (by_wire) {
		wire->visit = visit;
		visit->wire = wire;
	} else {
		visit->events = x;
		http_on_closed(x, on_closed, visit);
		viewer_reply_stream(pages, x);
	}
	return true;
}

/* A page that comes back under its own name goes on as the one it was. */
void viewer_run_events(struct viewer_pages *pages, struct http_exchange *x, struct stream *stream,
	const char *rest)
{
	const char *id = http_query(x, "viewer");
	struct desk *desk = desk_of(pages, stream->vm);
	(void)rest;
	if (!desk) {
		viewer_refuse(pages, x, 410, "the desktop has ended");
		return;
	}
	struct visit *visit = id ? visit_find(desk, stream, id) : NULL;
	visit = visit ? visit : visit_new(desk, stream);
	if (!visit) {
		http_set_header(x, "Retry-After", "20");
		viewer_refuse(pages, x, 429,
			"too many pages show this stream (%d); close some, or ask for another link",
			VISITS_MAX);
		return;
	}
	if (!begin(pages, x, visit)) {
		visit_changed(visit);
		return;
	}
	visit->told = desk->last_seq > DEEDS_MAX ? desk->last_seq - DEEDS_MAX : 0;
	free(take_ptr(&visit->said));
	say_hello(visit);
	visit_changed(visit);
}
