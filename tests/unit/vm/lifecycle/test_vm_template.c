// USES vm
/* Templates: made once, by one, for all who wait; thrown away when they are no good; and collected
 * when nobody uses them. */

#include "tests/support/vm_host.h"

#include "tests/support/scratch.h"
#include "vm/lifecycle/template.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

TestSuite(template, .init = scratch_make, .fini = scratch_remove, .timeout = 60);

#define KEY "fake-desk-1280x800-100"

static struct host host;
static struct err err;

static void begin(void)
{
	host_init(&host, (struct vm_config){ .backend = "fake",
				 .state_dir = in_scratch("state"),
				 .max_sandboxes = 20,
				 .default_spec.image = "desk" });
}

static struct vm *create(void)
{
	struct vm *vm = vm_create(host.pool, "alice", NULL, &err);
	cr_assert_not_null(vm, "%s", err.text);
	return vm;
}

static bool is_there(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0;
}

/* Sandboxes that nobody asked for. */
static size_t internal(void)
{
	struct vm_core *core;
	size_t n = 0;
	TAILQ_FOREACH(core, &host.pool->vms, entry)
	{
		n += core->internal;
	}
	return n;
}

#define MARK "state/templates/" KEY "/mark"

/* A file in the template.  A rebuilt template does not have it. */
static void mark_template(void)
{
	put_text(in_scratch(MARK), "");
}

static bool is_the_marked_template(void)
{
	cr_assert(is_there(in_scratch("state/templates/" KEY)));
	return is_there(in_scratch(MARK));
}

Test(template, is_made_once_with_progress_and_then_used)
{
	begin();
	struct waited waited = host_wait(&host, create());
	cr_assert_eq(waited.err.kind, ERR_NONE, "%s", waited.err.text);
	cr_assert_eq(waited.stages, VM_TEMPLATE_STEPS + VM_STAGES);
	cr_assert_eq(waited.of, VM_TEMPLATE_STEPS + VM_STAGES);
	cr_assert(is_there(in_scratch("state/templates/" KEY "/template.json")));
	cr_assert_eq(internal(), 1);
	waited = host_wait(&host, create());
	cr_assert_eq(waited.of, VM_STAGES);
	cr_assert_eq(internal(), 0);
	cr_assert_not_null(vm_at(host.pool, "alice", 1));
	cr_assert_null(vm_at(host.pool, "alice", 2));
	cr_assert_null(vm_at(host.pool, "", 0));
	host_done(&host);
}

static void on_preparing(const char *stage, unsigned step, unsigned of, void *data)
{
	cr_assert_leq(step, of);
	if (strstr(stage, "creating a template") && strstr(stage, "(x-server)")) {
		++*(int *)data;
	}
}

static void on_prepared(struct vm *vm, const struct err *why, void *data)
{
	cr_assert_not_null(vm);
	cr_assert_null(why);
	++*(int *)data;
}

Test(template, is_made_by_one_while_all_wait)
{
	static const struct vm_wait_handlers handlers = { on_preparing, on_prepared };
	int told = 0;
	begin();
	for (int i = 0; i < 10; i++) {
		vm_wait(create(), &handlers, &told);
	}
	while (told < 20) {
		sd_event_run(host.event, UINT64_MAX);
	}
	cr_assert_eq(internal(), 1);
	host_done(&host);
}

Test(template, that_cannot_be_made_is_told_to_all)
{
	struct waited waited[3] = { 0 };
	struct vm_spec spec = { .image = "broken" };
	begin();
	for (int i = 0; i < 3; i++) {
		vm_wait(vm_create(host.pool, "alice", &spec, &err), &wait_handlers, &waited[i]);
	}
	for (int i = 0; i < 3; i++) {
		host_until(&host, &waited[i].done);
		cr_assert_not_null(
			strstr(waited[i].err.text, "cannot prepare"), "%s", waited[i].err.text);
		cr_assert_not_null(strstr(waited[i].err.text, "its image is broken"));
	}
	cr_assert(!is_there(in_scratch("state/templates/.fake-broken-1280x800-100")));
	spec.image = "none";
	cr_assert_null(vm_create(host.pool, "alice", &spec, &err));
	cr_assert_eq(err.kind, ERR_NOT_FOUND);
	cr_assert_eq(host_wait(&host, create()).err.kind, ERR_NONE);
	host_done(&host);
}

Test(template, that_is_corrupt_is_made_anew_once)
{
	begin();
	host_wait(&host, create());
	mark_template();
	put_text(in_scratch("state/templates/" KEY "/fake.json"), "{\"screen\":[1280,800]}");
	struct waited waited[3] = { 0 };
	for (int i = 0; i < 3; i++) {
		vm_wait(create(), &wait_handlers, &waited[i]);
	}
	for (int i = 0; i < 3; i++) {
		host_until(&host, &waited[i].done);
		cr_assert_eq(waited[i].err.kind, ERR_NONE, "%s", waited[i].err.text);
	}
	cr_assert_not(is_the_marked_template());
	cr_assert_eq(internal(), 1);
	host_done(&host);
}

/* As the microvm finds them: cut off, empty, of something else, gone. */
Test(template, that_is_damaged_in_any_way_is_made_anew_once)
{
	static const char *const damages[] = { "", "{", "garbage", "{\"screen\":[1280,800]}",
		NULL };
	begin();
	host_wait(&host, create());
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		mark_template();
		if (damages[i]) {
			put_text(in_scratch("state/templates/" KEY "/fake.json"), damages[i]);
		} else {
			unlink(in_scratch("state/templates/" KEY "/fake.json"));
		}
		struct waited waited = host_wait(&host, create());
		cr_assert_eq(waited.err.kind, ERR_NONE, "%s", waited.err.text);
		cr_assert_not(is_the_marked_template());
		cr_assert_eq(internal(), 1);
	}
	host_done(&host);
}

/* Why it did not come up, and whether the template was thrown away for it. */
static bool is_blamed(enum err_kind kind, int sys)
{
	struct err why = { .kind = kind, .sys = sys, .text = "it did not come up" };
	struct waited waited = { 0 };
	mark_template();
	struct vm *vm = create();
	vm_wait(vm, &wait_handlers, &waited);
	while (!vm->core->said_hello) {
		cr_assert_geq(sd_event_run(host.event, UINT64_MAX), 0);
	}
	vm_failed(vm, &why);
	host_until(&host, &waited.done);
	cr_assert_neq(waited.err.kind == ERR_NONE, is_the_marked_template());
	return waited.err.kind == ERR_NONE;
}

Test(template, is_not_blamed_for_what_the_host_lacks)
{
	begin();
	host_wait(&host, create());
	cr_assert(is_blamed(ERR_HOST, 0));
	cr_assert(is_blamed(ERR_HOST, EIO));
	cr_assert(is_blamed(ERR_UNSUPPORTED, 0));
	cr_assert(!is_blamed(ERR_HOST, ENOMEM));
	cr_assert(!is_blamed(ERR_HOST, EMFILE));
	cr_assert(!is_blamed(ERR_TIMEOUT, 0));
	host_done(&host);
}

/* Whole on disk, but its agent was stopped when it was saved: no copy of it says a word. */
Test(template, whose_copies_hang_is_made_anew_once)
{
	host_init(&host, (struct vm_config){ .backend = "fake",
				 .state_dir = in_scratch("state"),
				 .start_timeout_ms = 500,
				 .default_spec.image = "desk" });
	cr_assert_eq(host_wait(&host, create()).err.kind, ERR_NONE);
	mark_template();
	put_text(in_scratch("state/templates/" KEY "/fake.json"),
		"{\"screen\":[1280,800],\"pointer\":[7,1],\"typed\":\"\",\"events\":\"\","
		"\"fault\":\"stubborn\",\"hostname\":\"h\",\"machine_id\":\"m\",\"mac\":\"c\","
		"\"frame_id\":1,\"last_pid\":100,\"windows\":[]}");
	struct waited waited = host_wait(&host, create());
	cr_assert_eq(waited.err.kind, ERR_NONE, "%s", waited.err.text);
	cr_expect_not(is_the_marked_template());
	cr_assert_eq(host_wait(&host, create()).err.kind, ERR_NONE);
	host_done(&host);
}

/* ---- no room for it ---- */

Test(template, that_cannot_be_kept_is_done_without_for_a_while)
{
	struct vm_spec spec = { .image = "full" };
	struct waited waited[3] = { 0 };
	begin();
	for (int i = 0; i < 3; i++) {
		vm_wait(vm_create(host.pool, "alice", &spec, &err), &wait_handlers, &waited[i]);
	}
	for (int i = 0; i < 3; i++) {
		host_until(&host, &waited[i].done);
		cr_assert_eq(waited[i].err.kind, ERR_NONE, "%s", waited[i].err.text);
		cr_assert_eq(waited[i].stages, VM_TEMPLATE_STEPS + VM_STAGES);
	}
	cr_assert_eq(internal(), 1);
	cr_assert(!is_there(in_scratch("state/templates/.fake-full-1280x800-100")));
	struct waited later = host_wait(&host, vm_create(host.pool, "alice", &spec, &err));
	cr_assert_eq(later.err.kind, ERR_NONE, "%s", later.err.text);
	cr_assert_eq(later.of, VM_STAGES);
	cr_assert_eq(internal(), 0); /* it was not tried again */
	host_done(&host);
}

/* Something lies where it would be made. */
Test(template, that_has_no_place_is_done_without)
{
	begin();
	struct state *state = vm_pool_state(host.pool, &err);
	cr_assert_not_null(state, "%s", err.text);
	put_text(in_scratch("state/templates/." KEY), "");
	struct waited waited = host_wait(&host, create());
	cr_assert_eq(waited.err.kind, ERR_NONE, "%s", waited.err.text);
	cr_assert_eq(waited.of, VM_STAGES);
	host_done(&host);
}

/* ---- another process ---- */

static struct state *other;
static char *others_path;

static int begin_elsewhere(void)
{
	other = state_open(in_scratch("state"), &err);
	cr_assert_not_null(other, "%s", err.text);
	int lock = state_begin(other, STATE_TEMPLATES, KEY, &others_path, &err);
	cr_assert_geq(lock, 0, "%s", err.text);
	return lock;
}

Test(template, of_another_process_is_waited_for)
{
	struct waited waited = { 0 };
	int lock = begin_elsewhere();
	begin();
	vm_wait(create(), &wait_handlers, &waited);
	host_for_ms(&host, 100);
	cr_assert(!waited.done);
	cr_assert_eq(internal(), 0);
	put_text(in_scratch("copy"), "");
	char text[600];
	snprintf(text, sizeof(text), "%s/fake.json", others_path);
	put_text(text, "{\"screen\":[1280,800],\"pointer\":[77,1],\"typed\":\"theirs\",\"events\":"
		       "\"\",\"fault\":\"\",\"hostname\":\"h\",\"machine_id\":\"m\",\"mac\":\"c\","
		       "\"frame_id\":1,\"last_pid\":1,\"windows\":[]}");
	cr_assert(state_commit(other, STATE_TEMPLATES, KEY, &err), "%s", err.text);
	close(lock);
	host_until(&host, &waited.done);
	cr_assert_eq(waited.err.kind, ERR_NONE, "%s", waited.err.text);
	struct answer *a = host_exec(&host, vm_at(host.pool, "alice", 0), "cat typed", 1000);
	cr_assert_str_eq(a->out, "theirs");
	answer_free(a);
	cr_assert_eq(internal(), 0);
	host_done(&host);
	state_close(other);
	free(others_path);
}

Test(template, of_a_process_that_died_is_made_here)
{
	struct waited waited = { 0 };
	int lock = begin_elsewhere();
	begin();
	vm_wait(create(), &wait_handlers, &waited);
	host_for_ms(&host, 50);
	cr_assert(!waited.done);
	close(lock);
	host_until(&host, &waited.done);
	cr_assert_eq(waited.err.kind, ERR_NONE, "%s", waited.err.text);
	cr_assert_eq(internal(), 1);
	host_done(&host);
	state_close(other);
	free(others_path);
}

/* ---- ends in the middle ---- */

Test(template, may_lose_whoever_waits_or_the_pool_at_any_moment)
{
	for (int turns = 0; turns < 60; turns++) {
		struct waited first = { 0 }, second = { 0 };
		begin();
		struct vm *vm = create();
		vm_wait(vm, &wait_handlers, &first);
		vm_wait(create(), &wait_handlers, &second);
		for (int i = 0; i < turns && !second.done; i++) {
			sd_event_run(host.event, UINT64_MAX);
		}
		bool over = second.done;
		if (turns % 2) {
			vm_stop(vm, "enough");
			host_until(&host, &second.done);
			cr_assert_eq(second.err.kind, ERR_NONE, "%s", second.err.text);
		}
		host_done(&host);
		cr_assert_eq(first.times, 1);
		cr_assert_eq(second.times, 1);
		struct state *state = state_open(in_scratch("state"), &err);
		state_remove(state, STATE_TEMPLATES, KEY);
		state_close(state);
		cr_assert(!is_there(in_scratch("state/templates/." KEY)));
		if (over) {
			break;
		}
	}
}

/* ---- collecting ---- */

static void make_one(struct state *state, const char *name, int days)
{
	char *path;
	struct timespec times[2] = { { .tv_sec = time(NULL) - days * 24 * 3600 } };
	int lock = state_begin(state, STATE_TEMPLATES, name, &path, &err);
	cr_assert_geq(lock, 0);
	cr_assert(state_commit(state, STATE_TEMPLATES, name, &err));
	times[1] = times[0];
	futimens(lock, times);
	close(lock);
	free(path);
}

Test(template, goes_when_nobody_uses_it)
{
	struct state *state = state_open(in_scratch("state"), &err);
	make_one(state, "old", 31);
	make_one(state, "old-and-used", 31);
	make_one(state, "young", 29);
	int use = state_use(state, STATE_TEMPLATES, "old-and-used");
	begin();
	host_wait(&host, create());
	cr_assert(!state_has(state, STATE_TEMPLATES, "old"));
	cr_assert(state_has(state, STATE_TEMPLATES, "old-and-used"));
	cr_assert(state_has(state, STATE_TEMPLATES, "young"));
	cr_assert(state_has(state, STATE_TEMPLATES, KEY));
	host_done(&host);
	close(use);
	state_close(state);
}

/* A server that has used many holds those only that somebody starts from. */
Test(template, that_was_used_may_go_when_another_is_made)
{
	begin();
	host_wait(&host, create());
	cr_assert_eq(state_lock(host.pool->state, STATE_TEMPLATES, KEY), -1);
	struct vm_spec spec = { .screen = { 640, 480 } };
	struct vm *vm = vm_create(host.pool, "alice", &spec, &err);
	cr_assert_not_null(vm, "%s", err.text);
	cr_assert_eq(host_wait(&host, vm).err.kind, ERR_NONE);
	int lock = state_lock(host.pool->state, STATE_TEMPLATES, KEY);
	cr_expect_geq(lock, 0);
	close(lock);
	cr_assert_eq(host_wait(&host, create()).err.kind, ERR_NONE, "and it is found again");
	host_done(&host);
}

Test(template, gives_way_to_what_needs_its_room)
{
	begin();
	host_wait(&host, create());
	make_one(host.pool->state, "older", 2);
	make_one(host.pool->state, "younger", 1);
	template_collect(host.pool, 1);
	cr_expect(state_has(host.pool->state, STATE_TEMPLATES, "older"));
	template_collect(host.pool, INT64_C(1) << 40); /* no disk has that */
	cr_expect_not(state_has(host.pool->state, STATE_TEMPLATES, "older"));
	cr_expect_not(state_has(host.pool->state, STATE_TEMPLATES, "younger"));
	cr_expect(state_has(host.pool->state, STATE_TEMPLATES, KEY), "it is in use");
	host_done(&host);
}
