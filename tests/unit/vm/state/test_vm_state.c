// USES vm
/* The state directory: names, making and removing, the trash, and whatever somebody else put there. */

#include "tests/support/scratch.h"
#include "tests/support/state_dir.h"
#include "vm/state/state.h"
#include "vm/state/trash.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

TestSuite(state, .init = scratch_make, .fini = scratch_remove);

static struct err err;

static bool says(const char *words)
{
	return strstr(err.text, words) != NULL;
}

/* ---- names ---- */

Test(state, takes_only_names_that_stay_in_their_place)
{
	char longest[122];
	memset(longest, 'a', sizeof(longest));
	longest[121] = '\0';
	static const char *const bad[] = { "", ".", "..", ".hidden", "a/b", "../x", "/etc", "a b",
		"a\nb", "\xc3\xa9", "a\\b" };
	static const char *const good[] = { "a", "0123456789abcdef", "tcg-7.2+x_1.0", "-" };
	struct state *state = state_dir_open();
	char *path = NULL;
	cr_assert_not(state_name_is_valid(NULL));
	cr_assert_not(state_name_is_valid(longest));
	cr_assert(state_name_is_valid(longest + 1));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cr_expect_not(state_name_is_valid(bad[i]), "%s", bad[i]);
		cr_expect_lt(state_begin(state, STATE_IMAGES, bad[i], &path, &err), 0);
		cr_expect_eq(err.kind, ERR_ARGUMENT);
		cr_expect_not(state_has(state, STATE_IMAGES, bad[i]));
		cr_expect_lt(state_lock(state, STATE_IMAGES, bad[i]), 0);
		state_remove(state, STATE_IMAGES, bad[i]);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		cr_expect(state_name_is_valid(good[i]), "%s", good[i]);
	}
	state_close(state);
}

Test(state, default_directory)
{
	char *dir;
	setenv("STATE_DIRECTORY", "/var/lib/vitrine-a:/var/lib/b", 1);
	cr_assert_str_eq(dir = state_default_dir(&err), "/var/lib/vitrine-a");
	free(dir);
	setenv("STATE_DIRECTORY", "/var/lib/another", 1); /* inherited from another's unit */
	setenv("XDG_STATE_HOME", "/nowhere/state", 1);
	dir = state_default_dir(&err);
	cr_assert_str_eq(dir, geteuid() == 0 ? "/var/lib/vitrine" : "/nowhere/state/vitrine");
	free(dir);
}

/* ---- making and removing ---- */

Test(state, appears_whole_and_once)
{
	struct state *state = state_dir_open();
	char *path = NULL, *other = NULL;
	int lock = state_begin(state, STATE_TEMPLATES, "key", &path, &err);
	cr_assert_geq(lock, 0, "%s", err.text);
	cr_assert_eq(access(path, F_OK), 0);
	cr_assert_not(state_has(state, STATE_TEMPLATES, "key"));
	cr_assert_lt(state_begin(state, STATE_TEMPLATES, "key", &other, &err), 0);
	cr_assert_eq(err.kind, ERR_STATE);
	cr_assert(says("another process is creating templates/key"), "%s", err.text);
	cr_assert(state_commit(state, STATE_TEMPLATES, "key", &err), "%s", err.text);
	cr_assert(state_has(state, STATE_TEMPLATES, "key"));
	cr_assert_lt(state_lock(state, STATE_TEMPLATES, "key"), 0, "its maker has it still");
	close(lock);
	lock = state_lock(state, STATE_TEMPLATES, "key");
	cr_assert_geq(lock, 0);
	close(lock);
	cr_assert_lt(state_begin(state, STATE_TEMPLATES, "key", &other, &err), 0);
	cr_assert(err.kind == ERR_STATE && says("already exists"), "%s", err.text);
	state_remove(state, STATE_TEMPLATES, "key");
	cr_assert_not(state_has(state, STATE_TEMPLATES, "key"));
	cr_assert_eq(state_dir_count(in_scratch("state/templates")), 0);
	state_close(state);
	free(path);
	state_dir_wait_for_empty_trash();
}

Test(state, gives_up_what_was_begun)
{
	struct state *state = state_dir_open();
	char *path = NULL;
	int lock = state_begin(state, STATE_SNAPSHOTS, "one", &path, &err);
	state_remove(state, STATE_SNAPSHOTS, "one");
	cr_assert_eq(access(path, F_OK), -1);
	cr_assert_not(state_commit(state, STATE_SNAPSHOTS, "one", &err));
	close(lock);
	free(path);
	state_dir_make(state, STATE_SNAPSHOTS, "one");
	state_close(state);
}

Test(state, readers_share_and_keep_collectors_away)
{
	struct state *state = state_dir_open();
	state_dir_make(state, STATE_TEMPLATES, "key");
	int a = state_use(state, STATE_TEMPLATES, "key");
	int b = state_use(state, STATE_TEMPLATES, "key");
	cr_assert(a >= 0 && b >= 0);
	cr_assert_lt(state_lock(state, STATE_TEMPLATES, "key"), 0);
	close(a);
	cr_assert_lt(state_lock(state, STATE_TEMPLATES, "key"), 0);
	close(b);
	a = state_lock(state, STATE_TEMPLATES, "key");
	cr_assert_geq(a, 0);
	cr_assert_lt(state_use(state, STATE_TEMPLATES, "key"), 0);
	close(a);
	cr_assert_lt(state_use(state, STATE_TEMPLATES, "none"), 0);
	state_close(state);
}

static void remove_it(const char *name, const char *path, void *data)
{
	(void)path;
	state_remove(data, STATE_IMAGES, name);
}

Test(state, each_may_remove)
{
	struct state *state = state_dir_open();
	for (int i = 0; i < 20; i++) {
		char name[10];
		snprintf(name, sizeof(name), "i%d", i);
		state_dir_make(state, STATE_IMAGES, name);
	}
	state_each(state, STATE_IMAGES, remove_it, state);
	cr_assert_eq(state_dir_count(in_scratch("state/images")), 0);
	state_close(state);
	state_dir_wait_for_empty_trash();
}

Test(state, the_disk_space_is_counted_without_links)
{
	char bytes[8192] = "x";
	struct state *state = state_dir_open();
	state_dir_make(state, STATE_IMAGES, "a");
	int64_t empty = state_bytes(in_scratch("state/images/a"));
	put_file(in_scratch("state/images/a/file"), bytes, sizeof(bytes));
	cr_assert_eq(symlink("/usr", in_scratch("state/images/a/link")), 0);
	int64_t more = state_bytes(in_scratch("state/images/a")) - empty;
	cr_assert(more >= 8192 && more < 100000, "%lld", (long long)more);
	cr_assert(state_sync(in_scratch("state/images/a"), &err), "%s", err.text);
	cr_assert_not(state_sync(in_scratch("state/images/b"), &err));
	state_close(state);
}

/* ---- what others put there ---- */

Test(state, follows_no_links)
{
	struct state *state = state_dir_open();
	cr_assert_eq(mkdir(in_scratch("outside"), 0700), 0);
	put_text(in_scratch("outside/file"), "{\"kept\": true}");
	cr_assert_eq(symlink("../../outside", in_scratch("state/sandboxes/link")), 0);
	cr_assert_not(state_has(state, STATE_SANDBOXES, "link"));
	cr_assert_lt(state_lock(state, STATE_SANDBOXES, "link"), 0);
	cr_assert_null(state_read_json(in_scratch("state/sandboxes/link"), "file", &err));

	state_dir_make(state, STATE_SANDBOXES, "box");
	cr_assert_eq(symlink("../../../outside/file", in_scratch("state/sandboxes/box/a.json")), 0);
	cr_assert_eq(
		symlink("../../../outside/file", in_scratch("state/sandboxes/box/.a.json")), 0);
	cr_assert_null(state_read_json(in_scratch("state/sandboxes/box"), "a.json", &err));
	json_t *json = json_pack("{s:b}", "new", 1);
	cr_assert(state_write_json(in_scratch("state/sandboxes/box"), "a.json", json, &err));
	json_decref(json);
	json = state_read_json(in_scratch("outside"), "file", &err);
	cr_assert_not_null(json_object_get(json, "kept"), "it was written through a link");
	json_decref(json);

	cr_assert_eq(symlink("/", in_scratch("state/sandboxes/box/root")), 0);
	cr_assert_eq(symlink("../../../outside", in_scratch("state/sandboxes/box/out")), 0);
	state_remove(state, STATE_SANDBOXES, "box");
	state_remove(state, STATE_SANDBOXES, "link");
	state_close(state);
	state_dir_wait_for_empty_trash();
	cr_assert_eq(access(in_scratch("outside/file"), F_OK), 0);
}

Test(state, refuses_a_directory_that_is_not_its_own)
{
	state_close(state_dir_open());
	cr_assert_eq(chmod(in_scratch("state"), 0777), 0);
	cr_assert_null(state_open(in_scratch("state"), &err));
	cr_assert(says("can write") && says("chmod 700"), "%s", err.text);
	cr_assert_eq(chmod(in_scratch("state"), 0700), 0);
	cr_assert_eq(rmdir(in_scratch("state/snapshots")), 0);
	cr_assert_eq(mkdir(in_scratch("outside"), 0700), 0);
	cr_assert_eq(symlink("../outside", in_scratch("state/snapshots")), 0);
	cr_assert_null(state_open(in_scratch("state"), &err));
	cr_assert(says("state/snapshots"), "%s", err.text);
	put_text(in_scratch("file"), "");
	cr_assert_null(state_open(in_scratch("file"), &err));
	cr_assert_null(state_open(in_scratch("file/below"), &err));
	cr_assert_null(state_open("/proc/none/of/it", &err));
	cr_assert(says("/proc/none/of/it"), "%s", err.text);
	if (geteuid() == 0) {
		cr_assert_eq(chown(in_scratch("outside"), 1, 1), 0);
		cr_assert_null(state_open(in_scratch("outside"), &err));
		cr_assert(says("belongs to user 1") && says("--state-dir"), "%s", err.text);
	}
}

Test(state, reads_only_small_strict_ordinary_json)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{ "", "not JSON" },
		{ "{", "not JSON" },
		{ "{\"a\": 1, \"a\": 2}", "duplicate" },
		{ "{\"a\": 1} x", "not JSON" },
		{ "\x00", "not JSON" },
		{ "{\"a\": \"\xff\"}", "not JSON" },
	};
	cr_assert_eq(mkdir(in_scratch("d"), 0700), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		put_text(in_scratch("d/a.json"), bad[i].text);
		cr_expect_null(state_read_json(in_scratch("d"), "a.json", &err));
		cr_expect(says(bad[i].words) && says("a.json"), "%s", err.text);
	}
	char *deep = malloc(60000);
	memset(deep, '[', 60000);
	put_file(in_scratch("d/a.json"), deep, 60000);
	cr_expect_null(state_read_json(in_scratch("d"), "a.json", &err));
	free(deep);
	cr_assert_eq(truncate(in_scratch("d/a.json"), INT64_C(1) << 40), 0);
	cr_expect_null(state_read_json(in_scratch("d"), "a.json", &err));
	cr_expect_eq(err.kind, ERR_LIMIT, "%s", err.text);
	cr_assert_eq(unlink(in_scratch("d/a.json")), 0);
	cr_expect_null(state_read_json(in_scratch("d"), "a.json", &err));
	cr_expect_eq(err.kind, ERR_NOT_FOUND, "%s", err.text);
	cr_assert_eq(mkfifo(in_scratch("d/a.json"), 0600), 0);
	cr_expect_null(state_read_json(in_scratch("d"), "a.json", &err), "nor does it wait");
	cr_expect(says("not a regular file"), "%s", err.text);
	cr_assert_eq(unlink(in_scratch("d/a.json")), 0);
	cr_assert_eq(mkdir(in_scratch("d/a.json"), 0700), 0);
	cr_expect_null(state_read_json(in_scratch("d"), "a.json", &err));
	json_t *json = json_pack("{s:i}", "a", 1);
	cr_expect_not(state_write_json(in_scratch("d"), "a.json", json, &err));
	json_decref(json);
	cr_expect_eq(state_dir_count(in_scratch("d")), 1, "nothing half-written stays");
}

static void count_one(const char *name, const char *path, void *data)
{
	(void)name;
	(void)path;
	++*(size_t *)data;
}

Test(state, foreign_files_are_left_alone)
{
	struct state *state = state_dir_open();
	size_t n = 0;
	put_text(in_scratch("state/README"), "mine");
	put_text(in_scratch("state/snapshots/notes.txt"), "mine");
	cr_assert_eq(mkdir(in_scratch("state/snapshots/with blank"), 0700), 0);
	state_each(state, STATE_SNAPSHOTS, count_one, &n);
	cr_assert_eq(n, 0);
	state_close(state);
	state_close(state_dir_open());
	cr_assert_eq(access(in_scratch("state/README"), F_OK), 0);
	cr_assert_eq(access(in_scratch("state/snapshots/notes.txt"), F_OK), 0);
	cr_assert_eq(access(in_scratch("state/snapshots/with blank"), F_OK), 0);
}

/* ---- the trash ---- */

Test(state, large_and_deep_trees_go_in_the_background)
{
	struct state *state = state_dir_open();
	char *path = NULL;
	int lock = state_begin(state, STATE_IMAGES, "tree", &path, &err);
	for (int i = 0; i < 2000; i++) {
		char full[700];
		snprintf(full, sizeof(full), "%s/f%d", path, i);
		put_text(full, "x");
	}
	int at = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 300; i++) {
		cr_assert_eq(mkdirat(at, "d", i % 3 ? 0700 : 0500), 0);
		if (i % 3 == 0) {
			cr_assert_eq(fchmodat(at, "d", 0700, 0), 0);
		}
		int next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = next;
	}
	close(at);
	cr_assert_eq(mkdir(in_scratch("state/images/.tree/closed"), 0700), 0);
	put_text(in_scratch("state/images/.tree/closed/file"), "x");
	cr_assert_eq(chmod(in_scratch("state/images/.tree/closed"), 0), 0);
	state_remove(state, STATE_IMAGES, "tree");
	cr_assert_eq(access(path, F_OK), -1, "gone from its place at once");
	close(lock);
	free(path);
	state_close(state);
	state_dir_wait_for_empty_trash();
}

Test(state, removes_a_part)
{
	struct state *state = state_dir_open();
	state_dir_make(state, STATE_SANDBOXES, "box");
	cr_assert_eq(mkdir(in_scratch("state/sandboxes/box/saved"), 0700), 0);
	put_text(in_scratch("state/sandboxes/box/saved/pages"), "x");
	state_remove_in(state, STATE_SANDBOXES, "box", "../box");
	state_remove_in(state, STATE_SANDBOXES, "box", "saved");
	cr_assert_eq(state_dir_count(in_scratch("state/sandboxes/box")), 0);
	state_close(state);
	state_dir_wait_for_empty_trash();
}

/* ---- no room ---- */

static void write_until_full(void)
{
	json_t *json = json_pack("{s:o}", "pad", json_array());
	for (int i = 0; i < 3000; i++) {
		json_array_append_new(json_object_get(json, "pad"), json_integer(i));
	}
	bool written = state_write_json(in_scratch("d"), "a.json", json, &err);
	json_decref(json);
	if (written) {
		_exit(10);
	}
}

static int run_child(void (*fn)(void))
{
	int status = -1;
	pid_t pid = fork_child();
	if (pid == 0) {
		fn();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void with_a_limit_on_files(void)
{
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 5000, 5000 });
	write_until_full();
	_exit(says("ulimit -f") && state_dir_count(in_scratch("d")) == 1 ? 0 : 11);
}

static void with_a_full_disk(void)
{
	/* A file system of its own, which goes with the namespace. */
	if (unshare(CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0)) < 0 ||
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("none", in_scratch("d"), "tmpfs", 0, "size=8k,mode=700") < 0) {
		_exit(99);
	}
	put_text(in_scratch("d/a.json"), "{}");
	write_until_full();
	_exit(says("No space left") && says("--state-dir") && state_dir_count(in_scratch("d")) == 1
			? 0
			: 11);
}

Test(state, a_full_disk_says_so_and_leaves_nothing)
{
	cr_assert_eq(mkdir(in_scratch("d"), 0700), 0);
	put_text(in_scratch("d/a.json"), "{\"old\": 1}");
	cr_assert_eq(run_child(with_a_limit_on_files), 0);
	json_t *json = state_read_json(in_scratch("d"), "a.json", &err);
	cr_assert_not_null(json_object_get(json, "old"), "%s", err.text);
	json_decref(json);
	int status = run_child(with_a_full_disk);
	if (status == 99) {
		cr_skip_test("no mounts here");
	}
	cr_assert_eq(status, 0);
}

/* ---- sockets ---- */

Test(state, sockets_work_however_long_the_path_is)
{
	char path[400] = "d";
	cr_assert_eq(mkdir(in_scratch("%s", path), 0700), 0);
	for (int i = 0; i < 3; i++) {
		size_t len = strlen(path);
		snprintf(path + len, sizeof(path) - len, "/%0100d", i);
		cr_assert_eq(mkdir(in_scratch("%s", path), 0700), 0);
	}
	int dir = open(in_scratch("%s", path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct sockaddr_un address;
	state_socket_address(dir, "qmp", &address);
	int a = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int b = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(a, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(a, 1), 0);
	cr_assert_eq(connect(b, (struct sockaddr *)&address, sizeof(address)), 0);
	close(a);
	close(b);
	close(dir);
}
