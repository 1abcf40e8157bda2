// USES vm
/* The state directory when processes are killed in the middle of their work, or work at once: what has a name is whole. */

#include "tests/support/scratch.h"
#include "tests/support/state_dir.h"
#include "vm/state/trash.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

TestSuite(state_crash, .init = scratch_make, .fini = scratch_remove);

static struct err err;

/* ---- killed in the middle ---- */

/* Says "I begin round i" with a byte each, so that the parent can kill at any of them. */
static pid_t start_writer(void (*write_round)(int i), int *ret_from)
{
	int ends[2];
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork_child();
	if (pid == 0) {
		for (int i = 0; write(ends[1], "x", 1) == 1; i++) {
			write_round(i);
		}
		_exit(1);
	}
	close(ends[1]);
	*ret_from = ends[0];
	return pid;
}

/* The kill comes some instructions after the n-th round began: never at the same place. */
static void kill_in_round(pid_t pid, int from, int n, unsigned spin)
{
	char byte;
	for (int i = 0; i < n; i++) {
		cr_assert_eq(read(from, &byte, 1), 1);
	}
	for (volatile unsigned i = 0; i < spin; i++) {
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(from);
}

static void write_json_round(int i)
{
	json_t *json = json_pack("{s:i, s:o}", "round", i, "pad", json_array());
	for (int n = 0; n < 500; n++) {
		json_array_append_new(json_object_get(json, "pad"), json_integer(i));
	}
	if (!state_write_json(in_scratch("state/images/a"), "a.json", json, &err)) {
		_exit(2);
	}
	json_decref(json);
}

Test(state_crash, a_json_file_is_the_old_or_the_new_one)
{
	struct state *state = state_dir_open();
	state_dir_make(state, STATE_IMAGES, "a");
	write_json_round(-1);
	for (unsigned i = 0; i < 40; i++) {
		int from;
		pid_t pid = start_writer(write_json_round, &from);
		kill_in_round(pid, from, 1 + (int)i % 7, i * 2503);
		json_t *json = state_read_json(in_scratch("state/images/a"), "a.json", &err);
		cr_assert_not_null(json, "%s", err.text);
		json_t *pad = json_object_get(json, "pad");
		cr_assert_eq(json_array_size(pad), 500);
		cr_assert_eq(json_integer_value(json_array_get(pad, 499)),
			json_integer_value(json_object_get(json, "round")));
		json_decref(json);
	}
	/* One that was half-written may lie there; the next writer takes its place. */
	write_json_round(7);
	cr_assert_eq(state_dir_count(in_scratch("state/images/a")), 1);
	state_close(state);
}

static struct state *writers_state;

static void publish_round(int i)
{
	char name[20], file[20], bytes[3000];
	char *path = NULL;
	snprintf(name, sizeof(name), "t%d-%d", getpid(), i);
	memset(bytes, 'p', sizeof(bytes));
	int lock = state_begin(writers_state, STATE_TEMPLATES, name, &path, &err);
	for (int n = 0; lock >= 0 && n < 3; n++) {
		char full[700];
		snprintf(file, sizeof(file), "part%d", n);
		snprintf(full, sizeof(full), "%s/%s", path, file);
		put_file(full, bytes, sizeof(bytes));
	}
	if (lock < 0 || !state_commit(writers_state, STATE_TEMPLATES, name, &err)) {
		_exit(2);
	}
	close(lock);
	free(path);
}

static void is_whole(const char *name, const char *path, void *data)
{
	char full[700];
	(void)name;
	for (int n = 0; n < 3; n++) {
		struct stat st;
		snprintf(full, sizeof(full), "%s/part%d", path, n);
		cr_assert_eq(stat(full, &st), 0, "%s", full);
		cr_assert_eq(st.st_size, 3000, "%s", full);
	}
	++*(size_t *)data;
}

Test(state_crash, what_has_a_name_is_whole)
{
	size_t whole = 0;
	for (unsigned i = 0; i < 30; i++) {
		int from;
		writers_state = state_dir_open();
		pid_t pid = start_writer(publish_round, &from);
		kill_in_round(pid, from, 1 + (int)i % 5, i * 4001);
		state_close(writers_state);
		struct state *state = state_dir_open(); /* throws away what it was at */
		whole = 0;
		state_each(state, STATE_TEMPLATES, is_whole, &whole);
		cr_assert_eq(state_dir_count(in_scratch("state/templates")), whole);
		state_close(state);
	}
	cr_assert_gt(whole, 0);
	state_dir_wait_for_empty_trash();
}

Test(state_crash, a_lock_ends_with_its_process)
{
	struct state *state = state_dir_open();
	int ends[2];
	char byte;
	state_dir_make(state, STATE_SANDBOXES, "box");
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork_child();
	if (pid == 0) {
		int lock = state_lock(state, STATE_SANDBOXES, "box");
		(void)!write(ends[1], lock < 0 ? "n" : "y", 1);
		pause();
		_exit(0);
	}
	cr_assert_eq(read(ends[0], &byte, 1), 1);
	cr_assert_eq(byte, 'y');
	cr_assert_lt(state_lock(state, STATE_SANDBOXES, "box"), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	int lock = state_lock(state, STATE_SANDBOXES, "box");
	cr_assert_geq(lock, 0);
	close(lock);
	close(ends[0]);
	close(ends[1]);
	state_close(state);
}

/* ---- several at once ---- */

/* All begin the same while others open and sweep; who wins tells so and waits to be killed. */
static void compete(int go, int won)
{
	char byte;
	char *path = NULL;
	struct state *state = state_dir_open();
	if (read(go, &byte, 1) != 0) { /* the end of it, for all at once */
		_exit(3);
	}
	state_close(state_dir_open());
	int lock = state_begin(state, STATE_TEMPLATES, "one", &path, &err);
	(void)!write(won, lock >= 0 ? "w" : err.kind == ERR_STATE ? "l" : "e", 1);
	pause();
	_exit(0);
}

Test(state_crash, of_many_that_begin_one_wins)
{
	enum { RACERS = 6 };
	for (int round = 0; round < 5; round++) {
		int go[2], won[2], wins = 0;
		pid_t pids[RACERS];
		cr_assert(pipe2(go, O_CLOEXEC) == 0 && pipe2(won, O_CLOEXEC) == 0);
		for (int i = 0; i < RACERS; i++) {
			pids[i] = fork_child();
			if (pids[i] == 0) {
				close(go[1]);
				compete(go[0], won[1]);
			}
		}
		close(go[0]);
		close(go[1]);
		for (int i = 0; i < RACERS; i++) {
			char byte = '?';
			cr_assert_eq(read(won[0], &byte, 1), 1);
			cr_assert(byte == 'w' || byte == 'l', "%c", byte);
			wins += byte == 'w';
		}
		cr_assert_eq(wins, 1);
		for (int i = 0; i < RACERS; i++) {
			kill(pids[i], SIGKILL);
			waitpid(pids[i], NULL, 0);
		}
		close(won[0]);
		close(won[1]);
	}
	state_close(state_dir_open());
	cr_assert_eq(state_dir_count(in_scratch("state/templates")), 0);
}
