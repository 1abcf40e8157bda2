// USES wire
/* Commands: what they print comes back exactly, and nothing of them outlives its welcome. */
#include "tests/support/agent_client.h"
#include "vm/wire/messages.h"

static struct client c;

static void start(void)
{
	client_start(&c, NULL); /* exec needs no desktop */
}

static void stop(void)
{
	client_stop(&c);
}

TestSuite(exec, .init = start, .fini = stop, .timeout = 120);

static bool is(const struct buf *buf, const char *text)
{
	return strcmp(buf_text(buf), text) == 0;
}

/* As long as the tool's schema says. */
Test(exec, takes_the_longest_command)
{
	struct shell sh;
	static char command[MESSAGE_COMMAND_MAX + 1];
	memset(command, '#', MESSAGE_COMMAND_MAX);
	memcpy(command, "echo ok ", 8);
	shell_run(&c, command, &sh);
	cr_assert(sh.answer.result, "%s", sh.answer.err.text);
	cr_expect(is(&sh.out, "ok\n"), "%.80s", buf_text(&sh.out));
	shell_done(&sh);
}

/* It comes behind the request, and is to the shell like any other. */
Test(exec, a_long_command_is_a_command)
{
	struct shell sh;
	auto_buf struct buf command = { 0 };
	buf_printf(&command, "echo \"it's\"; cat; ls /proc/self/fd; printf '%%s' '");
	while (command.len < 200000) {
		buf_printf(&command, "\n\303\251");
	}
	buf_printf(&command, "' | wc -c; exit 3 # '");
	shell_run(&c, buf_text(&command), &sh);
	cr_assert(sh.answer.result, "%s", sh.answer.err.text);
	cr_expect_eq(shell_number(&sh, "status"), 3);
	cr_expect_eq(strncmp(buf_text(&sh.out), "it's\n0\n1\n2\n3\n", 13), 0,
		"no descriptor is left over: %.60s", buf_text(&sh.out));
	long printed = strtol(buf_text(&sh.out) + 13, NULL, 10);
	cr_expect(printed > 199000 && printed < 200010, "%ld", printed);
	shell_done(&sh);
}

Test(exec, refuses_a_command_with_a_nul_or_none)
{
	struct answer a;
	struct msg_exec args = { .timeout_ms = 1000 };
	static const char *const tails[] = { "echo \0x", "" };
	static const size_t lens[] = { 7, 0 };
	for (size_t i = 0; i < 2; i++) {
		a = (struct answer){ 0 };
		link_request_with(c.link, "exec", message_encode(&message_exec.request, &args),
			tails[i], lens[i], client_on_reply, &a);
		cr_assert(client_until(&c, a.came));
		cr_expect_eq(a.err.kind, ERR_ARGUMENT);
		cr_expect(strstr(a.err.text, "'command'"), "%s", a.err.text);
	}
}

/* No other operation takes anything behind its request. */
Test(exec, refuses_a_tail_that_nothing_announces)
{
	struct answer a = { 0 };
	link_request_with(c.link, "ping", NULL, "x", 1, client_on_reply, &a);
	cr_assert(client_until(&c, a.came));
	cr_expect_eq(a.err.kind, ERR_ARGUMENT);
}

Test(exec, gives_output_and_status)
{
	struct shell sh;
	shell_run(&c, "echo out; echo err >&2; exit 3", &sh);
	cr_assert(sh.answer.result, "%s", sh.answer.err.text);
	cr_expect_eq(shell_number(&sh, "status"), 3);
	cr_expect(is(&sh.out, "out\n"), "%s", buf_text(&sh.out));
	cr_expect(is(&sh.err, "err\n"), "%s", buf_text(&sh.err));
	shell_done(&sh);
}

Test(exec, tells_the_signal)
{
	struct shell sh;
	shell_run(&c, "kill -TERM $$", &sh);
	cr_expect_eq(shell_number(&sh, "signal"), SIGTERM);
	cr_expect_eq(shell_number(&sh, "status"), -1);
	shell_done(&sh);
}

Test(exec, gives_bytes_untouched)
{
	static const char want[] = "\377\376\0x\r\n\303";
	struct shell sh;
	shell_run(&c, "printf '\\377\\376\\0x\\r\\n\\303'", &sh);
	cr_expect_eq(sh.out.len, sizeof(want) - 1);
	cr_expect_arr_eq(sh.out.data, want, sizeof(want) - 1);
	shell_done(&sh);
}

Test(exec, gives_more_than_the_credit)
{
	struct shell sh;
	shell_run(&c, "head -c 5000000 /dev/zero | tr '\\0' x; echo end >&2", &sh);
	cr_expect_eq(sh.out.len, 5000000);
	cr_expect_eq(strspn(buf_text(&sh.out), "x"), 5000000);
	cr_expect(is(&sh.err, "end\n"));
	shell_done(&sh);
}

#define STALLED (LINK_WINDOW - 1000) /* the message that it runs takes the rest of the credit */

Test(exec, waits_for_a_host_that_does_not_read)
{
	struct shell sh;
	struct answer a;
	shell_ask(&c, "yes", NULL, 2000, &sh);
	sh.stalled = true;
	cr_assert(client_until(&c, sh.out.len >= STALLED), "%zu bytes came", sh.out.len);
	client_call(&c, "ping", NULL, &a);
	cr_expect(a.result);
	answer_done(&a);
	cr_assert(client_until(&c, sh.answer.came));
	cr_expect(sh.out.len <= LINK_WINDOW, "%zu bytes came", sh.out.len);
	cr_expect_eq(shell_number(&sh, "signal"), SIGKILL);
	shell_done(&sh);
}

/* The command is over, and its last bytes wait in its pipe. */
Test(exec, keeps_the_rest_for_a_host_that_reads_late)
{
	struct shell sh, other;
	uint32_t id = shell_ask(&c, "head -c 300000 /dev/zero | tr '\\0' x", NULL, 60000, &sh);
	sh.stalled = true;
	cr_assert(client_until(&c, sh.out.len >= STALLED), "%zu bytes came", sh.out.len);
	shell_run(&c, "sleep 6", &other); /* longer than any grace */
	shell_done(&other);
	cr_expect_not(sh.answer.came);
	sh.stalled = false;
	link_consumed(c.link, id, sh.out.len);
	shell_wait(&c, &sh);
	cr_expect_eq(sh.out.len, 300000);
	cr_expect_eq(shell_number(&sh, "status"), 0);
	shell_done(&sh);
}

Test(exec, does_not_wait_for_the_background)
{
	struct shell sh;
	shell_run(&c, "sleep 1000 & echo $!", &sh);
	cr_expect_eq(shell_number(&sh, "status"), 0);
	pid_t pid = (pid_t)atol(buf_text(&sh.out));
	cr_expect(process_is_alive(pid));
	shell_done(&sh);
}

/* One that never stops printing has no end to wait for. */
Test(exec, does_not_wait_for_a_talkative_background)
{
	struct shell sh;
	shell_run(&c, "for i in 1 2 3 4; do yes & done; sleep .2; echo $! >&2", &sh);
	cr_expect_eq(shell_number(&sh, "status"), 0);
	cr_expect(process_is_alive((pid_t)atol(buf_text(&sh.err))));
	shell_done(&sh);
}

/* What it prints later goes nowhere, but it is not killed for it. */
Test(exec, lets_the_background_print)
{
	struct shell sh, later;
	shell_run(&c, "(while :; do echo x || exit; echo $BASHPID > beat; sleep .05; done) &", &sh);
	shell_run(&c,
		"rm -f beat; until [ -s beat ]; do sleep .05; done; rm beat; "
		"until [ -s beat ]; do sleep .05; done; cat beat",
		&later);
	cr_expect_eq(shell_number(&later, "status"), 0);
	cr_expect(process_is_alive((pid_t)atol(buf_text(&later.out))));
	shell_done(&sh);
	shell_done(&later);
}

/* Each way to hide a process from a killer prints its pid. */
static const char hiding[] =
	"echo $BASHPID; (echo $BASHPID; sleep 1000) & "
	"setsid sh -c 'echo $$; sleep 1000' & "
	"(setsid sh -c 'echo $$; (setsid sh -c \"echo \\$\\$; sleep 1000\" &) ; sleep 1000' &) ; "
	"(trap '' TERM HUP INT; echo $BASHPID; sleep 1000 &) ; echo done; sleep 1000";

static int count_lines(const struct buf *buf)
{
	int n = 0;
	for (const char *at = buf_text(buf); *at; at++) {
		n += *at == '\n';
	}
	return n;
}

static void expect_all_dead(const struct buf *pids)
{
	char *text = strdup(buf_text(pids)), *save = NULL;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (atol(line) > 0) {
			cr_expect(process_ends((pid_t)atol(line)), "%s is alive", line);
		}
	}
	free(text);
}

Test(exec, kills_all_that_came_of_it_at_the_timeout)
{
	struct shell sh;
	shell_ask(&c, hiding, NULL, 1500, &sh);
	shell_wait(&c, &sh);
	cr_expect(json_is_true(json_object_get(sh.answer.result, "timed_out")));
	cr_expect_eq(shell_number(&sh, "signal"), SIGKILL);
	cr_expect_eq(count_lines(&sh.out), 7, "%s", buf_text(&sh.out));
	expect_all_dead(&sh.out);
	shell_done(&sh);
}

Test(exec, kills_all_that_came_of_it_on_cancel)
{
	struct shell sh;
	uint32_t id = shell_ask(&c, hiding, NULL, 60000, &sh);
	cr_assert(client_until(&c, count_lines(&sh.out) == 7));
	link_cancel(c.link, id);
	shell_wait(&c, &sh);
	cr_expect_eq(sh.answer.err.kind, ERR_CANCELLED);
	expect_all_dead(&sh.out);
	shell_done(&sh);
}

/* The eleventh is not a child of the first because its number begins alike. */
Test(exec, kills_nothing_else)
{
	struct shell first, sh;
	uint32_t id = shell_ask(&c, "sleep 1000", NULL, 60000, &first);
	for (int i = 2; i <= 12; i++) {
		shell_run(&c, i == 11 ? "sleep 1000 & echo $! > kept" : "true", &sh);
		shell_done(&sh);
	}
	link_cancel(c.link, id);
	shell_wait(&c, &first);
	shell_run(&c, "sleep .2; cat kept", &sh);
	cr_expect(process_is_alive((pid_t)atol(buf_text(&sh.out))));
	shell_done(&sh);
	shell_done(&first);
}

Test(exec, runs_in_the_directory_asked_for)
{
	struct shell sh;
	shell_ask(&c, "pwd; echo $HOME $PWD >&2", "/usr/share", 20000, &sh);
	shell_wait(&c, &sh);
	cr_expect(is(&sh.out, "/usr/share\n"));
	shell_done(&sh);
	shell_run(&c, "pwd", &sh);
	cr_expect(strstr(buf_text(&sh.out), c.dir), "%s", buf_text(&sh.out));
	shell_done(&sh);
}

static void expect_refused(const char *cwd, const char *words)
{
	struct shell sh;
	shell_ask(&c, "pwd", cwd, 20000, &sh);
	shell_wait(&c, &sh);
	cr_expect_eq(sh.answer.err.kind, ERR_ARGUMENT);
	cr_expect(strstr(sh.answer.err.text, words), "%s", sh.answer.err.text);
	shell_done(&sh);
}

Test(exec, refuses_a_bad_directory)
{
	expect_refused("/no/such/place", "/no/such/place");
	expect_refused("/etc/passwd", "not a directory");
	expect_refused("etc", "absolute");
}

Test(exec, has_no_input)
{
	struct shell sh;
	shell_run(&c, "cat; tty", &sh);
	cr_expect(strstr(buf_text(&sh.out), "not a tty"), "%s", buf_text(&sh.out));
	shell_done(&sh);
}

Test(exec, reads_its_input_until_the_host_ends_it)
{
	static uint8_t bytes[LINK_WINDOW];
	struct shell sh;
	uint32_t id = shell_open(&c, "wc -c; sleep 0.2; cat; echo end", &sh);
	cr_expect_eq(link_write(c.link, id, EXEC_STDIN, bytes, sizeof(bytes)), sizeof(bytes));
	link_end(c.link, id);
	shell_wait(&c, &sh);
	cr_expect_str_eq(buf_text(&sh.out), "262144\nend\n");
	cr_expect_gt(sh.started, 0);
	shell_done(&sh);
}

/* It runs on, and its input goes nowhere. */
Test(exec, may_close_its_input)
{
	static uint8_t bytes[LINK_WINDOW];
	struct shell sh;
	uint32_t id = shell_open(&c, "exec <&-; echo closed; sleep 1000", &sh);
	cr_assert(client_until(&c, sh.out.len > 0));
	for (size_t sent = 0; sent < 4 * sizeof(bytes);) { /* credit comes back all the same */
		sent += link_write(c.link, id, EXEC_STDIN, bytes, sizeof(bytes));
		sd_event_run(c.event, 20000);
	}
	link_cancel(c.link, id);
	shell_wait(&c, &sh);
	cr_expect_eq(sh.answer.err.kind, ERR_CANCELLED);
	shell_done(&sh);
}

/* What its row of the table does not have ends it, and nothing else. */
Test(exec, a_host_that_says_what_it_may_not)
{
	struct shell sh;
	uint32_t id = shell_open(&c, "cat", &sh);
	cr_expect_eq(link_write(c.link, id, 3, "x", 1), 1);
	shell_wait(&c, &sh);
	cr_expect_eq(sh.answer.err.kind, ERR_CANCELLED);
	shell_done(&sh);
	id = shell_open(&c, "cat", &sh);
	cr_expect(link_send_message(
		c.link, id, json_pack("{s:s, s:{}}", "message", "dance", "args"), NULL, 0));
	shell_wait(&c, &sh);
	cr_expect_eq(sh.answer.err.kind, ERR_CANCELLED);
	shell_done(&sh);
	shell_run(&c, "echo alive", &sh);
	cr_expect_str_eq(buf_text(&sh.out), "alive\n");
	shell_done(&sh);
}

Test(exec, refuses_what_it_does_not_know)
{
	struct answer a;
	client_call(&c, "exce", NULL, &a);
	cr_expect_eq(a.err.kind, ERR_UNSUPPORTED);
	cr_expect(strstr(a.err.text, "exec"), "%s", a.err.text);
	client_call(&c, "exec", json_pack("{s:s, s:i}", "command", "true", "columns", 80), &a);
	cr_expect_eq(a.err.kind, ERR_ARGUMENT);
	cr_expect(strstr(a.err.text, "rows"), "%s", a.err.text);
}
