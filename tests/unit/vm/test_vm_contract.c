// USES vm
/*
 * What every backend must do.  One table of cases, run on each backend; those that this host cannot
 * run are skipped, saying why.
 */

#include "tests/support/contract.h"

#include "base/cleanup.h"
#include "vm/guest/ask.h"
#include "vm/wire/messages.h"

#include <signal.h>
#include <unistd.h>

/* ---- life ---- */

static void starts_through_its_stages(struct bench *b)
{
	struct err err;
	struct vm *vm = vm_create(b->host.pool, "alice", NULL, &err);
	cr_assert_not_null(vm, "%s", err.text);
	cr_assert_eq(vm_state(vm), VM_STARTING);
	struct waited waited = host_wait(&b->host, vm);
	cr_assert_eq(waited.err.kind, ERR_NONE, "%s", waited.err.text);
	cr_assert_eq(waited.stages, waited.of);
	cr_assert_str_eq(waited.last_stage, "first-frame");
	cr_assert_eq(vm_state(vm), VM_READY);
	cr_assert_eq(vm_frame(vm).width, 1280);
	cr_assert_eq(vm_frame(vm).height, 800);
	struct waited again = host_wait(&b->host, vm);
	cr_assert_eq(again.err.kind, ERR_NONE);
	cr_assert_null(vm_take_note(vm));
	vm_stop(vm, "enough");
}

static void is_found_by_its_owner_only(struct bench *b)
{
	struct err err;
	cr_assert_eq(vm_find(b->host.pool, "alice", vm_id(b->vm), &err), b->vm);
	cr_assert_null(vm_find(b->host.pool, "mallory", vm_id(b->vm), &err));
	cr_assert_eq(err.kind, ERR_NOT_FOUND);
	cr_assert_null(vm_find(b->host.pool, "alice", "no such id", &err));
	cr_assert_eq(err.kind, ERR_NOT_FOUND);
	cr_assert_eq(vm_at(b->host.pool, "alice", 0), b->vm);
	cr_assert_null(vm_at(b->host.pool, "alice", 1));
	cr_assert_null(vm_at(b->host.pool, "mallory", 0));
}

static void is_refused_above_the_limit(struct bench *b)
{
	struct err err;
	struct vm *second = vm_create(b->host.pool, "bob", NULL, &err);
	cr_assert_not_null(second);
	cr_assert_null(vm_create(b->host.pool, "alice", NULL, &err));
	cr_assert_eq(err.kind, ERR_LIMIT);
	vm_stop(second, "enough");
	struct vm *third = vm_create(b->host.pool, "alice", NULL, &err);
	cr_assert_not_null(third, "%s", err.text);
	vm_stop(third, "enough");
}

static void stop_is_final_and_gives_its_reason(struct bench *b)
{
	struct err err;
	char id[ID_LEN + 1];
	memcpy(id, vm_id(b->vm), sizeof(id));
	struct answer *pending = answer_new();
	guest_exec(vm_guest(b->vm), "sleep 100", NULL, 200000, on_exec, pending);
	vm_stop(b->vm, "its owner was done");
	cr_assert(!pending->done, "an answer from inside vm_stop()");
	cr_assert_null(vm_find(b->host.pool, "alice", id, &err));
	cr_assert_eq(err.kind, ERR_GONE);
	cr_assert_not_null(strstr(err.text, "its owner was done"), "%s", err.text);
	host_until(&b->host, &pending->done);
	cr_assert_eq(pending->err.kind, ERR_GONE);
	cr_assert_not_null(
		strstr(pending->err.text, "its owner was done"), "%s", pending->err.text);
	struct answer *late = host_exec(&b->host, b->vm, "true", 1000);
	cr_assert_eq(late->err.kind, ERR_GONE);
	struct waited waited = host_wait(&b->host, b->vm);
	cr_assert_eq(waited.err.kind, ERR_GONE);
	answer_free(pending);
	answer_free(late);
}

static void a_default_sandbox_comes_back(struct bench *b)
{
	struct err err;
	struct vm *first = vm_default(b->host.pool, "carol", &err);
	cr_assert_eq(vm_default(b->host.pool, "carol", &err), first);
	host_wait(&b->host, first);
	vm_stop(first, "the light went out");
	struct vm *second = vm_default(b->host.pool, "carol", &err);
	cr_assert_not_null(second, "%s", err.text);
	cr_assert_neq(second, first);
	char *note = vm_take_note(second);
	cr_assert_not_null(note);
	cr_assert_not_null(strstr(note, "the light went out"), "%s", note);
	cr_assert_null(vm_take_note(second));
	free(note);
	vm_stop(second, "enough");
}

struct usage {
	bool done;
	struct msg_usage_answer answer;
};

static void on_usage(
	const void *answer, const void *tail, size_t tail_len, const struct err *err, void *data)
{
	struct usage *usage = data;
	(void)tail, (void)tail_len;
	cr_assert(!err, "%s", err ? err->text : "");
	usage->answer = *(const struct msg_usage_answer *)answer;
	usage->done = true;
}

static void expect_usage(struct bench *b, bool processes)
{
	const struct msg_usage args = { .processes = processes };
	const struct guest_question question = {
		.message = &message_usage, .args = &args, .is_aside = true
	};
	struct usage usage = { 0 };
	guest_ask(vm_guest(b->vm), &question, on_usage, &usage);
	host_until(&b->host, &usage.done);
	const struct msg_usage_answer *a = &usage.answer;
	cr_expect_geq(a->cpus, 1);
	cr_expect_gt(a->memory_used, 0);
	cr_expect(processes || a->memory_cache > 0);
	cr_expect_lt(a->memory_used, a->memory_total);
	cr_expect_gt(a->disk_total, 0);
	cr_expect_leq(a->disk_used, a->disk_total);
}

static void tells_what_it_uses(struct bench *b)
{
	expect_usage(b, false);
	expect_usage(b, true);
}

static pid_t child_of(pid_t pid)
{
	char path[64];
	pid_t child = 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	FILE *children = fopen(path, "re");
	cr_assert(children && fscanf(children, "%d", &child) == 1, "%s", path);
	fclose(children);
	return child;
}

static void a_dead_agent_is_gone_and_said(struct bench *b)
{
	struct err err;
	struct answer *pending = answer_new(), *killer = answer_new();
	guest_exec(vm_guest(b->vm), "sleep 100", NULL, 200000, on_exec, pending);
	if (b->dialect->is_outside) {
		kill(child_of(child_of(getpid())), SIGKILL); /* bwrap's child */
		killer->done = true;
	} else if (b->dialect->crash) {
		guest_exec(vm_guest(b->vm), b->dialect->crash, NULL, 10000, on_exec, killer);
	} else {
		guest_launch(vm_guest(b->vm), "crash", NULL, 10000, on_launch, killer);
	}
	host_until(&b->host, &pending->done);
	cr_assert_eq(pending->err.kind, ERR_GONE, "%s", pending->err.text);
	cr_assert_null(vm_find(b->host.pool, "alice", vm_id(b->vm), &err));
	cr_assert_eq(err.kind, ERR_GONE);
	host_until(&b->host, &killer->done);
	answer_free(pending);
	answer_free(killer);
}

static void freeing_the_pool_answers_everything(struct bench *b)
{
	struct err err;
	struct waited waited = { 0 };
	struct action slow[] = { moving(1, 1), waiting(100000) }, fast[] = { moving(2, 2) };
	struct answer *answers[5];
	for (size_t i = 0; i < 5; i++) {
		answers[i] = answer_new();
	}
	struct vm *young = vm_create(b->host.pool, "alice", NULL, &err);
	vm_wait(young, &wait_handlers, &waited);
	guest_act(vm_guest(b->vm), slow, 2, NULL, on_act, answers[0]);
	guest_act(vm_guest(b->vm), fast, 1, NULL, on_act, answers[1]);
	guest_exec(vm_guest(b->vm), "sleep 100", NULL, 200000, on_exec, answers[2]);
	guest_ping(vm_guest(young), on_json, answers[3]); /* refused: it is not ready */
	guest_info(vm_guest(b->vm), on_json, answers[4]);
	vm_pool_free(b->host.pool);
	b->host.pool = NULL;
	for (size_t i = 0; i < 5; i++) {
		cr_assert_eq(
			answers[i]->times, 1, "call %zu answered %d times", i, answers[i]->times);
		cr_assert_neq(answers[i]->err.kind, ERR_NONE);
		answer_free(answers[i]);
	}
	cr_assert_eq(waited.times, 1);
	cr_assert_neq(waited.err.kind, ERR_NONE);
}

static void ids_do_not_repeat(struct bench *b)
{
	struct err err;
	char last[ID_LEN + 1] = "";
	for (size_t i = 0; i < 4; i++) {
		struct vm *vm = vm_create(b->host.pool, "alice", NULL, &err);
		cr_assert(id_is_valid(vm_id(vm)));
		cr_assert_str_neq(vm_id(vm), last);
		cr_assert_str_neq(vm_id(vm), vm_id(b->vm));
		memcpy(last, vm_id(vm), sizeof(last));
		vm_stop(vm, "next");
	}
}

/* ---- acting ---- */

static void acts_and_says_where_the_pointer_is(struct bench *b)
{
	struct action list[] = { clicking(100, 200), waiting(1), moving(300, 400) };
	struct answer *a = host_act(&b->host, b->vm, list, 3);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	cr_assert_eq(a->act.failed.kind, ERR_NONE, "%s", a->act.failed.text);
	cr_assert_eq(a->act.done, 3);
	cr_assert_eq(a->act.pointer.x, 300);
	cr_assert_eq(a->act.pointer.y, 400);
	cr_assert_eq(a->image_len, 0);
	answer_free(a);
}

static void types_into_a_program(struct bench *b)
{
	struct answer *a = answer_new();
	guest_launch(vm_guest(b->vm), b->dialect->terminal, NULL, 20000, on_launch, a);
	host_until(&b->host, &a->done);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	cr_assert(a->launch.has_window);
	cr_assert_gt(a->launch.pid, 0);
	const struct guest_window *w = &a->launch.window;
	struct action list[] = { clicking((int)(w->x + w->width / 2), (int)(w->y + w->height / 2)),
		typing(b->dialect->typed) };
	answer_free(a);
	a = host_act(&b->host, b->vm, list, 2);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	cr_assert_eq(a->act.failed.kind, ERR_NONE, "%s", a->act.failed.text);
	/* One character of it has two bytes. */
	cr_assert_eq(a->act.chars, (int64_t)strlen(b->dialect->typed) - 1);
	answer_free(a);
	a = host_exec(&b->host, b->vm, b->dialect->read_back, 20000);
	cr_assert_str_eq(a->out, b->dialect->read);
	answer_free(a);
}

static void a_failure_in_the_middle_says_what_was_done(struct bench *b)
{
	/* Fake: a text that fails by agreement.  Real: there is no window to type into. */
	struct action list[] = { clicking(640, 300), typing("fail here"), clicking(1, 1) };
	struct answer *a = host_act(&b->host, b->vm, list, 3);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	cr_assert_neq(a->act.failed.kind, ERR_NONE);
	cr_assert_eq(a->act.done, 1);
	cr_assert_eq(a->act.failed_index, 1);
	cr_assert_eq(a->act.pointer.x, 640, "what comes after the failure was not to be done");
	answer_free(a);
}

static void a_bad_list_does_nothing(struct bench *b)
{
	struct action list[] = { clicking(1, 2), clicking(1280, 3) };
	struct action move = { .kind = ACTION_MOVE, .at = { 2, { 640, 400 } } };
	struct action key = { .kind = ACTION_KEY, .text = "nosuchkey", .repeat = 1 };
	answer_free(host_act(&b->host, b->vm, &move, 1));
	struct answer *a = host_act(&b->host, b->vm, list, 2);
	cr_assert_eq(a->err.kind, ERR_ARGUMENT, "%s", a->err.text);
	cr_assert_not_null(strstr(a->err.text, "1280"), "%s", a->err.text);
	answer_free(a);
	a = host_act(&b->host, b->vm, &key, 1);
	cr_assert_eq(a->err.kind, ERR_ARGUMENT, "%s", a->err.text);
	answer_free(a);
	a = host_act(&b->host, b->vm, NULL, 0);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	cr_assert_eq(a->act.pointer.x, 640);
	answer_free(a);
}

static void shows_frames(struct bench *b)
{
	struct observe observe;
	static const char *const magic[] = { "\xff\xd8\xff", "\x89PNG" };
	for (int format = FORMAT_JPEG; format <= FORMAT_PNG; format++) {
		struct answer *a = answer_new();
		observe_init(&observe, format == FORMAT_JPEG ? OBSERVE_FRAME : OBSERVE_SETTLED);
		observe.format = format;
		observe.scale = 0.5;
		guest_act(vm_guest(b->vm), NULL, 0, &observe, on_act, a);
		host_until(&b->host, &a->done);
		cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
		cr_assert_eq(a->act.frame.width, 640);
		cr_assert_eq(a->act.frame.height, 400);
		cr_assert_eq(a->act.frame.format, format);
		cr_assert_gt(a->image_len, 100);
		cr_assert_eq(memcmp(a->image_start, magic[format], strlen(magic[format])), 0);
		answer_free(a);
	}
}

static void a_long_wait_can_be_cancelled(struct bench *b)
{
	struct action list[] = { moving(1, 1), waiting(100000) }, next = moving(2, 2);
	struct answer *a = answer_new(), *queued = answer_new();
	guest_id id = guest_act(vm_guest(b->vm), list, 2, NULL, on_act, a);
	guest_act(vm_guest(b->vm), &next, 1, NULL, on_act, queued);
	host_for_ms(&b->host, 50);
	cr_assert(!a->done);
	cr_assert(!queued->done, "a second list with input ran beside the first");
	guest_cancel(vm_guest(b->vm), id);
	guest_cancel(vm_guest(b->vm), id);
	cr_assert(!a->done);
	host_until(&b->host, &a->done);
	cr_assert_eq(a->err.kind, ERR_CANCELLED, "%s", a->err.text);
	host_until(&b->host, &queued->done);
	cr_assert_eq(queued->err.kind, ERR_NONE, "%s", queued->err.text);
	answer_free(a);
	answer_free(queued);
}

static void input_is_serialised_and_looking_overtakes(struct bench *b)
{
	struct action slow[] = { moving(1, 1), waiting(60000) }, fast = moving(2, 2);
	struct observe frame;
	struct answer *first = answer_new(), *second = answer_new(), *look = answer_new();
	observe_init(&frame, OBSERVE_FRAME);
	guest_id id = guest_act(vm_guest(b->vm), slow, 2, NULL, on_act, first);
	guest_act(vm_guest(b->vm), &fast, 1, NULL, on_act, second);
	guest_act(vm_guest(b->vm), NULL, 0, &frame, on_act, look);
	host_until(&b->host, &look->done);
	cr_assert(!first->done && !second->done);
	guest_cancel(vm_guest(b->vm), id);
	host_until(&b->host, &second->done);
	cr_assert(first->done);
	cr_assert_lt(first->order, second->order);
	answer_free(first);
	answer_free(second);
	answer_free(look);
}

/* ---- commands ---- */

static void runs_commands(struct bench *b)
{
	struct answer *a = host_exec(&b->host, b->vm, "echo h\xc3\xa9llo", 10000);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	cr_assert(a->exec.exited && a->exec.status == 0);
	cr_assert_str_eq(a->out, "h\xc3\xa9llo\n");
	cr_assert_str_eq(a->errors, "");
	answer_free(a);
	a = host_exec(&b->host, b->vm, "exit 7", 10000);
	cr_assert(a->exec.exited && a->exec.status == 7);
	answer_free(a);
	a = host_exec(&b->host, b->vm, "nosuchprogram", 10000);
	cr_assert(a->exec.exited && a->exec.status == 127);
	cr_assert_not_null(strstr(a->errors, "not found"), "%s", a->errors);
	answer_free(a);
	a = host_exec(&b->host, b->vm, b->dialect->die, 10000);
	cr_assert(!a->exec.exited && a->exec.status == SIGTERM);
	answer_free(a);
}

static void commands_end_at_their_timeout(struct bench *b)
{
	struct answer *a = host_exec(&b->host, b->vm, "sleep 100", 50);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	cr_assert(a->exec.timed_out);
	answer_free(a);
}

/* The longest that the tool's schema allows goes all the way; one byte more goes nowhere. */
static void the_longest_command_arrives(struct bench *b)
{
	auto_free char *command = must(malloc(MESSAGE_COMMAND_MAX + 2));
	memset(command, 'x', MESSAGE_COMMAND_MAX + 1);
	memcpy(command, "echo ", 5);
	command[MESSAGE_COMMAND_MAX] = '\0';
	struct answer *a = host_exec(&b->host, b->vm, command, 60000);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	cr_expect_eq(a->exec.out.total, MESSAGE_COMMAND_MAX - 5 + 1);
	answer_free(a);
	command[MESSAGE_COMMAND_MAX] = 'x';
	command[MESSAGE_COMMAND_MAX + 1] = '\0';
	a = host_exec(&b->host, b->vm, command, 60000);
	cr_expect_eq(a->err.kind, ERR_ARGUMENT, "%s", a->err.text);
	answer_free(a);
}

static void output_is_bounded(struct bench *b)
{
	struct answer *a = host_exec(&b->host, b->vm, b->dialect->flood, 10000);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	cr_assert_eq(a->exec.out.total, 300000);
	cr_assert_eq(a->exec.out.cut, 300000 - GUEST_OUTPUT_HEAD - GUEST_OUTPUT_TAIL);
	cr_assert_eq(strlen(a->out), GUEST_OUTPUT_HEAD);
	cr_assert_eq(strlen(a->out_tail), GUEST_OUTPUT_TAIL);
	answer_free(a);
}

static void commands_run_side_by_side(struct bench *b)
{
	struct answer *slow = answer_new(), *fast = answer_new();
	guest_id id = guest_exec(vm_guest(b->vm), "sleep 100", NULL, 200000, on_exec, slow);
	guest_exec(vm_guest(b->vm), "echo fast", NULL, 10000, on_exec, fast);
	host_until(&b->host, &fast->done);
	cr_assert(!slow->done);
	guest_cancel(vm_guest(b->vm), id);
	host_until(&b->host, &slow->done);
	cr_assert_eq(slow->err.kind, ERR_CANCELLED, "%s", slow->err.text);
	answer_free(slow);
	answer_free(fast);
}

/* ---- the user's own signals ---- */

/* Whatever they do to the programs of the desktop, X server included: these come back.  The agent is
 * the same on each backend; on a machine, where a desktop takes seconds to come back, each kind of
 * signal is tried once. */
static const struct {
	const char *command;
	bool on_machines;
} signals[] = {
	{ "kill -TERM -1", true },
	{ "kill -HUP -1" },
	{ "kill -STOP -1", true },
	{ "kill -9 -1" },
	{ "pkill -u user" },
	{ "pkill -9 -f vitrine", true },
	{ "for s in INT TERM HUP QUIT USR1 STOP KILL; do kill -$s 1; done", true },
	{ "kill -9 -1; kill -STOP -1", true },
};

/* The X server may be away for a while, which an answer then says. */
static void comes_back(struct bench *b, const char *after)
{
	struct action move = moving(10, 10);
	struct err err;
	enum err_kind kind = ERR_STATE;
	while (kind == ERR_STATE) {
		struct answer *a = host_act(&b->host, b->vm, &move, 1);
		kind = a->err.kind;
		cr_assert(kind == ERR_NONE || kind == ERR_STATE, "%s: %s", after, a->err.text);
		answer_free(a);
	}
	cr_assert_eq(vm_find(b->host.pool, "alice", vm_id(b->vm), &err), b->vm, "%s: %s", after,
		err.text);
}

static void outlives_its_user_s_signals(struct bench *b)
{
	if (!b->dialect->is_outside && !b->dialect->is_machine) {
		return; /* nothing of the fake can be killed */
	}
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		const char *command = signals[i].command;
		if (b->dialect->is_machine && !signals[i].on_machines) {
			continue;
		}
		struct answer *a = host_exec(&b->host, b->vm, command, 60000);
		cr_assert_eq(a->err.kind, ERR_NONE, "%s: %s", command, a->err.text);
		answer_free(a);
		comes_back(b, command);
	}
	struct answer *a = host_exec(&b->host, b->vm, "(sleep 0 &); echo alive", 60000);
	cr_assert_str_eq(a->out, "alive\n", "%s%s", a->err.text, a->errors);
	answer_free(a);
	a = answer_new();
	guest_launch(vm_guest(b->vm), b->dialect->terminal, NULL, 120000, on_launch, a);
	host_until(&b->host, &a->done);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	cr_assert(a->launch.has_window);
	answer_free(a);
}

/* Orphans become the agent's, which has children of its own to wait for. */
static void leaves_no_zombies(struct bench *b)
{
	if (!b->dialect->is_outside && !b->dialect->is_machine) {
		return;
	}
	struct answer *a = host_exec(&b->host, b->vm,
		"for i in $(seq 15); do (sh -c 'exit 3' & exec true); done; (sleep 0.1 &) | cat; "
		"until ! cat /proc/[0-9]*/stat 2>/dev/null | grep -q ') Z '; do sleep 0.05; done; "
		"exit 7",
		120000);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	cr_assert_eq(a->exec.status, 7, "%s%s", a->out, a->errors);
	answer_free(a);
}

/* ---- information ---- */

static void tells_about_itself(struct bench *b)
{
	struct answer *a = answer_new();
	guest_info(vm_guest(b->vm), on_json, a);
	host_until(&b->host, &a->done);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	cr_assert(json_is_array(json_object_get(a->json, "windows")));
	answer_free(a);
	a = answer_new();
	guest_applications(vm_guest(b->vm), on_json, a);
	host_until(&b->host, &a->done);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	cr_assert_gt(json_array_size(json_object_get(a->json, "applications")), 0);
	answer_free(a);
	a = answer_new();
	guest_launch(vm_guest(b->vm), "no such application", NULL, 1000, on_launch, a);
	host_until(&b->host, &a->done);
	cr_assert_eq(a->err.kind, ERR_NOT_FOUND, "%s", a->err.text);
	answer_free(a);
}

/* ---- the table ---- */

static const struct contract cases[] = {
	CASE(starts_through_its_stages),
	CASE(is_found_by_its_owner_only),
	CASE(tells_what_it_uses),
	CASE(is_refused_above_the_limit),
	CASE_ALONE(stop_is_final_and_gives_its_reason),
	CASE(a_default_sandbox_comes_back),
	CASE_ALONE(a_dead_agent_is_gone_and_said),
	CASE_ALONE(freeing_the_pool_answers_everything),
	CASE(ids_do_not_repeat),
	CASE(acts_and_says_where_the_pointer_is),
	CASE(a_failure_in_the_middle_says_what_was_done), /* there is no window yet */
	CASE(types_into_a_program),
	CASE(a_bad_list_does_nothing),
	CASE(shows_frames),
	CASE(a_long_wait_can_be_cancelled),
	CASE(input_is_serialised_and_looking_overtakes),
	CASE(runs_commands),
	CASE(commands_end_at_their_timeout),
	CASE(the_longest_command_arrives),
	CASE(output_is_bounded),
	CASE(commands_run_side_by_side),
	CASE_ALONE(outlives_its_user_s_signals),
	CASE(leaves_no_zombies),
	CASE(tells_about_itself),
};

CONTRACT(vm, cases)
