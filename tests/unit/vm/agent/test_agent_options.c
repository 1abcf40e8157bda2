// USES wire
/* The agent's command line, and the limits it puts on what it starts. */
#include "tests/support/agent_client.h"

#include <fcntl.h>

/* Runs vitrine-agent with arguments and returns its exit status; ret: what it wrote on both
 * outputs. */
static int run(const char *const *more, struct buf *ret)
{
	char program[512];
	const char *argv[16] = { program };
	int ends[2], wstatus;
	struct err err;
	snprintf(program, sizeof(program), "%s/vitrine-agent", getenv("VITRINE_BUILD"));
	for (int i = 0; more[i]; i++) {
		argv[1 + i] = more[i];
	}
	cr_assert(pipe2(ends, O_CLOEXEC) == 0);
	struct spawn_fd fds[] = { { ends[1], 1 }, { ends[1], 2 } };
	pid_t pid = spawn_start(&(struct spawn){ .argv = argv, .fds = fds, .n_fds = 2 }, &err);
	cr_assert(pid > 0, "%s", err.text);
	close(ends[1]);
	char bytes[1024];
	ssize_t n;
	while ((n = read(ends[0], bytes, sizeof(bytes))) > 0) {
		buf_append(ret, bytes, (size_t)n);
	}
	close(ends[0]);
	cr_assert(waitpid(pid, &wstatus, 0) == pid);
	return WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) : -1;
}

static void expect(int status, const char *words, const char *const *args)
{
	auto_buf struct buf said = { 0 };
	cr_expect_eq(run(args, &said), status, "%s", buf_text(&said));
	cr_expect(strstr(buf_text(&said), words), "'%s' is not in: %s", words, buf_text(&said));
}

#define ARGS(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

Test(agent_options, answers)
{
	expect(0, "--max-memory", ARGS("--help"));
	expect(0, "1280x800", ARGS("--help"));
	expect(0, "vitrine-agent 0.", ARGS("--version"));
	expect(2, "`vitrine serve` starts it", ARGS());
	unsetenv("DISPLAY");
	expect(1, "cannot open the display ''", ARGS("--shot", "/nonexistent/x.png"));
}

Test(agent_options, refuses)
{
	expect(2, "did you mean --screen", ARGS("--scren", "800x600"));
	expect(2, "unknown option 'x'", ARGS("x"));
	expect(2, "must be WIDTHxHEIGHT", ARGS("--screen", "800"));
	expect(2, "must be WIDTHxHEIGHT", ARGS("--screen", "10x10"));
	expect(2, "must be WIDTHxHEIGHT", ARGS("--screen", "800x600x"));
	expect(2, "whole number", ARGS("--max-files", "many"));
	expect(2, "needs a value", ARGS("--max-files"));
	expect(2, "loud", ARGS("--log-level", "loud"));
	expect(2, "-1", ARGS("--link-fd", "-1"));
	expect(2, "-2", ARGS("--grace", "-2"));
	expect(2, "first process of a microVM", ARGS("--init"));
}

Test(agent_options, limits_what_it_starts)
{
	struct client c;
	struct shell sh;
	client_start(&c, ARGS("--max-files", "345", "--max-processes", "4567"));
	shell_run(&c, "ulimit -n -u -c", &sh);
	cr_expect(strstr(buf_text(&sh.out), " 345\n"), "%s", buf_text(&sh.out));
	cr_expect(strstr(buf_text(&sh.out), " 4567\n"), "%s", buf_text(&sh.out));
	cr_expect(strstr(buf_text(&sh.out), "-c) 0\n"), "%s", buf_text(&sh.out));
	shell_done(&sh);
	client_stop(&c);
}

/* Only what the table of the environment names gets through. */
Test(agent_options, starts_with_a_clean_environment)
{
	struct client c;
	struct shell sh;
	setenv("SECRET", "1", 1);
	client_start(&c, NULL);
	shell_run(&c, "env", &sh);
	cr_expect_not(strstr(buf_text(&sh.out), "SECRET"));
	cr_expect_not(strstr(buf_text(&sh.out), "VITRINE_BUILD"));
	cr_expect(strstr(buf_text(&sh.out), "XDG_RUNTIME_DIR=/tmp/vitrine-client-"));
	shell_done(&sh);
	client_stop(&c);
}
