// USES wire
/* Processes that outlive their request: they are found, read, written, signalled; nothing of them is
 * lost or kept for ever. */
#include "tests/support/agent_client.h"
#include "vm/wire/messages.h"

static struct client c;

static void start(void)
{
	client_start(&c, NULL);
}

static void stop(void)
{
	client_stop(&c);
}

TestSuite(process, .init = start, .fini = stop, .timeout = 120);

/* In the background, and left by its host. */
static int begin_with(const struct msg_exec *args)
{
	struct shell sh;
	struct msg_exec all = *args;
	all.background = true;
	uint32_t id = shell_start(&c, &all, NULL, 0, &sh);
	cr_assert(client_until(&c, sh.started || sh.answer.came));
	cr_assert(sh.started, "%s", sh.answer.err.text);
	int pid = sh.started;
	if (!sh.answer.came) {
		link_cancel(c.link, id);
		shell_wait(&c, &sh);
	}
	shell_done(&sh);
	return pid;
}

static int begin(const char *command)
{
	return begin_with(&(struct msg_exec){ .command = command, .input = true });
}

struct seen {
	struct msg_process_output_answer answer;
	struct buf tail;
};

/* Waits for output after the offsets, or for the end. */
static struct seen look(const struct msg_process_output *args)
{
	struct answer a;
	struct seen seen = { 0 };
	struct err err;
	client_call(
		&c, "process_output", message_encode(&message_process_output.request, args), &a);
	cr_assert(a.result, "%s", a.err.text);
	cr_assert(message_decode(
			  &message_process_output.answer, a.result, a.tail.len, &seen.answer, &err),
		"%s", err.text);
	json_decref(a.result);
	seen.tail = a.tail;
	return seen;
}

static struct seen look_from(int pid, int64_t out, int64_t errors)
{
	return look(&(struct msg_process_output){
		.pid = pid, .out = out, .err = errors, .max = 100000, .wait_ms = 60000 });
}

static struct seen await_end(int pid)
{
	return look(&(struct msg_process_output){
		.pid = pid, .max = PROCESS_OUTPUT_MAX, .wait_ms = 60000, .end = true });
}

static enum err_kind ask(const char *op, const struct message *message, const void *args,
	const void *tail, size_t len, const char *says)
{
	struct answer a = { 0 };
	link_request_with(c.link, op, message_encode(&message->request, args), tail, len,
		client_on_reply, &a);
	cr_assert(client_until(&c, a.came));
	cr_expect(!says || strstr(a.err.text, says), "'%s' lacks '%s'", a.err.text, says);
	answer_done(&a);
	return a.result ? ERR_NONE : a.err.kind;
}

static void write_to(int pid, const char *text, bool end)
{
	cr_assert_eq(ask("process_input", &message_process_input,
			     &(struct msg_process_input){ .pid = pid, .end = end }, text,
			     strlen(text), NULL),
		ERR_NONE);
}

static enum err_kind send_signal(int pid, int number, bool tree)
{
	return ask("process_signal", &message_process_signal,
		&(struct msg_process_signal){ .pid = pid, .signal = number, .tree = tree }, NULL, 0,
		NULL);
}

Test(process, goes_on_without_its_host)
{
	int pid = begin("echo out; echo err >&2; read line; echo \"$line\"; exit 7");
	struct seen seen = look_from(pid, 4, 4);
	cr_assert(process_is_alive(pid));
	buf_done(&seen.tail);
	write_to(pid, "later\n", false);
	seen = await_end(pid);
	cr_expect_not(seen.answer.running);
	cr_expect_eq(seen.answer.status, 7);
	cr_expect_eq(seen.answer.out_bytes, 10);
	cr_expect_eq(seen.answer.err_bytes, 4);
	cr_expect_str_eq(buf_text(&seen.tail), "out\nlater\nerr\n");
	buf_done(&seen.tail);
}

/* Bytes for a pipe do not arrive at a terminal, nor the other way round. */
Test(process, tells_what_its_stdin_is)
{
	struct msg_process_input to = { .to = PROCESS_STDIN_TERMINAL };
	to.pid = begin("read line; echo \"$line\"");
	cr_expect_eq(ask("process_input", &message_process_input, &to, "x\n", 2, "is a pipe"),
		ERR_STATE);
	to.to = PROCESS_STDIN_PIPE;
	cr_expect_eq(ask("process_input", &message_process_input, &to, "y\n", 2, NULL), ERR_NONE);
	struct seen seen = await_end((int)to.pid);
	cr_expect_str_eq(buf_text(&seen.tail), "y\n");
	buf_done(&seen.tail);
	to.pid = begin_with(&(struct msg_exec){ .command = "cat", .columns = 80, .rows = 24 });
	cr_expect_eq(ask("process_input", &message_process_input, &to, "z\n", 2, "is a terminal"),
		ERR_STATE);
	to.to = PROCESS_STDIN_TERMINAL;
	cr_expect_eq(ask("process_input", &message_process_input, &to, "z\n", 2, NULL), ERR_NONE);
	send_signal((int)to.pid, SIGKILL, true);
}

/* Whoever reads from the offset that was told loses nothing. */
Test(process, is_read_in_ranges)
{
	int pid = begin("seq 1 200000; seq 1 10 >&2");
	struct seen end = await_end(pid);
	auto_buf struct buf all = { 0 };
	int64_t total = end.answer.out_total;
	cr_expect_eq(total, 1288895);
	buf_done(&end.tail);
	while ((int64_t)all.len < total) {
		struct seen seen = look_from(pid, (int64_t)all.len, -1);
		cr_assert_eq(seen.answer.out, (int64_t)all.len);
		cr_assert_gt(seen.answer.out_bytes, 0);
		cr_assert_eq(seen.answer.err_bytes, 0);
		buf_append(&all, seen.tail.data, seen.tail.len);
		buf_done(&seen.tail);
	}
	cr_expect_eq(strncmp(buf_text(&all), "1\n2\n3\n", 6), 0);
	cr_expect_str_eq(buf_text(&all) + all.len - 14, "199999\n200000\n");
}

Test(process, keeps_the_newest_of_a_flood)
{
	int pid = begin("head -c 40000000 /dev/zero | tr '\\0' a; echo end");
	struct seen end = await_end(pid);
	cr_expect_eq(end.answer.out_total, 40000004);
	cr_expect_eq(end.answer.out, 40000004 - PROCESS_KEPT, "older bytes are dropped");
	buf_done(&end.tail);
	struct seen seen = look_from(pid, 40000000, -1);
	cr_expect_str_eq(buf_text(&seen.tail), "end\n");
	buf_done(&seen.tail);
}

/* Two readers hear the same, from when they came. */
Test(process, has_several_readers)
{
	struct shell one, two;
	int pid = begin("echo first; cat; exit 3");
	struct seen seen = look_from(pid, 0, -1);
	buf_done(&seen.tail);
	shell_attach(&c, pid, &one);
	shell_attach(&c, pid, &two);
	cr_assert(client_until(&c, one.started && two.started));
	write_to(pid, "both\n", true);
	shell_wait(&c, &one);
	shell_wait(&c, &two);
	cr_expect_str_eq(buf_text(&one.out), "both\n");
	cr_expect_str_eq(buf_text(&two.out), "both\n");
	cr_expect_eq(shell_number(&one, "status"), 3);
	shell_done(&one);
	shell_done(&two);
	shell_attach(&c, pid, &one);
	shell_wait(&c, &one);
	cr_expect_eq(one.started, pid, "one that has ended is announced");
	cr_expect_eq(shell_number(&one, "status"), 3);
	shell_done(&one);
}

/* A reader that leaves does not hold up the others. */
Test(process, is_freed_of_a_slow_reader)
{
	struct shell slow;
	int pid = begin("read go; head -c 1000000 /dev/zero; echo over >&2");
	uint32_t id = shell_attach(&c, pid, &slow);
	slow.stalled = true;
	cr_assert(client_until(&c, slow.started));
	write_to(pid, "go\n", false);
	cr_assert(client_until(&c, slow.out.len > LINK_WINDOW - 10000));
	link_cancel(c.link, id);
	shell_wait(&c, &slow);
	cr_expect_eq(slow.answer.err.kind, ERR_CANCELLED);
	struct seen end = await_end(pid);
	cr_expect_eq(end.answer.out_total, 1000000);
	cr_expect_eq(end.answer.status, 0);
	buf_done(&end.tail);
	shell_done(&slow);
}

/* The end is told when nothing can be printed any more. */
Test(process, ends_with_its_outputs)
{
	int pid = begin("(read line; echo \"late $line\") <&0 & exit 4");
	struct answer a;
	client_ask(&c, "process_output",
		message_encode(&message_process_output.request,
			&(struct msg_process_output){
				.pid = pid, .max = 100, .wait_ms = 60000, .end = true }),
		&a);
	write_to(pid, "word\n", false);
	cr_assert(client_until(&c, a.came));
	cr_expect_eq(json_integer_value(json_object_get(a.result, "status")), 4);
	cr_expect_str_eq(buf_text(&a.tail), "late word\n");
	answer_done(&a);
}

Test(process, ends_at_once_by_a_signal)
{
	int pid = begin("sleep 1000 & echo $!; wait");
	struct seen seen = look_from(pid, 0, -1);
	pid_t child = (pid_t)atol(buf_text(&seen.tail));
	buf_done(&seen.tail);
	cr_expect_eq(send_signal(pid, SIGTERM, false), ERR_NONE);
	seen = await_end(pid);
	cr_expect_eq(seen.answer.signal, SIGTERM);
	buf_done(&seen.tail);
	cr_expect(process_ends(child), "the process group gets the signal");
	cr_expect_eq(send_signal(pid, SIGTERM, false), ERR_NOT_FOUND);
	cr_expect_eq(send_signal(99999999, SIGTERM, false), ERR_NOT_FOUND);
}

Test(process, ends_with_all_its_descendants)
{
	int pid = begin("trap '' TERM; setsid sh -c 'echo $$; sleep 1000' & wait");
	struct seen seen = look_from(pid, 0, -1);
	pid_t child = (pid_t)atol(buf_text(&seen.tail));
	buf_done(&seen.tail);
	cr_expect_eq(send_signal(pid, SIGTERM, true), ERR_NONE);
	seen = await_end(pid);
	cr_expect_eq(seen.answer.signal, SIGKILL);
	buf_done(&seen.tail);
	cr_expect(process_ends(child));
}

Test(process, says_what_it_cannot_take)
{
	int pid = begin_with(&(struct msg_exec){ .command = "exec sleep 1000" });
	struct msg_process_input to = { .pid = pid };
	cr_expect_eq(ask("process_input", &message_process_input, &to, "x", 1, "stdin"), ERR_STATE);
	cr_expect_eq(ask("process_resize", &message_process_resize,
			     &(struct msg_process_resize){ .pid = pid, .columns = 1, .rows = 1 },
			     NULL, 0, "no terminal"),
		ERR_ARGUMENT);
	cr_expect_eq(ask("process_screen", &message_process_screen,
			     &(struct msg_process_screen){ .tag = "none" }, NULL, 0, "'none'"),
		ERR_NOT_FOUND);
	cr_expect_eq(ask("process_screen", &message_process_screen,
			     &(struct msg_process_screen){ 0 }, NULL, 0, "'pid' or 'tag'"),
		ERR_ARGUMENT);
	send_signal(pid, SIGKILL, true);
}

/* One that does not read costs a bounded amount, and those who wait are told of its end. */
Test(process, does_not_read_its_input)
{
	static char block[PROCESS_INPUT_MAX];
	struct msg_process_input to = { .pid = begin("exec sleep 1000") };
	struct answer a[2] = { 0 };
	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 2; i++) {
		link_request_with(c.link, "process_input",
			message_encode(&message_process_input.request, &to), block, sizeof(block),
			client_on_reply, &a[i]);
	}
	cr_expect_eq(ask("process_input", &message_process_input, &to, "x", 1, "does not read"),
		ERR_LIMIT);
	cr_expect_not(a[0].came);
	send_signal((int)to.pid, SIGKILL, true);
	cr_assert(client_until(&c, a[0].came && a[1].came));
	cr_expect_eq(a[0].err.kind, ERR_NOT_FOUND);
}

/* Also if it prints and exits in the same moment. */
Test(process, is_read_as_long_as_its_children_print)
{
	int pids[30];
	for (int i = 0; i < 30; i++) {
		pids[i] = begin("(sleep 0.3; echo late) & echo first");
	}
	for (int i = 0; i < 30; i++) {
		struct seen seen = await_end(pids[i]);
		cr_expect_str_eq(buf_text(&seen.tail), "first\nlate\n");
		buf_done(&seen.tail);
	}
}

/* Two starts at once: the one that gives way does not hide the other. */
Test(process, a_tag_finds_one_that_runs_before_one_that_has_ended)
{
	int first = begin_with(&(struct msg_exec){ .command = "exec sleep 1000", .tag = "kernel" });
	int second = begin_with(&(struct msg_exec){ .command = "exit 75", .tag = "kernel" });
	struct seen seen = await_end(second);
	buf_done(&seen.tail);
	seen = look(&(struct msg_process_output){ .tag = "kernel", .max = 1 });
	cr_expect_eq(seen.answer.pid, first);
	buf_done(&seen.tail);
}

Test(process, is_found_by_its_tag)
{
	int pid = begin_with(&(struct msg_exec){
		.command = "exec sleep 1000", .tag = "kernel", .cwd = "/tmp", .note = "{}" });
	struct answer a;
	client_call(&c, "processes", json_pack("{s:b}", "notes", 1), &a);
	const json_t *row = json_array_get(json_object_get(a.result, "processes"), 0);
	cr_expect_str_eq(json_string_value(json_object_get(row, "note")), "{}");
	answer_done(&a);
	client_call(&c, "processes", NULL, &a);
	row = json_array_get(json_object_get(a.result, "processes"), 0);
	cr_expect_null(json_object_get(row, "note"));
	cr_expect_eq(json_integer_value(json_object_get(row, "pid")), pid);
	cr_expect_str_eq(json_string_value(json_object_get(row, "tag")), "kernel");
	cr_expect_str_eq(json_string_value(json_object_get(row, "command")), "exec sleep 1000");
	cr_expect_str_eq(json_string_value(json_object_get(row, "cwd")), "/tmp");
	cr_expect(json_is_true(json_object_get(row, "running")));
	answer_done(&a);
	cr_expect_eq(ask("process_signal", &message_process_signal,
			     &(struct msg_process_signal){ .tag = "kernel", .signal = SIGKILL },
			     NULL, 0, NULL),
		ERR_NONE);
	struct seen end = await_end(pid);
	cr_expect_eq(end.answer.signal, SIGKILL);
	buf_done(&end.tail);
}

Test(process, runs_a_program_with_arguments_and_environment)
{
	static const char argv[] = "/usr/bin/printf\0%s|\0a b\0\0$HOME\n\0";
	struct shell sh;
	json_auto_t *environment = json_pack("{s:s}", "LC_ALL", "C");
	struct msg_exec args = { .arguments = 5, .environment = environment };
	shell_start(&c, &args, argv, sizeof(argv) - 1, &sh);
	shell_wait(&c, &sh);
	cr_expect_str_eq(buf_text(&sh.out), "a b||$HOME\n|", "%s", sh.answer.err.text);
	shell_done(&sh);
	args.arguments = 6;
	shell_start(&c, &args, argv, sizeof(argv) - 1, &sh);
	shell_wait(&c, &sh);
	cr_expect_eq(sh.answer.err.kind, ERR_ARGUMENT);
	shell_done(&sh);
	args = (struct msg_exec){ .command = "echo \"$WORD\"", .environment = environment };
	json_object_set_new(environment, "WORD", json_string("it's \303\251"));
	shell_start(&c, &args, NULL, 0, &sh);
	shell_wait(&c, &sh);
	cr_expect_str_eq(buf_text(&sh.out), "it's \303\251\n");
	shell_done(&sh);
	json_object_set_new(environment, "A=B", json_string(""));
	shell_start(&c, &args, NULL, 0, &sh);
	shell_wait(&c, &sh);
	cr_expect_eq(sh.answer.err.kind, ERR_ARGUMENT);
	shell_done(&sh);
}

/* ---- terminals ---- */

static json_t *screen_of(int pid)
{
	struct answer a;
	client_call(&c, "process_screen",
		message_encode(&message_process_screen.request,
			&(struct msg_process_screen){ .pid = pid }),
		&a);
	cr_assert(a.result, "%s", a.err.text);
	buf_done(&a.tail);
	return a.result;
}

static const char *line_of(const json_t *screen, size_t row)
{
	return json_string_value(json_array_get(json_object_get(screen, "lines"), row));
}

static void await_output(int pid, int64_t least)
{
	for (int64_t total = 0; total < least;) {
		struct seen seen = look_from(pid, total, -1);
		total = seen.answer.out_total;
		cr_assert(seen.answer.running || total >= least, "it ended after %lld bytes",
			(long long)total);
		buf_done(&seen.tail);
	}
}

Test(process, has_a_terminal)
{
	int pid = begin_with(&(struct msg_exec){
		.command = "tty >/dev/null && stty size && printf 'a\\033[3;5Hb' && read x && "
			   "stty size && echo go && exec sleep 1000",
		.columns = 40,
		.rows = 10 });
	await_output(pid, 15);
	json_t *screen = screen_of(pid);
	cr_expect_str_eq(line_of(screen, 0), "10 40");
	cr_expect_str_eq(line_of(screen, 1), "a");
	cr_expect_str_eq(line_of(screen, 2), "    b");
	cr_expect_eq(json_array_size(json_object_get(screen, "lines")), 10);
	cr_expect_eq(json_integer_value(json_object_get(screen, "column")), 5);
	cr_expect_eq(json_integer_value(json_object_get(screen, "row")), 2);
	json_decref(screen);
	cr_expect_eq(ask("process_resize", &message_process_resize,
			     &(struct msg_process_resize){ .pid = pid, .columns = 50, .rows = 12 },
			     NULL, 0, NULL),
		ERR_NONE);
	write_to(pid, "\n", false);
	await_output(pid, 28);
	screen = screen_of(pid);
	cr_expect_str_eq(line_of(screen, 3), "12 50");
	json_decref(screen);
	write_to(pid, "\003", false); /* Ctrl+C */
	struct seen end = await_end(pid);
	cr_expect_eq(end.answer.running, false);
	buf_done(&end.tail);
}

/* Keys come as the program's mode wants them, and nothing is pressed if one of them is none. */
Test(process, has_a_terminal_with_keys)
{
	int pid = begin_with(&(struct msg_exec){
		.command =
			"stty raw -echo; printf ready; head -c 11 | od -An -tx1 -v; printf '\\033[?1h'; "
			"printf set; head -c 4 | od -An -tx1 -v",
		.columns = 80,
		.rows = 10 });
	struct msg_process_input to = { .pid = pid };
	await_output(pid, 5);
	json_auto_t *bad = json_pack("[s, s]", "Up", "Upp");
	to.keys = bad;
	cr_expect_eq(
		ask("process_input", &message_process_input, &to, NULL, 0, "'Upp'"), ERR_ARGUMENT);
	json_auto_t *keys = json_pack("[s, s, s, s]", "ctrl+c", "F5", "Enter", "\303\251");
	to.keys = keys;
	cr_expect_eq(ask("process_input", &message_process_input, &to, "ab", 2, NULL), ERR_NONE);
	await_output(pid, 5 + 34 + 5 + 3);
	json_auto_t *more = json_pack("[s, s]", "Up", "x");
	to.keys = more;
	cr_expect_eq(ask("process_input", &message_process_input, &to, NULL, 0, NULL), ERR_NONE);
	struct seen end = await_end(pid);
	cr_expect(strstr(buf_text(&end.tail), " 61 62 03 1b 5b 31 35 7e 0d c3 a9"), "%s",
		buf_text(&end.tail));
	cr_expect(strstr(buf_text(&end.tail), " 1b 4f 41 78"), "%s", buf_text(&end.tail));
	buf_done(&end.tail);
}

/* The screen is told when the program has been quiet. */
Test(process, has_a_terminal_that_is_awaited)
{
	int pid = begin_with(&(struct msg_exec){
		.command = "for i in 1 2 3; do echo $i; sleep .2; done; sleep 1000",
		.columns = 80,
		.rows = 10 });
	struct answer a;
	client_call(&c, "process_screen",
		message_encode(&message_process_screen.request,
			&(struct msg_process_screen){
				.pid = pid, .quiet_ms = 2000, .wait_ms = 60000 }),
		&a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect_str_eq(line_of(a.result, 2), "3");
	answer_done(&a);
	send_signal(pid, SIGKILL, true);
}

/* A program asks its terminal, which answers while no other terminal is there to do so. */
Test(process, has_a_terminal_that_answers)
{
	int pid = begin_with(&(struct msg_exec){
		.command =
			"stty raw -echo; printf '\\033[2;7H\\033[6n'; head -c 6 | od -An -c | tr -d ' '",
		.columns = 40,
		.rows = 10 });
	struct seen end = await_end(pid);
	cr_expect(strstr(buf_text(&end.tail), "033[2;7R"), "%s", buf_text(&end.tail));
	buf_done(&end.tail);
}

Test(process, hangs_up_its_terminal)
{
	int pid = begin_with(&(struct msg_exec){
		.command = "sleep 1000 & echo $!; exit 0", .columns = 40, .rows = 10 });
	struct seen end = await_end(pid);
	cr_expect_eq(end.answer.status, 0);
	cr_expect(process_ends((pid_t)atol(buf_text(&end.tail))));
	buf_done(&end.tail);
}

/* ---- many ---- */

Test(process, a_thousand_at_once)
{
	int pids[1000];
	for (int i = 0; i < 1000; i++) {
		pids[i] = begin_with(&(struct msg_exec){ .command = "echo $$; exec sleep 1000" });
	}
	struct answer a;
	client_call(&c, "processes", NULL, &a);
	cr_expect_eq(json_array_size(json_object_get(a.result, "processes")), 1000);
	answer_done(&a);
	for (int i = 0; i < 1000; i++) {
		struct seen seen = look_from(pids[i], 0, -1);
		cr_expect_eq(strtol(buf_text(&seen.tail), NULL, 10), pids[i]);
		buf_done(&seen.tail);
		cr_expect_eq(send_signal(pids[i], SIGKILL, false), ERR_NONE);
	}
	for (int i = 0; i < 1000; i++) {
		struct seen end = await_end(pids[i]);
		buf_done(&end.tail);
	}
}

/* Those that ended are forgotten in the end, the oldest first. */
Test(process, the_ended_are_forgotten)
{
	int first = begin("true"), last = 0;
	for (int i = 0; i < 100; i++) {
		last = begin("true");
		struct seen end = await_end(last);
		buf_done(&end.tail);
	}
	struct answer a;
	client_call(&c, "processes", NULL, &a);
	size_t n = json_array_size(json_object_get(a.result, "processes"));
	cr_expect(n >= 50 && n <= 66, "%zu", n);
	answer_done(&a);
	struct seen end = await_end(last);
	buf_done(&end.tail);
	cr_expect_eq(send_signal(first, SIGTERM, false), ERR_NOT_FOUND);
}
