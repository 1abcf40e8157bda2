// USES vm
/* Errors for clients: the same sentence, without where this host keeps its files. */

#include "tests/support/scratch.h"
#include "tests/support/vm_host.h"

#include <string.h>

TestSuite(vm_hide, .init = scratch_make, .fini = scratch_remove, .timeout = 60);

static struct host host;

static void begin(const char *state_dir, const char *agent)
{
	host_init(&host, (struct vm_config){ .backend = "fake",
				 .state_dir = state_dir,
				 .agent = agent,
				 .max_sandboxes = 2 });
}

static void expect(const char *from, const char *to)
{
	struct err err;
	err_set(&err, ERR_HOST, "%s", from);
	err.sys = 13;
	vm_hide_paths(host.pool, &err);
	cr_expect_str_eq(err.text, to);
	cr_expect_eq(err.kind, ERR_HOST);
	cr_expect_eq(err.sys, 13);
}

Test(vm_hide, paths_of_the_host_get_other_words)
{
	begin("/srv/v/state", "/opt/x/the-agent");
	expect("cannot open '/srv/v/state/images/ab': Permission denied",
		"cannot open 'the state directory/images/ab': Permission denied");
	expect("cannot rename /srv/v/state/a to /srv/v/state/b",
		"cannot rename the state directory/a to the state directory/b");
	expect("/srv/v/state", "the state directory");
	expect("cannot create the state directory /srv/v/state: Not a directory",
		"cannot create the state directory: Not a directory");
	expect("cannot open the agent '/opt/x/the-agent': No such file or directory",
		"cannot open the agent 'the agent's program': No such file or directory");
	expect("cannot open the control group /sys/fs/cgroup/a.slice/b",
		"cannot open the control group the cgroups/a.slice/b");
	host_done(&host);
}

Test(vm_hide, all_else_stays_as_it_is)
{
	begin("/srv/v/state", NULL);
	expect("there is no directory /srv/v/states", "there is no directory /srv/v/states");
	expect("cannot open /home/user/a b", "cannot open /home/user/a b");
	expect("", "");
	vm_hide_paths(NULL, &(struct err){ .text = "/srv/v/state" });
	host_done(&host);
}

Test(vm_hide, why_a_sandbox_ended_is_told_without_them)
{
	struct err err;
	char why[600];
	begin(in_scratch("state"), NULL);
	struct vm *vm = vm_create(host.pool, "alice", NULL, &err);
	cr_assert_not_null(vm, "%s", err.text);
	cr_assert_eq(host_wait(&host, vm).err.kind, ERR_NONE);
	snprintf(why, sizeof(why), "the disk of %s/sandboxes hangs", in_scratch("state"));
	vm_stop(vm, why);
	cr_assert_null(vm_find(host.pool, "alice", vm_id(vm), &err));
	cr_expect(strstr(err.text, "the disk of the state directory/sandboxes hangs"), "%s",
		err.text);
	host_done(&host);
}
