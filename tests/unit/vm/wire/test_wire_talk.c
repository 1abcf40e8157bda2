// USES wire
/* Conversations of the link: flow control, order, turns, ends, and what a hostile other side may try
 * with them. */
#include "tests/support/link_pair.h"

/* One side of a conversation. */
struct flow {
	struct link *link;
	uint32_t id;
	size_t to_send, sent, got;
	int ended, chunks, messages, again;
	bool hold;          /* do not consume */
	bool end_when_done; /* end its direction behind the last byte */
	bool reply_in_data;
	uint8_t next_out, next_in;
	char last_word[16];
	unsigned last_channel;
	int index, *last, *switches; /* counts when a chunk is another flow's than the last one */
	struct answer answer;
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
		size_t took = link_write(flow->link, flow->id, 0, bytes, n);
		flow->sent += took;
		flow->next_out = (uint8_t)(flow->next_out + took);
		if (took < n) {
			return;
		}
	}
	if (flow->end_when_done) {
		link_end(flow->link, flow->id);
	}
}

static void on_data(
	struct link *link, uint32_t id, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct flow *flow = data;
	const uint8_t *b = bytes;
	cr_assert_eq(flow->answer.count, 0, "data after the reply");
	cr_assert_leq(len, FRAME_CHUNK);
	for (size_t i = 0; channel == 0 && i < len; i++) {
		cr_assert_eq(b[i], flow->next_in++);
	}
	flow->got += len;
	flow->chunks++;
	flow->last_channel = channel;
	if (flow->last && *flow->last != flow->index) {
		*flow->last = flow->index;
		++*flow->switches;
	}
	if (flow->reply_in_data) {
		link_reply(link, id, NULL, NULL, 0);
	} else if (!flow->hold) {
		link_consumed(link, id, len);
	}
}

static void on_talk_message(
	struct link *link, uint32_t id, const struct link_msg *msg, size_t cost, void *data)
{
	struct flow *flow = data;
	flow->messages++;
	snprintf(flow->last_word, sizeof(flow->last_word), "%s",
		json_string_value(json_object_get(msg->json, "message")));
	if (!flow->hold) {
		link_consumed(link, id, cost);
	}
}

static void on_ended(struct link *link, uint32_t id, void *data)
{
	(void)link, (void)id;
	((struct flow *)data)->ended++;
}

static void on_writable(struct link *link, uint32_t id, void *data)
{
	(void)link, (void)id;
	((struct flow *)data)->again++;
	send_more(data);
}

static const struct link_talk talk = { on_data, on_talk_message, on_writable, on_ended };

static void on_flow_reply(const struct link_msg *msg, const struct err *err, void *data)
{
	pair_on_reply(msg, err, &((struct flow *)data)->answer);
}

static uint32_t ask(struct pair *pair, struct flow *near)
{
	near->link = pair->host.link;
	near->id =
		link_converse(pair->host.link, "talk", NULL, NULL, 0, &talk, on_flow_reply, near);
	return near->id;
}

/* The agent's side, which the next request is to be of. */
static struct flow *accepting;

static void accept_next(struct link *link, uint32_t id, const struct link_msg *msg, void *data)
{
	struct err err;
	pair_on_request(link, id, msg, data);
	struct flow *far = accepting;
	accepting = NULL;
	if (far) {
		far->link = link;
		far->id = id;
		cr_assert(link_accept(link, id, &talk, far, &err), "%s", err.text);
	}
}

static const struct link_handlers accepting_handlers = {
	.request = accept_next, .cancel = pair_on_cancel, .closed = pair_on_closed
};

static void begin_talking(struct pair *pair)
{
	int ends[2];
	struct err err;
	pair->event = loop_new(&err);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	pair->host.link = link_new(pair->event, ends[0], &pair_host_handlers, &pair->host);
	pair->agent.link = link_new(pair->event, ends[1], &accepting_handlers, &pair->agent);
}

static void open_flow(struct pair *pair, struct flow *near, struct flow *far)
{
	accepting = far;
	ask(pair, near);
	while (accepting) {
		sd_event_run(pair->event, 20000);
	}
}

Test(talk, more_than_the_window_passes_both_ways)
{
	struct pair pair = { 0 };
	struct flow near = { .to_send = 3000000, .end_when_done = true };
	struct flow far = { .to_send = 2000001, .end_when_done = true };
	begin_talking(&pair);
	open_flow(&pair, &near, &far);
	send_more(&near);
	send_more(&far);
	cr_assert_lt(near.sent, 3000000);
	pair_settle(&pair);
	cr_assert_eq(far.got, 3000000);
	cr_assert_eq(near.got, 2000001);
	cr_assert_eq(near.ended, 1);
	cr_assert_eq(far.ended, 1);
	cr_assert_eq(near.answer.count, 0, "both directions may end before the answer");
	link_reply(pair.agent.link, far.id, NULL, NULL, 0);
	pair_settle(&pair);
	cr_assert_eq(near.answer.count, 1);
	cr_assert_eq(pair.host.closed + pair.agent.closed, 0);
	json_decref(near.answer.result);
	pair_end(&pair);
}

Test(talk, a_reader_that_holds_stops_its_writer)
{
	struct pair pair = { 0 };
	struct flow near = { .to_send = 1000000 }, far = { .hold = true };
	begin_talking(&pair);
	open_flow(&pair, &near, &far);
	send_more(&near);
	pair_settle(&pair);
	cr_assert_eq(far.got, LINK_WINDOW);
	cr_assert_eq(near.sent, LINK_WINDOW);
	cr_assert_not(link_send_message(near.link, near.id, json_object(), NULL, 0),
		"messages count, too");
	far.hold = false;
	link_consumed(far.link, far.id, far.got);
	pair_settle(&pair);
	cr_assert_eq(far.got, 1000000);
	cr_assert_geq(near.again, 1);
	pair_end(&pair);
	cr_assert_eq(near.answer.count, 1, "link_free() fails what is open");
}

Test(talk, channels_and_messages_arrive_in_order)
{
	struct pair pair = { 0 };
	struct flow near = { 0 }, far = { .to_send = LINK_WINDOW - 1000 };
	begin_talking(&pair);
	open_flow(&pair, &near, &far);
	send_more(&far);
	cr_assert_eq(link_write(far.link, far.id, 3, "err", 3), 3);
	cr_assert(link_send_message(
		far.link, far.id, json_pack("{s:s}", "message", "one"), "tail", 4));
	link_reply(far.link, far.id, NULL, NULL, 0);
	cr_assert_eq(link_write(far.link, far.id, 0, "x", 1), 0, "it was answered");
	cr_assert_not(link_send_message(far.link, far.id, json_object(), NULL, 0));
	pair_settle(&pair);
	cr_assert_eq(near.got, LINK_WINDOW - 1000 + 3);
	cr_assert_eq(near.last_channel, 3);
	cr_assert_eq(near.messages, 1);
	cr_assert_str_eq(near.last_word, "one");
	cr_assert_eq(near.answer.count, 1, "the reply comes last");
	json_decref(near.answer.result);
	pair_end(&pair);
}

/* The queue behind a full pipe grows by bytes, not by a frame for each. */
Test(talk, small_writes_share_a_frame)
{
	struct pair pair = { 0 };
	struct flow near = { 0 }, far = { .to_send = LINK_WINDOW }, other = { 0 }, tiny = { 0 };
	begin_talking(&pair);
	open_flow(&pair, &near, &far);
	open_flow(&pair, &other, &tiny);
	send_more(&far);
	cr_assert_gt(link_pending(pair.agent.link), 0, "the pipe is not full");
	for (int i = 0; i < 1000; i++) {
		cr_assert_eq(link_write(tiny.link, tiny.id, 0, &(char){ (char)i }, 1), 1);
	}
	pair_settle(&pair);
	cr_assert_eq(other.got, 1000);
	cr_assert_lt(other.chunks, 10);
	pair_end(&pair);
}

/* What a click costs beside a transfer: it must not wait for much of it. */
Test(talk, a_request_overtakes_a_large_transfer)
{
	struct pair pair = { .agent.answer = false };
	struct flow near = { .to_send = 10u << 20, .end_when_done = true }, far = { 0 };
	struct answer answer = { 0 };
	begin_talking(&pair);
	open_flow(&pair, &near, &far);
	send_more(&near);
	for (int i = 0; i < 10; i++) {
		sd_event_run(pair.event, 0);
	}
	size_t before = far.got;
	pair.agent.answer = true;
	link_request(pair.host.link, "click", NULL, pair_on_reply, &answer);
	cr_assert_leq(link_pending(pair.host.link), 3 * FRAME_CHUNK);
	while (pair.agent.requests < 2) {
		sd_event_run(pair.event, 0);
	}
	/* What the kernel's buffer and the queue hold, and not the 10 MiB. */
	cr_assert_lt(far.got - before, 1u << 20);
	pair_settle(&pair);
	cr_assert_eq(far.got, 10u << 20);
	cr_assert_eq(answer.count, 1);
	json_decref(answer.result);
	pair_end(&pair);
}

/* The first fills the pipe, so that the other two wait side by side. */
Test(talk, conversations_take_turns)
{
	struct pair pair = { 0 };
	struct flow near[3] = { 0 }, far[3] = { 0 };
	int last = 0, switches = 0;
	begin_talking(&pair);
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
	pair_settle(&pair);
	cr_assert_eq(far[0].got + far[1].got + far[2].got, 3 * LINK_WINDOW);
	cr_assert_geq(switches, LINK_WINDOW / FRAME_CHUNK, "%d", switches);
	pair_end(&pair);
}

Test(talk, what_is_under_way_to_an_agent_that_has_answered_is_dropped)
{
	struct pair pair = { 0 };
	struct flow near = { .to_send = 1000000 }, far = { .reply_in_data = true };
	begin_talking(&pair);
	open_flow(&pair, &near, &far);
	send_more(&near);
	pair_settle(&pair);
	cr_assert_eq(near.answer.count, 1);
	cr_assert_eq(far.chunks, 1, "no callback after the reply");
	cr_assert_eq(pair.host.closed + pair.agent.closed, 0);
	cr_assert_eq(link_write(near.link, near.id, 0, "x", 1), 0);
	json_decref(near.answer.result);
	pair_end(&pair);
}

Test(talk, a_cancellation_comes_after_what_was_written)
{
	struct pair pair = { 0 };
	struct flow near = { .to_send = LINK_WINDOW }, far = { 0 };
	begin_talking(&pair);
	open_flow(&pair, &near, &far);
	send_more(&near);
	link_cancel(near.link, near.id);
	pair_settle(&pair);
	cr_assert_eq(far.got, LINK_WINDOW);
	cr_assert_eq(pair.agent.cancels, 1);
	cr_assert_eq(near.answer.count, 1);
	cr_assert_eq(near.answer.err.kind, ERR_CANCELLED);
	pair_end(&pair);
}

/* The reply waits behind its output, and the host has given up: it is over all the same. */
Test(talk, a_reader_that_holds_gets_the_answer_to_its_cancellation)
{
	struct pair pair = { 0 };
	struct flow near = { .hold = true }, far = { .to_send = 1000000 };
	begin_talking(&pair);
	open_flow(&pair, &near, &far);
	send_more(&far);
	pair_settle(&pair);
	cr_assert_eq(near.got, LINK_WINDOW);
	link_cancel(near.link, near.id);
	pair_settle(&pair);
	cr_assert_eq(near.answer.count, 1);
	pair_end(&pair);
}

Test(talk, a_closed_link_tells_the_end_once)
{
	struct pair pair = { 0 };
	struct flow near = { 0 }, far = { .to_send = 1000 };
	begin_talking(&pair);
	open_flow(&pair, &near, &far);
	send_more(&far);
	link_free(pair.agent.link);
	pair.agent.link = NULL;
	pair_settle(&pair);
	cr_assert_eq(near.got, 1000, "what it sent before is heard");
	cr_assert_eq(near.answer.count, 1);
	cr_assert_eq(near.answer.err.kind, ERR_GONE);
	pair_end(&pair);
}

Test(talk, they_are_bounded)
{
	struct pair pair = { 0 };
	static struct flow near[LINK_CONVERSATIONS_MAX], far[LINK_CONVERSATIONS_MAX], more;
	begin_talking(&pair);
	for (int i = 0; i < LINK_CONVERSATIONS_MAX; i++) {
		open_flow(&pair, &near[i], &far[i]);
	}
	int before = pair.agent.requests;
	ask(&pair, &more);
	cr_assert_eq(more.answer.count, 0);
	pair_settle(&pair);
	cr_assert_eq(more.answer.count, 1);
	cr_assert_eq(more.answer.err.kind, ERR_LIMIT);
	cr_assert_eq(pair.agent.requests, before);
	pair_end(&pair);
}

/* ---- hostile agents ---- */

static void begin_hostile_agent(struct victim *v, struct flow *flow)
{
	victim_begin(v, &pair_host_handlers);
	flow->hold = true;
	cr_assert_eq(ask(&v->pair, flow), 1);
}

Test(talk, hostile_credit)
{
	uint8_t one[4] = { 1, 0, 0, 0 };
	struct victim v = { 0 };
	struct flow flow = { 0 };
	begin_hostile_agent(&v, &flow);
	pair_put_raw(v.fd, FRAME_CREDIT, 1, one, 4);
	victim_end(&v, "credit");
	cr_assert_eq(flow.answer.count, 1);
}

Test(talk, data_beyond_the_credit)
{
	static uint8_t chunk[FRAME_HEADER + 1 + FRAME_CHUNK];
	struct victim v = { 0 };
	struct flow flow = { 0 };
	begin_hostile_agent(&v, &flow);
	frame_header(chunk, FRAME_DATA, 1, 1 + FRAME_CHUNK);
	for (size_t i = 0; i < FRAME_CHUNK; i++) {
		chunk[FRAME_HEADER + 1 + i] = (uint8_t)i;
	}
	for (unsigned i = 0; i <= LINK_WINDOW / FRAME_CHUNK; i++) {
		cr_assert_eq(write(v.fd, chunk, sizeof(chunk)), (ssize_t)sizeof(chunk));
		pair_settle(&v.pair);
	}
	victim_end(&v, "with a credit of");
	cr_assert_eq(flow.got, LINK_WINDOW);
}

Test(talk, messages_beyond_the_credit)
{
	struct victim v = { 0 };
	struct flow flow = { 0 };
	begin_hostile_agent(&v, &flow);
	for (unsigned sent = 0; sent <= LINK_WINDOW && !v.pair.host.closed; sent += 4006) {
		pair_put(v.fd, FRAME_MESSAGE, 1, "{}", 4000);
		pair_settle(&v.pair);
	}
	victim_end(&v, "with a credit of");
	cr_assert_eq(flow.messages, LINK_WINDOW / 4006);
}

struct violation {
	enum frame_type first, second;
	uint32_t number;
	char words[32];
};

static void violate(const struct violation *how)
{
	static const char *const payloads[FRAME_TYPES] = { [FRAME_DATA] = "\0x",
		[FRAME_END] = "",
		[FRAME_CREDIT] = "\0\0\0",
		[FRAME_MESSAGE] = "{}",
		[FRAME_REPLY] = "{\"result\":{}}" };
	static const size_t lens[FRAME_TYPES] = { [FRAME_DATA] = 2, [FRAME_CREDIT] = 4 };
	struct victim v = { 0 };
	struct flow flow = { 0 };
	begin_hostile_agent(&v, &flow);
	const enum frame_type types[] = { how->first, how->second };
	for (int i = 0; i < 2; i++) {
		enum frame_type type = types[i];
		if (type == FRAME_MESSAGE || type == FRAME_REPLY) {
			pair_put(v.fd, type, how->number, payloads[type], 0);
		} else if (type) {
			pair_put_raw(v.fd, type, how->number, payloads[type], lens[type]);
		}
	}
	victim_end(&v, how->words);
	cr_assert_eq(flow.answer.count, 1);
	json_decref(flow.answer.result);
}

Test(talk, hostile_agents_close_the_link)
{
	static const struct violation all[] = {
		{ FRAME_END, FRAME_DATA, 1, "after its end" },
		{ FRAME_END, FRAME_MESSAGE, 1, "after its end" },
		{ FRAME_END, FRAME_END, 1, "twice" },
		{ FRAME_REPLY, FRAME_DATA, 1, "no open conversation" },
		{ FRAME_REPLY, FRAME_MESSAGE, 1, "no open conversation" },
		{ FRAME_REPLY, FRAME_CREDIT, 1, "no open conversation" },
		{ FRAME_REPLY, FRAME_END, 1, "no open conversation" },
		{ FRAME_REPLY, FRAME_REPLY, 1, "no open request" },
		{ FRAME_DATA, 0, 2, "no open conversation" },
		{ FRAME_MESSAGE, 0, 2, "no open conversation" },
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		violate(&all[i]);
	}
}

Test(talk, a_plain_request_is_no_conversation)
{
	struct victim v = { 0 };
	struct answer answer = { 0 };
	victim_begin(&v, &pair_host_handlers);
	link_request(v.pair.host.link, "x", NULL, pair_on_reply, &answer);
	pair_put_raw(v.fd, FRAME_DATA, 1, "\0x", 2);
	victim_end(&v, "no open conversation");
	cr_assert_eq(answer.count, 1);
}

/* ---- hostile hosts ---- */

Test(talk, a_request_that_the_agent_did_not_accept)
{
	struct victim v = { 0 };
	victim_begin(&v, &pair_agent_handlers);
	pair_put(v.fd, FRAME_REQUEST, 1, "{\"op\":\"x\",\"args\":{}}", 0);
	pair_put_raw(v.fd, FRAME_DATA, 1, "\0x", 2);
	victim_end(&v, "no open conversation");
}

Test(talk, a_conversation_that_never_was)
{
	struct victim v = { 0 };
	victim_begin(&v, &pair_agent_handlers);
	pair_put(v.fd, FRAME_REQUEST, 1, "{\"op\":\"x\",\"args\":{}}", 0);
	pair_put_raw(v.fd, FRAME_DATA, 2, "\0x", 2);
	victim_end(&v, "no open conversation");
}
