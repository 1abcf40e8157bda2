// USES wire
/* An end that falls silent so that it can be saved, and one that meets another other side. */
#include "base/cleanup.h"
#include "tests/support/link_pair.h"

/* The host's side of a conversation, and the request that opened it. */
struct seen {
	size_t got;
	struct answer answer;
};

static void on_talk_data(
	struct link *link, uint32_t id, unsigned channel, const void *bytes, size_t len, void *data)
{
	(void)channel, (void)bytes;
	((struct seen *)data)->got += len;
	link_consumed(link, id, len);
}

static void on_seen_reply(const struct link_msg *msg, const struct err *err, void *data)
{
	pair_on_reply(msg, err, &((struct seen *)data)->answer);
}

static const struct link_talk talk = { .data = on_talk_data };

static uint32_t converse(struct pair *pair, struct seen *seen)
{
	return link_converse(pair->host.link, "talk", NULL, NULL, 0, &talk, on_seen_reply, seen);
}

/* As an agent does: answers "freeze" and is silent from then on; keeps the others open, and says
 * something in a conversation. */
static void freezing(struct link *link, uint32_t id, const struct link_msg *msg, void *data)
{
	pair_on_request(link, id, msg, data);
	if (strcmp(((struct end *)data)->last_op, "freeze") == 0) {
		link_reply(link, id, NULL, NULL, 0);
		link_freeze(link);
	} else if (strcmp(((struct end *)data)->last_op, "talk") == 0) {
		struct err err;
		cr_assert(link_accept(link, id, &(struct link_talk){ 0 }, NULL, &err));
		link_write(link, id, 0, "abc", 3);
	}
}

static const struct link_handlers freezing_handlers = {
	.request = freezing,
	.cancel = pair_on_cancel,
	.closed = pair_on_closed,
	.resets_on = "restored",
};

static void begin_frozen(struct pair *pair)
{
	int ends[2];
	struct err err;
	struct answer frozen = { 0 };
	pair->event = loop_new(&err);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	pair->host.link = link_new(pair->event, ends[0], &pair_host_handlers, &pair->host);
	pair->agent.link = link_new(pair->event, ends[1], &freezing_handlers, &pair->agent);
	link_request(pair->host.link, "freeze", NULL, pair_on_reply, &frozen);
	pair_settle(pair);
	cr_assert_eq(frozen.count, 1, "freeze is not answered");
	json_decref(frozen.result);
}

Test(freeze, holds_everything_until_the_other_side_speaks)
{
	struct pair pair = { 0 };
	struct answer slow = { 0 }, ping = { 0 };
	struct seen seen = { 0 };
	begin_frozen(&pair);
	link_event(pair.agent.link, "first", NULL);
	link_event(pair.agent.link, "last", NULL);
	pair_settle(&pair);
	cr_expect_eq(pair.host.events, 0, "an event came from a frozen end");
	cr_expect_gt(link_pending(pair.agent.link), 0);
	link_request(pair.host.link, "ping", NULL, pair_on_reply, &ping);
	pair_settle(&pair);
	cr_expect_eq(pair.host.events, 2);
	cr_expect_str_eq(pair.host.last_event, "last");
	cr_expect_eq(link_pending(pair.agent.link), 0);
	/* Thawed for good, and conversations too. */
	converse(&pair, &seen);
	link_request(pair.host.link, "slow", NULL, pair_on_reply, &slow);
	pair_settle(&pair);
	cr_expect_eq(seen.got, 3);
	pair_end(&pair);
	json_decref(ping.result);
}

Test(freeze, holds_conversations_too)
{
	struct pair pair = { 0 };
	struct answer frozen = { 0 }, ping = { 0 };
	struct seen seen = { 0 };
	begin_frozen(&pair);
	uint32_t id = converse(&pair, &seen);
	pair_settle(&pair);
	cr_assert_eq(seen.got, 3);
	link_request(pair.host.link, "freeze", NULL, pair_on_reply, &frozen);
	pair_settle(&pair);
	link_write(pair.agent.link, id, 0, "defg", 4);
	link_reply(pair.agent.link, id, NULL, NULL, 0);
	pair_settle(&pair);
	cr_expect_eq(seen.got, 3, "data came from a frozen end");
	cr_expect_eq(seen.answer.count, 0);
	link_request(pair.host.link, "ping", NULL, pair_on_reply, &ping);
	pair_settle(&pair);
	cr_expect_eq(seen.got, 7);
	cr_expect_eq(seen.answer.count, 1);
	pair_end(&pair);
	json_decref(frozen.result);
	json_decref(seen.answer.result);
}

/* The host's half: what it writes while its agent is saved goes out afterwards. */
Test(freeze, a_held_end_sends_what_its_conversations_wrote)
{
	struct pair pair = { 0 };
	struct seen seen = { 0 };
	static char bytes[LINK_WINDOW];
	begin_frozen(&pair);
	uint32_t id = converse(&pair, &seen);
	pair_settle(&pair);
	link_hold(pair.host.link, true);
	cr_expect_eq(link_write(pair.host.link, id, 0, bytes, sizeof(bytes)), sizeof(bytes));
	pair_settle(&pair);
	link_hold(pair.host.link, false);
	pair_settle(&pair);
	cr_expect_eq(link_write(pair.host.link, id, 0, bytes, sizeof(bytes)), sizeof(bytes),
		"all of it was received and consumed");
	pair_end(&pair);
}

Test(freeze, sends_what_was_said_before)
{
	struct pair pair = { 0 };
	begin_frozen(&pair);
	struct answer thaw = { 0 }, again = { 0 };
	static char large[1 << 20];
	memset(large, 'x', sizeof(large));
	link_request(pair.host.link, "slow", NULL, pair_on_reply, &thaw);
	pair_settle(&pair);
	/* More than the kernel takes at once lies in front of the answer. */
	for (int i = 0; i < 3; i++) {
		link_request(pair.host.link, "large", NULL, pair_on_reply, &thaw);
	}
	pair_settle(&pair);
	for (int i = 0; i < 4; i++) {
		link_reply(pair.agent.link, pair.agent.ids[1 + i], NULL, large, sizeof(large));
	}
	link_request(pair.host.link, "freeze", NULL, pair_on_reply, &again);
	pair_settle(&pair);
	cr_expect_eq(thaw.count, 4);
	cr_expect_eq(again.count, 1);
	link_event(pair.agent.link, "later", NULL);
	pair_settle(&pair);
	cr_expect_eq(pair.host.events, 0);
	pair_end(&pair);
	json_decref(thaw.result);
	json_decref(again.result);
}

Test(freeze, twice_is_silence_all_the_same)
{
	struct pair pair = { 0 };
	struct answer again = { 0 };
	begin_frozen(&pair);
	link_event(pair.agent.link, "between", NULL);
	link_request(pair.host.link, "freeze", NULL, pair_on_reply, &again);
	pair_settle(&pair);
	cr_expect_eq(again.count, 1, "the second freeze is not answered");
	cr_expect_eq(pair.host.events, 1, "what was held comes in front of the answer");
	link_event(pair.agent.link, "later", NULL);
	pair_settle(&pair);
	cr_expect_eq(pair.host.events, 1);
	pair_end(&pair);
	json_decref(again.result);
}

Test(freeze, bounds_what_it_holds)
{
	struct pair pair = { 0 };
	begin_frozen(&pair);
	char *text = must(malloc(1 << 20));
	memset(text, 'x', 1 << 20);
	text[(1 << 20) - 100] = '\0';
	for (int i = 0; i < 80; i++) {
		link_event(pair.agent.link, "big", json_pack("{s:s}", "text", text));
	}
	pair_settle(&pair);
	cr_expect_eq(pair.agent.closed, 1);
	cr_expect(strstr(pair.agent.why.text, "unread"), "%s", pair.agent.why.text);
	free(text);
	pair_end(&pair);
}

/* ---- another other side ---- */

/* A new host on the same bytes: the old one's link goes without a word, its descriptor stays. */
static void change_host(struct pair *pair, int fd)
{
	link_free(pair->host.link);
	pair->host = (struct end){ 0 };
	pair->host.link = link_new(pair->event, fd, &pair_host_handlers, &pair->host);
}

static int begin_with_spare(struct pair *pair)
{
	int ends[2];
	struct err err;
	pair->event = loop_new(&err);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	int spare = dup(ends[0]);
	pair->host.link = link_new(pair->event, ends[0], &pair_host_handlers, &pair->host);
	pair->agent.link = link_new(pair->event, ends[1], &freezing_handlers, &pair->agent);
	return spare;
}

Test(anew, forgets_requests_conversations_and_what_waits)
{
	struct pair pair = { 0 };
	struct answer old = { 0 }, frozen = { 0 }, restored = { 0 }, next = { 0 };
	struct seen seen = { 0 }, again = { 0 };
	int spare = begin_with_spare(&pair);
	uint32_t first = link_request(pair.host.link, "slow", NULL, pair_on_reply, &old);
	pair_settle(&pair);
	uint32_t spoken = converse(&pair, &seen);
	pair_settle(&pair);
	link_request(pair.host.link, "freeze", NULL, pair_on_reply, &frozen);
	pair_settle(&pair);
	link_event(pair.agent.link, "stale", NULL);
	link_write(pair.agent.link, spoken, 0, "stale", 5);
	change_host(&pair, spare);
	cr_expect_eq(seen.answer.count, 1);
	/* The new host counts from the start: its number is that of a request still open. */
	cr_assert_eq(
		link_request(pair.host.link, "restored", NULL, pair_on_reply, &restored), first);
	pair_settle(&pair);
	cr_expect_eq(pair.agent.closed, 0, "%s", pair.agent.why.text);
	cr_expect_str_eq(pair.agent.last_op, "restored");
	cr_expect_eq(pair.host.events, 0, "the new host hears what was for the old one");
	cr_expect_eq(link_write(pair.agent.link, spoken, 0, "x", 1), 0, "it is still open");
	link_reply(pair.agent.link, first, NULL, NULL, 0);
	link_request(pair.host.link, "next", NULL, pair_on_reply, &next);
	link_event(pair.agent.link, "hello", NULL);
	pair_settle(&pair);
	cr_expect_eq(restored.count, 1);
	cr_expect_eq(pair.host.events, 1, "it is not silent any more");
	converse(&pair, &again);
	pair_settle(&pair);
	cr_expect_eq(again.got, 3);
	pair_end(&pair);
	json_decref(frozen.result);
	json_decref(restored.result);
}

Test(anew, drops_what_the_old_side_left_unread)
{
	struct pair pair = { 0 };
	struct answer old = { 0 };
	static char large[3 << 20];
	int spare = begin_with_spare(&pair);
	link_request(pair.host.link, "large", NULL, pair_on_reply, &old);
	pair_settle(&pair);
	link_reply(pair.agent.link, pair.agent.ids[0], NULL, large, sizeof(large));
	cr_assert_gt(link_pending(pair.agent.link), 0,
		"the socket takes it all: the test proves nothing");
	/* The old host's own reads end here; what is in the socket is thrown away, as QEMU does. */
	link_free(pair.host.link);
	pair.host = (struct end){ 0 };
	pair_put(spare, FRAME_REQUEST, 1, "{\"op\":\"restored\",\"args\":{}}", 0);
	char bin[65536];
	pair_settle(&pair);
	cr_assert_eq(pair.agent.requests, 2);
	cr_expect_eq(link_pending(pair.agent.link), 0, "the rest of an old reply still waits");
	while (recv(spare, bin, sizeof(bin), MSG_DONTWAIT) > 0) {
	}
	pair.host.link = link_new(pair.event, spare, &pair_host_handlers, &pair.host);
	link_event(pair.agent.link, "hello", NULL);
	pair_settle(&pair);
	cr_expect_eq(pair.host.events, 1, "%s", pair.host.why.text);
	pair_end(&pair);
}

/* Only an end that says so begins anew: for others it is an operation like any. */
Test(anew, is_not_for_everyone)
{
	struct pair pair = { 0 };
	struct answer slow = { 0 }, restored = { 0 };
	pair_begin(&pair);
	link_request(pair.host.link, "slow", NULL, pair_on_reply, &slow);
	link_request(pair.host.link, "restored", NULL, pair_on_reply, &restored);
	pair_settle(&pair);
	link_reply(pair.agent.link, pair.agent.ids[0], NULL, NULL, 0);
	pair_settle(&pair);
	cr_expect_eq(slow.count, 1);
	pair_end(&pair);
	json_decref(slow.result);
}
