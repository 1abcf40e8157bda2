// USES vm
/* The connection to an agent, without a sandbox around it: what its owner is asked and told. */
#include "tests/support/vm_host.h"

#include "base/cleanup.h"
#include "vm/guest/owner.h"

#include <sys/socket.h>

static struct owner {
	struct guest guest;
	sd_event *event;
	struct link *agent; /* the other end */
	bool may_ask, may_act;
	int used, lost, broke;
	const char *reply; /* of the agent; NULL: none until it is cancelled */
	uint32_t asked;    /* of the agent; its id */
	json_t *wanted;    /* the last request's arguments */
} o;

static bool may_ask(const void *data, struct err *err)
{
	cr_assert_eq(data, &o);
	return o.may_ask || err_set(err, ERR_STATE, "it sleeps");
}

static bool may_act(const void *data, struct err *err)
{
	(void)data;
	return o.may_act || err_set(err, ERR_STATE, "ann has control");
}

static bool must_answer(const void *data)
{
	(void)data;
	return true;
}

static void on_used(void *data)
{
	(void)data;
	o.used++;
}

static void on_lost(void *data, const struct err *why)
{
	(void)data;
	cr_expect_eq(why->kind, ERR_GONE);
	o.lost++;
}

static void on_broke(void *data, struct err *err)
{
	(void)data;
	cr_expect(strstr(err->text, "the reply to 'act'"), "%s", err->text);
	o.broke++;
	err_set(err, ERR_GONE, "the owner's words");
}

static const struct guest_handlers handlers = {
	.may_ask = may_ask,
	.may_act = may_act,
	.may_run = may_act,
	.must_answer = must_answer,
	.used = on_used,
	.lost = on_lost,
	.broke = on_broke,
};

static void on_request(struct link *link, uint32_t id, const struct link_msg *msg, void *data)
{
	(void)data;
	o.asked = id;
	json_decref(o.wanted);
	o.wanted = json_deep_copy(msg->json);
	if (o.reply) {
		link_reply(link, id, json_loads(o.reply, 0, NULL), NULL, 0);
	}
}

static void on_cancel(struct link *link, uint32_t id, void *data)
{
	struct err err;
	(void)data;
	err_set(&err, ERR_CANCELLED, "it was taken back");
	link_reply_err(link, id, &err);
}

static void on_closed(struct link *link, const struct err *why, void *data)
{
	(void)link, (void)why, (void)data;
}

#define GOOD_REPLY \
	"{\"done\": [{\"ms\": 1}], \"pointer\": [1, 1], \"frame_id\": 1, \"changed\": false}"

static void setup(void)
{
	static const struct link_handlers agent = {
		.request = on_request, .cancel = on_cancel, .closed = on_closed
	};
	struct err err;
	int fds[2];
	o = (struct owner){ .may_ask = true, .may_act = true, .reply = GOOD_REPLY };
	o.event = loop_new(&err);
	cr_assert_not_null(o.event, "%s", err.text);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	guest_init(&o.guest, o.event, "desk", &handlers, &o);
	o.guest.screen = o.guest.frame = (struct size){ 640, 480 };
	guest_connect(&o.guest, fds[0]);
	o.agent = link_new(o.event, fds[1], &agent, NULL);
}

static void teardown(void)
{
	struct err gone;
	err_set(&gone, ERR_GONE, "the test is over");
	guest_disconnect(&o.guest);
	guest_fail_calls(&o.guest, &gone, true);
	link_free(o.agent);
	json_decref(o.wanted);
	sd_event_unref(o.event);
}

TestSuite(guest, .init = setup, .fini = teardown, .timeout = 60);

static void turn(void)
{
	cr_assert_geq(sd_event_run(o.event, UINT64_MAX), 0);
}

static void click(struct answer *answer)
{
	const struct action action = { .kind = ACTION_CLICK, .at = { 2, { 1, 1 } }, .count = 1 };
	guest_act(&o.guest, &action, 1, NULL, on_act, answer);
}

static struct err until_answered(struct answer *answer)
{
	while (!answer->done) {
		turn();
	}
	struct err err = answer->err;
	cr_expect_eq(answer->times, 1);
	answer_free(answer);
	return err;
}

Test(guest, a_call_is_a_use_from_its_beginning_to_its_end)
{
	struct answer *answer = answer_new();
	click(answer);
	cr_expect_eq(o.used, 1);
	cr_expect(guest_is_used(&o.guest));
	cr_expect_eq(until_answered(answer).kind, ERR_NONE);
	cr_expect_eq(o.used, 2);
	cr_expect_not(guest_is_used(&o.guest));
}

Test(guest, a_look_is_no_use)
{
	struct answer *answer = answer_new();
	o.reply = "{\"done\": [], \"pointer\": [1, 1], \"frame_id\": 1, \"changed\": false}";
	guest_look(&o.guest, NULL, on_act, answer);
	cr_expect_not(guest_is_used(&o.guest));
	cr_expect_eq(until_answered(answer).kind, ERR_NONE);
	cr_expect_eq(o.used, 0);
}

Test(guest, the_owner_says_what_may_be_asked)
{
	struct answer *answer = answer_new(), *other = answer_new();
	o.may_ask = false;
	guest_info(&o.guest, on_json, answer);
	cr_expect_not(answer->done, "from the loop only");
	cr_expect_str_eq(until_answered(answer).text, "it sleeps");
	o.may_ask = true;
	o.may_act = false;
	click(other);
	cr_expect_str_eq(until_answered(other).text, "ann has control");
	cr_expect_eq(o.asked, 0, "the agent heard of it");
}

Test(guest, who_loses_control_in_the_middle_is_told_who_has_it)
{
	struct answer *answer = answer_new();
	o.reply = NULL;
	click(answer);
	while (!o.asked) {
		turn();
	}
	o.may_act = false;
	guest_stop_input(&o.guest);
	struct err err = until_answered(answer);
	cr_expect_eq(err.kind, ERR_STATE);
	cr_expect(strstr(err.text, "ann has control"), "%s", err.text);
}

Test(guest, a_bad_answer_is_the_owners_to_judge)
{
	struct answer *answer = answer_new();
	o.reply = "{\"done\": 1}";
	click(answer);
	struct err err = until_answered(answer);
	cr_expect_str_eq(err.text, "the owner's words");
	cr_expect_eq(o.broke, 1);
}

Test(guest, a_call_outlives_its_link_until_the_owner_fails_it)
{
	struct answer *answer = answer_new();
	struct err why;
	o.reply = NULL;
	click(answer);
	while (!o.asked) {
		turn();
	}
	link_free(take_ptr(&o.agent));
	while (!o.lost) {
		turn();
	}
	cr_expect_not(answer->done);
	guest_disconnect(&o.guest);
	guest_disconnect(&o.guest);
	err_set(&why, ERR_GONE, "it was paused");
	guest_fail_calls(&o.guest, &why, false);
	cr_expect(answer->done);
	cr_expect_str_eq(until_answered(answer).text, "it was paused");
}

/* A request's own variables are the ones that count. */
static void expect_variables(const json_t *own, const char *expected)
{
	struct answer *answer = answer_new();
	const struct guest_command command = { .command = "true", .environment = own };
	json_auto_t *wanted = json_loads(expected, 0, NULL);
	o.reply = "{\"status\": 0, \"ms\": 1}";
	guest_run(&o.guest, &command, on_exec, answer);
	cr_expect_eq(until_answered(answer).kind, ERR_NONE);
	const json_t *args = json_object_get(o.wanted, "args");
	const json_t *got = json_object_get(args ? args : o.wanted, "environment");
	cr_expect(json_equal(got, wanted) || (!got && !wanted), "%s", expected);
}

Test(guest, commands_have_the_variables_of_their_sandbox)
{
	json_auto_t *all = json_pack("{s:s, s:s}", "A", "1", "B", "2");
	json_auto_t *own = json_pack("{s:s, s:s}", "B", "3", "C", "4");
	const json_t *environment = NULL;
	o.guest.environment = &environment;
	expect_variables(NULL, "");
	environment = all;
	expect_variables(NULL, "{\"A\": \"1\", \"B\": \"2\"}");
	expect_variables(own, "{\"A\": \"1\", \"B\": \"3\", \"C\": \"4\"}");
}
