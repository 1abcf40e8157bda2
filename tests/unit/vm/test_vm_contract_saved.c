// USES vm
/*
 * What every backend must do with a running machine as a file: pause and resume, snapshots, forks,
 * rollbacks.  A backend that cannot must say so; the other cases are then skipped on it.
 */

#include "tests/support/contract.h"

#include <sys/stat.h>

/* ---- what an operation ended with ---- */

struct ended {
	bool done;
	int times;
	struct err err;
	char snapshot[ID_LEN + 1];
	struct vm *vms[VM_FORK_MAX];
	size_t n;
};

static void came(struct ended *ended, const struct err *err)
{
	ended->done = true;
	ended->times++;
	ended->err = err ? *err : (struct err){ 0 };
}

static void on_changed(struct vm *vm, const struct err *err, void *data)
{
	cr_assert_not_null(vm);
	came(data, err);
}

static void on_snapshot(
	struct vm *vm, const struct vm_snapshot *snapshot, const struct err *err, void *data)
{
	struct ended *ended = data;
	cr_assert(!snapshot == !!err);
	cr_assert_not_null(vm);
	if (snapshot) {
		memcpy(ended->snapshot, snapshot->id, sizeof(ended->snapshot));
	}
	came(ended, err);
}

static void on_forked(
	struct vm *source, struct vm *const *vms, size_t n, const struct err *err, void *data)
{
	struct ended *ended = data;
	cr_assert_not_null(source);
	ended->n = n;
	for (size_t i = 0; i < n; i++) {
		ended->vms[i] = vms[i];
	}
	came(ended, err);
}

static struct ended done(struct bench *b, struct ended *ended)
{
	cr_assert(!ended->done, "an answer from inside the call");
	host_until(&b->host, &ended->done);
	cr_assert_eq(ended->times, 1);
	return *ended;
}

static struct ended paused(struct bench *b)
{
	struct ended ended = { 0 };
	vm_pause(b->vm, on_changed, &ended);
	return done(b, &ended);
}

static struct ended snapshot_taken(struct bench *b, const char *name)
{
	struct ended ended = { 0 };
	vm_take_snapshot(b->vm, name, on_snapshot, &ended);
	return done(b, &ended);
}

static struct ended forked(struct bench *b, size_t count)
{
	struct ended ended = { 0 };
	vm_fork(b->vm, count, on_forked, &ended);
	return done(b, &ended);
}

static struct ended rolled_back(struct bench *b, const char *snapshot)
{
	struct ended ended = { 0 };
	vm_rollback(b->vm, snapshot, on_changed, &ended);
	return done(b, &ended);
}

#define WENT_WELL(ended) cr_assert_eq((ended).err.kind, ERR_NONE, "%s", (ended).err.text)

/* ---- a text in the making ---- */

static void type_text(struct bench *b, struct vm *vm, const char *text)
{
	struct action list[] = { typing(text) };
	struct answer *a = host_act(&b->host, vm, list, 1);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	cr_assert_eq(a->act.failed.kind, ERR_NONE, "%s", a->act.failed.text);
	answer_free(a);
}

static bool has_window; /* of the case before, and it still has the focus */

static void open_terminal(struct bench *b)
{
	struct answer *a = answer_new();
	guest_launch(vm_guest(b->vm), b->dialect->terminal, NULL, 60000, on_launch, a);
	host_until(&b->host, &a->done);
	cr_assert(a->launch.has_window, "%s", a->err.text);
	const struct guest_window *w = &a->launch.window;
	struct action list[] = { clicking(
		(int)(w->x + w->width / 2), (int)(w->y + w->height / 2)) };
	answer_free(a);
	answer_free(host_act(&b->host, b->vm, list, 1));
	has_window = true;
}

static void begin_a_text(struct bench *b)
{
	if (!has_window) {
		open_terminal(b);
	}
	type_text(b, b->vm, b->dialect->half);
}

static void end_the_text(struct bench *b, struct vm *vm, int with)
{
	char ending[200];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(ending, sizeof(ending), b->dialect->ending, with);
#pragma GCC diagnostic pop
	type_text(b, vm, ending);
}

/* The fake desktop keeps the texts of earlier cases; it is the last one. */
static void the_text_is(struct bench *b, struct vm *vm, int with)
{
	char text[40];
	struct answer *a = host_exec(&b->host, vm, b->dialect->read_back, 60000);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	snprintf(text, sizeof(text), "half-%d\n", with);
	size_t len = strlen(a->out), n = strlen(text);
	cr_assert(len >= n && (len == n || a->out[len - n - 1] == '\n'), "%s", a->out);
	cr_assert_str_eq(a->out + len - n, text);
	answer_free(a);
}

static void says(struct bench *b, struct vm *vm, const char *command, char *to, size_t size)
{
	struct answer *a = host_exec(&b->host, vm, command, 60000);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	snprintf(to, size, "%.*s", (int)size - 1, a->out);
	answer_free(a);
}

static struct point pointer_of(struct bench *b, struct vm *vm)
{
	struct answer *a = host_act(&b->host, vm, NULL, 0);
	struct point at = a->act.pointer;
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	answer_free(a);
	return at;
}

static void point_at(struct bench *b, struct vm *vm, int x, int y)
{
	struct action move = moving(x, y);
	answer_free(host_act(&b->host, vm, &move, 1));
}

static void end_copies(struct bench *b)
{
	struct vm *left;
	while ((left = vm_at(b->host.pool, "alice", 1))) {
		vm_stop(left, "a copy");
	}
}

/* ---- pause ---- */

static void pauses_and_goes_on(struct bench *b)
{
	struct err err;
	char name[100], before[100];
	begin_a_text(b);
	point_at(b, b->vm, 123, 45);
	says(b, b->vm, b->dialect->hostname, before, sizeof(before));
	WENT_WELL(paused(b));
	cr_assert_eq(vm_state(b->vm), VM_PAUSED);
	cr_assert_eq(vm_at(b->host.pool, "alice", 0), b->vm);
	cr_assert_eq(vm_find(b->host.pool, "alice", vm_id(b->vm), &err), b->vm);
	struct answer *a = host_exec(&b->host, b->vm, "true", 1000);
	cr_assert_eq(a->err.kind, ERR_STATE, "%s", a->err.text);
	answer_free(a);
	cr_assert_eq(paused(b).err.kind, ERR_STATE);
	struct waited waited = host_wait(&b->host, b->vm);
	cr_assert_eq(waited.err.kind, ERR_NONE, "%s", waited.err.text);
	cr_assert_eq(vm_state(b->vm), VM_READY);
	cr_assert_eq(pointer_of(b, b->vm).x, 123);
	says(b, b->vm, b->dialect->hostname, name, sizeof(name));
	cr_assert_str_eq(name, before, "it is the same machine");
	end_the_text(b, b->vm, 7);
	the_text_is(b, b->vm, 7);
	struct stat st;
	cr_assert_lt(stat(in_scratch("state/sandboxes/%s/saved", vm_id(b->vm)), &st), 0);
}

static void whoever_waits_wakes_it(struct bench *b)
{
	struct ended ended = { 0 };
	struct waited waited = { 0 };
	vm_pause(b->vm, on_changed, &ended);
	vm_wait(b->vm, &wait_handlers, &waited);
	host_until(&b->host, &waited.done);
	cr_assert_eq(waited.err.kind, ERR_NONE, "%s", waited.err.text);
	cr_assert(ended.done, "it was ready before it was paused");
	WENT_WELL(ended);
	cr_assert_eq(vm_state(b->vm), VM_READY);
	WENT_WELL(paused(b));
	cr_assert_eq(host_wait(&b->host, b->vm).err.kind, ERR_NONE);
}

static void calls_under_way_fail_at_a_pause(struct bench *b)
{
	struct answer *slow = answer_new();
	guest_exec(vm_guest(b->vm), "sleep 100", NULL, 200000, on_exec, slow);
	WENT_WELL(paused(b));
	host_until(&b->host, &slow->done);
	cr_assert_eq(slow->err.kind, ERR_GONE);
	cr_assert_not_null(strstr(slow->err.text, "was paused"), "%s", slow->err.text);
	cr_assert_eq(slow->times, 1);
	answer_free(slow);
	cr_assert_eq(host_wait(&b->host, b->vm).err.kind, ERR_NONE);
}

static void a_paused_one_can_be_ended(struct bench *b)
{
	struct err err;
	WENT_WELL(paused(b));
	vm_stop(b->vm, "no longer needed");
	struct waited waited = host_wait(&b->host, b->vm);
	cr_assert_eq(waited.err.kind, ERR_GONE);
	cr_assert_not_null(strstr(waited.err.text, "no longer needed"), "%s", waited.err.text);
	cr_assert_null(vm_find(b->host.pool, "alice", vm_id(b->vm), &err));
}

static void many_pauses_leave_nothing_behind(struct bench *b)
{
	begin_a_text(b);
	for (int i = 0; i < 5; i++) {
		WENT_WELL(paused(b));
		cr_assert_eq(host_wait(&b->host, b->vm).err.kind, ERR_NONE);
	}
	end_the_text(b, b->vm, 1);
	the_text_is(b, b->vm, 1);
}

/* ---- snapshots ---- */

static void a_snapshot_starts_others(struct bench *b)
{
	struct err err;
	begin_a_text(b);
	point_at(b, b->vm, 321, 54);
	struct ended taken = snapshot_taken(b, "half-typed");
	WENT_WELL(taken);
	end_the_text(b, b->vm, 1);
	const struct vm_snapshot *found =
		vm_snapshot_find(b->host.pool, "alice", "half-typed", &err);
	cr_assert_not_null(found);
	cr_assert_str_eq(found->id, taken.snapshot);
	cr_assert_str_eq(found->source, vm_id(b->vm));
	cr_assert_null(vm_snapshot_find(b->host.pool, "mallory", "half-typed", &err));
	cr_assert_eq(snapshot_taken(b, "half-typed").err.kind, ERR_ARGUMENT);
	struct vm_spec spec = { .from = "half-typed" };
	cr_assert_null(vm_create(b->host.pool, "mallory", &spec, &err));
	cr_assert_eq(err.kind, ERR_NOT_FOUND);
	struct vm *copy = vm_create(b->host.pool, "alice", &spec, &err);
	cr_assert_not_null(copy, "%s", err.text);
	cr_assert_eq(host_wait(&b->host, copy).err.kind, ERR_NONE);
	cr_assert_eq(pointer_of(b, copy).x, 321);
	end_the_text(b, copy, 2);
	the_text_is(b, copy, 2);
	the_text_is(b, b->vm, 1);
	end_copies(b);
}

/* ---- forks ---- */

static void forks_go_their_own_ways(struct bench *b)
{
	char names[6][100], ids[6][100];
	begin_a_text(b);
	struct ended forks = forked(b, 5);
	WENT_WELL(forks);
	cr_assert_eq(forks.n, 5);
	for (int i = 0; i < 5; i++) {
		struct vm *vm = forks.vms[i];
		cr_assert_eq(vm_state(vm), VM_READY);
		cr_assert_str_eq(vm_owner(vm), "alice");
		cr_assert_str_neq(vm_id(vm), vm_id(b->vm));
		end_the_text(b, vm, i + 1);
	}
	end_the_text(b, b->vm, 9);
	for (int i = 0; i < 6; i++) {
		struct vm *vm = i < 5 ? forks.vms[i] : b->vm;
		the_text_is(b, vm, i < 5 ? i + 1 : 9);
		says(b, vm, b->dialect->hostname, names[i], sizeof(names[i]));
		says(b, vm, b->dialect->machine_id, ids[i], sizeof(ids[i]));
		for (int k = 0; k < i; k++) {
			cr_expect_str_neq(names[i], names[k]);
			cr_expect_str_neq(ids[i], ids[k]);
		}
	}
	end_copies(b);
}

static void forks_outlive_their_source(struct bench *b)
{
	begin_a_text(b);
	struct ended forks = forked(b, 1);
	WENT_WELL(forks);
	vm_stop(b->vm, "its copy is enough");
	b->vm = forks.vms[0];
	forks = forked(b, 1);
	WENT_WELL(forks);
	end_the_text(b, forks.vms[0], 3);
	the_text_is(b, forks.vms[0], 3);
}

static void calls_wait_while_it_is_saved(struct bench *b)
{
	struct ended ended = { 0 };
	struct answer *before = answer_new(), *meanwhile = answer_new();
	guest_exec(vm_guest(b->vm), "sleep 0.3", NULL, 60000, on_exec, before);
	vm_fork(b->vm, 1, on_forked, &ended);
	guest_exec(vm_guest(b->vm), "echo meanwhile", NULL, 60000, on_exec, meanwhile);
	host_until(&b->host, &before->done);
	host_until(&b->host, &meanwhile->done);
	host_until(&b->host, &ended.done);
	WENT_WELL(*before);
	WENT_WELL(*meanwhile);
	cr_assert_str_eq(meanwhile->out, "meanwhile\n");
	WENT_WELL(ended);
	answer_free(before);
	answer_free(meanwhile);
	end_copies(b);
}

static void forks_are_counted(struct bench *b)
{
	cr_assert_eq(forked(b, 0).err.kind, ERR_ARGUMENT);
	cr_assert_eq(forked(b, VM_FORK_MAX + 1).err.kind, ERR_ARGUMENT);
	struct ended many = forked(b, 6);
	cr_assert_eq(many.err.kind, ERR_LIMIT, "%s", many.err.text);
	cr_assert_eq(many.n, 0);
	cr_assert_null(vm_at(b->host.pool, "alice", 1));
	answer_free(host_exec(&b->host, b->vm, "true", 1000));
}

/* ---- rollback ---- */

static void rolls_back(struct bench *b)
{
	struct err err;
	char id[ID_LEN + 1];
	memcpy(id, vm_id(b->vm), sizeof(id));
	begin_a_text(b);
	point_at(b, b->vm, 111, 222);
	struct ended taken = snapshot_taken(b, NULL);
	WENT_WELL(taken);
	for (int i = 1; i <= 2; i++) {
		end_the_text(b, b->vm, i);
		the_text_is(b, b->vm, i);
		struct answer *slow = answer_new();
		point_at(b, b->vm, 1, 1);
		guest_exec(vm_guest(b->vm), "sleep 100", NULL, 200000, on_exec, slow);
		WENT_WELL(rolled_back(b, taken.snapshot));
		cr_assert(slow->done);
		cr_assert_eq(slow->err.kind, ERR_GONE);
		cr_assert_not_null(strstr(slow->err.text, "rolled back"), "%s", slow->err.text);
		answer_free(slow);
		cr_assert_str_eq(vm_id(b->vm), id);
		cr_assert_eq(pointer_of(b, b->vm).x, 111);
	}
	cr_assert_eq(rolled_back(b, "nothing").err.kind, ERR_NOT_FOUND);
	WENT_WELL(paused(b));
	WENT_WELL(rolled_back(b, taken.snapshot));
	end_the_text(b, b->vm, 3);
	the_text_is(b, b->vm, 3);
	cr_assert(vm_snapshot_delete(b->host.pool, "alice", taken.snapshot, &err), "%s", err.text);
	cr_assert_eq(rolled_back(b, taken.snapshot).err.kind, ERR_NOT_FOUND);
}

/* The specifications decide it, on every backend alike; a machine of another kind would have to boot. */
static void a_snapshot_of_another_kind_does_not_fit(struct bench *b)
{
	struct err err;
	if (b->dialect->is_machine) {
		return;
	}
	struct ended taken = snapshot_taken(b, NULL);
	struct vm_spec spec = { .limits.files = 2048 };
	struct vm *other = vm_create(b->host.pool, "alice", &spec, &err);
	cr_assert_not_null(other, "%s", err.text);
	cr_assert_eq(host_wait(&b->host, other).err.kind, ERR_NONE);
	struct ended ended = { 0 };
	vm_rollback(other, taken.snapshot, on_changed, &ended);
	done(b, &ended);
	cr_assert_eq(ended.err.kind, ERR_ARGUMENT, "%s", ended.err.text);
	cr_assert_eq(vm_state(other), VM_READY);
	end_copies(b);
}

/* ---- one at a time, and ends in the middle ---- */

static void pause_it(struct bench *b, struct ended *ended)
{
	vm_pause(b->vm, on_changed, ended);
}

static void snapshot_it(struct bench *b, struct ended *ended)
{
	vm_take_snapshot(b->vm, NULL, on_snapshot, ended);
}

static void fork_it(struct bench *b, struct ended *ended)
{
	vm_fork(b->vm, 3, on_forked, ended);
}

static char back_to[ID_LEN + 1];

static void roll_it_back(struct bench *b, struct ended *ended)
{
	vm_rollback(b->vm, back_to, on_changed, ended);
}

/* The moments to look at: each turn of the loop at first, and on a machine ever fewer. */
static int next_moment(const struct bench *b, int turns)
{
	return b->dialect->is_machine ? 2 * turns + 3 : turns + (turns < 8 ? 1 : 8);
}

static void (*const operations[])(
	struct bench *, struct ended *) = { pause_it, snapshot_it, fork_it, roll_it_back };
#define N_OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static void two_at_once_are_refused(struct bench *b)
{
	struct ended taken = snapshot_taken(b, NULL);
	WENT_WELL(taken);
	memcpy(back_to, taken.snapshot, sizeof(back_to));
	for (size_t i = 0; i < N_OPERATIONS; i++) {
		for (size_t k = 0; k < N_OPERATIONS; k++) {
			if (b->dialect->is_machine && (i + k) % N_OPERATIONS > 1) {
				continue;
			}
			struct ended first = { 0 }, second = { 0 };
			operations[i](b, &first);
			operations[k](b, &second);
			cr_assert(!first.done && !second.done);
			host_until(&b->host, &second.done);
			cr_assert_eq(second.err.kind, ERR_STATE, "%s", second.err.text);
			host_until(&b->host, &first.done);
			WENT_WELL(first);
			cr_assert_eq(host_wait(&b->host, b->vm).err.kind, ERR_NONE);
			end_copies(b);
		}
	}
}

/* Runs an operation until `turns` of the loop have gone by, or it is over. */
static void go_on(struct bench *b, struct ended *ended, int turns)
{
	for (int i = 0; i < turns && !ended->done; i++) {
		cr_assert_geq(sd_event_run(b->host.event, UINT64_MAX), 0);
	}
}

static void ends_in_the_middle_are_told(struct bench *b)
{
	struct err err;
	struct vm *own = b->vm;
	struct ended taken = snapshot_taken(b, NULL);
	memcpy(back_to, taken.snapshot, sizeof(back_to));
	for (size_t i = 0; i < N_OPERATIONS; i++) {
		bool over = false;
		for (int turns = 0; !over; turns = next_moment(b, turns)) {
			struct ended ended = { 0 };
			struct vm_spec spec = { .from = back_to };
			b->vm = vm_create(b->host.pool, "alice", &spec, &err);
			cr_assert_not_null(b->vm, "%s", err.text);
			cr_assert_eq(host_wait(&b->host, b->vm).err.kind, ERR_NONE);
			operations[i](b, &ended);
			go_on(b, &ended, turns);
			over = ended.done;
			vm_stop(b->vm, "in the middle");
			host_until(&b->host, &ended.done);
			cr_assert_eq(ended.times, 1);
			struct waited waited = host_wait(&b->host, b->vm);
			cr_assert_eq(waited.err.kind, ERR_GONE);
			end_copies(b);
		}
	}
	b->vm = own;
}

/* One pool for each moment; the bench's own goes first. */
static void the_pool_may_end_in_the_middle(struct bench *b)
{
	for (size_t i = 0; i < N_OPERATIONS; i++) {
		for (int turns = 0; turns < 40; turns = next_moment(b, turns)) {
			struct ended taken = snapshot_taken(b, NULL), ended = { 0 };
			WENT_WELL(taken);
			memcpy(back_to, taken.snapshot, sizeof(back_to));
			operations[i](b, &ended);
			go_on(b, &ended, turns);
			vm_pool_free(b->host.pool);
			cr_assert_eq(ended.times, 1, "operation %zu after %d turns: %d answers", i,
				turns, ended.times);
			b->host.pool = vm_pool_new(b->host.event, &b->host.config, vm_backends);
			b->vm = host_vm(&b->host);
		}
	}
}

static void what_cannot_be_is_refused(struct bench *b)
{
	struct err err;
	for (size_t i = 0; i < N_OPERATIONS; i++) {
		struct ended ended = { 0 };
		operations[i](b, &ended);
		done(b, &ended);
		cr_assert_eq(ended.err.kind, ERR_UNSUPPORTED, "%s", ended.err.text);
		cr_assert_not_null(
			strstr(ended.err.text, "the microvm backend"), "%s", ended.err.text);
		cr_assert_eq(vm_state(b->vm), VM_READY);
	}
	struct vm_spec spec = { .from = "nothing" };
	cr_assert_null(vm_create(b->host.pool, "alice", &spec, &err));
	struct stat st;
	cr_assert_lt(stat(in_scratch("state"), &st), 0, "it needs no state directory");
}

/* ---- the table ---- */

static const struct contract cases[] = {
	CASE(pauses_and_goes_on),
	CASE(whoever_waits_wakes_it),
	CASE(calls_under_way_fail_at_a_pause),
	CASE_ALONE(a_paused_one_can_be_ended),
	CASE(many_pauses_leave_nothing_behind),
	CASE(a_snapshot_starts_others),
	CASE(forks_go_their_own_ways),
	CASE_ALONE(forks_outlive_their_source),
	CASE(calls_wait_while_it_is_saved),
	CASE(forks_are_counted),
	CASE(rolls_back),
	CASE(a_snapshot_of_another_kind_does_not_fit),
	CASE(two_at_once_are_refused),
	CASE(ends_in_the_middle_are_told),
	CASE_ALONE(the_pool_may_end_in_the_middle),
};
#define N_CASES (sizeof(cases) / sizeof(cases[0]))

ParameterizedTestParameters(vm, saved)
{
	return contract_params(cases, N_CASES);
}

ParameterizedTest(
	struct one *one, vm, saved, .init = contract_init, .fini = scratch_remove, .timeout = 600)
{
	static const struct contract refusals[] = { CASE(what_cannot_be_is_refused) };
	struct vm_config config = { .max_sandboxes = 6 };
	bool can = strcmp(dialects[one->dialect].backend, "namespace") != 0;
	if (can) {
		run_contract(cases, N_CASES, one, config);
	} else if (one->contract == N_CASES) {
		run_contract(refusals, 1, &(struct one){ one->dialect, 1 }, config);
	}
}
