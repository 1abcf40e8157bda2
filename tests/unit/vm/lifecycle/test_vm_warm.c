// USES vm
/* The reserve: filled when nothing else goes on, given away as it is wanted, never seen. */

#include "tests/support/vm_host.h"

#include "tests/support/scratch.h"
#include "vm/lifecycle/lifecycle_impl.h"

TestSuite(warm, .init = scratch_make, .fini = scratch_remove, .timeout = 60);

static struct host host;
static struct err err;

static void begin(const char *image)
{
	host_init(&host, (struct vm_config){ .backend = "fake",
				 .state_dir = in_scratch("state"),
				 .max_sandboxes = 5,
				 .warm = 2,
				 .default_spec.image = image });
}

static size_t members(enum vm_state state)
{
	struct vm_core *core;
	size_t n = 0;
	TAILQ_FOREACH(core, &host.pool->vms, entry)
	{
		n += lifecycle_of(core)->warm && core->state == state;
	}
	return n;
}

static struct vm *first_member(void)
{
	struct vm_core *core;
	TAILQ_FOREACH(core, &host.pool->vms, entry)
	{
		if (lifecycle_of(core)->warm) {
			return core->vm;
		}
	}
	return NULL;
}

static void until_full(size_t n)
{
	while (members(VM_READY) < n) {
		cr_assert_geq(sd_event_run(host.event, UINT64_MAX), 0);
	}
}

static void on_started(struct vm *vm, uint64_t took_us, const struct err *why, void *data)
{
	(void)vm;
	(void)took_us;
	cr_assert_null(why);
	++*(int *)data;
}

static const struct vm_listener events = { .started = on_started };
static struct listener listener;

Test(warm, gives_the_oldest_and_fills_up)
{
	int started = 0;
	begin("desk");
	listener_add(vm_listeners(host.pool), &listener, &events, &started);
	until_full(2);
	host_for_ms(&host, 300);
	cr_assert_eq(members(VM_READY), 2);
	cr_assert_eq(started, 0, "nobody has asked for one");
	cr_assert_null(vm_at(host.pool, "", 0));
	struct vm *oldest = first_member();
	cr_assert_null(vm_find(host.pool, "", vm_id(oldest), &err));
	json_auto_t *labels = json_pack("{s:s}", "for", "me");
	struct vm_spec spec = *vm_default_spec(host.pool);
	spec.labels = spec.environment = spec.api = labels;
	spec.timeout_ms = 60000;
	struct vm *vm = vm_create(host.pool, "alice", &spec, &err);
	cr_assert_eq(vm, oldest);
	cr_assert_eq(vm_state(vm), VM_STARTING);
	cr_assert_eq(host_wait(&host, vm).err.kind, ERR_NONE);
	cr_assert_eq(started, 1);
	cr_assert_str_eq(vm_owner(vm), "alice");
	cr_assert_eq(vm_at(host.pool, "alice", 0), vm);
	cr_assert(json_equal(vm_spec(vm)->labels, labels));
	cr_assert(json_equal(vm_spec(vm)->environment, labels));
	cr_assert(json_equal(vm_spec(vm)->api, labels));
	cr_assert_gt(vm_times(vm).timeout, vm_times(vm).created);
	struct vm *other = vm_create(host.pool, "bob", NULL, &err);
	cr_assert_eq(host_wait(&host, other).err.kind, ERR_NONE);
	char name[100];
	struct answer *a = host_exec(&host, vm, "hostname", 1000);
	snprintf(name, sizeof(name), "%.90s", a->out);
	answer_free(a);
	a = host_exec(&host, other, "hostname", 1000);
	cr_assert_str_neq(a->out, name);
	answer_free(a);
	until_full(2);
	host_done(&host);
}

Test(warm, is_for_the_default_only)
{
	begin("desk");
	until_full(2);
	struct vm_spec spec = { .screen = { 1024, 768 } };
	struct vm *vm = vm_create(host.pool, "alice", &spec, &err);
	cr_assert_not_null(vm, "%s", err.text);
	cr_assert_eq(members(VM_READY), 2);
	cr_assert_eq(host_wait(&host, vm).err.kind, ERR_NONE);
	cr_assert_eq(vm_screen(vm).width, 1024);
	host_done(&host);
}

Test(warm, leaves_room_for_those_who_ask)
{
	begin("desk");
	for (int i = 0; i < 4; i++) {
		struct vm *vm = vm_create(host.pool, "alice", NULL, &err);
		cr_assert_eq(host_wait(&host, vm).err.kind, ERR_NONE);
	}
	until_full(1);
	host_for_ms(&host, 300);
	cr_assert_eq(members(VM_READY), 1);
	cr_assert_not_null(vm_create(host.pool, "alice", NULL, &err));
	cr_assert_null(vm_create(host.pool, "alice", NULL, &err));
	cr_assert_eq(err.kind, ERR_LIMIT);
	host_done(&host);
}

Test(warm, that_died_is_replaced)
{
	begin("desk");
	until_full(2);
	vm_stop(first_member(), "killed");
	cr_assert_eq(members(VM_READY), 1);
	until_full(2);
	host_done(&host);
}

/* One that was ready and is no good any more costs its taker time, and nothing else. */
Test(warm, that_does_not_answer_starts_like_a_new_one)
{
	begin("desk");
	until_full(2);
	struct vm *member = first_member();
	answer_free(host_exec(&host, member, "set mute", 1000));
	cr_assert_eq(vm_create(host.pool, "alice", NULL, &err), member);
	struct waited waited = host_wait(&host, member);
	cr_assert_eq(waited.err.kind, ERR_NONE, "%s", waited.err.text);
	struct answer *a = host_exec(&host, member, "echo hi", 1000);
	cr_assert_str_eq(a->out, "hi\n");
	answer_free(a);
	host_done(&host);
}

Test(warm, that_cannot_be_had_is_not_tried_all_the_time)
{
	size_t tried = 0;
	struct vm_core *core;
	begin("broken");
	host_for_ms(&host, 800);
	TAILQ_FOREACH(core, &host.pool->vms, entry)
	{
		tried += lifecycle_of(core)->warm;
	}
	cr_assert_eq(tried, 1);
	host_done(&host);
}

Test(warm, may_lose_its_pool_at_any_moment)
{
	bool was_full = false;
	for (int turns = 0; !was_full; turns++) {
		begin("desk");
		for (int i = 0; i < turns && members(VM_READY) < 2; i++) {
			cr_assert_geq(sd_event_run(host.event, UINT64_MAX), 0);
		}
		was_full = members(VM_READY) == 2;
		host_done(&host);
	}
}

/* ---- out of the warm pool ---- */

Test(warm, needs_no_more_than_an_answer)
{
	begin("desk");
	until_full(2);
	struct vm *member = first_member();
	uint64_t restored = member->core->restored_us;
	cr_assert_gt(restored, 0);
	answer_free(
		host_exec(&host, member, "set stubborn", 1000)); /* against restore notifications */
	cr_assert_eq(vm_create(host.pool, "alice", NULL, &err), member);
	cr_assert_eq(host_wait(&host, member).err.kind, ERR_NONE);
	cr_assert_eq(member->core->restored_us, restored);
	host_done(&host);
}

Test(warm, is_told_the_time_when_the_clock_was_set_or_much_has_passed)
{
	begin("desk");
	until_full(2);
	struct vm *member = first_member();
	member->core->restored_clock_us -= 1000000;
	uint64_t restored = member->core->restored_us;
	cr_assert_eq(vm_create(host.pool, "alice", NULL, &err), member);
	cr_assert_eq(host_wait(&host, member).err.kind, ERR_NONE);
	cr_expect_gt(member->core->restored_us, restored);

	member = first_member();
	uint64_t long_ago = loop_now_us() - 3600000001; /* before the host's start, perhaps */
	member->core->restored_us = long_ago;
	cr_assert_eq(vm_create(host.pool, "alice", NULL, &err), member);
	cr_assert_eq(host_wait(&host, member).err.kind, ERR_NONE);
	cr_expect_neq(member->core->restored_us, long_ago);
	host_done(&host);
}

/* ---- several images ---- */

static size_t members_of(const char *image)
{
	struct vm_core *core;
	size_t n = 0;
	TAILQ_FOREACH(core, &host.pool->vms, entry)
	{
		n += lifecycle_of(core)->warm && core->state == VM_READY &&
		     strcmp(core->spec.image, image) == 0;
	}
	return n;
}

static void begin_several(int64_t max)
{
	host_init(&host, (struct vm_config){ .backend = "fake",
				 .state_dir = in_scratch("state"),
				 .max_sandboxes = max,
				 .warm = 1,
				 .warm_images = { { "paint", 4 }, { "broken", 1 } },
				 .n_warm_images = 2,
				 .default_spec.image = "desk" });
}

Test(warm, of_several_images_is_given_by_image)
{
	begin_several(10);
	until_full(5);
	cr_expect_eq(members_of("desk"), 1);
	cr_expect_eq(members_of("paint"), 4);
	int64_t wanted, ready;
	vm_pool_reserve(host.pool, &wanted, &ready);
	cr_expect_eq(wanted, 6);
	cr_expect_eq(ready, 5);
	struct vm_spec spec = { .image = "paint" };
	struct vm *vm = vm_create(host.pool, "alice", &spec, &err);
	cr_assert_eq(host_wait(&host, vm).err.kind, ERR_NONE);
	cr_expect_str_eq(vm_spec(vm)->image, "paint");
	cr_expect_eq(members_of("paint"), 3);
	cr_expect_eq(members_of("desk"), 1);
	vm = vm_create(host.pool, "alice", NULL, &err);
	cr_assert_eq(host_wait(&host, vm).err.kind, ERR_NONE);
	cr_expect_eq(members_of("desk"), 0);
	until_full(5);
	host_done(&host);
}

/* Each has its share of what room there is. */
Test(warm, of_several_images_is_filled_where_most_is_missing)
{
	begin_several(3);
	until_full(3);
	cr_expect_eq(members_of("desk"), 1);
	cr_expect_eq(members_of("paint"), 2);
	host_done(&host);
}

Test(warm, of_an_image_that_was_made_anew_is_replaced)
{
	begin("desk");
	until_full(2);
	struct vm *stale = first_member();
	free(lifecycle_of(stale->core)->warm_key);
	lifecycle_of(stale->core)->warm_key = strdup("another");
	struct vm *vm = vm_create(host.pool, "alice", NULL, &err);
	cr_expect_neq(vm, stale);
	cr_assert_eq(host_wait(&host, vm).err.kind, ERR_NONE);
	while (vm_state(stale) < VM_STOPPING) {
		cr_assert_geq(sd_event_run(host.event, UINT64_MAX), 0);
	}
	until_full(2);
	host_done(&host);
}
