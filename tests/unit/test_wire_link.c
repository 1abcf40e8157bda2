// USES wire
/*
 * Two ends of a link over a socketpair, in one loop; and one end against raw bytes of a hostile
 * other side.
 */
#include "base/loop.h"
#include "vm/wire/frame.h"
#include "vm/wire/link.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUESTS 8

struct end {
	struct link *link;
	int requests, cancels, events, closed;
	uint32_t ids[REQUESTS];
	char last_op[32], last_event[32];
	size_t tail_len;
	struct err why;
	bool answer;        /* requests at once, with what came as the result */
	bool free_in_reply; /* link_free() from inside the reply callback */
	bool free_in_request;
};

struct pair {
	sd_event *event;
	struct end host, agent;
};

/* What a reply callback saw. */
struct answer {
	struct end *end;
	int count;
	json_t *result;
	struct err err;
	int again; /* so many more requests from inside the callback */
};

static void on_request(struct link *link, uint32_t id, const struct link_msg *msg, void *data)
{
	struct end *end = data;
	json_t *args = json_object_get(msg->json, "args");
	end->ids[end->requests++ % REQUESTS] = id;
	snprintf(end->last_op, sizeof(end->last_op), "%s",
		json_string_value(json_object_get(msg->json, "op")));
	if (end->free_in_request) {
		link_free(link);
		end->link = NULL;
	} else if (end->answer) {
		link_reply(link, id, json_incref(args), "tail", 4);
	}
}

static void on_cancel(struct link *link, uint32_t id, void *data)
{
	struct end *end = data;
	struct err err;
	end->cancels++;
	err_set(&err, ERR_CANCELLED, "taken back");
	link_reply_err(link, id, &err);
}

static void on_event(struct link *link, const struct link_msg *msg, void *data)
{
	struct end *end = data;
	(void)link;
	end->events++;
	end->tail_len = msg->tail_len;
	snprintf(end->last_event, sizeof(end->last_event), "%s",
		json_string_value(json_object_get(msg->json, "event")));
}

static void on_closed(struct link *link, const struct err *why, void *data)
{
	struct end *end = data;
	end->closed++;
	end->why = *why;
	link_free(link);
	end->link = NULL;
}

static const struct link_handlers handlers = { on_request, on_cancel, on_event, on_closed };

static void on_reply(const struct link_msg *msg, const struct err *err, void *data)
{
	struct answer *answer = data;
	answer->count++;
	json_decref(answer->result);
	answer->result = msg ? json_incref((json_t *)msg->json) : NULL;
	if (err) {
		answer->err = *err;
	}
	if (answer->again-- > 0) {
		link_request(answer->end->link, "again", NULL, on_reply, answer);
	}
	if (answer->end && answer->end->free_in_reply) {
		link_free(answer->end->link);
		answer->end->link = NULL;
	}
}

static void settle(struct pair *pair)
{
	while (sd_event_run(pair->event, 20000) > 0) {
	}
}

static void begin(struct pair *pair)
{
	int ends[2];
	struct err err;
	pair->event = loop_new(&err);
	cr_assert(pair->event);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	pair->host.link = link_new(pair->event, ends[0], &handlers, &pair->host);
	pair->agent.link = link_new(pair->event, ends[1], &handlers, &pair->agent);
}

static void end(struct pair *pair)
{
	link_free(pair->host.link);
	link_free(pair->agent.link);
	settle(pair);
	sd_event_unref(pair->event);
}

Test(link, a_request_is_answered)
{
	struct pair pair = { .agent.answer = true };
	struct answer answer = { 0 };
	begin(&pair);
	link_request(pair.host.link, "echo", json_pack("{s:i}", "n", 7), on_reply, &answer);
	cr_assert_eq(answer.count, 0);
	settle(&pair);
	cr_assert_eq(answer.count, 1);
	cr_assert_str_eq(pair.agent.last_op, "echo");
	cr_assert_eq(json_integer_value(json_object_get(answer.result, "n")), 7);
	json_decref(answer.result);
	end(&pair);
}

Test(link, an_error_keeps_its_kind)
{
	struct pair pair = { 0 };
	struct answer answer = { 0 };
	struct err err;
	begin(&pair);
	link_request(pair.host.link, "x", NULL, on_reply, &answer);
	settle(&pair);
	err_set(&err, ERR_NOT_FOUND, "no such thing: %s", "caf\xe9");
	link_reply_err(pair.agent.link, pair.agent.ids[0], &err);
	link_reply_err(pair.agent.link, pair.agent.ids[0], &err);
	settle(&pair);
	cr_assert_eq(answer.count, 1);
	cr_assert_eq(answer.err.kind, ERR_NOT_FOUND);
	cr_assert_str_eq(answer.err.text, "no such thing: caf?");
	end(&pair);
}

Test(link, events_carry_their_fields)
{
	struct pair pair = { 0 };
	begin(&pair);
	link_event(pair.agent.link, "hello", json_pack("{s:i}", "protocol", 1));
	settle(&pair);
	cr_assert_eq(pair.host.events, 1);
	cr_assert_str_eq(pair.host.last_event, "hello");
	end(&pair);
}

Test(link, a_cancelled_request_is_still_answered_once)
{
	struct pair pair = { 0 };
	struct answer answer = { 0 };
	begin(&pair);
	uint32_t id = link_request(pair.host.link, "slow", NULL, on_reply, &answer);
	link_cancel(pair.host.link, id);
	link_cancel(pair.host.link, id);
	settle(&pair);
	cr_assert_eq(pair.agent.cancels, 1);
	cr_assert_eq(answer.count, 1);
	cr_assert_eq(answer.err.kind, ERR_CANCELLED);
	link_cancel(pair.host.link, id);
	settle(&pair);
	cr_assert_eq(pair.agent.cancels, 1);
	end(&pair);
}

Test(link, a_cancel_that_crosses_the_answer_is_dropped)
{
	struct pair pair = { 0 };
	struct answer answer = { 0 };
	begin(&pair);
	uint32_t id = link_request(pair.host.link, "slow", NULL, on_reply, &answer);
	settle(&pair);
	link_reply(pair.agent.link, pair.agent.ids[0], NULL, NULL, 0);
	link_cancel(pair.host.link, id);
	settle(&pair);
	cr_assert_eq(pair.agent.cancels, 0);
	cr_assert(answer.result);
	json_decref(answer.result);
	cr_assert_eq(pair.host.closed, 0);
	end(&pair);
}

Test(link, a_closing_link_fails_its_requests)
{
	struct pair pair = { 0 };
	struct answer answer = { .end = &pair.host, .again = 1 };
	begin(&pair);
	link_request(pair.host.link, "x", NULL, on_reply, &answer);
	settle(&pair);
	link_free(pair.agent.link);
	pair.agent.link = NULL;
	settle(&pair);
	cr_assert_eq(pair.host.closed, 1);
	cr_assert_eq(
		answer.count, 2, "the one made in the callback fails, too; got %d", answer.count);
	cr_assert_eq(answer.err.kind, ERR_GONE);
	end(&pair);
}

Test(link, requests_on_a_dead_link_fail_from_the_loop)
{
	struct pair pair = { 0 };
	struct answer answer = { 0 };
	begin(&pair);
	pair.agent.free_in_request = true;
	link_request(pair.host.link, "x", NULL, on_reply, &answer);
	settle(&pair);
	cr_assert_eq(pair.host.closed, 1);
	cr_assert_eq(answer.count, 1);
	cr_assert_null(pair.agent.link);
	end(&pair);
}

Test(link, link_free_inside_a_reply)
{
	struct pair pair = { .agent.answer = true, .host.free_in_reply = true };
	struct answer first = { .end = &pair.host }, second = { 0 };
	begin(&pair);
	link_request(pair.host.link, "x", NULL, on_reply, &first);
	link_request(pair.host.link, "y", NULL, on_reply, &second);
	settle(&pair);
	cr_assert_eq(first.count, 1);
	cr_assert_eq(second.count, 1);
	cr_assert_eq(second.err.kind, ERR_GONE);
	json_decref(first.result);
	cr_assert_eq(pair.agent.closed, 1);
	end(&pair);
}

Test(link, too_many_requests_are_refused_here)
{
	struct pair pair = { 0 };
	struct answer kept = { 0 }, refused = { 0 };
	begin(&pair);
	for (int i = 0; i < LINK_REQUESTS_MAX; i++) {
		link_request(pair.host.link, "x", NULL, on_reply, &kept);
	}
	link_request(pair.host.link, "x", NULL, on_reply, &refused);
	cr_assert_eq(refused.count, 0);
	settle(&pair);
	cr_assert_eq(refused.count, 1);
	cr_assert_eq(refused.err.kind, ERR_LIMIT);
	cr_assert_eq(kept.count, 0);
	cr_assert_eq(pair.agent.requests, LINK_REQUESTS_MAX);
	cr_assert_eq(pair.agent.closed, 0);
	end(&pair);
	cr_assert_eq(kept.count, LINK_REQUESTS_MAX);
}

Test(link, messages_too_large_are_refused_here)
{
	struct pair pair = { 0 };
	struct answer answer = { 0 };
	static char text[FRAME_HEADER_JSON_MAX + 1], tail[FRAME_MAX];
	begin(&pair);
	memset(text, 'x', sizeof(text) - 1);
	link_request(pair.host.link, "x", json_pack("{s:s}", "text", text), on_reply, &answer);
	settle(&pair);
	cr_assert_eq(answer.err.kind, ERR_LIMIT);
	cr_assert_eq(pair.agent.requests, 0);
	link_request(pair.host.link, "x", NULL, on_reply, &answer);
	settle(&pair);
	link_reply(pair.agent.link, pair.agent.ids[0], NULL, tail, sizeof(tail));
	answer.err.kind = ERR_NONE;
	settle(&pair);
	cr_assert_eq(answer.count, 2);
	cr_assert_eq(answer.err.kind, ERR_LIMIT);
	link_event(pair.agent.link, "big", json_pack("{s:s}", "text", text));
	link_event(pair.agent.link, "small", NULL);
	settle(&pair);
	cr_assert_str_eq(pair.host.last_event, "small");
	cr_assert_eq(pair.host.closed, 0);
	end(&pair);
}

/* ---- hostile bytes ---- */

static void put(int fd, enum frame_type type, uint32_t number, const char *json, size_t tail)
{
	uint8_t bytes[4096] = { 0 };
	size_t len = strlen(json);
	frame_header(bytes, type, number, (uint32_t)(4 + len + tail));
	frame_put_u32(bytes + FRAME_HEADER, (uint32_t)len);
	memcpy(bytes + FRAME_HEADER + 4, json, len);
	cr_assert_eq(write(fd, bytes, FRAME_HEADER + 4 + len + tail),
		(ssize_t)(FRAME_HEADER + 4 + len + tail));
}

static void put_raw(int fd, enum frame_type type, uint32_t number, const void *payload, size_t len)
{
	uint8_t bytes[64] = { 0 };
	frame_header(bytes, type, number, (uint32_t)len);
	memcpy(bytes + FRAME_HEADER, payload, len);
	cr_assert_eq(write(fd, bytes, FRAME_HEADER + len), (ssize_t)(FRAME_HEADER + len));
}

struct victim {
	struct pair pair;
	int fd;
};

static void begin_victim(struct victim *v)
{
	int ends[2];
	struct err err;
	v->pair.event = loop_new(&err);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	v->pair.host.link = link_new(v->pair.event, ends[0], &handlers, &v->pair.host);
	v->fd = ends[1];
}

/* The link must have ended by now, once, saying `words`. */
static void end_victim(struct victim *v, const char *words)
{
	settle(&v->pair);
	cr_assert_eq(v->pair.host.closed, 1, "%s", words);
	cr_assert(strstr(v->pair.host.why.text, words), "'%s' is not in: %s", words,
		v->pair.host.why.text);
	close(v->fd);
	sd_event_unref(v->pair.event);
}

Test(link, hostile_frames)
{
	static const struct {
		const uint8_t bytes[16];
		size_t len;
		const char *words;
	} all[] = {
		{ { 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, FRAME_REQUEST }, 9, "must hold" },
		{ { 0, 0, 0, 0, 1, 0, 0, 0, 0 }, 9, "type" },
		{ { 0, 0, 0, 0, 1, 0, 0, 0, FRAME_TYPES }, 9, "type" },
		{ { 0, 0, 0, 0, 1, 0, 0, 0, 255 }, 9, "type" },
		{ { 0, 0, 0, 0, 1, 0, 0, 0, FRAME_REQUEST }, 9, "must hold" },
		{ { 4, 0, 0, 0, 0, 0, 0, 0, FRAME_REQUEST }, 9, "number" },
		{ { 4, 0, 0, 0, 1, 0, 0, 0, FRAME_EVENT }, 9, "stream 0" },
		{ { 4, 0, 0, 0, 0, 0, 0, 0, FRAME_EVENT, 1, 0, 0, 0 }, 13, "at most" },
		{ { 4, 0, 0, 0, 0, 0, 0, 0, FRAME_EVENT, 0, 0, 0, 0 }, 13, "JSON" },
		{ { 0, 0, 0, 0, 1, 0, 0, 0, FRAME_DATA }, 9, "data" },
		{ { 1, 128, 0, 0, 1, 0, 0, 0, FRAME_DATA }, 9, "data" },
		{ { 3, 0, 0, 0, 1, 0, 0, 0, FRAME_CREDIT }, 9, "credit" },
		{ { 1, 0, 0, 0, 1, 0, 0, 0, FRAME_CANCEL }, 9, "cancel" },
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct victim v = { 0 };
		begin_victim(&v);
		cr_assert_eq(write(v.fd, all[i].bytes, all[i].len), (ssize_t)all[i].len);
		end_victim(&v, all[i].words);
	}
}

Test(link, hostile_messages)
{
	static const struct {
		enum frame_type type;
		uint32_t number;
		const char *json, *words;
	} all[] = {
		{ FRAME_EVENT, 0, "[1]", "object" },
		{ FRAME_EVENT, 0, "{\"event\":", "object" },
		{ FRAME_EVENT, 0, "{\"event\":\"a\",\"event\":\"b\"}", "duplicate" },
		{ FRAME_EVENT, 0, "{\"event\":1}", "'event'" },
		{ FRAME_EVENT, 0, "{\"event\":\"\xff\"}", "object" },
		{ FRAME_REPLY, 9, "{\"result\":{}}", "no open request" },
		{ FRAME_REQUEST, 1, "{}", "'op'" },
		{ FRAME_REQUEST, 1, "{\"op\":\"x\"}", "'args'" },
		{ FRAME_REQUEST, 1, "{\"op\":\"x\",\"args\":[]}", "'args'" },
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct victim v = { 0 };
		begin_victim(&v);
		put(v.fd, all[i].type, all[i].number, all[i].json, 3);
		end_victim(&v, all[i].words);
	}
}

Test(link, hostile_replies)
{
	static const char *const all[] = {
		"{}",
		"{\"result\":1}",
		"{\"result\":{},\"error\":{\"kind\":\"host\",\"text\":\"x\"}}",
		"{\"error\":{\"kind\":\"host\"}}",
		"{\"error\":\"x\"}",
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct victim v = { 0 };
		struct answer answer = { 0 };
		begin_victim(&v);
		uint32_t id = link_request(v.pair.host.link, "x", NULL, on_reply, &answer);
		put(v.fd, FRAME_REPLY, id, all[i], 0);
		end_victim(&v, "either a 'result'");
		cr_assert_eq(answer.count, 1);
		cr_assert_eq(answer.err.kind, ERR_GONE);
	}
}

Test(link, a_request_id_twice)
{
	struct victim v = { 0 };
	begin_victim(&v);
	put(v.fd, FRAME_REQUEST, 5, "{\"op\":\"x\",\"args\":{}}", 0);
	put(v.fd, FRAME_REQUEST, 5, "{\"op\":\"x\",\"args\":{}}", 0);
	end_victim(&v, "open already");
	cr_assert_eq(v.pair.host.requests, 1);
}

Test(link, too_many_open_requests)
{
	struct victim v = { 0 };
	begin_victim(&v);
	for (uint32_t i = 1; i <= LINK_REQUESTS_MAX + 1; i++) {
		put(v.fd, FRAME_REQUEST, i, "{\"op\":\"x\",\"args\":{}}", 0);
		sd_event_run(v.pair.event, 0);
	}
	end_victim(&v, "at most");
	cr_assert_eq(v.pair.host.requests, LINK_REQUESTS_MAX);
}

Test(link, cut_in_the_middle)
{
	struct victim v = { 0 };
	begin_victim(&v);
	cr_assert_eq(write(v.fd, "\x10\0\0\0\1", 5), 5);
	shutdown(v.fd, SHUT_WR);
	end_victim(&v, "in the middle");
}

Test(link, last_words_are_heard)
{
	struct victim v = { 0 };
	struct answer answer = { 0 };
	begin_victim(&v);
	put(v.fd, FRAME_EVENT, 0, "{\"event\":\"failed\"}", 0);
	close(v.fd);
	link_request(v.pair.host.link, "x", NULL, on_reply, &answer); /* EPIPE */
	v.fd = -1;
	end_victim(&v, "");
	cr_assert_eq(v.pair.host.events, 1);
	cr_assert_eq(answer.count, 1);
}

/* ---- streams ---- */

struct flow {
	struct link_stream *stream;
	size_t to_send, sent, got;
	int ended, reset, chunks;
	bool hold;          /* do not consume */
	bool end_when_done; /* end the stream behind the last byte */
	bool free_in_data;
	uint8_t next_out, next_in;
	int index, *last, *switches; /* counts when a chunk is another stream's than the last one */
};

static void send_more(struct flow *flow)
{
	while (flow->sent < flow->to_send) {
		uint8_t bytes[10000];
		size_t left = flow->to_send - flow->sent;
		size_t n = left < sizeof(bytes) ? left : sizeof(bytes);
		for (size_t i = 0; i < n; i++) {
			bytes[i] = (uint8_t)(flow->next_out + i);
		}
		size_t took = link_stream_write(flow->stream, bytes, n);
		flow->sent += took;
		flow->next_out = (uint8_t)(flow->next_out + took);
		if (took < n) {
			return;
		}
	}
	if (flow->end_when_done) {
		link_stream_end(flow->stream);
	}
}

static void on_data(struct link_stream *s, const void *bytes, size_t len, void *data)
{
	struct flow *flow = data;
	const uint8_t *b = bytes;
	cr_assert_leq(len, FRAME_CHUNK);
	for (size_t i = 0; i < len; i++) {
		cr_assert_eq(b[i], flow->next_in++);
	}
	flow->got += len;
	flow->chunks++;
	if (flow->last && *flow->last != flow->index) {
		*flow->last = flow->index;
		++*flow->switches;
	}
	if (flow->free_in_data) {
		link_stream_free(s);
		flow->stream = NULL;
	} else if (!flow->hold) {
		link_stream_consumed(s, len);
	}
}

static void on_ended(struct link_stream *s, void *data)
{
	struct flow *flow = data;
	(void)s;
	flow->ended++;
}

static void on_reset(struct link_stream *s, void *data)
{
	struct flow *flow = data;
	flow->reset++;
	flow->stream = NULL;
	link_stream_free(s); /* does nothing */
}

static void on_writable(struct link_stream *s, void *data)
{
	(void)s;
	send_more(data);
}

static const struct link_stream_handlers flow_handlers = { on_data, on_ended, on_reset,
	on_writable };

static void open_flow(struct pair *pair, struct flow *near, struct flow *far)
{
	struct err err;
	near->stream = link_stream_open(pair->host.link, &flow_handlers, near);
	cr_assert(near->stream);
	far->stream = link_stream_accept(
		pair->agent.link, link_stream_number(near->stream), &flow_handlers, far, &err);
	cr_assert(far->stream);
}

Test(link, streams_pass_more_than_the_window_both_ways)
{
	struct pair pair = { 0 };
	struct flow near = { .to_send = 3000000, .end_when_done = true };
	struct flow far = { .to_send = 2000001, .end_when_done = true };
	begin(&pair);
	open_flow(&pair, &near, &far);
	send_more(&near);
	send_more(&far);
	cr_assert_lt(near.sent, 3000000);
	settle(&pair);
	cr_assert_eq(far.got, 3000000);
	cr_assert_eq(near.got, 2000001);
	cr_assert_eq(near.ended, 1);
	cr_assert_eq(far.ended, 1);
	link_stream_free(near.stream);
	link_stream_free(far.stream);
	settle(&pair);
	cr_assert_eq(near.reset + far.reset, 0, "both had ended");
	cr_assert_eq(pair.host.closed + pair.agent.closed, 0);
	end(&pair);
}

Test(link, a_reader_that_holds_stops_its_writer)
{
	struct pair pair = { 0 };
	struct flow near = { .to_send = 1000000 }, far = { .hold = true };
	begin(&pair);
	open_flow(&pair, &near, &far);
	send_more(&near);
	settle(&pair);
	cr_assert_eq(far.got, LINK_WINDOW);
	cr_assert_eq(near.sent, LINK_WINDOW);
	far.hold = false;
	link_stream_consumed(far.stream, far.got);
	settle(&pair);
	cr_assert_eq(far.got, 1000000);
	end(&pair);
	cr_assert_eq(near.reset + far.reset, 0, "link_free() is silent");
}

/* What a click costs beside a transfer: it must not wait for much of it. */
Test(link, a_message_overtakes_a_large_stream)
{
	struct pair pair = { .agent.answer = true };
	struct flow near = { .to_send = 10u << 20, .end_when_done = true }, far = { 0 };
	struct answer answer = { 0 };
	begin(&pair);
	open_flow(&pair, &near, &far);
	send_more(&near);
	for (int i = 0; i < 10; i++) {
		sd_event_run(pair.event, 0);
	}
	size_t before = far.got;
	link_request(pair.host.link, "click", NULL, on_reply, &answer);
	cr_assert_leq(link_pending(pair.host.link), 3 * FRAME_CHUNK);
	while (!pair.agent.requests) {
		sd_event_run(pair.event, 0);
	}
	/* What the kernel's buffer and the queue hold, and not the 10 MiB. */
	cr_assert_lt(far.got - before, 1u << 20);
	settle(&pair);
	cr_assert_eq(far.got, 10u << 20);
	cr_assert_eq(answer.count, 1);
	json_decref(answer.result);
	link_stream_free(near.stream);
	link_stream_free(far.stream);
	end(&pair);
}

/* The first fills the pipe, so that the other two wait side by side. */
Test(link, streams_take_turns)
{
	struct pair pair = { 0 };
	struct flow near[3] = { 0 }, far[3] = { 0 };
	int last = 0, switches = 0;
	begin(&pair);
	for (int i = 0; i < 3; i++) {
		near[i].to_send = LINK_WINDOW;
		far[i].last = &last;
		far[i].switches = &switches;
		far[i].index = i;
		open_flow(&pair, &near[i], &far[i]);
	}
	for (int i = 0; i < 3; i++) {
		send_more(&near[i]);
	}
	settle(&pair);
	cr_assert_eq(far[0].got + far[1].got + far[2].got, 3 * LINK_WINDOW);
	cr_assert_geq(switches, LINK_WINDOW / FRAME_CHUNK, "%d", switches);
	end(&pair);
}

Test(link, a_stream_given_up_resets_the_other_side)
{
	struct pair pair = { 0 };
	struct flow near = { .to_send = 1000000 }, far = { .free_in_data = true };
	begin(&pair);
	open_flow(&pair, &near, &far);
	send_more(&near);
	settle(&pair);
	cr_assert_eq(near.reset, 1);
	cr_assert_null(near.stream);
	cr_assert_eq(far.chunks, 1, "no callback after link_stream_free");
	cr_assert_eq(pair.host.closed + pair.agent.closed, 0, "what was under way is dropped");
	end(&pair);
}

Test(link, a_stream_ended_and_given_up_is_still_sent)
{
	struct pair pair = { 0 };
	struct flow near = { .to_send = LINK_WINDOW, .end_when_done = true }, far = { 0 };
	begin(&pair);
	open_flow(&pair, &near, &far);
	send_more(&near);
	link_stream_free(near.stream);
	settle(&pair);
	cr_assert_eq(far.got, LINK_WINDOW);
	cr_assert_eq(far.ended, 1);
	cr_assert_eq(far.reset, 1, "its own direction is void");
	end(&pair);
}

Test(link, a_closed_link_resets_its_streams)
{
	struct pair pair = { 0 };
	struct flow near = { 0 }, far = { 0 };
	begin(&pair);
	open_flow(&pair, &near, &far);
	link_free(pair.agent.link);
	pair.agent.link = NULL;
	settle(&pair);
	cr_assert_eq(near.reset, 1);
	cr_assert_eq(far.reset, 0);
	end(&pair);
}

Test(link, streams_are_bounded)
{
	struct pair pair = { 0 };
	struct flow flows[2] = { 0 };
	struct err err;
	begin(&pair);
	for (uint32_t i = 1; i <= LINK_STREAMS_MAX; i++) {
		cr_assert(link_stream_open(pair.host.link, &flow_handlers, &flows[0]));
		cr_assert(link_stream_accept(pair.agent.link, i, &flow_handlers, &flows[1], &err));
	}
	cr_assert_null(link_stream_open(pair.host.link, &flow_handlers, &flows[0]));
	cr_assert_null(link_stream_accept(pair.agent.link, 9999, &flow_handlers, &flows[1], &err));
	cr_assert_eq(err.kind, ERR_LIMIT);
	end(&pair);
}

Test(link, a_stream_number_in_use_is_refused)
{
	struct pair pair = { 0 };
	struct flow near = { 0 }, far = { 0 };
	struct err err;
	begin(&pair);
	open_flow(&pair, &near, &far);
	cr_assert_null(link_stream_accept(
		pair.agent.link, link_stream_number(near.stream), &flow_handlers, &far, &err));
	cr_assert_eq(err.kind, ERR_ARGUMENT);
	end(&pair);
}

static void begin_stream_victim(struct victim *v, struct flow *flow)
{
	begin_victim(v);
	flow->hold = true;
	flow->stream = link_stream_open(v->pair.host.link, &flow_handlers, flow);
	cr_assert_eq(link_stream_number(flow->stream), 1);
}

Test(link, hostile_credit)
{
	uint8_t one[4] = { 1, 0, 0, 0 };
	struct victim v = { 0 };
	struct flow flow = { 0 };
	begin_stream_victim(&v, &flow);
	put_raw(v.fd, FRAME_CREDIT, 1, one, 4);
	end_victim(&v, "credit");
	cr_assert_eq(flow.reset, 1);
}

Test(link, data_beyond_the_credit)
{
	static uint8_t chunk[FRAME_HEADER + FRAME_CHUNK];
	struct victim v = { 0 };
	struct flow flow = { 0 };
	begin_stream_victim(&v, &flow);
	frame_header(chunk, FRAME_DATA, 1, FRAME_CHUNK);
	for (size_t i = 0; i < FRAME_CHUNK; i++) {
		chunk[FRAME_HEADER + i] = (uint8_t)i;
	}
	for (unsigned i = 0; i <= LINK_WINDOW / FRAME_CHUNK; i++) {
		cr_assert_eq(write(v.fd, chunk, sizeof(chunk)), (ssize_t)sizeof(chunk));
		settle(&v.pair);
	}
	end_victim(&v, "with credit for");
	cr_assert_eq(flow.got, LINK_WINDOW);
}

Test(link, data_after_the_end)
{
	struct victim v = { 0 };
	struct flow flow = { 0 };
	begin_stream_victim(&v, &flow);
	put_raw(v.fd, FRAME_END, 1, "", 0);
	put_raw(v.fd, FRAME_DATA, 1, "\0", 1);
	end_victim(&v, "after its end");
	cr_assert_eq(flow.ended, 1);
}

Test(link, a_second_end)
{
	struct victim v = { 0 };
	struct flow flow = { 0 };
	begin_stream_victim(&v, &flow);
	put_raw(v.fd, FRAME_END, 1, "", 0);
	put_raw(v.fd, FRAME_END, 1, "", 0);
	end_victim(&v, "twice");
}

Test(link, a_stream_that_never_was)
{
	struct victim v = { 0 };
	struct flow flow = { 0 };
	begin_stream_victim(&v, &flow);
	put_raw(v.fd, FRAME_DATA, 2, "x", 1);
	end_victim(&v, "never opened");
}
