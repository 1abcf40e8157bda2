// USES tools
#include "base/buf.h"
#include "tests/support/fake_call.h"
#include "vm/backends.h"
#include "vm/core/control.h"

/*
 * The toolsets "stream" and "control" on the fake backend: what a model is told, what the registry
 * and the lease are then, and every way in which asking for a person can end.  People are played by
 * calling the lease as the server's pages do.
 */

static struct tool_fixture fixture;

static void open_fixture(void)
{
	fixture = tool_fixture_open();
}

static void close_fixture(void)
{
	tool_fixture_close(&fixture);
}

TestSuite(tools_people, .init = open_fixture, .fini = close_fixture, .timeout = 60);

static const char *text_of(const struct fake_call *call, size_t i)
{
	const char *text = fake_block(call, i, "text", "text");
	cr_assert_not_null(text, "block %zu; error: %s", i, call->err.text);
	return text;
}

static void expect_holds(const char *text, const char *holds)
{
	cr_expect(strstr(text, holds), "\"%s\"\nis without\n\"%s\"", text, holds);
}

/* The text of a call that must go well; free() it. */
static char *say(const char *name, const char *args)
{
	struct fake_call *call = fake_run(&fixture, name, args);
	cr_assert_eq(call->err.kind, ERR_NONE, "%s %s: %s", name, args, call->err.text);
	char *copy = must(strdup(text_of(call, 0)));
	fake_end(call);
	return copy;
}

static void expect(const char *name, const char *args, const char *holds)
{
	auto_free char *text = say(name, args);
	expect_holds(text, holds);
}

static void expect_failure(
	const char *name, const char *args, enum err_kind kind, const char *holds)
{
	struct fake_call *call = fake_run(&fixture, name, args);
	cr_expect_eq(call->err.kind, kind, "%s %s: kind %d", name, args, (int)call->err.kind);
	expect_holds(call->err.text, holds);
	fake_end(call);
}

/* Looking is always allowed. */
static void look(void)
{
	struct fake_call *call = fake_run(&fixture, "screenshot", "{}");
	cr_expect_eq(call->err.kind, ERR_NONE, "%s", call->err.text);
	fake_end(call);
}

static void run_once(void)
{
	cr_assert_geq(sd_event_run(fixture.event, 1000 * 1000), 0);
}

static struct vm *the_vm(void)
{
	struct vm *vm = vm_at(fixture.vms, "test", 0);
	cr_assert_not_null(vm);
	return vm;
}

static struct stream *stream_at(size_t i)
{
	return (struct stream *)streams_at(fixture.streams, "test", i);
}

/* ---- stream_* ---- */

/* The ticket of the link in a text. */
static void ticket_in(const char *text, char ret_ticket[SECRET_LEN + 1])
{
	const char *at = strchr(text, '#');
	cr_assert_not_null(at, "%s", text);
	cr_assert_geq(strlen(at + 1), (size_t)SECRET_LEN);
	snprintf(ret_ticket, SECRET_LEN + 1, "%s", at + 1);
}

Test(tools_people, a_link_opens_its_stream_once)
{
	char ticket[SECRET_LEN + 1], cookie[SECRET_LEN + 1], start[100];
	struct err err;
	auto_free char *text = say("stream_url", "{}");
	struct stream *stream = stream_at(0);
	cr_assert_not_null(stream);
	snprintf(start, sizeof(start), "\nhttp://127.0.0.1:7/s/%s/#", stream->id);
	expect_holds(text, start);
	expect_holds(text, ", to watch in any browser");
	expect_holds(text, "within 15 min");
	expect_holds(text, "(in 1 h 0 min)");
	expect_holds(text, "stream_revoke");
	cr_expect_eq(stream->mode, STREAM_VIEW);
	cr_expect_eq(stream->window, 0);
	ticket_in(text, ticket);
	cr_expect(streams_redeem(fixture.streams, stream, ticket, cookie, &err), "%s", err.text);
	cr_expect_not(streams_redeem(fixture.streams, stream, ticket, cookie, &err));
}

/* The id of a new window. */
static long long open_window(void)
{
	auto_free char *text = say("launch", "{\"application\":\"editor\"}");
	const char *at = strstr(text, "\nWindow ");
	cr_assert_not_null(at, "%s", text);
	return atoll(at + 8);
}

Test(tools_people, a_link_for_vnc_viewers_too)
{
	auto_free char *without = say("stream_url", "{}");
	cr_expect_null(strstr(without, "VNC"));
	call_vnc = "127.0.0.1:5901";
	auto_free char *text = say("stream_url", "{}");
	expect_holds(text, " 127.0.0.1:5901, user name ");
	expect_holds(text, stream_at(1)->id);
}

Test(tools_people, a_link_to_take_over_a_window_for_a_while)
{
	char args[100];
	long long window = open_window();
	snprintf(args, sizeof(args), "{\"mode\":\"control\",\"window\":%lld,\"expires\":120}",
		window);
	auto_free char *text = say("stream_url", args);
	struct stream *stream = stream_at(0);
	expect_holds(text, "Live window of sandbox ");
	expect_holds(text, "to watch and take control");
	expect_holds(text, "within 2 min");
	cr_expect_eq(stream->mode, STREAM_CONTROL);
	cr_expect_eq(stream->window, window);
	cr_expect_eq(stream->expires - stream->created, 120000);
}

Test(tools_people, a_window_that_is_not_there)
{
	struct fake_call *call = fake_run(&fixture, "stream_url", "{\"window\":1}");
	cr_expect_eq(call->err.kind, ERR_NOT_FOUND);
	expect_holds(call->err.text, "window 1");
	expect_holds(text_of(call, 0), "no windows");
	fake_end(call);
	char window[40];
	snprintf(window, sizeof(window), ": %lld \"Untitled - Editor\"", open_window());
	call = fake_run(&fixture, "stream_url", "{\"window\":1}");
	expect_holds(text_of(call, 0), window);
	fake_end(call);
	cr_expect_null(stream_at(0));
}

Test(tools_people, streams_are_listed_without_their_secrets)
{
	expect("stream_list", "{}", "stream_url");
	auto_free char *first = say("stream_url", "{}");
	auto_free char *second = say("stream_url", "{\"mode\":\"control\"}");
	stream_at(1)->window = 9;
	char ticket[SECRET_LEN + 1];
	stream_at(0)->viewers = 2;
	auto_free char *list = say("stream_list", "{}");
	expect_holds(list, "2 streams:\n");
	expect_holds(list, ": view, sandbox ");
	expect_holds(list, ", 2 viewers, ends at ");
	expect_holds(list, ": control, sandbox ");
	expect_holds(list, ", window 9, no viewers, ends at ");
	ticket_in(first, ticket);
	cr_expect_null(strstr(list, ticket));
}

Test(tools_people, a_revoked_one_is_gone_and_a_strangers_is_not_there)
{
	char args[80];
	auto_free char *link = say("stream_url", "{}");
	struct err err;
	char id[ID_LEN + 1];
	memcpy(id, stream_at(0)->id, sizeof(id));
	snprintf(args, sizeof(args), "{\"stream\":\"%s\"}", id);
	struct fake_call *call = fake_begin_as(&fixture, "stranger", "stream_revoke", args);
	cr_expect_eq(call->err.kind, ERR_NOT_FOUND);
	fake_end(call);
	expect("stream_revoke", args, "has ended");
	cr_expect_null(streams_find(fixture.streams, id, &err));
	expect_failure("stream_revoke", args, ERR_NOT_FOUND, "stream_list");
}

Test(tools_people, nobody_can_show_it)
{
	call_base = NULL;
	expect_failure("stream_url", "{}", ERR_UNSUPPORTED, "nobody can open links here");
	expect_failure("request_human", "{\"reason\":\"r\"}", ERR_UNSUPPORTED,
		"nobody can open links here");
	call_base = "http://127.0.0.1:7";
	cr_expect_null(stream_at(0));
}

Test(tools_people, arguments_that_cannot_be)
{
	expect_failure("stream_url", "{\"mode\":\"touch\"}", ERR_ARGUMENT, "view");
	expect_failure("stream_url", "{\"expires\":604801}", ERR_ARGUMENT, "604800");
	expect_failure("stream_url", "{\"window\":-1}", ERR_ARGUMENT, "window");
	expect_failure("stream_url", "{\"sandbox\":\"nosuch\"}", ERR_NOT_FOUND, "sandbox id");
	expect_failure("request_human", "{}", ERR_ARGUMENT, "reason");
}

/* ---- control_* ---- */

Test(tools_people, control_goes_round)
{
	struct err err;
	expect_failure("control_status", "{}", ERR_NOT_FOUND, "sandbox");
	look();
	expect("control_status", "{}", "You have control of sandbox ");
	expect("control_release", "{}", "control_acquire");
	expect("sandbox_info", "{}", ", no one has control, ");
	expect_failure("left_click", "{}", ERR_STATE, "control_acquire");
	look();
	expect("control_acquire", "{}", "You have control of sandbox ");
	free(say("left_click", "{}"));
	uint64_t fence = vm_control_take(the_vm(), "Ann\nLee");
	expect("control_status", "{}", ": Ann Lee, since ");
	expect("sandbox_list", "{}", " has control (Ann Lee), ");
	expect("control_status", "{}", "request_human waits");
	expect_failure("left_click", "{}", ERR_STATE, "has control");
	expect_failure("type", "{\"text\":\"x\"}", ERR_STATE, "Ann");
	expect_failure("control_acquire", "{}", ERR_STATE, "has control");
	expect_failure("control_release", "{}", ERR_STATE, "has control");
	look();
	cr_assert(vm_control_give_back(the_vm(), fence, "all yours", &err), "%s", err.text);
	run_once();
	struct fake_call *call = fake_run(&fixture, "left_click", "{}");
	cr_expect_eq(call->err.kind, ERR_NONE);
	expect_holds(text_of(call, 1), "all yours");
	fake_end(call);
}

Test(tools_people, what_a_person_said_comes_with_a_failure_too)
{
	struct err err;
	look();
	uint64_t fence = vm_control_take(the_vm(), "Ann");
	cr_assert(vm_control_give_back(the_vm(), fence, "all yours", &err), "%s", err.text);
	run_once();
	struct fake_call *call = fake_run(&fixture, "left_click", "{\"coordinate\":[9999,0]}");
	cr_expect_eq(call->err.kind, ERR_ARGUMENT);
	expect_holds(text_of(call, 0), "all yours");
	fake_end(call);
}

/* ---- request_human ---- */

static struct fake_call *ask(const char *args)
{
	struct fake_call *call = fake_begin(&fixture, "request_human", args);
	while (!call->answers && !(vm_at(fixture.vms, "test", 0) && vm_control(the_vm())->wanted)) {
		run_once();
	}
	return call;
}

/* Somebody watches who may act. */
static void have_a_watcher(void)
{
	free(say("stream_url", "{\"mode\":\"control\"}"));
	stream_at(0)->viewers = 1;
}

static void expect_no_wish(void)
{
	cr_expect_null(vm_control(the_vm())->wanted);
}

Test(tools_people, a_person_comes_and_hands_back)
{
	struct err err;
	have_a_watcher();
	struct fake_call *call = ask("{\"reason\":\"log in\"}");
	cr_assert_eq(call->answers, 0, "%s", call->err.text);
	cr_expect_str_eq(vm_control(the_vm())->wanted, "log in");
	while (!call->stages) {
		run_once();
	}
	cr_expect_str_eq(call->stage, "Waiting for a user");
	uint64_t fence = vm_control_take(the_vm(), "Ann");
	cr_assert(vm_control_give_back(the_vm(), fence, "done, \"really\"", &err), "%s", err.text);
	fake_await(&fixture, call);
	cr_expect_eq(call->err.kind, ERR_NONE, "%s", call->err.text);
	expect_holds(text_of(call, 0), " after 0 s. Message: \"done, \"really\"\"\n");
	fake_end(call);
	expect_no_wish();
	cr_expect_null(stream_at(1), "they had a link");
}

Test(tools_people, nobody_can_come_but_by_a_link)
{
	struct fake_call *call = ask("{\"reason\":\"log in\"}");
	fake_await(&fixture, call);
	cr_expect_eq(call->err.kind, ERR_STATE);
	expect_holds(call->err.text, "call request_human again");
	expect_holds(text_of(call, 0), "http://127.0.0.1:7/s/");
	fake_end(call);
	expect_no_wish();
	cr_assert_not_null(stream_at(0), "the link is good");
	cr_expect_eq(stream_at(0)->mode, STREAM_CONTROL);
	call = ask("{\"reason\":\"log in\"}");
	cr_expect_eq(call->answers, 0, "now somebody may come");
	fake_cancel(call);
	cr_expect_eq(call->err.kind, ERR_CANCELLED);
	fake_end(call);
	expect_no_wish();
}

Test(tools_people, nobody_comes_in_time)
{
	have_a_watcher();
	struct fake_call *call = ask("{\"reason\":\"log in\",\"timeout\":1}");
	fake_await(&fixture, call);
	cr_expect_eq(call->err.kind, ERR_TIMEOUT);
	expect_holds(call->err.text, " within 1 s");
	fake_end(call);
	expect_no_wish();
}

Test(tools_people, a_person_has_control_and_keeps_it)
{
	look();
	vm_control_take(the_vm(), "Ann");
	struct fake_call *call = ask("{\"reason\":\"log in\",\"timeout\":1}");
	cr_expect_eq(call->answers, 0, "there is somebody to wait for");
	fake_await(&fixture, call);
	expect_holds(call->err.text, "did not hand it back within 1 s");
	fake_end(call);
}

Test(tools_people, the_sandbox_ends_meanwhile)
{
	have_a_watcher();
	struct fake_call *call = ask("{\"reason\":\"log in\"}");
	vm_stop(the_vm(), "enough");
	fake_await(&fixture, call);
	cr_expect_eq(call->err.kind, ERR_GONE);
	expect_holds(call->err.text, "enough");
	fake_end(call);
}

/* ---- and where the client's user can be asked ---- */

/* Answers the question; false: the call is over already. */
static void answer(struct fake_call *call, const char *json)
{
	json_auto_t *answers = json_loads(json, 0, NULL);
	cr_assert_not_null(answers, "%s", json);
	cr_assert_not_null(call->client_request, "nothing was asked");
	call_answered(&call->call, answers, NULL);
}

#define ACCEPT(message) \
	"{\"user\":{\"action\":\"accept\",\"content\":{\"message\":\"" message "\"}}}"

Test(tools_people, the_clients_user_answers)
{
	fixture.client_supports = true;
	struct fake_call *call = ask("{\"reason\":\"log in\"}");
	cr_assert_eq(call->answers, 0, "%s", call->err.text);
	const char *message = json_string_value(json_object_get(call->client_request, "message"));
	cr_assert_not_null(message);
	expect_holds(message, "log in");
	expect_holds(message, "open http://127.0.0.1:7/s/");
	cr_assert_not_null(stream_at(0), "the link leads somewhere");
	answer(call, ACCEPT("the code is 7"));
	cr_expect_eq(call->answers, 1);
	expect_holds(text_of(call, 0), " after 0 s. Message: \"the code is 7\"");
	fake_end(call);
	expect_no_wish();
	cr_expect_null(stream_at(0), "nobody used the link, so it is over");
}

Test(tools_people, the_clients_user_took_over_and_answers)
{
	fixture.client_supports = true;
	struct fake_call *call = ask("{\"reason\":\"log in\"}");
	vm_control_take(the_vm(), "Ann");
	stream_at(0)->viewers = 1;
	answer(call, ACCEPT(""));
	fake_await(&fixture, call);
	cr_expect_eq(vm_control(the_vm())->holder, VM_HELD_BY_AGENT);
	expect_holds(text_of(call, 0), "control and handed it back after 0 s.");
	fake_end(call);
	cr_expect_not_null(stream_at(0), "somebody still watches");
}

Test(tools_people, the_clients_user_says_too_much)
{
	auto_buf struct buf json = { 0 };
	fixture.client_supports = true;
	buf_printf(&json, "{\"user\":{\"action\":\"accept\",\"content\":{\"message\":\"x");
	for (int i = 0; i < VM_CONTROL_TEXT_MAX; i++) {
		buf_printf(&json, "\xc3\xa9");
	}
	buf_printf(&json, "\"}}}");
	struct fake_call *call = ask("{\"reason\":\"log in\"}");
	answer(call, buf_text(&json));
	const char *text = text_of(call, 0), *from = strstr(text, "\"x"),
		   *end = strstr(text, "\"\nTake");
	cr_assert(from && end, "%s", text);
	cr_expect_eq(end - from - 1, VM_CONTROL_TEXT_MAX - 1, "no half of a character");
	fake_end(call);
}

Test(tools_people, the_clients_user_declines_or_closes_the_question)
{
	fixture.client_supports = true;
	struct fake_call *call = ask("{\"reason\":\"log in\"}");
	answer(call, "{\"user\":{\"action\":\"decline\"}}");
	cr_expect_eq(call->err.kind, ERR_STATE);
	expect_holds(call->err.text, "declined");
	fake_end(call);
	call = ask("{\"reason\":\"log in\"}");
	answer(call, "{\"user\":{\"action\":\"cancel\"}}");
	cr_expect_eq(call->err.kind, ERR_STATE);
	expect_holds(call->err.text, "closed");
	expect_holds(text_of(call, 0), "http://127.0.0.1:7/s/");
	fake_end(call);
	call = ask("{\"reason\":\"log in\"}");
	answer(call, "{\"user\":{\"action\":\"cancel\"}}");
	cr_expect_eq(call->answers, 0, "somebody has the link");
	fake_cancel(call);
	fake_end(call);
	expect_no_wish();
}

Test(tools_people, a_client_that_fails_to_ask)
{
	struct err why;
	fixture.client_supports = true;
	struct fake_call *call = ask("{\"reason\":\"log in\"}");
	err_set(&why, ERR_STATE, "the client did not answer");
	call_answered(&call->call, NULL, &why);
	expect_holds(call->err.text, ": the client did not answer");
	fake_end(call);
}

/* 2026-07-28: the call ends with the question, and comes again with the answer. */
Test(tools_people, a_question_in_rounds)
{
	fixture.client_supports = fixture.rounds = true;
	struct fake_call *call = ask("{\"reason\":\"log in\"}");
	cr_expect_eq(call->answers, 1);
	cr_expect_null(call->content);
	fake_end(call);
	cr_expect_str_eq(vm_control(the_vm())->wanted, "log in", "the page still says so");
	cr_assert_not_null(stream_at(0), "the link is good");
	fixture.rounds = false;
	call = fake_begin(&fixture, "request_human", "{\"reason\":\"log in\"}");
	answer(call, ACCEPT("yes"));
	cr_expect_eq(call->answers, 1);
	expect_holds(text_of(call, 0), "yes");
	fake_end(call);
	expect_no_wish();
}

Test(tools_people, a_question_that_never_comes_back_is_shown_for_a_while)
{
	fixture.client_supports = fixture.rounds = true;
	fake_end(ask("{\"reason\":\"log in\",\"timeout\":1}"));
	cr_expect_str_eq(vm_control(the_vm())->wanted, "log in");
	while (vm_control(the_vm())->wanted) {
		run_once();
	}
}

Test(tools_people, what_a_person_says_between_rounds_comes_with_the_answer)
{
	struct err err;
	fixture.client_supports = fixture.rounds = true;
	fake_end(ask("{\"reason\":\"log in\"}"));
	uint64_t fence = vm_control_take(the_vm(), "Ann");
	cr_assert(vm_control_give_back(the_vm(), fence, "it is done", &err), "%s", err.text);
	run_once();
	expect_no_wish();
	fixture.rounds = false;
	struct fake_call *call = fake_begin(&fixture, "request_human", "{\"reason\":\"log in\"}");
	answer(call, ACCEPT(""));
	expect_holds(text_of(call, 1), "it is done");
	fake_end(call);
}

/* ---- who waits for a person uses the desktop ---- */

static struct vm *sandbox_with_a_second(void)
{
	auto_free char *text = say("sandbox_create", "{\"idle_timeout\":1}");
	size_t n = 0;
	while (vm_at(fixture.vms, "test", n)) {
		n++;
	}
	return vm_at(fixture.vms, "test", n - 1);
}

static void of_two_the_asked_for_stays(void)
{
	auto_buf struct buf args = { 0 };
	struct vm *asked = sandbox_with_a_second();
	buf_printf(&args, "{\"sandbox\":\"%s\",\"reason\":\"log in\"}", vm_id(asked));
	struct fake_call *call = fake_begin(&fixture, "request_human", buf_text(&args));
	struct vm *idle = sandbox_with_a_second();
	while (vm_state(idle) != VM_GONE) {
		cr_assert_geq(sd_event_run(fixture.event, UINT64_MAX), 0);
	}
	cr_assert_eq(vm_state(asked), VM_READY, "%s", call->err.text);
	if (!call->answers) {
		fake_cancel(call);
	}
	fake_await(&fixture, call);
	fake_end(call);
}

Test(tools_people, a_sandbox_does_not_end_under_an_open_question)
{
	fixture.client_supports = true;
	of_two_the_asked_for_stays();
}

Test(tools_people, nor_while_the_client_carries_the_question)
{
	fixture.client_supports = fixture.rounds = true;
	of_two_the_asked_for_stays();
}

/* ---- what would surprise a person at work ---- */

Test(tools_people, commands_and_the_end_of_the_desktop_wait_for_the_person)
{
	static const char *const fenced[][2] = {
		{ "run_command", "{\"command\":\"true\"}" },
		{ "sandbox_kill", "{}" },
		{ "sandbox_pause", "{}" },
		{ "sandbox_set_timeout", "{\"timeout\":5}" },
	};
	look();
	expect("sandbox_set_timeout", "{\"timeout\":50}", "in 50 s");
	struct fake_call *runs =
		fake_begin(&fixture, "run_command", "{\"command\":\"sleep 0.05\"}");
	vm_control_take(the_vm(), "Ann");
	for (size_t i = 0; i < sizeof(fenced) / sizeof(fenced[0]); i++) {
		expect_failure(
			fenced[i][0], fenced[i][1], ERR_STATE, "has control of this desktop (Ann");
	}
	expect("sandbox_set_timeout", "{\"timeout\":500}", "in 8 min");
	expect("sandbox_set_timeout", "{\"timeout\":0}", "no timeout");
	look();
	fake_await(&fixture, runs);
	cr_expect_eq(runs->err.kind, ERR_NONE, "one that runs goes on: %s", runs->err.text);
	fake_end(runs);
	cr_expect_eq(vm_state(the_vm()), VM_READY);
}

Test(tools_people, unless_the_server_allows_it)
{
	struct vm_config config = {
		.backend = "fake", .max_sandboxes = 3, .commands_during_takeover = true
	};
	streams_free(fixture.streams);
	vm_pool_free(fixture.vms);
	fixture.vms = vm_pool_new(fixture.event, &config, vm_backends);
	fixture.streams = streams_new(fixture.event, fixture.vms);
	look();
	vm_control_take(the_vm(), "Ann");
	expect("run_command", "{\"command\":\"echo hi\"}", "hi");
	expect_failure("left_click", "{}", ERR_STATE, "has control");
	expect("sandbox_kill", "{}", "has ended");
}
