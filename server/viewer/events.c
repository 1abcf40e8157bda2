/*
 * The events of a page: its identity, the state whenever it changes, the action log, and the reason
 * of the end.  They are server-sent events, or messages of a WebSocket, {"event", "data"}, because
 * a browser permits six requests per server and a seventh page would wait.
 */
#include "server/viewer/viewer_impl.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "server/mcp/json_write.h"
#include "transport/http/websocket.h"

#include <string.h>

#define PENDING_MAX (256u << 10) /* in bytes; a page that does not read must reconnect */

struct event_channel {
	struct page_session *page; /* NULL: replaced by another one */
	struct websocket *ws;
};

static void send_message(struct event_channel *channel, const char *name, const char *text)
{
	auto_buf struct buf message = { 0 };
	if (websocket_pending(channel->ws) > PENDING_MAX) {
		websocket_close(
			channel->ws, WEBSOCKET_POLICY, "the page does not read what is sent");
		return;
	}
	buf_printf(&message, "{\"event\":\"%s\",\"data\":%s}", name, text);
	websocket_send(channel->ws, message.data, message.len);
}

static void send_event(struct page_session *page, const char *name, const char *text)
{
	if (page->channel) {
		send_message(page->channel, name, text);
	}
	if (!page->events) {
		return;
	}
	if (http_stream_pending(page->events) > PENDING_MAX) {
		http_stream_end(page->events);
		return;
	}
	http_stream_event(page->events, name, NULL, text, strlen(text), 0);
}

static void send_json(struct page_session *page, const char *name, json_t *taken)
{
	auto_free char *text = must(json_dumps(must(taken), JSON_COMPACT));
	json_decref(taken);
	send_event(page, name, text);
}

static bool listens(const struct page_session *page)
{
	return page->events || page->channel;
}

/* ---- the state ---- */

static void set_text(json_t *object, const char *name, const char *text)
{
	if (text) {
		json_object_set_new(object, name, json_text(text));
	}
}

json_t *viewer_control_json(const struct vm *vm)
{
	const struct vm_control *control = vm_control(vm);
	json_t *out = must(json_pack("{s:s, s:I}", "holder", vm_holder_names[control->holder],
		"since", (json_int_t)control->since));
	set_text(out, "who", control->who);
	set_text(out, "wanted", control->wanted);
	return out;
}

void events_send_state(struct page_session *page)
{
	const struct vm *vm = page->session.desktop->vm;
	struct size screen = vm_screen(vm);
	if (!listens(page) || !page->session.stream) {
		return;
	}
	json_auto_t *state = must(json_pack("{s:s, s:[i,i], s:o, s:b, s:i, s:b}", "sandbox",
		viewer_state_word(vm), "screen", screen.width, screen.height, "control",
		viewer_control_json(vm), "mine", viewer_session_holds(&page->session), "viewers",
		(int)page->session.desktop->present, "picture", page->rfb != NULL));
	auto_free char *text = must(json_dumps(state, JSON_COMPACT));
	if (!page->sent_state || strcmp(page->sent_state, text) != 0) {
		send_event(page, "state", text);
		free(page->sent_state);
		page->sent_state = take_ptr(&text);
	}
}

void events_send_end(struct page_session *page, enum stream_code code, const char *reason)
{
	send_json(page, "ended",
		json_pack("{s:i, s:o}", "code", (int)code, "reason", json_text(reason)));
	if (page->channel) {
		websocket_close(page->channel->ws, code, reason);
	}
	if (page->events) {
		http_stream_end(page->events);
	}
}

void events_send_alive(struct page_session *page)
{
	if (page->channel) {
		send_message(page->channel, "alive", "{}");
	}
}

/* ---- action log ---- */

bool viewer_sees_actions(const struct stream *stream)
{
	return stream && !stream->window;
}

static void send_action(struct page_session *page, const struct logged_action *action)
{
	json_t *out = must(json_pack("{s:I, s:I, s:s, s:o, s:b, s:b}", "seq",
		(json_int_t)action->seq, "at", (json_int_t)action->at, "tool", action->tool->name,
		"text", json_text(action->text), "failed", action->failed, "picture",
		action->picture == PICTURE_MADE));
	if (action->point.count == 2) {
		json_object_set_new(out, "x", json_integer(action->point.at[0]));
		json_object_set_new(out, "y", json_integer(action->point.at[1]));
	}
	send_json(page, "action", out);
}

/* In order: one whose picture is pending delays the later ones. */
void events_send_actions(struct page_session *page)
{
	const struct watched_desktop *desktop = page->session.desktop;
	if (!listens(page) || !viewer_sees_actions(page->session.stream)) {
		return;
	}
	while (page->sent < desktop->log.last_seq) {
		const struct logged_action *action = action_log_at(&desktop->log, page->sent + 1);
		if (action && (action->picture == PICTURE_WANTED ||
				      action->picture == PICTURE_BEING_MADE)) {
			break;
		}
		page->sent++;
		if (action) {
			send_action(page, action);
		}
	}
}

/* ---- connection ---- */

static void on_closed(struct http_exchange *x, void *data)
{
	struct page_session *page = data;
	if (page->events == x) {
		page->events = NULL;
		page_session_changed(page);
	}
}

static void ignore_closed(struct http_exchange *x, void *data)
{
	(void)x;
	(void)data;
}

static void send_hello(struct page_session *page)
{
	const struct stream *stream = page->session.stream;
	send_json(page, "hello",
		json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "viewer", page->id, "mode",
			stream_mode_names[stream->mode], "sandbox", vm_id(stream->vm), "window",
			(json_int_t)stream->window, "expires", (json_int_t)stream->expires, "now",
			(json_int_t)clock_wall_ms()));
}

/* ---- WebSocket ---- */

/* Whatever a page sends asks whether anybody is here. */
static void on_channel_data(struct websocket *ws, const void *bytes, size_t len, void *data)
{
	(void)ws, (void)bytes, (void)len;
	send_message(data, "pong", "{}");
}

static void on_channel_sent(struct websocket *ws, size_t len, void *data)
{
	(void)ws, (void)len, (void)data;
}

static void on_channel_closed(struct websocket *ws, unsigned code, const char *reason, void *data)
{
	struct event_channel *channel = data;
	struct page_session *page = channel->page;
	(void)ws, (void)code, (void)reason;
	free(channel);
	if (page) {
		page->channel = NULL;
		page_session_changed(page);
	}
}

static struct event_channel *open_channel(struct http_exchange *x)
{
	static const struct websocket_handlers handlers = { on_channel_data, on_channel_sent,
		on_channel_closed };
	struct event_channel *channel = must(calloc(1, sizeof(*channel)));
	channel->ws = websocket_accept(x, "binary", &handlers, channel);
	if (!channel->ws) {
		free(channel);
		return NULL;
	}
	return channel;
}

void events_drop_channel(struct page_session *page)
{
	struct event_channel *channel = take_ptr(&page->channel);
	if (channel) {
		channel->page = NULL;
		websocket_close(
			channel->ws, WEBSOCKET_POLICY, "the page has opened a new connection");
	}
}

/* ---- start ---- */

static void drop_events(struct page_session *page)
{
	events_drop_channel(page);
	if (page->events) {
		http_on_closed(page->events, ignore_closed, NULL);
		http_stream_end(page->events);
		page->events = NULL;
	}
}

static bool begin(struct viewer_pages *pages, struct http_exchange *x, struct page_session *page)
{
	struct event_channel *channel = NULL;
	const char *upgrade = http_header(x, "Upgrade");
	bool by_socket = upgrade && strcasecmp(upgrade, "websocket") == 0;
	if (by_socket && !(channel = open_channel(x))) {
		return false;
	}
	drop_events(page);
	if (by_socket) {
		channel->page = page;
		page->channel = channel;
	} else {
		page->events = x;
		http_on_closed(x, on_closed, page);
		viewer_reply_stream(pages, x);
	}
	return true;
}

/* A page that reconnects with its id resumes its session. */
void viewer_run_events(struct viewer_pages *pages, struct http_exchange *x, struct stream *stream,
	const char *rest)
{
	const char *id = http_query(x, "viewer");
	struct watched_desktop *desktop = desktop_of(pages->desktops, stream->vm);
	(void)rest;
	if (!desktop) {
		viewer_refuse(pages, x, 410, "the desktop has ended");
		return;
	}
	struct page_session *page = id ? page_session_find(desktop, stream, id) : NULL;
	page = page ? page : page_session_new(pages, desktop, stream);
	if (!page) {
		http_set_header(x, "Retry-After", "20");
		viewer_refuse(pages, x, 429,
			"too many pages show this stream (%d); close some, or create another link",
			PAGES_MAX);
		return;
	}
	if (!begin(pages, x, page)) {
		page_session_changed(page);
		return;
	}
	page->sent =
		desktop->log.last_seq > ACTION_LOG_MAX ? desktop->log.last_seq - ACTION_LOG_MAX : 0;
	free(take_ptr(&page->sent_state));
	send_hello(page);
	page_session_changed(page);
}
