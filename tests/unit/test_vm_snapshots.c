// USES vm
/* Snapshots as things on disk: whose they are, what they are called, who sees them, and what is in
 * the directory that nobody should have put there.  (What is in them is the contract suite's.) */

#include "tests/unit/scratch.h"
#include "tests/unit/vm_host.h"

#include "vm/record.h"
#include "vm/state.h"

#include <sys/stat.h>

TestSuite(snapshots, .init = scratch_make, .fini = scratch_remove, .timeout = 120);

static struct err err;

static void open_server(struct host *host)
{
	host_init(host, (struct vm_config){ .backend = "fake", .state_dir = in_scratch("state") });
}

static struct vm *create(struct host *host, const char *owner, const char *from)
{
	struct vm_spec spec = { .from = from };
	struct vm *vm = vm_create(host->pool, owner, &spec, &err);
	cr_assert_not_null(vm, "%s", err.text);
	cr_assert_eq(host_wait(host, vm).err.kind, ERR_NONE);
	return vm;
}

struct taken {
	bool done;
	char id[ID_LEN + 1];
	struct err err;
};

static void on_taken(
	struct vm *vm, const struct vm_snapshot *snapshot, const struct err *why, void *data)
{
	struct taken *taken = data;
	(void)vm;
	cr_assert(!snapshot == !!why);
	taken->done = true;
	if (why) {
		taken->err = *why;
	} else {
		memcpy(taken->id, snapshot->id, sizeof(taken->id));
	}
}

static struct taken take(struct host *host, struct vm *vm, const char *name)
{
	struct taken taken = { 0 };
	vm_take_snapshot(vm, name, on_taken, &taken);
	host_until(host, &taken.done);
	return taken;
}

static size_t count(struct host *host, const char *owner)
{
	size_t n = 0;
	while (vm_snapshot_at(host->pool, owner, n)) {
		n++;
	}
	return n;
}

Test(snapshots, survive_the_server_and_the_sandbox)
{
	struct host a, b;
	open_server(&a);
	open_server(&b); /* at the same time */
	struct vm *vm = create(&a, "alice", NULL);
	struct taken first = take(&a, vm, "before"), second = take(&a, vm, NULL);
	cr_assert_eq(first.err.kind, ERR_NONE, "%s", first.err.text);
	const struct vm_snapshot *s = vm_snapshot_find(b.pool, "alice", "before", &err);
	cr_assert_not_null(s, "%s", err.text);
	cr_assert_str_eq(s->id, first.id);
	cr_assert_str_eq(s->source, vm_id(vm));
	cr_assert_str_eq(s->owner, "alice");
	cr_assert_gt(s->bytes, 0);
	cr_assert_gt(s->created, 0);
	cr_assert_eq(s->spec.screen.width, vm_screen(vm).width);
	cr_assert_str_eq(vm_snapshot_at(b.pool, "alice", 0)->id, first.id);
	cr_assert_str_eq(vm_snapshot_at(b.pool, "alice", 1)->id, second.id);
	cr_assert_null(vm_snapshot_at(b.pool, "alice", 1)->name);
	host_done(&a);

	open_server(&a);
	cr_assert_eq(count(&a, "alice"), 2);
	create(&a, "alice", "before");
	struct vm *child = create(&b, "alice", second.id);
	cr_assert(vm_snapshot_delete(a.pool, "alice", "before", &err));
	cr_assert_eq(count(&a, "alice"), 1);
	cr_assert_eq(count(&b, "alice"), 1);
	cr_assert_eq(vm_state(child), VM_READY);
	cr_assert_not(vm_snapshot_delete(b.pool, "alice", "before", &err));
	cr_assert_eq(err.kind, ERR_NOT_FOUND);
	host_done(&a);
	host_done(&b);
}

Test(snapshots, are_their_owners)
{
	struct host host;
	open_server(&host);
	struct taken taken = take(&host, create(&host, "alice", NULL), "mine");
	cr_assert_eq(count(&host, "bob"), 0);
	cr_assert_null(vm_snapshot_find(host.pool, "bob", "mine", &err));
	cr_assert_null(vm_snapshot_find(host.pool, "bob", taken.id, &err));
	cr_assert_eq(err.kind, ERR_NOT_FOUND);
	cr_assert_not(vm_snapshot_delete(host.pool, "bob", taken.id, &err));
	struct vm_spec spec = { .from = taken.id };
	cr_assert_null(vm_create(host.pool, "bob", &spec, &err));
	cr_assert_eq(err.kind, ERR_NOT_FOUND, "%s", err.text);
	/* The same word may be somebody else's too. */
	taken = take(&host, create(&host, "bob", NULL), "mine");
	cr_assert_eq(taken.err.kind, ERR_NONE, "%s", taken.err.text);
	host_done(&host);
}

Test(snapshots, names_are_short_printable_and_unique)
{
	static const char *const bad[] = { "", "two\nlines", "bell\a", "abcdefghij0123456789",
		"mine", "0123456789012345678901234567890123456789012345678901234567890" };
	struct host host;
	open_server(&host);
	struct vm *vm = create(&host, "alice", NULL);
	cr_assert_eq(take(&host, vm, "mine").err.kind, ERR_NONE);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct taken taken = take(&host, vm, bad[i]);
		cr_expect_eq(taken.err.kind, ERR_ARGUMENT, "%s: %s", bad[i], taken.err.text);
	}
	cr_expect_eq(count(&host, "alice"), 1);
	cr_expect_eq(take(&host, vm,
			     "Gr\xc3\xb6\xc3\x9f"
			     "e, v2 (final)")
			     .err.kind,
		ERR_NONE);
	cr_expect(vm_snapshot_delete(host.pool, "alice", "mine", &err));
	cr_expect_eq(take(&host, vm, "mine").err.kind, ERR_NONE, "a name is free again");
	host_done(&host);
}

/* What is read stays valid until the loop runs, whatever is deleted meanwhile. */
Test(snapshots, stay_readable_for_a_moment)
{
	struct host host;
	open_server(&host);
	struct vm *vm = create(&host, "alice", NULL);
	take(&host, vm, "one");
	take(&host, vm, "two");
	const struct vm_snapshot *one = vm_snapshot_find(host.pool, "alice", "one", &err);
	cr_assert(vm_snapshot_delete(host.pool, "alice", "one", &err));
	cr_assert_not_null(vm_snapshot_at(host.pool, "alice", 0));
	cr_assert_str_eq(one->name, "one");
	cr_assert_str_eq(one->owner, "alice");
	host_for_ms(&host, 1);
	cr_assert_eq(count(&host, "alice"), 1);
	host_done(&host);
}

Test(snapshots, bad_ones_are_not_seen)
{
	static const char *const bad[] = { "", "{}", "[]", "{\"vitrine\": 1}",
		"{\"vitrine\": 1, \"id\": \"bbbbbbbbbbbbbbbbbbbb\", \"owner\": \"alice\", "
		"\"backend\": \"fake\", \"created\": 1, \"spec\": {}, \"source\": "
		"\"bbbbbbbbbbbbbbbbbbbb\"}" };
	struct host host;
	open_server(&host);
	take(&host, create(&host, "alice", NULL), "good");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char id[ID_LEN + 1];
		id_make(id);
		cr_assert_eq(mkdir(in_scratch("state/snapshots/%s", id), 0700), 0);
		put_text(in_scratch("state/snapshots/%s/snapshot.json", id), bad[i]);
		cr_expect_eq(count(&host, "alice"), 1);
		cr_expect_null(vm_snapshot_find(host.pool, "alice", id, &err));
	}
	/* A copy under another name is not what it says. */
	const struct vm_snapshot *good = vm_snapshot_at(host.pool, "alice", 0);
	json_t *json =
		state_read_json(in_scratch("state/snapshots/%s", good->id), "snapshot.json", &err);
	cr_assert_eq(mkdir(in_scratch("state/snapshots/cccccccccccccccccccc"), 0700), 0);
	cr_assert(state_write_json(
		in_scratch("state/snapshots/cccccccccccccccccccc"), "snapshot.json", json, &err));
	json_decref(json);
	cr_expect_eq(count(&host, "alice"), 1);
	host_done(&host);
}

/* Whoever is second with a name learns it, even when both were begun before either was there. */
Test(snapshots, of_two_of_one_name_at_once_one_stays)
{
	struct taken a = { 0 }, b = { 0 };
	struct host host;
	open_server(&host);
	struct vm *one = create(&host, "alice", NULL), *two = create(&host, "alice", NULL);
	vm_take_snapshot(one, "same", on_taken, &a);
	vm_take_snapshot(two, "same", on_taken, &b);
	host_until(&host, &a.done);
	host_until(&host, &b.done);
	cr_assert_neq(a.err.kind == ERR_NONE, b.err.kind == ERR_NONE);
	cr_assert_eq(a.err.kind + b.err.kind, ERR_ARGUMENT, "%s%s", a.err.text, b.err.text);
	cr_assert_eq(count(&host, "alice"), 1);
	host_done(&host);
}

/* ---- how much there may be ---- */

static void on_paused(struct vm *vm, const struct err *why, void *data)
{
	(void)vm;
	struct taken *taken = data;
	taken->done = true;
	taken->err = why ? *why : (struct err){ 0 };
}

static struct err pause_it(struct host *host, struct vm *vm)
{
	struct taken paused = { 0 };
	vm_pause(vm, on_paused, &paused);
	host_until(host, &paused.done);
	return paused.err;
}

static void expect_limit(const struct err *why, const char *words)
{
	cr_expect_eq(why->kind, ERR_LIMIT, "%s", why->text);
	cr_expect(strstr(why->text, words), "%s", why->text);
	cr_expect(strstr(why->text, "snapshot_delete"), "it says what to delete: %s", why->text);
}

static struct vm_owner_limits more_for_ann(const char *owner, void *data)
{
	(void)data;
	return (struct vm_owner_limits){ .saved = strcmp(owner, "ann") == 0 ? 3 : 0 };
}

Test(snapshots, and_paused_sandboxes_are_counted_for_each_owner)
{
	struct host host;
	host_init(&host,
		(struct vm_config){
			.backend = "fake", .state_dir = in_scratch("state"), .max_saved = 2 });
	vm_pool_limit_owners(host.pool, more_for_ann, NULL);
	struct vm *vm = create(&host, "alice", NULL), *other = create(&host, "alice", NULL);
	cr_assert_eq(take(&host, vm, "one").err.kind, ERR_NONE);
	cr_assert_eq(pause_it(&host, other).kind, ERR_NONE);
	struct taken taken = take(&host, vm, "two");
	expect_limit(&taken.err, "at most 2 saved sandboxes, and have 1 snapshot and 1 paused "
				 "sandbox, ");
	struct err why = pause_it(&host, vm);
	expect_limit(&why, "at most 2");
	cr_expect_eq(vm_state(vm), VM_READY);
	cr_expect_eq(count(&host, "alice"), 1);

	struct vm *of_ann = create(&host, "ann", NULL);
	for (int i = 0; i < 3; i++) {
		cr_expect_eq(take(&host, of_ann, NULL).err.kind, ERR_NONE);
	}
	taken = take(&host, of_ann, NULL);
	expect_limit(&taken.err, "at most 3");
	cr_assert(vm_snapshot_delete(host.pool, "alice", "one", &err));
	cr_expect_eq(pause_it(&host, vm).kind, ERR_NONE);
	host_done(&host);
}

/* Only when it is written is its size known. */
Test(snapshots, may_take_so_much_of_the_disk)
{
	enum { LEN = 100000, TIMES = 10 };
	static char text[LEN + 1];
	struct host host;
	host_init(&host,
		(struct vm_config){
			.backend = "fake", .state_dir = in_scratch("state"), .max_saved_mib = 1 });
	struct vm *vm = create(&host, "alice", NULL);
	cr_assert_eq(take(&host, vm, "small").err.kind, ERR_NONE);
	memset(text, '"', LEN); /* written as two bytes */
	for (int i = 0; i < TIMES; i++) {
		struct action action = { .kind = ACTION_TYPE, .text = text };
		struct answer *typed = host_act(&host, vm, &action, 1);
		cr_assert_eq(typed->err.kind, ERR_NONE, "%s", typed->err.text);
		answer_free(typed);
	}
	struct taken taken = take(&host, vm, "large");
	expect_limit(&taken.err, "at most 1 MiB of saved sandboxes");
	cr_expect_eq(count(&host, "alice"), 1);
	cr_expect_eq(vm_state(vm), VM_READY);
	host_done(&host);
}

Test(snapshots, leave_room_to_pause_what_runs)
{
	enum { RUN = 40 }; /* no disk has as much room */
	struct host host;
	host_init(&host, (struct vm_config){ .backend = "fake",
				 .state_dir = in_scratch("state"),
				 .max_sandboxes = RUN,
				 .preset.limits.memory_mib = 1 << 20 }); /* 1 TiB */
	struct vm *vm = NULL;
	for (int i = 0; i < RUN; i++) {
		vm = create(&host, "alice", NULL);
	}
	struct taken taken = take(&host, vm, NULL);
	expect_limit(&taken.err, "41943040 MiB are kept for pausing those that run");
	cr_expect_eq(count(&host, "alice"), 0);
	cr_expect_eq(pause_it(&host, vm).kind, ERR_NONE, "it is kept for that");
	host_done(&host);
}
