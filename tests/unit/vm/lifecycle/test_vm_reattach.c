// USES vm
/*
 * What survives a server, on the fake backend: one pool ends, or is killed, and the next one finds
 * what it left.  And what nobody should have left there.
 */

#include "tests/support/scratch.h"
#include "tests/support/vm_host.h"

#include "base/spawn.h"
#include "vm/fake/fake.h"
#include "vm/lifecycle/metadata.h"
#include "vm/microvm/process_identity.h"
#include "vm/state/state.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

TestSuite(reattach, .init = scratch_make, .fini = scratch_remove, .timeout = 120);

static struct err err;

static struct host open_server(bool keep, int64_t max)
{
	struct host host;
	host_init(&host, (struct vm_config){ .backend = "fake",
				 .state_dir = in_scratch("state"),
				 .keep = keep,
				 .max_sandboxes = max });
	return host;
}

static struct vm *create(struct host *host, const char *owner, const struct vm_spec *spec)
{
	struct vm *vm = vm_create(host->pool, owner, spec, &err);
	cr_assert_not_null(vm, "%s", err.text);
	cr_assert_eq(host_wait(host, vm).err.kind, ERR_NONE);
	return vm;
}

static void on_done(struct vm *vm, const struct err *why, void *data)
{
	(void)vm;
	cr_assert_null(why, "%s", why ? why->text : "");
	*(bool *)data = true;
}

static void pause_it(struct host *host, struct vm *vm)
{
	bool done = false;
	vm_pause(vm, on_done, &done);
	host_until(host, &done);
	cr_assert_eq(vm_state(vm), VM_PAUSED);
}

static void type(struct host *host, struct vm *vm, const char *text)
{
	struct action action = { .kind = ACTION_TYPE, .text = text };
	answer_free(host_act(host, vm, &action, 1));
}

static void expect_typed(struct host *host, struct vm *vm, const char *text)
{
	struct answer *answer = host_exec(host, vm, "cat typed", 5000);
	cr_expect_str_eq(answer->out, text);
	answer_free(answer);
}

/* How many sandboxes have a directory. */
static int on_disk(void)
{
	int n = 0;
	DIR *dir = opendir(in_scratch("state/sandboxes"));
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		n += id_is_valid(entry->d_name);
	}
	if (dir) {
		closedir(dir);
	}
	return n;
}

/* ---- a server that ends ---- */

Test(reattach, a_kept_one_goes_on)
{
	json_t *labels = json_pack("{s:s}", "task", "report");
	struct vm_spec spec = { .screen = { 800, 600 },
		.timeout_ms = 900000,
		.labels = labels,
		.environment = labels,
		.api = labels };
	struct host a = open_server(true, 8);
	struct vm *vm = create(&a, "alice", &spec);
	char id[ID_LEN + 1];
	struct vm_times times = vm_times(vm);
	snprintf(id, sizeof(id), "%s", vm_id(vm));
	type(&a, vm, "half a sen");
	host_done(&a);
	json_decref(labels);
	cr_assert_eq(on_disk(), 1);

	struct host b = open_server(true, 8);
	vm_pool_reattach(b.pool, NULL, NULL);
	vm = vm_find(b.pool, "alice", id, &err);
	cr_assert_not_null(vm, "%s", err.text);
	cr_assert_null(vm_at(b.pool, "bob", 0));
	cr_assert_eq(host_wait(&b, vm).err.kind, ERR_NONE);
	expect_typed(&b, vm, "half a sen");
	cr_assert_eq(vm_screen(vm).width, 800);
	cr_assert_eq(vm_times(vm).created, times.created);
	cr_assert_eq(vm_times(vm).timeout, times.timeout, "it gets no time as a present");
	cr_assert_str_eq(json_string_value(json_object_get(vm_spec(vm)->labels, "task")), "report");
	cr_assert(json_equal(vm_spec(vm)->environment, vm_spec(vm)->labels));
	cr_assert(json_equal(vm_spec(vm)->api, vm_spec(vm)->labels));
	vm_stop(vm, "enough");
	host_done(&b);
	cr_assert_eq(on_disk(), 0);
}

/* Its server was killed in the middle of a message. */
Test(reattach, one_in_the_middle_of_a_message_is_linked_again)
{
	struct host a = open_server(true, 8);
	struct vm *vm = create(&a, "alice", NULL);
	type(&a, vm, "half a sen");
	answer_free(host_exec(&a, vm, "set babble", 1000));
	host_done(&a);
	struct host b = open_server(true, 8);
	vm_pool_reattach(b.pool, NULL, NULL);
	vm = vm_at(b.pool, "alice", 0);
	struct waited waited = host_wait(&b, vm);
	cr_assert_eq(waited.err.kind, ERR_NONE, "%s", waited.err.text);
	expect_typed(&b, vm, "half a sen");
	vm_stop(vm, "enough");
	host_done(&b);
	cr_assert_eq(on_disk(), 0);
}

Test(reattach, without_keep_nothing_stays)
{
	struct host a = open_server(false, 8);
	create(&a, "alice", NULL);
	pause_it(&a, create(&a, "alice", NULL));
	cr_assert_geq(on_disk(), 1);
	host_done(&a);
	cr_assert_eq(on_disk(), 0);
	struct host b = open_server(false, 8);
	vm_pool_reattach(b.pool, NULL, NULL);
	cr_assert_null(vm_at(b.pool, "alice", 0));
	host_done(&b);
}

Test(reattach, kept_ones_pass_through_servers_that_keep_nothing)
{
	char id[ID_LEN + 1];
	struct host host = open_server(true, 8);
	struct vm *vm = vm_default(host.pool, "alice", &err);
	cr_assert_eq(host_wait(&host, vm).err.kind, ERR_NONE);
	snprintf(id, sizeof(id), "%s", vm_id(vm));
	host_done(&host);
	for (int i = 0; i < 3; i++) {
		host = open_server(false, 8);
		vm_pool_reattach(host.pool, NULL, NULL);
		vm = vm_default(host.pool, "alice", &err);
		cr_assert_str_eq(vm_id(vm), id, "the default one is that again");
		cr_assert_eq(host_wait(&host, vm).err.kind, ERR_NONE);
		host_done(&host);
	}
	cr_assert_eq(on_disk(), 1);
}

Test(reattach, one_that_is_not_up_yet_is_left_again)
{
	struct host host = open_server(true, 8);
	create(&host, "alice", NULL);
	host_done(&host);
	for (int i = 0; i < 2; i++) {
		host = open_server(true, 8);
		vm_pool_reattach(host.pool, NULL, NULL);
		cr_assert_eq(vm_state(vm_at(host.pool, "alice", 0)), VM_STARTING);
		host_done(&host); /* before the loop has run */
	}
	cr_assert_eq(on_disk(), 1);
}

Test(reattach, a_server_without_state_makes_none)
{
	struct host host = open_server(false, 8);
	vm_pool_reattach(host.pool, NULL, NULL);
	cr_assert_null(vm_snapshot_at(host.pool, "alice", 0));
	host_done(&host);
	cr_assert_eq(access(in_scratch("state"), F_OK), -1);
}

/* ---- a server that is killed ---- */

/* Leaves a running one, whose machine dies with it, and a paused one. */
static void live_until_killed(int ready)
{
	struct host host = open_server(true, 8);
	struct vm *paused = create(&host, "alice", NULL);
	type(&host, paused, "kept");
	pause_it(&host, paused);
	create(&host, "alice", NULL);
	cr_assert_eq(write(ready, "x", 1), 1);
	pause();
}

static pid_t start_server(void (*fn)(int ready))
{
	int ends[2];
	char byte;
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork_child();
	if (pid == 0) {
		fn(ends[1]);
		_exit(0);
	}
	close(ends[1]);
	cr_assert_eq(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	return pid;
}

Test(reattach, after_a_kill_the_paused_come_back_and_the_dead_go)
{
	pid_t pid = start_server(live_until_killed);
	struct host host = open_server(false, 8);
	vm_pool_reattach(host.pool, NULL, NULL);
	cr_assert_null(vm_at(host.pool, "alice", 0), "its server lives");
	cr_assert_eq(on_disk(), 2);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	vm_pool_reattach(host.pool, NULL, NULL);
	struct vm *vm = vm_at(host.pool, "alice", 0);
	cr_assert_not_null(vm);
	cr_assert_eq(vm_state(vm), VM_PAUSED);
	cr_assert_null(vm_at(host.pool, "alice", 1));
	cr_assert_eq(on_disk(), 1);
	cr_assert_eq(host_wait(&host, vm).err.kind, ERR_NONE);
	expect_typed(&host, vm, "kept");
	host_done(&host);
}

/* ---- whose and how many ---- */

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_alice(const char *owner, void *data)
{
	(void)data;
	return strcmp(owner, "alice") == 0;
}

Test(reattach, others_are_left_to_their_server)
{
	struct host host = open_server(true, 8);
	create(&host, "alice", NULL);
	pause_it(&host, create(&host, "bob", NULL));
	create(&host, "bob", NULL); /* no process of it will be there */
	struct vm *mortal = create(&host, "bob", NULL);
	pause_it(&host, mortal);
	cr_assert(vm_set_timeout(mortal, 300, &err));
	int64_t over = vm_times(mortal).timeout;
	host_done(&host);
	cr_assert_eq(on_disk(), 4);
	while (now_ms() <= over) {
		usleep(10000);
	}
	host = open_server(true, 8);
	vm_pool_reattach(host.pool, is_alice, NULL);
	cr_assert_not_null(vm_at(host.pool, "alice", 0));
	cr_assert_null(vm_at(host.pool, "bob", 0));
	cr_assert_eq(on_disk(), 2);
	host_done(&host);
	host = open_server(true, 8);
	vm_pool_reattach(host.pool, NULL, NULL);
	cr_assert_not_null(vm_at(host.pool, "bob", 0));
	host_done(&host);
}

static size_t count_state(struct host *host, enum vm_state state)
{
	struct vm *vm;
	size_t n = 0;
	for (size_t i = 0; (vm = vm_at(host->pool, "alice", i)); i++) {
		n += vm_state(vm) == state;
	}
	return n;
}

Test(reattach, a_smaller_server_pauses_the_oldest)
{
	char newest[ID_LEN + 1] = "";
	struct host host = open_server(true, 4);
	for (int i = 0; i < 4; i++) {
		snprintf(newest, sizeof(newest), "%s", vm_id(create(&host, "alice", NULL)));
		host_for_ms(&host, 2); /* the next one's time is another */
	}
	host_done(&host);
	host = open_server(true, 2);
	vm_pool_reattach(host.pool, NULL, NULL);
	while (count_state(&host, VM_PAUSED) < 2 || count_state(&host, VM_READY) < 2) {
		cr_assert_geq(sd_event_run(host.event, UINT64_MAX), 0);
	}
	cr_assert_eq(vm_state(vm_find(host.pool, "alice", newest, &err)), VM_READY);
	host_done(&host);
	cr_assert_eq(on_disk(), 4);
}

Test(reattach, two_servers_see_their_own_sandboxes_and_all_snapshots)
{
	struct host a = open_server(false, 8), b = open_server(false, 8);
	create(&a, "alice", NULL);
	pause_it(&a, vm_at(a.pool, "alice", 0));
	vm_pool_reattach(b.pool, NULL, NULL);
	cr_assert_null(vm_at(b.pool, "alice", 0));
	host_done(&b);
	cr_assert_eq(on_disk(), 1);
	host_done(&a);
}

/* ---- what is not adopted ---- */

static const char good[] =
	"{\"vitrine\": 1, \"id\": \"aaaaaaaaaaaaaaaaaaaa\", \"owner\": \"alice\", \"backend\": "
	"\"fake\", \"created\": 1, \"state\": \"paused\", \"default\": false, \"keep\": true, "
	"\"ready\": 0, \"timeout\": 0, \"spec\": {\"screen\": [800, 600], \"memory_mib\": 512, "
	"\"processes\": 100, \"files\": 1000, \"disk_mib\": 100, \"cpus\": 1, \"network\": "
	"\"none\", \"timeout_ms\": -1, \"idle_ms\": -1, \"on_timeout\": \"kill\"}}";

/* The good record with `from` replaced by `to`. */
static const struct {
	const char *from, *to;
} wrong[] = {
	{ "{\"vitrine\": 1", "" },
	{ "\"vitrine\": 1", "\"vitrine\": 2" },
	{ "\"vitrine\": 1", "\"vitrine\": \"1\"" },
	{ "\"vitrine\": 1", "\"vitrine\": 1, \"vitrine\": 1" },
	{ "\"vitrine\": 1, ", "" },
	{ "\"vitrine\": 1", "\"vitrine\": 1, \"more\": 1" },
	{ "aaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaab" },
	{ "aaaaaaaaaaaaaaaaaaaa", "../../../../../../etc" },
	{ "aaaaaaaaaaaaaaaaaaaa", "" },
	{ "\"alice\"", "\"\"" },
	{ "\"alice\"", "\"a\\u0000b\"" },
	{ "\"alice\"", "[\"alice\"]" },
	{ "\"fake\"", "\"namespace\"" },
	{ "\"fake\"", "\"none\"" },
	{ "\"fake\"", "\"../fake\"" },
	{ "\"paused\"", "\"stopped\"" },
	{ "\"paused\"", "0" },
	{ "\"paused\"", "\"running\"" }, /* and there is no machine */
	{ "\"created\": 1", "\"created\": -1" },
	{ "\"created\": 1", "\"created\": 1e300" },
	{ "\"created\": 1", "\"created\": 99999999999999999999999" },
	{ "\"keep\": true", "\"keep\": \"yes\"" },
	{ "[800, 600]", "[800]" },
	{ "[800, 600]", "[800, 600, 1]" },
	{ "[800, 600]", "[-1, 600]" },
	{ "[800, 600]", "[9223372036854775807, 600]" },
	{ "[800, 600]", "[100000, 100000]" },
	{ "\"memory_mib\": 512", "\"memory_mib\": 1e12" },
	{ "\"cpus\": 1", "\"cpus\": 1000" },
	{ "\"cpus\": 1", "\"cpus\": \"1\"" },
	{ "\"timeout_ms\": -1", "\"timeout_ms\": -2" },
	{ "\"timeout_ms\": -1", "\"timeout_ms\": 9223372036854775807" },
	{ "\"on_timeout\": \"kill\"", "\"on_timeout\": \"stay\"" },
	{ "\"cpus\": 1", "\"cpus\": 1, \"labels\": {\"a\": 1}" },
	{ "\"cpus\": 1", "\"cpus\": 1, \"labels\": []" },
	{ "\"cpus\": 1", "\"cpus\": 1, \"environment\": {\"a=b\": \"\"}" },
	{ "\"cpus\": 1", "\"cpus\": 1, \"api\": []" },
	{ "\"cpus\": 1", "\"cpus\": 1, \"from\": \"../x\"" },
	{ "\"spec\": {", "\"spec\": [{" },
	{ "\"kill\"}}", "\"kill\"}" },
	{ "\"kill\"}}", "\"kill\"}} {}" },
};

static void put_record(const char *metadata)
{
	static const char id[] = "aaaaaaaaaaaaaaaaaaaa";
	cr_assert_eq(mkdir(in_scratch("state/sandboxes/%s", id), 0700), 0);
	put_text(in_scratch("state/sandboxes/%s/sandbox.json", id), metadata);
}

static void replace(const char *from, const char *to, char *out, size_t size)
{
	const char *at = strstr(good, from);
	cr_assert_not_null(at, "%s", from);
	snprintf(out, size, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
}

Test(reattach, the_good_record_is_good)
{
	struct host host = open_server(false, 8);
	state_close(state_open(in_scratch("state"), &err));
	put_record(good);
	vm_pool_reattach(host.pool, NULL, NULL);
	struct vm *vm = vm_at(host.pool, "alice", 0);
	cr_assert_not_null(vm);
	struct waited waited = host_wait(&host, vm);
	cr_expect_neq(waited.err.kind, ERR_NONE, "it has no saved machine");
	cr_expect(strstr(waited.err.text, "remains paused"), "%s", waited.err.text);
	host_done(&host);
	cr_assert_eq(on_disk(), 1, "it is to be kept");
}

Test(reattach, bad_records_are_cleaned_up)
{
	struct host host = open_server(false, 8);
	state_close(state_open(in_scratch("state"), &err));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char metadata[2000];
		replace(wrong[i].from, wrong[i].to, metadata, sizeof(metadata));
		put_record(metadata);
		vm_pool_reattach(host.pool, NULL, NULL);
		cr_expect_null(vm_at(host.pool, "alice", 0), "%s", metadata);
		cr_assert_eq(on_disk(), 0, "%s", metadata);
	}
	host_done(&host);
}

Test(reattach, things_that_are_no_sandboxes_are_left_alone)
{
	struct host host = open_server(false, 8);
	state_close(state_open(in_scratch("state"), &err));
	cr_assert_eq(mkdir(in_scratch("state/sandboxes/notes"), 0700), 0);
	cr_assert_eq(mkdir(in_scratch("outside"), 0700), 0);
	put_text(in_scratch("outside/sandbox.json"), good);
	cr_assert_eq(
		symlink(in_scratch("outside"), in_scratch("state/sandboxes/aaaaaaaaaaaaaaaaaaaa")),
		0);
	vm_pool_reattach(host.pool, NULL, NULL);
	cr_assert_null(vm_at(host.pool, "alice", 0));
	cr_assert_eq(access(in_scratch("state/sandboxes/notes"), F_OK), 0);
	cr_assert_eq(access(in_scratch("outside/sandbox.json"), F_OK), 0);
	host_done(&host);
}

/* ---- processes ---- */

static pid_t start_sleeper(void)
{
	static const char *const argv[] = { "sleep", "600", NULL };
	pid_t pid = spawn_start(&(struct spawn){ .argv = argv, .die_with_us = true }, &err);
	cr_assert_gt(pid, 0, "%s", err.text);
	return pid;
}

/* Changes one member of the note. */
static void change_note(const char *dir, const char *name, json_t *value)
{
	json_t *note = state_read_json(dir, "process.json", &err);
	json_object_set_new(note, name, value);
	cr_assert(state_write_json(dir, "process.json", note, &err), "%s", err.text);
	json_decref(note);
}

Test(reattach, only_the_very_process_is_known_again)
{
	pid_t pid = start_sleeper(), found = 0;
	const char *dir = scratch;
	cr_assert_lt(process_find(dir, NULL), 0, "nothing is noted");
	cr_assert(process_note(dir, pid, &err), "%s", err.text);
	int pidfd = process_find(dir, &found);
	cr_assert(pidfd >= 0 && found == pid);
	close(pidfd);
	json_t *note = state_read_json(dir, "process.json", &err);
	json_int_t start = json_integer_value(json_object_get(note, "start"));
	json_decref(note);
	change_note(dir, "start", json_integer(start + 1));
	cr_assert_not(process_kill(dir), "it began at another time");
	change_note(dir, "start", json_integer(start));
	change_note(dir, "boot", json_string("another"));
	cr_assert_not(process_kill(dir));
	cr_assert(process_note(dir, pid, &err));
	change_note(dir, "pid", json_integer(1));
	cr_assert_not(process_kill(dir));
	change_note(dir, "pid", json_integer(-1));
	cr_assert_not(process_kill(dir), "nor are all of them");
	cr_assert_eq(waitpid(pid, NULL, WNOHANG), 0, "it lives");
	cr_assert(process_note(dir, pid, &err));
	cr_assert(process_kill(dir));
	int status;
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	cr_assert_not(process_kill(dir));
}

Test(reattach, the_machine_of_an_unreadable_one_ends)
{
	pid_t pid = start_sleeper();
	struct host host = open_server(false, 8);
	state_close(state_open(in_scratch("state"), &err));
	put_record("{}");
	cr_assert(process_note(in_scratch("state/sandboxes/aaaaaaaaaaaaaaaaaaaa"), pid, &err));
	vm_pool_reattach(host.pool, NULL, NULL);
	int status;
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	cr_assert_eq(on_disk(), 0);
	host_done(&host);
}

Test(reattach, processes_that_nobody_noted_are_found_by_name)
{
	char name[40];
	int status;
	snprintf(name, sizeof(name), "vitrine-test-%d", getpid());
	const char *const argv[] = { "sh", "-c", "kill -STOP $$", "-name", name, NULL };
	pid_t pid = spawn_start(&(struct spawn){ .argv = argv, .die_with_us = true }, &err);
	cr_assert_gt(pid, 0, "%s", err.text);
	name[strlen(name) - 1] ^= 1;
	cr_expect_not(process_kill_named(name), "it has another name");
	name[strlen(name) - 1] ^= 1;
	cr_expect(process_kill_named(name));
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	cr_expect_not(process_kill_named(name));
}

/* ---- machines that are kept elsewhere ---- */

static struct {
	char known[ID_LEN + 1], unknown[ID_LEN + 1], reaped[ID_LEN + 1];
	int n_reaped;
} elsewhere;

static void list_elsewhere(struct vm_pool *pool, void (*fn)(const char *id, void *data), void *data)
{
	(void)pool;
	fn(elsewhere.known, data);
	fn(elsewhere.unknown, data);
}

static bool reap_elsewhere(const char *dir, const char *id)
{
	cr_expect(strstr(dir, id), "%s", dir);
	snprintf(elsewhere.reaped, sizeof(elsewhere.reaped), "%s", id);
	elsewhere.n_reaped++;
	return true;
}

Test(reattach, one_that_no_directory_tells_of_ends)
{
	const struct vm_backend far = {
		.name = "far", .list = list_elsewhere, .reap = reap_elsewhere
	};
	const struct vm_backend *backends[] = { &vm_backend_fake, &far, NULL };
	struct host a = open_server(true, 8);
	snprintf(elsewhere.known, ID_LEN + 1, "%s", vm_id(create(&a, "alice", NULL)));
	host_done(&a);
	id_make(elsewhere.unknown);

	struct host b = open_server(false, 8);
	struct vm_pool *pool = vm_pool_new(b.event, &b.config, backends);
	vm_pool_reattach(pool, NULL, NULL);
	cr_expect_eq(elsewhere.n_reaped, 1);
	cr_expect_str_eq(elsewhere.reaped, elsewhere.unknown);
	cr_expect_not_null(vm_find(pool, "alice", elsewhere.known, &err), "%s", err.text);
	vm_pool_free(pool);
	host_done(&b);
}
