/* See talk.h.  What the agent sends counts as consumed when it was written to the socket, and reading
 * from the socket stops while the agent takes nothing, so a slow side costs one window. */
#include "server/remote/talk.h"

#include "base/cleanup.h"
#include "server/remote/frame.h"
#include "transport/http/websocket.h"
#include "vm/guest/ask.h"
#include "vm/guest/conversation.h"
#include "vm/wire/messages.h"

#include <string.h>

struct remote_talk {
	struct websocket *ws;
	struct remote_place place;
	char *owner;                   /* of the place */
	struct guest *guest;           /* while there is a conversation or a question */
	const struct message *message; /* of its operation; NULL: not requested yet */
	struct conversation *c;        /* NULL: none, or it has ended */
	guest_id question;
	struct remote_frames frames;
	struct buf tail;
	size_t owed; /* bytes of the agent not reported as consumed */
	bool answered, closed;
};

static void talk_free(struct remote_talk *t)
{
	buf_done(&t->frames.pending);
	buf_done(&t->tail);
	free(t->owner);
	free(t);
}

static void say(struct remote_talk *t, unsigned kind, const void *bytes, size_t len)
{
	auto_buf struct buf frame = { 0 };
	if (!t->closed) {
		remote_frame_append(&frame, kind, bytes, len);
		websocket_send(t->ws, frame.data, frame.len);
	}
}

static void say_json(struct remote_talk *t, unsigned kind, const json_t *json)
{
	auto_free char *text = must(json_dumps(json, JSON_COMPACT));
	say(t, kind, text, strlen(text));
}

static void say_error(struct remote_talk *t, const struct err *err)
{
	json_auto_t *json =
		json_pack("{s:s, s:s}", "kind", err_kind_word(err->kind), "text", err->text);
	t->answered = true;
	say_json(t, REMOTE_ERROR, json);
}

static void say_answer(struct remote_talk *t, const void *answer, const void *tail, size_t tail_len)
{
	json_auto_t *json = must(message_encode(&t->message->answer, answer));
	t->answered = true;
	if (tail_len) {
		say(t, REMOTE_TAIL, tail, tail_len);
	}
	say_json(t, REMOTE_ANSWER, json);
}

/* ---- the agent ---- */

static void on_data(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct remote_talk *t = data;
	(void)c;
	t->owed += len;
	say(t, channel, bytes, len);
}

static void on_message(struct conversation *c, const struct message *message, const void *args,
	size_t cost, void *data)
{
	struct remote_talk *t = data;
	json_auto_t *json = must(message_speech_encode(message, args));
	(void)c;
	t->owed += cost;
	say_json(t, REMOTE_MESSAGE, json);
}

static void read_on(struct remote_talk *t);

static void on_writable(struct conversation *c, void *data)
{
	(void)c;
	read_on(data);
}

static void on_end(struct conversation *c, const void *answer, const struct err *err, void *data)
{
	struct remote_talk *t = data;
	(void)c;
	t->c = NULL;
	if (err) {
		say_error(t, err);
	} else {
		say_answer(t, answer, NULL, 0);
	}
}

static void on_answered(
	const void *answer, const void *tail, size_t tail_len, const struct err *err, void *data)
{
	struct remote_talk *t = data;
	t->question = 0;
	if (t->closed) {
		talk_free(t);
	} else if (err) {
		say_error(t, err);
	} else {
		say_answer(t, answer, tail, tail_len);
	}
}

/* ---- the client ---- */

static const struct conversation_handlers conversation_handlers = {
	.on_data = on_data,
	.on_message = on_message,
	.on_writable = on_writable,
	.on_end = on_end,
};

static const struct message *find_operation(const char *name, struct err *err)
{
	static const struct message *const *const families[] = { messages_process, messages_files };
	for (size_t f = 0; name && f < sizeof(families) / sizeof(families[0]); f++) {
		for (const struct message *const *m = families[f]; *m; m++) {
			if (strcmp((*m)->name, name) == 0) {
				return *m;
			}
		}
	}
	err_set(err, ERR_UNSUPPORTED,
		"unknown operation '%.40s'; expected one of processes or files", name ? name : "");
	return NULL;
}

static void open_conversation(struct remote_talk *t, const void *args)
{
	const struct conversation_how how = {
		.message = t->message,
		.args = args,
		.tail = t->tail.data,
		.tail_len = t->tail.len,
		.is_command = true,
	};
	t->c = conversation_open(t->guest, &how, &conversation_handlers, t);
}

static void ask(struct remote_talk *t, const void *args)
{
	const struct guest_question question = {
		.message = t->message,
		.args = args,
		.tail = t->tail.data,
		.tail_len = t->tail.len,
		.time_ms = 24 * 3600 * 1000,
		.is_command = true,
	};
	t->question = guest_ask(t->guest, &question, on_answered, t);
}

static bool request(struct remote_talk *t, const char *text, size_t len, struct err *err)
{
	json_error_t where;
	json_auto_t *json = json_loadb(text, len, 0, &where);
	const struct message *message =
		find_operation(json_string_value(json_object_get(json, "op")), err);
	if (!message) {
		return false;
	}
	const struct message_part *part = &message->request;
	auto_free void *args = must(calloc(1, part->size ? part->size : 1));
	if (!message_decode(part, json_object_get(json, "args"), t->tail.len, args, err)) {
		return false;
	}
	struct vm *vm = remote_find(&t->place, err);
	if (!vm) {
		return false;
	}
	t->guest = vm_guest(vm);
	t->message = message;
	if (message->talk) {
		open_conversation(t, args);
	} else {
		ask(t, args);
	}
	buf_done(&t->tail);
	return true;
}

/* False with ERR_NONE: the agent takes it later. */
static bool pass_message(struct remote_talk *t, const char *text, size_t len, struct err *err)
{
	json_error_t where;
	json_auto_t *json = json_loadb(text, len, 0, &where);
	const struct link_msg msg = { .json = json };
	auto_free void *args = NULL;
	const struct message *message =
		json ? message_speech_decode(&t->message->talk->host, &msg, &args, err) : NULL;
	if (!message) {
		return json || err_set(err, ERR_ARGUMENT, "a message must be JSON");
	}
	*err = (struct err){ 0 };
	return conversation_send(t->c, message, args);
}

static bool check_kind(const struct remote_talk *t, unsigned kind, struct err *err)
{
	bool begins = kind == REMOTE_REQUEST || kind == REMOTE_TAIL;
	bool goes_on = kind == REMOTE_MESSAGE || kind == REMOTE_END;
	if (begins ? !t->message : (goes_on && t->message && t->message->talk)) {
		return true;
	}
	if (kind < REMOTE_CHANNELS && t->message && t->message->talk) {
		return message_channel(&t->message->talk->host, kind, err);
	}
	return err_set(err, ERR_ARGUMENT, "a frame of the kind %u is not possible here", kind);
}

static size_t refuse(struct remote_talk *t, const struct err *err, size_t len)
{
	say_error(t, err);
	conversation_close(take_ptr(&t->c));
	return len;
}

static size_t on_frame(unsigned kind, const uint8_t *bytes, size_t len, void *data)
{
	struct remote_talk *t = data;
	struct err err = { 0 };
	if (t->answered) {
		return len; /* it came too late */
	}
	if (!check_kind(t, kind, &err)) {
		return refuse(t, &err, len);
	}
	if (kind < REMOTE_CHANNELS) {
		return t->c ? conversation_write(t->c, kind, bytes, len) : len;
	}
	if (kind == REMOTE_TAIL) {
		buf_append(&t->tail, bytes, len);
	} else if (kind == REMOTE_REQUEST) {
		if (!request(t, (const char *)bytes, len, &err)) {
			return refuse(t, &err, len);
		}
	} else if (kind == REMOTE_END && t->c) {
		conversation_close_write(t->c);
	} else if (kind == REMOTE_MESSAGE && t->c &&
		   !pass_message(t, (const char *)bytes, len, &err)) {
		return err.kind == ERR_NONE ? 0 : refuse(t, &err, len);
	}
	return len;
}

static void read_on(struct remote_talk *t)
{
	struct err err;
	if (!remote_frames_resume(&t->frames, on_frame, t, &err)) {
		refuse(t, &err, 0);
	}
	websocket_pause(t->ws, t->frames.stopped);
}

static void on_ws_data(struct websocket *ws, const void *bytes, size_t len, void *data)
{
	struct remote_talk *t = data;
	struct err err;
	if (t->tail.len + t->frames.pending.len > 2 * REMOTE_FRAME_MAX) {
		err_set(&err, ERR_LIMIT, "too many bytes before the request");
		refuse(t, &err, 0);
	} else if (!remote_frames_add(&t->frames, bytes, len, on_frame, t, &err)) {
		refuse(t, &err, 0);
	}
	websocket_pause(ws, t->frames.stopped);
}

static void on_ws_sent(struct websocket *ws, size_t len, void *data)
{
	struct remote_talk *t = data;
	size_t n = len < t->owed ? len : t->owed;
	(void)ws;
	t->owed -= n;
	if (t->c && n) {
		conversation_consumed(t->c, n);
	}
}

/* One that waits for an answer is freed with it. */
static void on_ws_closed(struct websocket *ws, unsigned code, const char *reason, void *data)
{
	struct remote_talk *t = data;
	(void)ws, (void)code, (void)reason;
	t->closed = true;
	conversation_close(take_ptr(&t->c));
	if (t->question) {
		guest_cancel(t->guest, t->question);
	} else {
		talk_free(t);
	}
}

void remote_talk_accept(struct http_exchange *x, const struct remote_place *place)
{
	static const struct websocket_handlers handlers = { on_ws_data, on_ws_sent, on_ws_closed };
	struct remote_talk *t = must(calloc(1, sizeof(*t)));
	t->place = *place;
	t->owner = place->owner ? must(strdup(place->owner)) : NULL;
	t->place.owner = t->owner;
	t->ws = websocket_accept(x, "vitrine", &handlers, t);
	if (!t->ws) {
		talk_free(t);
	}
}
