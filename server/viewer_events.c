/*
 * What a page is told, as server-sent events: who it is, how things are whenever that changes, what
 * the agent did, and why it is over.
 */
#include "server/viewer_impl.h"

#include "base/cleanup.h"
#include "server/json_write.h"

#include <string.h>

#define PENDING_MAX (256u << 10) /* bytes; a page that reads nothing comes back later */

static void send_event(struct visit *visit, const char *name, const char *text)
{
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
	if (!visit->events || !visit->stream) {
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
	if (visit->events) {
		send_json(visit, "ended",
			json_pack("{s:i, s:o}", "code", (int)code, "reason", json_text(reason)));
		http_stream_end(visit->events);
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
	if (!visit->events || !viewer_sees_deeds(visit->stream)) {
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
			(json_int_t)viewer_now_ms()));
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
	if (visit->events) {
		http_on_closed(visit->events, forget, NULL);
		http_stream_end(visit->events);
	}
	visit->events = x;
	visit->told = desk->last_seq > DEEDS_MAX ? desk->last_seq - DEEDS_MAX : 0;
	free(take_ptr(&visit->said));
	http_on_closed(x, on_closed, visit);
	viewer_reply_stream(pages, x);
	say_hello(visit);
	visit_changed(visit);
}
