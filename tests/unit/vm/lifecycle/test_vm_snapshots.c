// USES vm
/* Snapshots as things on disk: whose they are, what they are called, who sees them, and what is in
 * the directory that nobody should have put there.  (What is in them is the contract suite's.) */

#include "tests/support/scratch.h"
#include "tests/support/vm_host.h"

#include "vm/lifecycle/metadata.h"
#include "vm/state/state.h"

#include <dirent.h>
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
	expect_limit(&taken.err,
		"(at most 2 saved sandboxes): you have 1 snapshot and 1 paused sandbox, ");
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

/* What is saved of it is then larger than 1 MiB. */
static void type_much(struct host *host, struct vm *vm)
{
	enum { LEN = 100000, TIMES = 10 };
	static char text[LEN + 1];
	memset(text, '"', LEN); /* written as two bytes */
	for (int i = 0; i < TIMES; i++) {
		struct action action = { .kind = ACTION_TYPE, .text = text };
		struct answer *typed = host_act(host, vm, &action, 1);
		cr_assert_eq(typed->err.kind, ERR_NONE, "%s", typed->err.text);
		answer_free(typed);
	}
}

/* Only when it is written is its size known. */
Test(snapshots, may_take_so_much_of_the_disk)
{
	struct host host;
	host_init(&host,
		(struct vm_config){
			.backend = "fake", .state_dir = in_scratch("state"), .max_saved_mib = 1 });
	struct vm *vm = create(&host, "alice", NULL);
	cr_assert_eq(take(&host, vm, "small").err.kind, ERR_NONE);
	type_much(&host, vm);
	struct taken taken = take(&host, vm, "large");
	expect_limit(&taken.err, "at most 1 MiB of saved sandboxes");
	cr_expect_eq(count(&host, "alice"), 1);
	cr_expect_eq(vm_state(vm), VM_READY);
	host_done(&host);
}

/* ---- several at the same time ---- */

enum { MOST = 2, MORE = 4, ALL = MOST + MORE };

struct crowd {
	struct host host;
	struct vm *vms[ALL];
	struct taken ends[ALL];
};

static void crowd_init(struct crowd *crowd)
{
	memset(crowd, 0, sizeof(*crowd));
	host_init(&crowd->host, (struct vm_config){ .backend = "fake",
					.state_dir = in_scratch("state"),
					.max_sandboxes = ALL + 1,
					.max_saved = MOST });
	for (int i = 0; i < ALL; i++) {
		crowd->vms[i] = create(&crowd->host, "alice", NULL);
	}
}

static void crowd_until_done(struct crowd *crowd, int n)
{
	for (int i = 0; i < n; i++) {
		host_until(&crowd->host, &crowd->ends[i].done);
	}
}

/* Of a directory, the unfinished ones among them. */
static int entries(const char *path)
{
	int n = 0;
	DIR *dir = opendir(path);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	}
	if (dir) {
		closedir(dir);
	}
	return n;
}

static void run(struct host *host, struct vm *vm, const char *command)
{
	struct answer *answer = host_exec(host, vm, command, 5000);
	cr_assert_eq(answer->err.kind, ERR_NONE, "%s", answer->err.text);
	answer_free(answer);
}

Test(snapshots, at_once_are_refused_before_anything_is_written)
{
	struct crowd c;
	crowd_init(&c);
	struct vm *of_bob = create(&c.host, "bob", NULL);
	struct taken bobs = { 0 };
	for (int i = 0; i < ALL; i++) {
		vm_take_snapshot(c.vms[i], NULL, on_taken, &c.ends[i]);
	}
	cr_expect_eq(entries(in_scratch("state/snapshots")), MOST);
	vm_take_snapshot(of_bob, NULL, on_taken, &bobs);
	crowd_until_done(&c, ALL);
	host_until(&c.host, &bobs.done);
	for (int i = 0; i < MOST; i++) {
		cr_expect_eq(c.ends[i].err.kind, ERR_NONE, "%s", c.ends[i].err.text);
		cr_expect_not_null(vm_snapshot_find(c.host.pool, "alice", c.ends[i].id, &err));
	}
	for (int i = MOST; i < ALL; i++) {
		expect_limit(&c.ends[i].err,
			"you have 0 snapshots and 0 paused sandboxes, 0 MiB, and 2 being saved");
	}
	cr_expect_eq(count(&c.host, "alice"), MOST);
	cr_expect_eq(bobs.err.kind, ERR_NONE, "it is another owner's: %s", bobs.err.text);
	struct taken late = take(&c.host, c.vms[0], NULL);
	expect_limit(&late.err, "have 2 snapshots and 0 paused sandboxes, ");
	cr_expect(!strstr(late.err.text, "being saved"), "%s", late.err.text);
	host_done(&c.host);
}

Test(snapshots, and_pauses_at_once_are_counted_together)
{
	struct crowd c;
	crowd_init(&c);
	vm_pause(c.vms[0], on_paused, &c.ends[0]);
	vm_take_snapshot(c.vms[1], NULL, on_taken, &c.ends[1]);
	for (int i = MOST; i < ALL; i++) {
		vm_pause(c.vms[i], on_paused, &c.ends[i]);
	}
	cr_expect_eq(entries(in_scratch("state/sandboxes")), 1, "that of the first");
	crowd_until_done(&c, ALL);
	for (int i = 0; i < MOST; i++) {
		cr_expect_eq(c.ends[i].err.kind, ERR_NONE, "%s", c.ends[i].err.text);
	}
	for (int i = MOST; i < ALL; i++) {
		expect_limit(&c.ends[i].err, "0 paused sandboxes, 0 MiB, and 2 being saved");
		cr_expect_eq(vm_state(c.vms[i]), VM_READY);
	}
	cr_expect_eq(vm_state(c.vms[0]), VM_PAUSED);
	struct err why = pause_it(&c.host, c.vms[1]);
	expect_limit(&why, "have 1 snapshot and 1 paused sandbox, ");
	cr_expect(!strstr(why.text, "being saved"), "%s", why.text);
	host_done(&c.host);
}

/* However a save ends, its place is free again. */
Test(snapshots, that_fail_give_their_place_back)
{
	struct crowd c;
	crowd_init(&c);
	for (int i = 0; i < 3; i++) {
		run(&c.host, c.vms[i], i < 2 ? "set full" : "set slow");
	}
	vm_pause(c.vms[0], on_paused, &c.ends[0]);
	vm_take_snapshot(c.vms[1], NULL, on_taken, &c.ends[1]);
	crowd_until_done(&c, 2);
	cr_expect_eq(c.ends[0].err.kind, ERR_HOST, "%s", c.ends[0].err.text);
	cr_expect_eq(c.ends[1].err.kind, ERR_HOST, "%s", c.ends[1].err.text);

	vm_take_snapshot(c.vms[2], NULL, on_taken, &c.ends[2]);
	vm_pause(c.vms[3], on_paused, &c.ends[3]);
	vm_stop(c.vms[2], "while it is written");
	vm_stop(c.vms[3], "while it is written");
	crowd_until_done(&c, 4);
	cr_expect_eq(c.ends[2].err.kind, ERR_GONE, "%s", c.ends[2].err.text);
	cr_expect_eq(c.ends[3].err.kind, ERR_GONE, "%s", c.ends[3].err.text);

	cr_expect_eq(pause_it(&c.host, c.vms[4]).kind, ERR_NONE);
	cr_expect_eq(take(&c.host, c.vms[5], NULL).err.kind, ERR_NONE);
	cr_expect_eq(host_wait(&c.host, c.vms[4]).err.kind, ERR_NONE);
	cr_expect_eq(take(&c.host, c.vms[5], NULL).err.kind, ERR_NONE, "it was resumed");
	host_done(&c.host);
}

/* Both come due while the first is still being written. */
Test(snapshots, pauses_at_a_timeout_count_too)
{
	struct crowd c;
	struct vm_spec spec = { .on_timeout = VM_TIMEOUT_PAUSE };
	struct vm *timed[2];
	crowd_init(&c);
	cr_assert_eq(take(&c.host, c.vms[0], NULL).err.kind, ERR_NONE);
	vm_stop(c.vms[0], "room for another");
	for (int i = 0; i < 2; i++) {
		timed[i] = vm_create(c.host.pool, "alice", &spec, &err);
		cr_assert_not_null(timed[i], "%s", err.text);
		cr_assert_eq(host_wait(&c.host, timed[i]).err.kind, ERR_NONE);
		run(&c.host, timed[i], "set slow");
	}
	for (int i = 0; i < 2; i++) {
		cr_assert(vm_set_timeout(timed[i], 1, &err), "%s", err.text);
	}
	while (vm_state(timed[0]) != VM_PAUSED && vm_state(timed[1]) != VM_PAUSED) {
		cr_assert_geq(sd_event_run(c.host.event, UINT64_MAX), 0);
	}
	struct vm *other = timed[vm_state(timed[0]) == VM_PAUSED];
	cr_expect_eq(vm_state(other), VM_READY);
	struct taken taken = take(&c.host, other, NULL);
	expect_limit(&taken.err, "have 1 snapshot and 1 paused sandbox, ");
	host_done(&c.host);
}

/* One that is too large is on disk before its size is known; it takes nothing from another. */
Test(snapshots, too_large_do_not_count_against_another)
{
	enum { ROUNDS = 5 };
	struct host host;
	host_init(&host,
		(struct vm_config){
			.backend = "fake", .state_dir = in_scratch("state"), .max_saved_mib = 1 });
	struct vm *large = create(&host, "alice", NULL), *small = create(&host, "alice", NULL);
	type_much(&host, large);
	for (int i = 0; i < ROUNDS; i++) {
		struct taken a = { 0 }, b = { 0 };
		vm_take_snapshot(large, NULL, on_taken, &b);
		vm_take_snapshot(small, NULL, on_taken, &a);
		host_until(&host, &a.done);
		host_until(&host, &b.done);
		cr_expect_eq(a.err.kind, ERR_NONE, "%s", a.err.text);
		expect_limit(&b.err, "at most 1 MiB of saved sandboxes");
	}
	cr_expect_eq(count(&host, "alice"), ROUNDS);
	host_done(&host);
}

Test(snapshots, leave_room_to_pause_what_runs)
{
	enum { RUN = 40 }; /* no disk has as much room */
	struct host host;
	host_init(&host, (struct vm_config){ .backend = "fake",
				 .state_dir = in_scratch("state"),
				 .max_sandboxes = RUN,
				 .default_spec.limits.memory_mib = 1 << 20 }); /* 1 TiB */
	struct vm *vm = NULL;
	for (int i = 0; i < RUN; i++) {
		vm = create(&host, "alice", NULL);
	}
	struct taken taken = take(&host, vm, NULL);
	expect_limit(&taken.err, "41943040 MiB are reserved");
	cr_expect_eq(count(&host, "alice"), 0);
	cr_expect_eq(pause_it(&host, vm).kind, ERR_NONE, "it is kept for that");
	host_done(&host);
}
