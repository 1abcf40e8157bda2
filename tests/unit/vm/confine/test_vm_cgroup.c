// USES vm
/* The files of control groups, on a directory that looks like one.  What the kernel makes of them
 * is not tested here. */

#include "vm/confine/cgroup.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static char dir[] = "/tmp/vitrine-cgroup-XXXXXX";

static void put(const char *name, const char *text)
{
	char path[300];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "we");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

static const char *get(const char *name)
{
	static char text[300];
	char path[300];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0, "%s", path);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void make_dir(void)
{
	cr_assert_not_null(mkdtemp(dir));
	put("cgroup.controllers", "cpuset cpu io memory hugetlb pids\n");
	put("cgroup.subtree_control", "");
	put("cgroup.procs", "");
}

static void remove_dir(void)
{
	char command[300];
	snprintf(command, sizeof(command), "%s", dir);
	cr_assert_eq(strncmp(command, "/tmp/vitrine-cgroup-", 20), 0);
	static const char *const files[] = { "cgroup.controllers", "cgroup.subtree_control",
		"cgroup.procs", "vitrine-server" };
	for (size_t i = 0; i < 4; i++) {
		char path[300];
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		if (unlink(path) < 0) {
			rmdir(path);
		}
	}
	cr_assert_eq(rmdir(dir), 0, "something was left in %s", dir);
}

TestSuite(cgroup, .init = make_dir, .fini = remove_dir);

/* Without user.* attributes in /tmp nothing here could be marked. */
Test(cgroup, only_a_mark_makes_it_delegated)
{
	cr_assert(!cgroup_is_delegated(dir));
	if (setxattr(dir, "user.delegate", "0", 1, 0) < 0) {
		cr_skip_test("no user attributes in /tmp");
	}
	cr_assert(!cgroup_is_delegated(dir));
	cr_assert_eq(setxattr(dir, "user.delegate", "10", 2, 0), 0);
	cr_assert(!cgroup_is_delegated(dir));
	cr_assert_eq(setxattr(dir, "user.delegate", "1", 1, 0), 0);
	cr_assert(cgroup_is_delegated(dir));
	cr_assert(!cgroup_is_delegated("/nowhere"));
}

Test(cgroup, turns_the_controllers_on)
{
	struct err err;
	put("cgroup.controllers", "memory pids\n");
	cr_assert(cgroup_prepare(dir, &err), "%s", err.text);
	cr_assert_str_eq(get("cgroup.subtree_control"), "+memory +pids");
}

/* A group that holds a process takes cpu alone, and its children then can hold none. */
Test(cgroup, turns_processors_on_after_memory)
{
	struct err err;
	cr_assert(cgroup_prepare(dir, &err), "%s", err.text);
	/* A file keeps what is longer of the first text. */
	cr_assert_str_eq(get("cgroup.subtree_control"), "+cpuory +pids");
}

Test(cgroup, leaves_alone_what_is_on)
{
	struct err err;
	put("cgroup.subtree_control", "cpu memory pids\n");
	cr_assert(cgroup_prepare(dir, &err), "%s", err.text);
	cr_assert_str_eq(get("cgroup.subtree_control"), "cpu memory pids\n");
}

Test(cgroup, shares_processors_where_that_can_be)
{
	struct err err;
	put("cgroup.subtree_control", "     memory pids\n"); /* with room for what is written */
	cr_assert(!cgroup_shares_cpu(dir));
	cr_assert(cgroup_prepare(dir, &err), "%s", err.text);
	cr_assert_str_eq(get("cgroup.subtree_control"), "+cpu memory pids\n");
	put("cgroup.subtree_control", "cpu memory pids\n");
	cr_assert(cgroup_shares_cpu(dir));
	cr_assert(!cgroup_shares_cpu("/nowhere"));
}

Test(cgroup, a_leaf_has_all_limits)
{
	static const char *const files[] = { "memory.max", "memory.swap.max", "pids.max",
		"cpu.max" };
	static const char *const want[] = { "3145728", "0", "7", "200000 100000" };
	struct err err;
	struct vm_limits limits = { .memory_mib = 3, .processes = 7, .cpus = 2 };
	char leaf[100], path[300];
	snprintf(leaf, sizeof(leaf), "%s/aaaaaaaaaaaaaaaaaaaa", dir);
	cr_assert_eq(mkdir(leaf, 0755), 0);
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "aaaaaaaaaaaaaaaaaaaa/%s", files[i]);
		put(path, "");
	}
	int fd = cgroup_make(dir, "aaaaaaaaaaaaaaaaaaaa", &limits, &err);
	cr_assert_geq(fd, 0, "%s", err.text);
	close(fd);
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "aaaaaaaaaaaaaaaaaaaa/%s", files[i]);
		cr_expect_str_eq(get(path), want[i], "%s: %s", files[i], get(path));
		snprintf(path, sizeof(path), "%s/%s", leaf, files[i]);
		unlink(path);
	}
	cr_assert_eq(rmdir(leaf), 0);
}

Test(cgroup, says_which_controllers_are_missing)
{
	struct err err;
	put("cgroup.controllers", "cpu io mymemory pids\n");
	cr_assert(!cgroup_prepare(dir, &err));
	cr_assert_not_null(strstr(err.text, "no memory and pids controllers"), "%s", err.text);
	cr_assert_not_null(strstr(err.text, dir));
}

Test(cgroup, undoes_what_it_did_where_it_may_not)
{
	struct err err;
	char path[300];
	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", dir);
	cr_assert_eq(unlink(path), 0);
	cr_assert(!cgroup_prepare(dir, &err));
	cr_assert_not_null(strstr(err.text, "not delegated"), "%s", err.text);
	snprintf(path, sizeof(path), "%s/vitrine-server", dir);
	cr_assert_eq(access(path, F_OK), -1, "the server's leaf stayed behind");
}

Test(cgroup, an_unfinished_leaf_is_removed)
{
	struct err err;
	struct vm_limits limits = { .memory_mib = 1, .processes = 2 };
	/* A directory that is no control group has no memory.max in it. */
	cr_assert_eq(cgroup_make(dir, "aaaaaaaaaaaaaaaaaaaa", &limits, &err), -1);
	cr_assert_not_null(strstr(err.text, "limits"), "%s", err.text);
}

Test(cgroup, removes_those_of_sandboxes_only)
{
	char path[300];
	static const char *const names[] = { "aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb",
		"other" };
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		cr_assert_eq(mkdir(path, 0755), 0);
	}
	cgroup_remove(dir, names[0]);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		cr_assert_eq(access(path, F_OK), i == 2 ? 0 : -1, "%s", path);
	}
	cr_assert_eq(rmdir(path), 0);
}
