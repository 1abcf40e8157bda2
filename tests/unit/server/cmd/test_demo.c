// USES server
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/spawn.h"
#include "server/cmd/demo_client.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/*
 * `vitrine demo`: its client against servers that are a few words of shell, and the whole command
 * as a user runs it.
 */

static char told[200];

static void on_progress(const char *message)
{
	snprintf(told, sizeof(told), "%s", message);
}

/* The result of one request to `sh -c script`, or NULL with err set. */
static json_t *ask(const char *script, struct err *err)
{
	auto_event sd_event *event = loop_new(err);
	const char *argv[] = { "sh", "-c", script, NULL };
	double ms;
	cr_assert_not_null(event);
	struct demo_client *client = demo_client_new(event, argv, on_progress, err);
	cr_assert_not_null(client, "%s", err->text);
	json_t *result = demo_client_request(client, "ping", json_object(), &ms, err);
	demo_client_free(client);
	return result;
}

static void check_refused(const char *script, const char *says)
{
	struct err err = { 0 };
	cr_expect_null(ask(script, &err));
	cr_expect_not_null(strstr(err.text, says), "%s: %s", script, err.text);
}

#define ANSWER "echo '{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":1}}'"

Test(demo, an_answer)
{
	struct err err = { 0 };
	json_auto_t *result = ask("read line; " ANSWER "; cat >/dev/null", &err);
	cr_assert_not_null(result, "%s", err.text);
	cr_expect_eq(json_integer_value(json_object_get(result, "a")), 1);
}

Test(demo, what_is_sent_is_a_request)
{
	struct err err = { 0 };
	/* The request comes back as the answer's text; its quotes are taken off on the way. */
	json_auto_t *result =
		ask("read line; line=$(echo \"$line\" | tr -d '\"'); "
		    "echo \"{\\\"id\\\":1,\\\"result\\\":{\\\"got\\\":\\\"$line\\\"}}\"; cat "
		    ">/dev/null",
			&err);
	cr_assert_not_null(result, "%s", err.text);
	cr_expect_str_eq(json_string_value(json_object_get(result, "got")),
		"{jsonrpc:2.0,id:1,method:ping,params:{_meta:{progressToken:1}}}");
}

Test(demo, progress_and_other_messages_before_the_answer)
{
	struct err err = { 0 };
	json_auto_t *result = ask("printf "
				  "'{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
				  "progress\",\"params\":{\"message\":"
				  "\"half\"}}\\n{\"id\":7,\"result\":{}}\\n{\"id\"'; sleep 0.05; "
				  "printf ':1,\"result\":{}}\\n'; cat "
				  ">/dev/null",
		&err);
	cr_expect_not_null(result, "%s", err.text);
	cr_expect_str_eq(told, "half");
}

Test(demo, servers_that_are_none)
{
	check_refused("exit 0", "exited");
	check_refused("read line; exit 3", "exited");
	check_refused("echo hello; cat >/dev/null", "message: hello");
	check_refused("echo '[]'; cat >/dev/null", "message: []");
	check_refused("echo '{\"id\":1,\"error\":{\"code\":-32601,\"message\":\"no such "
		      "method\"}}'; cat >/dev/null",
		"ping was refused: no such method");
	check_refused("yes | tr -d '\\n' | head -c 9000000; cat >/dev/null",
		"the server sent a line longer than");
}

Test(demo, a_program_that_is_not_there)
{
	struct err err = { 0 };
	auto_event sd_event *event = loop_new(&err);
	const char *argv[] = { "/nonexistent/vitrine", "serve", NULL };
	cr_expect_null(demo_client_new(event, argv, on_progress, &err));
	cr_expect_not_null(strstr(err.text, "/nonexistent/vitrine"), "%s", err.text);
}

/* ---- the command ---- */

/* Runs vitrine with the arguments in a directory of its own; all it printed is appended to said. */
static int run(const char *const *arguments, const char *cwd, struct buf *said)
{
	const char *argv[8] = { NULL };
	auto_buf struct buf program = { 0 };
	struct err err = { 0 };
	int out[2];
	buf_printf(&program, "%s/vitrine", getenv("VITRINE_BUILD") ? getenv("VITRINE_BUILD") : ".");
	argv[0] = buf_text(&program);
	for (int i = 0; arguments[i]; i++) {
		argv[i + 1] = arguments[i];
	}
	cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
	struct spawn_fd fds[] = { { out[1], 1 }, { out[1], 2 } };
	struct spawn how = {
		.argv = argv, .cwd = cwd, .fds = fds, .n_fds = 2, .die_with_us = true
	};
	pid_t pid = spawn_start(&how, &err);
	cr_assert_gt(pid, 0, "%s", err.text);
	close(out[1]);
	char bytes[4096];
	ssize_t n;
	while ((n = read(out[0], bytes, sizeof(bytes))) > 0) {
		buf_append(said, bytes, (size_t)n);
	}
	close(out[0]);
	int status;
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The fake desktop has no mousepad: the demo says so and does not claim success. */
Test(demo, says_what_is_missing)
{
	auto_buf struct buf said = { 0 };
	const char *arguments[] = { "demo", "--backend", "fake", NULL };
	cr_expect_eq(run(arguments, "/tmp", &said), 1);
	cr_expect_not_null(strstr(buf_text(&said), "tools/list"), "%s", buf_text(&said));
	cr_expect_not_null(strstr(buf_text(&said),
				   "vitrine demo: unknown application or program 'mousepad'"),
		"%s", buf_text(&said));
}

Test(demo, wrong_usage)
{
	auto_buf struct buf said = { 0 };
	const char *arguments[] = { "demo", "--output", NULL };
	cr_expect_eq(run(arguments, "/tmp", &said), 2);
	cr_expect_not_null(strstr(buf_text(&said), "--output"));
}

/* The whole of it, where this machine can run a desktop at all. */
Test(demo, holds_a_session, .timeout = 120)
{
	auto_buf struct buf ignored = { 0 }, said = { 0 };
	const char *doctor[] = { "doctor", NULL };
	const char *arguments[] = { "demo", "--output", "picture.png", NULL };
	char dir[] = "/tmp/vitrine-demo-XXXXXX", magic[9] = "";
	if (run(doctor, "/tmp", &ignored) != 0) {
		cr_skip_test("doctor says that no desktop can run here");
	}
	cr_assert_not_null(mkdtemp(dir));
	int status = run(arguments, dir, &said);
	auto_buf struct buf picture = { 0 };
	buf_printf(&picture, "%s/picture.png", dir);
	FILE *file = fopen(buf_text(&picture), "rb");
	if (file) {
		cr_expect_eq(fread(magic, 1, 8, file), 8);
		fclose(file);
	}
	unlink(buf_text(&picture));
	rmdir(dir);
	cr_assert_eq(status, 0, "%s", buf_text(&said));
	cr_expect_str_eq(magic, "\x89PNG\r\n\x1a\n");
	cr_expect_not_null(strstr(buf_text(&said), "claude mcp add vitrine -- "));
	cr_expect_not_null(strstr(buf_text(&said), "\"mcpServers\""));
}
