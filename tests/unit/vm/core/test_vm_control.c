// USES vm
/* Who has control: taking over stops the agent's hands at once and its eyes never; old fences open
 * nothing. */
#include "tests/support/vm_host.h"
#include "vm/core/control.h"

struct fixture {
	struct host host;
	struct vm *vm;
	struct listener listener;
	int told;
	bool any;
};

static void on_control(struct vm *vm, void *data)
{
	struct fixture *fixture = data;
	cr_assert_eq(vm, fixture->vm);
	fixture->told++;
	fixture->any = true;
}

static void fixture_init(struct fixture *fixture)
{
	*fixture = (struct fixture){ 0 };
	host_init(&fixture->host, (struct vm_config){ .backend = "fake" });
	static const struct vm_listener events = { .control = on_control };
	listener_add(vm_listeners(fixture->host.pool), &fixture->listener, &events, fixture);
	fixture->vm = host_vm(&fixture->host);
}

static struct answer *act(struct fixture *fixture, struct action action)
{
	struct answer *answer = answer_new();
	guest_act(vm_guest(fixture->vm), &action, 1, NULL, on_act, answer);
	return answer;
}

static const struct action click = {
	.kind = ACTION_CLICK, .at = { 2, { 5, 5 } }, .button = BUTTON_LEFT, .count = 1
};
static const struct action waiting = { .kind = ACTION_WAIT, .ms = 1 };
static const struct action hold = { .kind = ACTION_HOLD_KEY, .text = "shift", .ms = 60000 };

static enum err_kind outcome(struct fixture *fixture, struct action action, const char *text)
{
	struct answer *answer = act(fixture, action);
	host_until(&fixture->host, &answer->done);
	enum err_kind kind = answer->err.kind;
	cr_assert_eq(answer->times, 1);
	cr_expect(!text || strstr(answer->err.text, text), "%s", answer->err.text);
	answer_free(answer);
	return kind;
}

Test(control, belongs_to_the_agent_at_first)
{
	struct fixture fixture;
	struct err err;
	fixture_init(&fixture);
	cr_assert_eq(vm_control(fixture.vm)->holder, VM_HELD_BY_AGENT);
	cr_assert(vm_control_acquire(fixture.vm, &err));
	cr_assert_eq(outcome(&fixture, click, NULL), ERR_NONE);
	cr_assert(!vm_control_is(fixture.vm, 0), "no viewer has the first fence");
	host_done(&fixture.host);
}

Test(control, a_person_stops_hands_and_not_eyes)
{
	struct fixture fixture;
	struct err err;
	fixture_init(&fixture);
	struct answer *running = act(&fixture, hold);
	struct answer *queued = act(&fixture, click);
	host_for_ms(&fixture.host, 20);
	cr_assert(!running->done);
	uint64_t fence = vm_control_take(fixture.vm, "Ann");
	host_until(&fixture.host, &running->done);
	host_until(&fixture.host, &queued->done);
	cr_assert_eq(running->err.kind, ERR_STATE, "%s", running->err.text);
	cr_expect(strstr(running->err.text, "Ann"), "%s", running->err.text);
	cr_assert_eq(queued->err.kind, ERR_STATE, "%s", queued->err.text);
	cr_assert_eq(
		outcome(&fixture, click, "has control of this desktop (Ann, since "), ERR_STATE);
	cr_assert_eq(outcome(&fixture, waiting, NULL), ERR_NONE);
	cr_assert(!vm_control_acquire(fixture.vm, &err));
	cr_assert(!vm_control_release(fixture.vm, &err));
	cr_assert(vm_control_give_back(fixture.vm, fence, NULL, &err), "%s", err.text);
	cr_assert_eq(outcome(&fixture, click, NULL), ERR_NONE);
	answer_free(running);
	answer_free(queued);
	host_done(&fixture.host);
}

Test(control, an_old_fence_opens_nothing)
{
	struct fixture fixture;
	struct err err;
	fixture_init(&fixture);
	uint64_t ann = vm_control_take(fixture.vm, "Ann");
	uint64_t bob = vm_control_take(fixture.vm, "Bob");
	cr_assert(!vm_control_is(fixture.vm, ann));
	cr_assert(vm_control_is(fixture.vm, bob));
	cr_assert(!vm_control_give_back(fixture.vm, ann, NULL, &err));
	cr_assert_eq(err.kind, ERR_STATE);
	cr_assert(vm_control_give_back(fixture.vm, bob, NULL, &err));
	cr_assert(!vm_control_is(fixture.vm, bob));
	host_until(&fixture.host, &fixture.any);
	cr_assert_eq(fixture.told, 1, "changes of one turn are told once");
	host_done(&fixture.host);
}

Test(control, what_the_agent_let_go_it_must_acquire)
{
	struct fixture fixture;
	struct err err;
	fixture_init(&fixture);
	cr_assert(vm_control_release(fixture.vm, &err));
	cr_assert_eq(outcome(&fixture, click, "control_acquire"), ERR_STATE);
	cr_assert(vm_control_acquire(fixture.vm, &err));
	cr_assert_eq(outcome(&fixture, click, NULL), ERR_NONE);
	host_done(&fixture.host);
}

struct heard {
	bool done;
	int times;
	char says[100];
	struct err err;
};

static void on_person(struct vm *vm, const char *says, const struct err *err, void *data)
{
	struct heard *heard = data;
	(void)vm;
	heard->done = true;
	heard->times++;
	snprintf(heard->says, sizeof(heard->says), "%s", says ? says : "(nothing)");
	if (err) {
		heard->err = *err;
	}
}

Test(control, who_asked_for_a_person_hears_what_they_say)
{
	struct fixture fixture;
	struct err err;
	struct heard first = { 0 }, second = { 0 }, third = { 0 };
	fixture_init(&fixture);
	vm_control_ask(fixture.vm, "the captcha", on_person, &first);
	struct vm_user_wait *tired = vm_control_ask(fixture.vm, "the code", on_person, &second);
	vm_control_ask(fixture.vm, "a password", on_person, &third);
	cr_assert_str_eq(vm_control(fixture.vm)->wanted, "a password");
	vm_control_ask_cancel(tired);
	host_until(&fixture.host, &fixture.any);
	uint64_t fence = vm_control_take(fixture.vm, "Ann");
	host_for_ms(&fixture.host, 5);
	cr_assert(!first.done);
	cr_assert(vm_control_give_back(fixture.vm, fence, "solved it", &err));
	cr_assert(!first.done, "an answer from inside a call");
	host_until(&fixture.host, &third.done);
	cr_assert_eq(first.times + third.times, 2);
	cr_assert_eq(second.times, 0);
	cr_assert_str_eq(first.says, "solved it");
	cr_assert_null(vm_control(fixture.vm)->wanted);
	cr_assert_null(vm_take_note(fixture.vm));
	fence = vm_control_take(fixture.vm, "Ann");
	fixture.any = false;
	cr_assert(vm_control_give_back(fixture.vm, fence, "by the way", &err));
	host_until(&fixture.host, &fixture.any);
	char *note = vm_take_note(fixture.vm);
	cr_assert(note && strstr(note, "by the way"));
	free(note);
	host_done(&fixture.host);
}

Test(control, an_ended_sandbox_answers_who_asked)
{
	struct fixture fixture;
	struct heard heard = { 0 };
	fixture_init(&fixture);
	vm_control_ask(fixture.vm, "help", on_person, &heard);
	vm_stop(fixture.vm, "the light went out");
	host_until(&fixture.host, &heard.done);
	cr_assert_eq(heard.times, 1);
	cr_assert_eq(heard.err.kind, ERR_GONE);
	cr_expect(strstr(heard.err.text, "the light went out"), "%s", heard.err.text);
	host_done(&fixture.host);
}
