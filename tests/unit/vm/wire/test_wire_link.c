// USES wire
/* Messages of the link: between two ends, and against a hostile other side. */
#include "tests/support/link_pair.h"

Test(link, a_request_is_answered)
{
	struct pair pair = { .agent.answer = true };
	struct answer answer = { 0 };
	pair_begin(&pair);
	link_request(pair.host.link, "echo", json_pack("{s:i}", "n", 7), pair_on_reply, &answer);
	cr_assert_eq(answer.count, 0);
	pair_settle(&pair);
	cr_assert_eq(answer.count, 1);
	cr_assert_str_eq(pair.agent.last_op, "echo");
	cr_assert_eq(json_integer_value(json_object_get(answer.result, "n")), 7);
	json_decref(answer.result);
	pair_end(&pair);
}

Test(link, an_error_keeps_its_kind)
{
	struct pair pair = { 0 };
	struct answer answer = { 0 };
	struct err err;
	pair_begin(&pair);
	link_request(pair.host.link, "x", NULL, pair_on_reply, &answer);
	pair_settle(&pair);
	err_set(&err, ERR_NOT_FOUND, "no such thing: %s", "caf\xe9");
	link_reply_err(pair.agent.link, pair.agent.ids[0], &err);
	link_reply_err(pair.agent.link, pair.agent.ids[0], &err);
	pair_settle(&pair);
	cr_assert_eq(answer.count, 1);
	cr_assert_eq(answer.err.kind, ERR_NOT_FOUND);
	cr_assert_str_eq(answer.err.text, "no such thing: caf?");
	pair_end(&pair);
}

Test(link, events_carry_their_fields)
{
	struct pair pair = { 0 };
	pair_begin(&pair);
	link_event(pair.agent.link, "hello", json_pack("{s:i}", "protocol", 1));
	pair_settle(&pair);
	cr_assert_eq(pair.host.events, 1);
	cr_assert_str_eq(pair.host.last_event, "hello");
	pair_end(&pair);
}

Test(link, a_cancelled_request_is_still_answered_once)
{
	struct pair pair = { 0 };
	struct answer answer = { 0 };
	pair_begin(&pair);
	uint32_t id = link_request(pair.host.link, "slow", NULL, pair_on_reply, &answer);
	link_cancel(pair.host.link, id);
	link_cancel(pair.host.link, id);
	pair_settle(&pair);
	cr_assert_eq(pair.agent.cancels, 1);
	cr_assert_eq(answer.count, 1);
	cr_assert_eq(answer.err.kind, ERR_CANCELLED);
	link_cancel(pair.host.link, id);
	pair_settle(&pair);
	cr_assert_eq(pair.agent.cancels, 1);
	pair_end(&pair);
}

Test(link, a_cancel_that_crosses_the_answer_is_dropped)
{
	struct pair pair = { 0 };
	struct answer answer = { 0 };
	pair_begin(&pair);
	uint32_t id = link_request(pair.host.link, "slow", NULL, pair_on_reply, &answer);
	pair_settle(&pair);
	link_reply(pair.agent.link, pair.agent.ids[0], NULL, NULL, 0);
	link_cancel(pair.host.link, id);
	pair_settle(&pair);
	cr_assert_eq(pair.agent.cancels, 0);
	cr_assert(answer.result);
	json_decref(answer.result);
	cr_assert_eq(pair.host.closed, 0);
	pair_end(&pair);
}

Test(link, a_closing_link_fails_its_requests)
{
	struct pair pair = { 0 };
	struct answer answer = { .end = &pair.host, .again = 1 };
	pair_begin(&pair);
	link_request(pair.host.link, "x", NULL, pair_on_reply, &answer);
	pair_settle(&pair);
	link_free(pair.agent.link);
	pair.agent.link = NULL;
	pair_settle(&pair);
	cr_assert_eq(pair.host.closed, 1);
	cr_assert_eq(
		answer.count, 2, "the one made in the callback fails, too; got %d", answer.count);
	cr_assert_eq(answer.err.kind, ERR_GONE);
	pair_end(&pair);
}

Test(link, requests_on_a_dead_link_fail_from_the_loop)
{
	struct pair pair = { 0 };
	struct answer answer = { 0 };
	pair_begin(&pair);
	pair.agent.free_in_request = true;
	link_request(pair.host.link, "x", NULL, pair_on_reply, &answer);
	pair_settle(&pair);
	cr_assert_eq(pair.host.closed, 1);
	cr_assert_eq(answer.count, 1);
	cr_assert_null(pair.agent.link);
	pair_end(&pair);
}

Test(link, link_free_inside_a_reply)
{
	struct pair pair = { .agent.answer = true, .host.free_in_reply = true };
	struct answer first = { .end = &pair.host }, second = { 0 };
	pair_begin(&pair);
	link_request(pair.host.link, "x", NULL, pair_on_reply, &first);
	link_request(pair.host.link, "y", NULL, pair_on_reply, &second);
	pair_settle(&pair);
	cr_assert_eq(first.count, 1);
	cr_assert_eq(second.count, 1);
	cr_assert_eq(second.err.kind, ERR_GONE);
	json_decref(first.result);
	cr_assert_eq(pair.agent.closed, 1);
	pair_end(&pair);
}

Test(link, too_many_requests_are_refused_here)
{
	struct pair pair = { 0 };
	struct answer kept = { 0 }, refused = { 0 };
	pair_begin(&pair);
	for (int i = 0; i < LINK_REQUESTS_MAX; i++) {
		link_request(pair.host.link, "x", NULL, pair_on_reply, &kept);
	}
	link_request(pair.host.link, "x", NULL, pair_on_reply, &refused);
	cr_assert_eq(refused.count, 0);
	pair_settle(&pair);
	cr_assert_eq(refused.count, 1);
	cr_assert_eq(refused.err.kind, ERR_LIMIT);
	cr_assert_eq(kept.count, 0);
	cr_assert_eq(pair.agent.requests, LINK_REQUESTS_MAX);
	cr_assert_eq(pair.agent.closed, 0);
	pair_end(&pair);
	cr_assert_eq(kept.count, LINK_REQUESTS_MAX);
}

Test(link, messages_too_large_are_refused_here)
{
	struct pair pair = { 0 };
	struct answer answer = { 0 };
	static char text[FRAME_HEADER_JSON_MAX + 1], tail[FRAME_MAX];
	pair_begin(&pair);
	memset(text, 'x', sizeof(text) - 1);
	link_request(pair.host.link, "x", json_pack("{s:s}", "text", text), pair_on_reply, &answer);
	pair_settle(&pair);
	cr_assert_eq(answer.err.kind, ERR_LIMIT);
	cr_assert_eq(pair.agent.requests, 0);
	link_request(pair.host.link, "x", NULL, pair_on_reply, &answer);
	pair_settle(&pair);
	link_reply(pair.agent.link, pair.agent.ids[0], NULL, tail, sizeof(tail));
	answer.err.kind = ERR_NONE;
	pair_settle(&pair);
	cr_assert_eq(answer.count, 2);
	cr_assert_eq(answer.err.kind, ERR_LIMIT);
	link_event(pair.agent.link, "big", json_pack("{s:s}", "text", text));
	link_event(pair.agent.link, "small", NULL);
	pair_settle(&pair);
	cr_assert_str_eq(pair.host.last_event, "small");
	cr_assert_eq(pair.host.closed, 0);
	pair_end(&pair);
}

/* ---- hostile bytes ---- */

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
		{ { 2, 128, 0, 0, 1, 0, 0, 0, FRAME_DATA }, 9, "data" },
		{ { 3, 0, 0, 0, 1, 0, 0, 0, FRAME_CREDIT }, 9, "credit" },
		{ { 1, 0, 0, 0, 1, 0, 0, 0, FRAME_CANCEL }, 9, "cancel" },
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct victim v = { 0 };
		victim_begin(&v, &pair_host_handlers);
		cr_assert_eq(write(v.fd, all[i].bytes, all[i].len), (ssize_t)all[i].len);
		victim_end(&v, all[i].words);
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
		victim_begin(&v, all[i].type == FRAME_REQUEST ? &pair_agent_handlers : &pair_host_handlers);
		pair_put(v.fd, all[i].type, all[i].number, all[i].json, 3);
		victim_end(&v, all[i].words);
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
		victim_begin(&v, &pair_host_handlers);
		uint32_t id = link_request(v.pair.host.link, "x", NULL, pair_on_reply, &answer);
		pair_put(v.fd, FRAME_REPLY, id, all[i], 0);
		victim_end(&v, "either a 'result'");
		cr_assert_eq(answer.count, 1);
		cr_assert_eq(answer.err.kind, ERR_GONE);
	}
}

Test(link, a_request_id_twice)
{
	struct victim v = { 0 };
	victim_begin(&v, &pair_agent_handlers);
	pair_put(v.fd, FRAME_REQUEST, 5, "{\"op\":\"x\",\"args\":{}}", 0);
	pair_put(v.fd, FRAME_REQUEST, 5, "{\"op\":\"x\",\"args\":{}}", 0);
	victim_end(&v, "already open");
	cr_assert_eq(v.pair.host.requests, 1);
}

Test(link, too_many_open_requests)
{
	struct victim v = { 0 };
	victim_begin(&v, &pair_agent_handlers);
	for (uint32_t i = 1; i <= LINK_REQUESTS_MAX + 1; i++) {
		pair_put(v.fd, FRAME_REQUEST, i, "{\"op\":\"x\",\"args\":{}}", 0);
		sd_event_run(v.pair.event, 0);
	}
	victim_end(&v, "at most");
	cr_assert_eq(v.pair.host.requests, LINK_REQUESTS_MAX);
}

Test(link, each_end_takes_only_what_is_for_it)
{
	struct victim host = { 0 }, agent = { 0 };
	victim_begin(&host, &pair_host_handlers);
	pair_put(host.fd, FRAME_REQUEST, 1, "{\"op\":\"x\",\"args\":{}}", 0);
	victim_end(&host, "does not accept requests");
	victim_begin(&agent, &pair_agent_handlers);
	pair_put(agent.fd, FRAME_REQUEST, 1, "{\"op\":\"x\",\"args\":{}}", 0);
	pair_put(agent.fd, FRAME_REPLY, 1, "{\"result\":{}}", 0);
	victim_end(&agent, "no open request");
}

Test(link, cut_in_the_middle)
{
	struct victim v = { 0 };
	victim_begin(&v, &pair_host_handlers);
	cr_assert_eq(write(v.fd, "\x10\0\0\0\1", 5), 5);
	shutdown(v.fd, SHUT_WR);
	victim_end(&v, "in the middle");
}

Test(link, last_words_are_heard)
{
	struct victim v = { 0 };
	struct answer answer = { 0 };
	victim_begin(&v, &pair_host_handlers);
	pair_put(v.fd, FRAME_EVENT, 0, "{\"event\":\"failed\"}", 0);
	close(v.fd);
	link_request(v.pair.host.link, "x", NULL, pair_on_reply, &answer); /* EPIPE */
	v.fd = -1;
	victim_end(&v, "");
	cr_assert_eq(v.pair.host.events, 1);
	cr_assert_eq(answer.count, 1);
}
