// USES base
/* The command line as people meet it: what goes where, what the exit status is, and what a slip is
 * told. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/spawn.h"
#include "tests/support/holds.h"
#include "tests/support/read_all.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ARGS_MAX 6

struct ended {
	struct buf out, err;
	int status;
};

/* Runs `vitrine words...`; what it prints must fit a pipe. */
static struct ended run(const char *const words[])
{
	char program[4096];
	const char *argv[ARGS_MAX + 2] = { program };
	for (int i = 0; i < ARGS_MAX && words[i]; i++) {
		argv[i + 1] = words[i];
	}
	snprintf(program, sizeof(program), "%s/vitrine", getenv("VITRINE_BUILD"));
	int out[2], err[2], status;
	cr_assert_eq(pipe2(out, O_CLOEXEC) | pipe2(err, O_CLOEXEC), 0);
	struct spawn_fd fds[] = { { out[1], 1 }, { err[1], 2 } };
	struct err why = { 0 };
	pid_t pid = spawn_start(
		&(struct spawn){ .argv = argv, .fds = fds, .n_fds = 2, .die_with_us = true }, &why);
	cr_assert_gt(pid, 0, "%s", why.text);
	close(out[1]);
	close(err[1]);
	struct ended ended = { 0 };
	read_all(out[0], &ended.out);
	read_all(err[0], &ended.err);
	close(out[0]);
	close(err[0]);
	waitpid(pid, &status, 0);
	ended.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return ended;
}
#define RUN(...) run((const char *const[ARGS_MAX]){ __VA_ARGS__ })

static void done(struct ended *ended)
{
	buf_done(&ended->out);
	buf_done(&ended->err);
}
#define auto_ended __attribute__((cleanup(done))) struct ended

/* A user's configuration file must not reach in here. */
static void setup(void)
{
	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
}

TestSuite(command, .init = setup);

Test(command, nothing_is_help_on_stderr_and_wrong)
{
	auto_ended e = RUN(NULL);
	cr_expect_eq(e.status, 2);
	cr_expect_eq(e.out.len, 0);
	cr_expect(strstr(buf_text(&e.err), "usage: vitrine COMMAND") != NULL);
}

Test(command, help_in_all_its_spellings_names_every_command)
{
	static const char *const spellings[] = { "help", "--help", "-h" };
	static const char *const names[] = { "serve", "demo", "doctor", "help", "version" };
	for (int i = 0; i < 3; i++) {
		auto_ended e = RUN(spellings[i]);
		cr_expect_eq(e.status, 0);
		cr_expect_eq(e.err.len, 0);
		for (int k = 0; k < 5; k++) {
			char row[20];
			snprintf(row, sizeof(row), "\n  %-8s  ", names[k]);
			cr_expect(strstr(buf_text(&e.out), row) != NULL, "%s lacks %s",
				spellings[i], names[k]);
		}
	}
}

Test(command, help_of_a_command_either_way_round)
{
	static const char *const names[] = { "serve", "demo", "doctor", "help", "version" };
	for (int i = 0; i < 5; i++) {
		auto_ended a = RUN("help", names[i]);
		auto_ended b = RUN(names[i], "--help");
		char usage[40];
		snprintf(usage, sizeof(usage), "usage: vitrine %s", names[i]);
		cr_expect_eq(a.status + b.status, 0);
		cr_expect_str_eq(buf_text(&a.out), buf_text(&b.out));
		cr_expect_eq(strncmp(buf_text(&a.out), usage, strlen(usage)), 0);
	}
	auto_ended serve = RUN("help", "serve");
	cr_expect(
		strstr(buf_text(&serve.out), "  --backend auto|microvm|namespace|fake\n") != NULL);
}

Test(command, version)
{
	auto_ended a = RUN("version");
	auto_ended b = RUN("--version");
	cr_expect_str_eq(buf_text(&a.out), "vitrine " VITRINE_VERSION "\n");
	cr_expect_str_eq(buf_text(&b.out), buf_text(&a.out));
	cr_expect_eq(a.status + b.status, 0);
}

/* text: as holds() takes it. */
static void expect_refused(struct ended e, const char *text)
{
	cr_expect_eq(e.status, 2);
	cr_expect_eq(e.out.len, 0);
	cr_expect(holds(buf_text(&e.err), text), "%s", buf_text(&e.err));
	done(&e);
}

Test(command, slips_are_told_the_nearest_word)
{
	expect_refused(RUN("srve"), "'srve' ... 'serve'");
	expect_refused(RUN("help", "dmeo"), "'dmeo' ... 'demo'");
	expect_refused(RUN("frobnicate"), "'frobnicate' ... vitrine help");
	expect_refused(RUN("serve", "--sreen", "1x1"), "'--sreen' ... '--screen'");
	expect_refused(RUN("doctor", "--jsn"), "'--jsn' ... '--json'");
	expect_refused(RUN("version", "3"), "vitrine version: ... '3'");
}

Test(command, serve_refuses_tools_it_does_not_know)
{
	auto_ended e = RUN("serve", "--tools", "computer,shel");
	cr_expect_eq(e.status, 2);
	cr_expect(strstr(buf_text(&e.err), "'shell'") != NULL, "%s", buf_text(&e.err));
}

Test(command, serve_ends_well_when_its_input_does)
{
	auto_ended e = RUN("serve", "--backend", "fake");
	cr_expect_eq(e.status, 0);
	cr_expect_eq(e.out.len, 0);
	cr_expect_str_eq(buf_text(&e.err), "");
}

/* A supervisor may start us with nothing open at all. */
Test(command, serve_takes_closed_descriptors_for_an_end_of_input)
{
	char program[4096];
	snprintf(program, sizeof(program), "%s/vitrine", getenv("VITRINE_BUILD"));
	const char *const argv[] = { "/bin/sh", "-c",
		"\"$0\" serve --backend fake <&- >&- 2>&-; exit $?", program, NULL };
	struct err why = { 0 };
	pid_t pid = spawn_start(&(struct spawn){ .argv = argv, .die_with_us = true }, &why);
	cr_assert_gt(pid, 0, "%s", why.text);
	int status;
	waitpid(pid, &status, 0);
	cr_expect(WIFEXITED(status));
	cr_expect_eq(WEXITSTATUS(status), 0, "status %d", WEXITSTATUS(status));
}

/* The row of that name in doctor's report; NULL when there is none. */
static const json_t *row_of(const json_t *report, const char *name)
{
	size_t i;
	json_t *row;
	json_array_foreach(json_object_get(report, "checks"), i, row)
	{
		if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0) {
			return row;
		}
	}
	return NULL;
}

static const char *word(const json_t *row, const char *member)
{
	const char *text = json_string_value(json_object_get(row, member));
	return text ? text : "";
}

Test(command, doctor_exits_with_what_it_says)
{
	auto_ended e = RUN("doctor", "--json");
	json_auto_t *report = json_loads(buf_text(&e.out), 0, NULL);
	cr_assert_not_null(report, "%s", buf_text(&e.out));
	cr_expect_eq(e.status, json_is_true(json_object_get(report, "works")) ? 0 : 1);
	const char *namespace = word(row_of(report, "namespace"), "status");
	cr_expect_str_eq(namespace, e.status ? "missing" : "ok");
	cr_expect_str_eq(word(row_of(report, "fake"), "status"), "ok");
	cr_expect_str_eq(word(row_of(report, "KVM"), "group"), "microVMs", "it is no backend");
	cr_expect_gt(strlen(word(row_of(report, "KVM"), "detail")), 0);
	cr_expect_str_eq(word(row_of(report, "vitrine-agent"), "detail"), VITRINE_VERSION);
}

Test(command, doctor_says_what_to_install)
{
	setenv("PATH", "/nonexistent", 1);
	auto_ended e = RUN("doctor", "--json");
	json_auto_t *report = json_loads(buf_text(&e.out), 0, NULL);
	cr_assert_not_null(report, "%s", buf_text(&e.out));
	cr_expect_str_eq(word(row_of(report, "Xvnc"), "status"), "missing");
	cr_expect_str_eq(
		word(row_of(report, "Xvnc"), "fix"), "apt-get install tigervnc-standalone-server");
	cr_expect_str_eq(word(row_of(report, "tint2"), "status"), "warning");
}

Test(command, image_refuses_what_it_does_not_take)
{
	expect_refused(RUN("image"), "build, list, show");
	expect_refused(RUN("image", "bulid"), "'bulid' ... 'build'");
	expect_refused(RUN("image", "show"), "vitrine image show: ... vitrine image list");
	expect_refused(RUN("image", "build", "--warm"), "--warm");
	expect_refused(RUN("image", "build", "--wrm"), "'--wrm' ... '--warm'");
	expect_refused(RUN("image", "list", "--warm", "x"), "'--warm' ... vitrine image --help");
	expect_refused(
		RUN("image", "build", "minimal", "--from-tar", "x.tar"), "recipe ... --from-tar");
	expect_refused(RUN("image", "list", "--json=1"), "--json");
}

Test(command, image_builds_only_where_serve_would_go)
{
	char dir[] = "/tmp/vitrine-command-XXXXXX";
	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(chmod(dir, 0777), 0);
	auto_ended e = RUN("image", "build", "--state-dir", dir);
	cr_expect_eq(e.status, 1);
	cr_expect_not_null(strstr(buf_text(&e.err), "0777"), "%s", buf_text(&e.err));
	cr_expect_eq(rmdir(dir), 0, "something was made in it");
}
