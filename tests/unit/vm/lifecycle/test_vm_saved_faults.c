// USES vm
/* Saved machines when something goes wrong: what was there before is there still, and what is not
 * any more says why. */

#include "tests/support/vm_host.h"

#include "tests/support/scratch.h"
#include "vm/core/core.h"

#include <dirent.h>
#include <sys/stat.h>

static struct host host;
static struct err err;
static struct vm *vm;

static void begin(void)
{
	scratch_make();
	host_init(&host, (struct vm_config){ .backend = "fake", .state_dir = in_scratch("state") });
	vm = host_vm(&host);
}

static void end(void)
{
	host_done(&host);
	scratch_remove();
}

TestSuite(faults, .init = begin, .fini = end, .timeout = 60);

struct ended {
	bool done;
	struct err err;
	char id[ID_LEN + 1];
	size_t n;
};

static struct ended ended;

static void came(const struct err *why)
{
	cr_assert(!ended.done, "a second answer");
	ended.done = true;
	ended.err = why ? *why : (struct err){ 0 };
}

static void on_changed(struct vm *of, const struct err *why, void *data)
{
	(void)of;
	(void)data;
	came(why);
}

static void on_snapshot(
	struct vm *of, const struct vm_snapshot *snapshot, const struct err *why, void *data)
{
	(void)of;
	(void)data;
	snprintf(ended.id, sizeof(ended.id), "%s", snapshot ? snapshot->id : "");
	came(why);
}

static void on_forked(
	struct vm *of, struct vm *const *vms, size_t n, const struct err *why, void *data)
{
	(void)of;
	(void)vms;
	(void)data;
	ended.n = n;
	came(why);
}

static void pause_it(void)
{
	ended = (struct ended){ 0 };
	vm_pause(vm, on_changed, NULL);
	host_until(&host, &ended.done);
}

static void take_it(void)
{
	ended = (struct ended){ 0 };
	vm_take_snapshot(vm, NULL, on_snapshot, NULL);
	host_until(&host, &ended.done);
}

static void fork_it(size_t n)
{
	ended = (struct ended){ 0 };
	vm_fork(vm, n, on_forked, NULL);
	host_until(&host, &ended.done);
}

static void roll_back_to(const char *id)
{
	ended = (struct ended){ 0 };
	vm_rollback(vm, id, on_changed, NULL);
	host_until(&host, &ended.done);
}

static void run(const char *command)
{
	struct answer *a = host_exec(&host, vm, command, 1000);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	answer_free(a);
}

static void type(const char *text)
{
	struct action action = { .kind = ACTION_TYPE, .text = text };
	answer_free(host_act(&host, vm, &action, 1));
}

static void expect_typed(const char *text)
{
	struct answer *a = host_exec(&host, vm, "cat typed", 1000);
	cr_expect_str_eq(a->out, text);
	answer_free(a);
}

static void says(const char *words)
{
	cr_assert_not_null(strstr(ended.err.text, words), "%s", ended.err.text);
}

/* Finished or not. */
static size_t entries(const char *kind)
{
	DIR *dir = opendir(in_scratch("state/%s", kind));
	size_t n = 0;
	while (dir && readdir(dir)) {
		n++;
	}
	if (dir) {
		closedir(dir);
	}
	return n > 2 ? n - 2 : 0;
}

static void it_goes_on(void)
{
	cr_assert_eq(vm_state(vm), VM_READY);
	run("set ok");
	take_it();
	cr_assert_eq(ended.err.kind, ERR_NONE, "%s", ended.err.text);
	cr_assert_eq(entries("snapshots"), 1);
}

Test(faults, an_agent_that_does_not_hold_still_goes_on)
{
	struct answer *meanwhile = answer_new();
	run("set deaf");
	ended = (struct ended){ 0 };
	vm_pause(vm, on_changed, NULL);
	guest_exec(vm_guest(vm), "echo waited", NULL, 20000, on_exec, meanwhile);
	host_until(&host, &ended.done);
	cr_assert_eq(ended.err.kind, ERR_TIMEOUT);
	says("did not freeze");
	host_until(&host, &meanwhile->done);
	cr_assert_str_eq(meanwhile->out, "waited\n");
	answer_free(meanwhile);
	it_goes_on();
}

Test(faults, a_full_disk_leaves_nothing_and_it_goes_on)
{
	run("set full");
	pause_it();
	cr_assert_eq(ended.err.kind, ERR_HOST);
	says("No space left");
	take_it();
	says("No space left");
	fork_it(3);
	says("No space left");
	cr_assert_eq(ended.n, 0);
	cr_assert_eq(entries("snapshots"), 0);
	it_goes_on();
}

Test(faults, copies_that_do_not_come_up_are_told)
{
	run("set stubborn");
	fork_it(3);
	cr_assert_neq(ended.err.kind, ERR_NONE);
	says("failed after the copy");
	cr_assert_eq(ended.n, 0);
	cr_assert_eq(entries("snapshots"), 0);
	it_goes_on();
}

Test(faults, what_cannot_be_resumed_stays_paused)
{
	pause_it();
	char path[600];
	snprintf(path, sizeof(path), "%s",
		in_scratch("state/sandboxes/%s/saved/fake.json", vm_id(vm)));
	char aside[610];
	snprintf(aside, sizeof(aside), "%s.aside", path);
	cr_assert_eq(rename(path, aside), 0);
	put_text(path, "{");
	for (int i = 0; i < 2; i++) {
		struct waited waited = host_wait(&host, vm);
		cr_assert_not_null(
			strstr(waited.err.text, "remains paused"), "%s", waited.err.text);
		cr_assert_not_null(strstr(waited.err.text, "is corrupt"), "%s", waited.err.text);
		cr_assert_eq(vm_state(vm), VM_PAUSED);
	}
	cr_assert_eq(rename(aside, path), 0);
	struct waited waited = host_wait(&host, vm);
	cr_assert_eq(waited.err.kind, ERR_NONE, "%s", waited.err.text);
	it_goes_on();
}

Test(faults, a_snapshot_that_is_no_good_says_so)
{
	take_it();
	type("half a sen");
	char id[ID_LEN + 1];
	memcpy(id, ended.id, sizeof(id));
	put_text(in_scratch("state/snapshots/%s/fake.json", id), "[]");
	struct vm_spec spec = { .from = id };
	struct vm *copy = vm_create(host.pool, "alice", &spec, &err);
	if (copy) {
		err = host_wait(&host, copy).err;
	}
	cr_assert_not_null(strstr(err.text, "is corrupt"), "%s", err.text);
	roll_back_to(id);
	says("is corrupt");
	says("is unchanged");
	cr_assert_eq(vm_state(vm), VM_READY);
	expect_typed("half a sen");
}

Test(faults, a_paused_one_survives_a_bad_rollback)
{
	take_it();
	char id[ID_LEN + 1];
	memcpy(id, ended.id, sizeof(id));
	put_text(in_scratch("state/snapshots/%s/fake.json", id), "[]");
	run("true");
	pause_it();
	roll_back_to(id);
	says("is corrupt");
	cr_assert_eq(vm_state(vm), VM_PAUSED);
	cr_assert_eq(host_wait(&host, vm).err.kind, ERR_NONE);
}

/* The machine is gone, but not what it was to be. */
Test(faults, a_rollback_that_does_not_come_up_leaves_it_paused_there)
{
	char id[ID_LEN + 1];
	type("then");
	run("set stubborn");
	take_it();
	memcpy(id, ended.id, sizeof(id));
	run("set ok");
	type(" and now");
	roll_back_to(id);
	says("remains paused");
	cr_assert_eq(vm_state(vm), VM_PAUSED);
	const char *path = in_scratch("state/sandboxes/%s/saved/fake.json", vm_id(vm));
	json_auto_t *saved = json_load_file(path, 0, NULL);
	cr_assert_str_eq(json_string_value(json_object_get(saved, "typed")), "then");
	json_object_set_new(saved, "fault", json_string("ok"));
	cr_assert_eq(unlink(path), 0, "it is the snapshot's, too");
	cr_assert_eq(json_dump_file(saved, path, 0), 0);
	cr_assert_eq(host_wait(&host, vm).err.kind, ERR_NONE);
	expect_typed("then");
	cr_assert_neq(access(path, F_OK), 0);
	cr_assert_eq(entries("snapshots"), 1);
}

Test(faults, a_rollback_that_cannot_be_noted_is_none)
{
	char id[ID_LEN + 1];
	take_it();
	memcpy(id, ended.id, sizeof(id));
	pause_it();
	cr_assert_eq(host_wait(&host, vm).err.kind, ERR_NONE);
	type("kept");
	const char *metadata = in_scratch("state/sandboxes/%s/sandbox.json", vm_id(vm));
	cr_assert_eq(unlink(metadata), 0);
	cr_assert_eq(mkdir(metadata, 0700), 0);
	roll_back_to(id);
	says("is unchanged");
	cr_assert_eq(vm_state(vm), VM_READY);
	expect_typed("kept");
	cr_assert_neq(access(in_scratch("state/sandboxes/%s/saved", vm_id(vm)), F_OK), 0);
}

Test(faults, a_save_that_never_ends_is_told)
{
	run("set wedged");
	vm->core->save_ms = 50;
	take_it();
	cr_assert_eq(ended.err.kind, ERR_GONE);
	says("does not respond");
	host_for_ms(&host, 20);
	cr_assert_eq(entries("snapshots"), 0);
	cr_assert_eq(entries("sandboxes"), 0);
}

Test(faults, without_a_state_directory_only_saving_is_missing)
{
	struct host other;
	put_text(in_scratch("file"), "in the way");
	host_init(&other,
		(struct vm_config){ .backend = "fake", .state_dir = in_scratch("file/state") });
	struct vm *mine = vm;
	vm = host_vm(&other);
	ended = (struct ended){ 0 };
	vm_fork(vm, 1, on_forked, NULL);
	host_until(&other, &ended.done);
	says("state directory unavailable");
	cr_assert_eq(vm_state(vm), VM_READY);
	host_done(&other);
	vm = mine;
}

static void die(const char *why)
{
	vm_stop(vm, why);
	host_until(&host, &ended.done);
	cr_assert_eq(ended.err.kind, ERR_GONE);
	says(why);
}

Test(faults, ends_while_it_is_written_are_told_once)
{
	run("set slow");
	ended = (struct ended){ 0 };
	vm_fork(vm, 2, on_forked, NULL);
	host_for_ms(&host, 30);
	cr_assert(!ended.done);
	die("in the middle of a save");
	host_for_ms(&host, 200);
	cr_assert_eq(entries("snapshots"), 0);
	cr_assert_null(vm_at(host.pool, "alice", 0));
}
