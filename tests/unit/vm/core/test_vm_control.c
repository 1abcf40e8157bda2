// USES vm
/* Who has control: taking over stops the agent's hands at once and its eyes never; old fences open
 * nothing. */
#include "tests/support/vm_host.h"
#include "vm/core/control.h"

struct desk {
	struct host host;
	struct vm *vm;
	struct listener listener;
	int told;
	bool any;
};

static void on_control(struct vm *vm, void *data)
{
	struct desk *desk = data;
	cr_assert_eq(vm, desk->vm);
	desk->told++;
	desk->any = true;
}

static void desk_init(struct desk *desk)
{
	*desk = (struct desk){ 0 };
	host_init(&desk->host, (struct vm_config){ .backend = "fake" });
	static const struct vm_listener events = { .control = on_control };
	listener_add(vm_listeners(desk->host.pool), &desk->listener, &events, desk);
	desk->vm = host_vm(&desk->host);
}

static struct answer *act(struct desk *desk, struct action action)
{
	struct answer *answer = answer_new();
	guest_act(vm_guest(desk->vm), &action, 1, NULL, on_act, answer);
	return answer;
}

static const struct action click = {
	.kind = ACTION_CLICK, .at = { 2, { 5, 5 } }, .button = BUTTON_LEFT, .count = 1
};
static const struct action waiting = { .kind = ACTION_WAIT, .ms = 1 };
static const struct action hold = { .kind = ACTION_HOLD_KEY, .text = "shift", .ms = 60000 };

static enum err_kind outcome(struct desk *desk, struct action action, const char *text)
{
	struct answer *answer = act(desk, action);
	host_until(&desk->host, &answer->done);
	enum err_kind kind = answer->err.kind;
	cr_assert_eq(answer->times, 1);
	cr_expect(!text || strstr(answer->err.text, text), "%s", answer->err.text);
	answer_free(answer);
	return kind;
}

Test(control, belongs_to_the_agent_at_first)
{
	struct desk desk;
	struct err err;
	desk_init(&desk);
	cr_assert_eq(vm_control(desk.vm)->holder, VM_HELD_BY_AGENT);
	cr_assert(vm_control_acquire(desk.vm, &err));
	cr_assert_eq(outcome(&desk, click, NULL), ERR_NONE);
	cr_assert(!vm_control_is(desk.vm, 0), "the first fence is nobody's");
	host_done(&desk.host);
}

Test(control, a_person_stops_hands_and_not_eyes)
{
	struct desk desk;
	struct err err;
	desk_init(&desk);
	struct answer *running = act(&desk, hold);
	struct answer *queued = act(&desk, click);
	host_for_ms(&desk.host, 20);
	cr_assert(!running->done);
	uint64_t fence = vm_control_take(desk.vm, "Ann");
	host_until(&desk.host, &running->done);
	host_until(&desk.host, &queued->done);
	cr_assert_eq(running->err.kind, ERR_STATE, "%s", running->err.text);
	cr_expect(strstr(running->err.text, "Ann"), "%s", running->err.text);
	cr_assert_eq(queued->err.kind, ERR_STATE, "%s", queued->err.text);
	cr_assert_eq(outcome(&desk, click, "has control of this desktop (Ann, since "), ERR_STATE);
	cr_assert_eq(outcome(&desk, waiting, NULL), ERR_NONE);
	cr_assert(!vm_control_acquire(desk.vm, &err));
	cr_assert(!vm_control_release(desk.vm, &err));
	cr_assert(vm_control_give_back(desk.vm, fence, NULL, &err), "%s", err.text);
	cr_assert_eq(outcome(&desk, click, NULL), ERR_NONE);
	answer_free(running);
	answer_free(queued);
	host_done(&desk.host);
}

Test(control, an_old_fence_opens_nothing)
{
	struct desk desk;
	struct err err;
	desk_init(&desk);
	uint64_t ann = vm_control_take(desk.vm, "Ann");
	uint64_t bob = vm_control_take(desk.vm, "Bob");
	cr_assert(!vm_control_is(desk.vm, ann));
	cr_assert(vm_control_is(desk.vm, bob));
	cr_assert(!vm_control_give_back(desk.vm, ann, NULL, &err));
	cr_assert_eq(err.kind, ERR_STATE);
	cr_assert(vm_control_give_back(desk.vm, bob, NULL, &err));
	cr_assert(!vm_control_is(desk.vm, bob));
	host_until(&desk.host, &desk.any);
	cr_assert_eq(desk.told, 1, "changes of one turn are told once");
	host_done(&desk.host);
}

Test(control, what_the_agent_let_go_it_must_acquire)
{
	struct desk desk;
	struct err err;
	desk_init(&desk);
	cr_assert(vm_control_release(desk.vm, &err));
	cr_assert_eq(outcome(&desk, click, "control_acquire"), ERR_STATE);
	cr_assert(vm_control_acquire(desk.vm, &err));
	cr_assert_eq(outcome(&desk, click, NULL), ERR_NONE);
	host_done(&desk.host);
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
	struct desk desk;
	struct err err;
	struct heard first = { 0 }, second = { 0 }, third = { 0 };
	desk_init(&desk);
	vm_control_ask(desk.vm, "the captcha", on_person, &first);
	struct vm_person_wait *tired = vm_control_ask(desk.vm, "the code", on_person, &second);
	vm_control_ask(desk.vm, "a password", on_person, &third);
	cr_assert_str_eq(vm_control(desk.vm)->wanted, "a password");
	vm_control_ask_cancel(tired);
	host_until(&desk.host, &desk.any);
	uint64_t fence = vm_control_take(desk.vm, "Ann");
	host_for_ms(&desk.host, 5);
	cr_assert(!first.done);
	cr_assert(vm_control_give_back(desk.vm, fence, "solved it", &err));
	cr_assert(!first.done, "an answer from inside a call");
	host_until(&desk.host, &third.done);
	cr_assert_eq(first.times + third.times, 2);
	cr_assert_eq(second.times, 0);
	cr_assert_str_eq(first.says, "solved it");
	cr_assert_null(vm_control(desk.vm)->wanted);
	cr_assert_null(vm_take_note(desk.vm));
	fence = vm_control_take(desk.vm, "Ann");
	desk.any = false;
	cr_assert(vm_control_give_back(desk.vm, fence, "by the way", &err));
	host_until(&desk.host, &desk.any);
	char *note = vm_take_note(desk.vm);
	cr_assert(note && strstr(note, "by the way"));
	free(note);
	host_done(&desk.host);
}

Test(control, an_ended_sandbox_answers_who_asked)
{
	struct desk desk;
	struct heard heard = { 0 };
	desk_init(&desk);
	vm_control_ask(desk.vm, "help", on_person, &heard);
	vm_stop(desk.vm, "the light went out");
	host_until(&desk.host, &heard.done);
	cr_assert_eq(heard.times, 1);
	cr_assert_eq(heard.err.kind, ERR_GONE);
	cr_expect(strstr(heard.err.text, "the light went out"), "%s", heard.err.text);
	host_done(&desk.host);
}
