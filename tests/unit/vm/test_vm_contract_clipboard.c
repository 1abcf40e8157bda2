// USES vm
/*
 * A copy outlives its program, on each backend with a real desktop.  Where the tests run as root,
 * an ordinary user's desktop in namespaces is tried as well.
 */

#include "tests/support/contract.h"

#include <grp.h>

#define ORDINARY 70001 /* a user id that nobody has */

/* xterm selects what it shows into the clipboard, and pastes from there. */
#define XTERM "exec xterm -xrm 'XTerm*selectToClipboard: true' -e sh -c "

static void write_script(struct bench *b, const char *path, const char *what)
{
	char command[500];
	snprintf(command, sizeof(command), "cat > %s <<'END'\n#!/bin/sh\n%s\nEND\nchmod +x %s",
		path, what, path);
	struct answer *a = host_exec(&b->host, b->vm, command, 60000);
	cr_assert_eq(a->exec.status, 0, "%s%s", a->err.text, a->errors);
	answer_free(a);
}

static struct guest_launch launch(struct bench *b, const char *path)
{
	struct answer *a = answer_new();
	guest_launch(vm_guest(b->vm), path, NULL, 60000, on_launch, a);
	host_until(&b->host, &a->done);
	cr_assert(a->launch.has_window, "%s", a->err.text);
	struct guest_launch launched = a->launch;
	answer_free(a);
	return launched;
}

/* Until the screen is quiet. */
static void act(struct bench *b, struct action action)
{
	struct observe observe;
	struct answer *a = answer_new();
	observe_init(&observe, OBSERVE_SETTLED);
	observe.quiet_ms = 500;
	guest_act(vm_guest(b->vm), &action, 1, &observe, on_act, a);
	host_until(&b->host, &a->done);
	cr_assert_eq(a->act.done, 1, "%s%s", a->err.text, a->act.failed.text);
	answer_free(a);
}

static void a_copy_outlives_its_program(struct bench *b)
{
	char end[200];
	write_script(b, "/tmp/copy", XTERM "'echo kept; exec sleep 1000'");
	write_script(b, "/tmp/paste", XTERM "'head -n 1 > /tmp/new; mv /tmp/new /tmp/typed'");
	struct guest_launch copier = launch(b, "/tmp/copy");
	act(b, waiting(1));
	struct action triple = clicking((int)copier.window.x + 15, (int)copier.window.y + 10);
	triple.count = 3;
	act(b, triple);
	snprintf(end, sizeof(end), "kill %lld; while kill -0 %lld 2>&-; do sleep 0.05; done",
		(long long)copier.pid, (long long)copier.pid);
	answer_free(host_exec(&b->host, b->vm, end, 60000));
	launch(b, "/tmp/paste");
	act(b, (struct action){ .kind = ACTION_KEY, .text = "shift+Insert", .repeat = 1 });
	act(b, (struct action){ .kind = ACTION_KEY, .text = "Return", .repeat = 1 });
	struct answer *a = host_exec(&b->host, b->vm, b->dialect->read_back, 60000);
	cr_expect_str_eq(a->out, "kept\n");
	answer_free(a);
}

ParameterizedTestParameters(clipboard, contract)
{
	return all_of_them(1);
}

ParameterizedTest(struct one *one, clipboard, contract, .init = contract_init,
	.fini = scratch_remove, .timeout = 600)
{
	if (strcmp(dialects[one->dialect].backend, "fake") == 0) {
		cr_skip_test("the fake desktop has no clipboard");
	}
	run_contract("a_copy_outlives_its_program", a_copy_outlives_its_program, one->dialect,
		(struct vm_config){ .max_sandboxes = 2 });
}

/* Criterion runs each test in a process of its own, so nothing has to be taken back. */
static void become_ordinary(void)
{
	cr_assert_eq(chown(scratch, ORDINARY, ORDINARY), 0);
	cr_assert_eq(setgroups(0, NULL), 0);
	cr_assert_eq(setresgid(ORDINARY, ORDINARY, ORDINARY), 0);
	cr_assert_eq(setresuid(ORDINARY, ORDINARY, ORDINARY), 0);
	prctl(PR_SET_DUMPABLE, 1);
	unsetenv("XDG_RUNTIME_DIR");
	setenv("HOME", scratch, 1);
}

Test(clipboard, of_an_ordinary_user, .init = scratch_make, .fini = scratch_remove, .timeout = 600)
{
	if (geteuid() != 0) {
		cr_skip_test("the other tests run as an ordinary user already");
	}
	become_ordinary();
	if (access(contract_agent(false), X_OK) < 0) {
		cr_skip_test("another user cannot read the build's directory");
	}
	for (size_t i = 0; i < N_DIALECTS; i++) {
		if (strcmp(dialects[i].backend, "namespace") == 0) {
			run_contract("of_an_ordinary_user", a_copy_outlives_its_program, i,
				(struct vm_config){ .max_sandboxes = 2 });
		}
	}
}
