// USES wire
/*
 * What a hostile other side sends, into one end of a link in use.  The first byte's last bit picks
 * the end: 1 asks, cancels, and has conversation 1 open; 0 answers, and accepts every conversation.
 * The input is lines "TYPE NUMBER PAYLOAD"; the payload of a message is its JSON, of data a digit of
 * the channel and the bytes.  A line that begins with '!' goes out as it is.
 */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/wire/frame.h"
#include "vm/wire/link.h"

#include <string.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct state {
	sd_event *event;
	struct link *link;
	int asked, answered, closed;
};

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

/* ---- our end: everything a user of a link may do, picked by what comes ---- */

static void on_data(
	struct link *link, uint32_t id, unsigned channel, const void *bytes, size_t len, void *data)
{
	static const char many[2 * LINK_WINDOW];
	struct state *state = data;
	check(len > 0 && len <= FRAME_CHUNK && channel <= UINT8_MAX);
	link_write(link, id, channel, bytes, len);
	switch (*(const char *)bytes) {
	case 'm': /* sends more than the credit, and continues */
		check(link_write(link, id, 0, many, sizeof(many)) <= LINK_WINDOW);
		break;
	case 'e':
		link_end(link, id);
		break;
	case 'c':
		link_cancel(link, id);
		break;
	case 'r':
		link_reply(link, id, NULL, many, 100);
		break;
	case 'h': /* keeps it */
		return;
	case 'x':
		link_free(take_ptr(&state->link));
		return;
	default:
		break;
	}
	link_consumed(link, id, len);
}

static void on_talk_message(
	struct link *link, uint32_t id, const struct link_msg *msg, size_t cost, void *data)
{
	(void)data;
	check(json_is_object(msg->json) && cost <= LINK_MESSAGE_MAX);
	link_send_message(link, id, json_incref((json_t *)msg->json), msg->tail, msg->tail_len);
	link_consumed(link, id, cost);
}

static void on_ended(struct link *link, uint32_t id, void *data)
{
	(void)data;
	link_end(link, id);
}

static void on_writable(struct link *link, uint32_t id, void *data)
{
	(void)data;
	link_write(link, id, 0, "more", 4);
}

static const struct link_talk talk = { on_data, on_talk_message, on_writable, on_ended };

static void on_reply(const struct link_msg *msg, const struct err *err, void *data)
{
	struct state *state = data;
	check(!msg != !err);
	check(!msg || json_is_object(msg->json));
	state->answered++;
}

static void ask(struct state *state)
{
	uint32_t id = link_request(state->link, "do", NULL, on_reply, state);
	if (state->asked++ % 2) {
		link_cancel(state->link, id);
	}
}

static void on_request(struct link *link, uint32_t id, const struct link_msg *msg, void *data)
{
	struct state *state = data;
	struct err err;
	const json_t *args = json_object_get(msg->json, "args");
	const char *op = json_string_value(json_object_get(msg->json, "op"));
	check(op && json_is_object(args));
	if (*op == 'x') {
		link_free(link);
		state->link = NULL;
	} else if (*op == 't') { /* until it is told to reply */
		(void)!link_accept(link, id, &talk, state, &err);
	} else if (*op != 'l') { /* later, or never */
		link_reply(link, id, json_incref((json_t *)args), msg->tail, msg->tail_len);
	}
}

static void on_cancel(struct link *link, uint32_t id, void *data)
{
	struct err err;
	(void)data;
	err_set(&err, ERR_CANCELLED, "taken back");
	link_reply_err(link, id, &err);
}

static void on_event(struct link *link, const struct link_msg *msg, void *data)
{
	(void)link;
	check(json_is_string(json_object_get(msg->json, "event")));
	if (((struct state *)data)->asked < 100) {
		ask(data);
	}
}

static void on_closed(struct link *link, const struct err *why, void *data)
{
	struct state *state = data;
	check(why->text[0] && !state->closed++);
	link_free(link);
	state->link = NULL;
}

static const struct link_handlers agent_handlers = {
	.request = on_request, .cancel = on_cancel, .closed = on_closed, .resets_on = "restored"
};
static const struct link_handlers host_handlers = { .event = on_event, .closed = on_closed };

/* ---- the other end ---- */

static const char *const type_names[FRAME_TYPES] = {
	[FRAME_REQUEST] = "request",
	[FRAME_REPLY] = "reply",
	[FRAME_EVENT] = "event",
	[FRAME_CANCEL] = "cancel",
	[FRAME_DATA] = "data",
	[FRAME_CREDIT] = "credit",
	[FRAME_END] = "end",
	[FRAME_MESSAGE] = "message",
};

static void put_frame(struct buf *out, enum frame_type type, uint32_t number, const char *payload)
{
	uint8_t head[FRAME_HEADER + 4];
	size_t len = strlen(payload);
	bool has_json = type <= FRAME_EVENT || type == FRAME_MESSAGE;
	const char *tail = has_json ? strchr(payload, '\t') : NULL; /* JSON, tab, tail */
	frame_header(head, type, number, (uint32_t)(len + 4 * has_json));
	frame_put_u32(head + FRAME_HEADER, (uint32_t)(tail ? (size_t)(tail - payload) : len));
	if (type == FRAME_CREDIT) {
		frame_header(head, type, number, 4);
		frame_put_u32(head + FRAME_HEADER, (uint32_t)strtoul(payload, NULL, 10));
		has_json = true;
		len = 0;
	}
	buf_append(out, head, FRAME_HEADER + 4 * has_json);
	buf_append(out, payload, len);
	if (type == FRAME_DATA && len) {
		out->data[out->len - len] &= 7;
	}
}

/* As many full chunks as a conversation's credit, and one more. */
static void put_flood(struct buf *out, uint32_t number)
{
	for (unsigned i = 0; i <= LINK_WINDOW / FRAME_CHUNK; i++) {
		uint8_t chunk[FRAME_HEADER + 1 + FRAME_CHUNK] = { 0 };
		frame_header(chunk, FRAME_DATA, number, 1 + FRAME_CHUNK);
		buf_append(out, chunk, sizeof(chunk));
	}
}

static void put_line(struct buf *out, char *line)
{
	char *save = NULL;
	if (*line == '!') {
		buf_append(out, line + 1, strlen(line + 1));
		return;
	}
	const char *word = strtok_r(line, " ", &save), *number = strtok_r(NULL, " ", &save);
	if (word && number && strcmp(word, "flood") == 0) {
		put_flood(out, (uint32_t)strtoul(number, NULL, 10));
	}
	for (int type = FRAME_REQUEST; word && number && type < FRAME_TYPES; type++) {
		if (strcmp(type_names[type], word) == 0) {
			put_frame(out, (enum frame_type)type, (uint32_t)strtoul(number, NULL, 10),
				save);
		}
	}
}

static void run(struct state *state)
{
	for (int i = 0; i < 20 && sd_event_run(state->event, 0) > 0; i++) {
	}
}

/* Sends what the other end sends and throws away what it hears. */
static void play(struct state *state, int fd, char *text)
{
	static char sink[65536];
	for (char *save, *line = strtok_r(text, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		auto_buf struct buf out = { 0 };
		put_line(&out, line);
		for (int round = 0; out.len && round < 20; round++) {
			ssize_t n = send(fd, out.data, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
			buf_consume(&out, n > 0 ? (size_t)n : 0);
			run(state);
			while (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0) {
			}
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct err err;
	struct state state = { 0 };
	int ends[2];
	log_set_level(LOG_LEVEL_ERROR);
	auto_free char *text = must(malloc(len + 1));
	memcpy(text, bytes, len);
	text[len] = '\0';
	must(state.event = loop_new(&err));
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	bool asks = len && (bytes[0] & 1);
	state.link =
		link_new(state.event, ends[0], asks ? &host_handlers : &agent_handlers, &state);
	if (asks) {
		state.asked++;
		link_converse(state.link, "talk", NULL, NULL, 0, &talk, on_reply, &state);
		ask(&state);
	}
	play(&state, ends[1], text);
	close(ends[1]);
	run(&state);
	link_free(state.link);
	run(&state);
	check(state.answered == state.asked);
	sd_event_unref(state.event);
	return 0;
}
