// USES wire
/* Streams of the link: flow control, turns, ends, and what a hostile other side may try with them.
 */
#include "tests/support/link_pair.h"

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

Test(streams, streams_pass_more_than_the_window_both_ways)
{
	struct pair pair = { 0 };
	struct flow near = { .to_send = 3000000, .end_when_done = true };
	struct flow far = { .to_send = 2000001, .end_when_done = true };
	pair_begin(&pair);
	open_flow(&pair, &near, &far);
	send_more(&near);
	send_more(&far);
	cr_assert_lt(near.sent, 3000000);
	pair_settle(&pair);
	cr_assert_eq(far.got, 3000000);
	cr_assert_eq(near.got, 2000001);
	cr_assert_eq(near.ended, 1);
	cr_assert_eq(far.ended, 1);
	link_stream_free(near.stream);
	link_stream_free(far.stream);
	pair_settle(&pair);
	cr_assert_eq(near.reset + far.reset, 0, "both had ended");
	cr_assert_eq(pair.host.closed + pair.agent.closed, 0);
	pair_end(&pair);
}

Test(streams, a_reader_that_holds_stops_its_writer)
{
	struct pair pair = { 0 };
	struct flow near = { .to_send = 1000000 }, far = { .hold = true };
	pair_begin(&pair);
	open_flow(&pair, &near, &far);
	send_more(&near);
	pair_settle(&pair);
	cr_assert_eq(far.got, LINK_WINDOW);
	cr_assert_eq(near.sent, LINK_WINDOW);
	far.hold = false;
	link_stream_consumed(far.stream, far.got);
	pair_settle(&pair);
	cr_assert_eq(far.got, 1000000);
	pair_end(&pair);
	cr_assert_eq(near.reset + far.reset, 0, "link_free() is silent");
}

/* What a click costs beside a transfer: it must not wait for much of it. */
Test(streams, a_message_overtakes_a_large_stream)
{
	struct pair pair = { .agent.answer = true };
	struct flow near = { .to_send = 10u << 20, .end_when_done = true }, far = { 0 };
	struct answer answer = { 0 };
	pair_begin(&pair);
	open_flow(&pair, &near, &far);
	send_more(&near);
	for (int i = 0; i < 10; i++) {
		sd_event_run(pair.event, 0);
	}
	size_t before = far.got;
	link_request(pair.host.link, "click", NULL, pair_on_reply, &answer);
	cr_assert_leq(link_pending(pair.host.link), 3 * FRAME_CHUNK);
	while (!pair.agent.requests) {
		sd_event_run(pair.event, 0);
	}
	/* What the kernel's buffer and the queue hold, and not the 10 MiB. */
	cr_assert_lt(far.got - before, 1u << 20);
	pair_settle(&pair);
	cr_assert_eq(far.got, 10u << 20);
	cr_assert_eq(answer.count, 1);
	json_decref(answer.result);
	link_stream_free(near.stream);
	link_stream_free(far.stream);
	pair_end(&pair);
}

/* The first fills the pipe, so that the other two wait side by side. */
Test(streams, streams_take_turns)
{
	struct pair pair = { 0 };
	struct flow near[3] = { 0 }, far[3] = { 0 };
	int last = 0, switches = 0;
	pair_begin(&pair);
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

Test(streams, a_stream_given_up_resets_the_other_side)
{
	struct pair pair = { 0 };
	struct flow near = { .to_send = 1000000 }, far = { .free_in_data = true };
	pair_begin(&pair);
	open_flow(&pair, &near, &far);
	send_more(&near);
	pair_settle(&pair);
	cr_assert_eq(near.reset, 1);
	cr_assert_null(near.stream);
	cr_assert_eq(far.chunks, 1, "no callback after link_stream_free");
	cr_assert_eq(pair.host.closed + pair.agent.closed, 0, "what was under way is dropped");
	pair_end(&pair);
}

Test(streams, a_stream_ended_and_given_up_is_still_sent)
{
	struct pair pair = { 0 };
	struct flow near = { .to_send = LINK_WINDOW, .end_when_done = true }, far = { 0 };
	pair_begin(&pair);
	open_flow(&pair, &near, &far);
	send_more(&near);
	link_stream_free(near.stream);
	pair_settle(&pair);
	cr_assert_eq(far.got, LINK_WINDOW);
	cr_assert_eq(far.ended, 1);
	cr_assert_eq(far.reset, 1, "its own direction is void");
	pair_end(&pair);
}

Test(streams, a_closed_link_resets_its_streams)
{
	struct pair pair = { 0 };
	struct flow near = { 0 }, far = { 0 };
	pair_begin(&pair);
	open_flow(&pair, &near, &far);
	link_free(pair.agent.link);
	pair.agent.link = NULL;
	pair_settle(&pair);
	cr_assert_eq(near.reset, 1);
	cr_assert_eq(far.reset, 0);
	pair_end(&pair);
}

Test(streams, streams_are_bounded)
{
	struct pair pair = { 0 };
	struct flow flows[2] = { 0 };
	struct err err;
	pair_begin(&pair);
	for (uint32_t i = 1; i <= LINK_STREAMS_MAX; i++) {
		cr_assert(link_stream_open(pair.host.link, &flow_handlers, &flows[0]));
		cr_assert(link_stream_accept(pair.agent.link, i, &flow_handlers, &flows[1], &err));
	}
	cr_assert_null(link_stream_open(pair.host.link, &flow_handlers, &flows[0]));
	cr_assert_null(link_stream_accept(pair.agent.link, 9999, &flow_handlers, &flows[1], &err));
	cr_assert_eq(err.kind, ERR_LIMIT);
	pair_end(&pair);
}

Test(streams, a_stream_number_in_use_is_refused)
{
	struct pair pair = { 0 };
	struct flow near = { 0 }, far = { 0 };
	struct err err;
	pair_begin(&pair);
	open_flow(&pair, &near, &far);
	cr_assert_null(link_stream_accept(
		pair.agent.link, link_stream_number(near.stream), &flow_handlers, &far, &err));
	cr_assert_eq(err.kind, ERR_ARGUMENT);
	pair_end(&pair);
}

static void begin_stream_victim(struct victim *v, struct flow *flow)
{
	victim_begin(v);
	flow->hold = true;
	flow->stream = link_stream_open(v->pair.host.link, &flow_handlers, flow);
	cr_assert_eq(link_stream_number(flow->stream), 1);
}

Test(streams, hostile_credit)
{
	uint8_t one[4] = { 1, 0, 0, 0 };
	struct victim v = { 0 };
	struct flow flow = { 0 };
	begin_stream_victim(&v, &flow);
	pair_put_raw(v.fd, FRAME_CREDIT, 1, one, 4);
	victim_end(&v, "credit");
	cr_assert_eq(flow.reset, 1);
}

Test(streams, data_beyond_the_credit)
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
		pair_settle(&v.pair);
	}
	victim_end(&v, "with credit for");
	cr_assert_eq(flow.got, LINK_WINDOW);
}

Test(streams, data_after_the_end)
{
	struct victim v = { 0 };
	struct flow flow = { 0 };
	begin_stream_victim(&v, &flow);
	pair_put_raw(v.fd, FRAME_END, 1, "", 0);
	pair_put_raw(v.fd, FRAME_DATA, 1, "\0", 1);
	victim_end(&v, "after its end");
	cr_assert_eq(flow.ended, 1);
}

Test(streams, a_second_end)
{
	struct victim v = { 0 };
	struct flow flow = { 0 };
	begin_stream_victim(&v, &flow);
	pair_put_raw(v.fd, FRAME_END, 1, "", 0);
	pair_put_raw(v.fd, FRAME_END, 1, "", 0);
	victim_end(&v, "twice");
}

Test(streams, a_stream_that_never_was)
{
	struct victim v = { 0 };
	struct flow flow = { 0 };
	begin_stream_victim(&v, &flow);
	pair_put_raw(v.fd, FRAME_DATA, 2, "x", 1);
	victim_end(&v, "never opened");
}
