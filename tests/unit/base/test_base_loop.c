// USES base
/* What the loop adds to sd-event, the output queue, and children. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/outq.h"
#include "base/spawn.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

struct seen {
	sd_event *event;
	sd_event_source *source;
	int fired;
	struct outq *q;
	int failed, drained;
	bool free_in_callback;
};

static sd_event *new_loop(void)
{
	struct err err;
	sd_event *event = loop_new(&err);
	cr_assert(event);
	return event;
}

static void settle(sd_event *event)
{
	while (sd_event_run(event, 20000) > 0) {
	}
}

static int on_time(sd_event_source *source, uint64_t usec, void *data)
{
	struct seen *seen = data;
	(void)source;
	(void)usec;
	seen->fired++;
	loop_drop(&seen->source);
	return 0;
}

static int on_defer(sd_event_source *source, void *data)
{
	return on_time(source, 0, data);
}

Test(loop, timer_and_defer_fire_once_and_drop_themselves)
{
	struct seen seen = { .event = new_loop() };
	seen.source = loop_after_ms(seen.event, 1, on_time, &seen);
	settle(seen.event);
	cr_assert_eq(seen.fired, 1);
	cr_assert_null(seen.source);
	seen.source = loop_defer(seen.event, on_defer, &seen);
	cr_assert(seen.source);
	cr_assert_eq(seen.fired, 1, "not from inside the call");
	settle(seen.event);
	cr_assert_eq(seen.fired, 2);
	seen.source = loop_defer(seen.event, on_defer, &seen);
	loop_drop(&seen.source);
	seen.source = loop_after_ms(seen.event, UINT64_MAX, on_time, &seen);
	settle(seen.event);
	cr_assert_eq(seen.fired, 2);
	loop_drop(&seen.source);
	loop_drop(&seen.source);
	sd_event_unref(seen.event);
}

Test(loop, ends_well_on_sigterm_and_ignores_sigpipe)
{
	sd_event *event = new_loop();
	kill(getpid(), SIGPIPE);
	kill(getpid(), SIGTERM);
	cr_assert_eq(sd_event_loop(event), 0);
	sd_event_unref(event);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct seen *seen = data;
	char c;
	(void)source;
	cr_assert(events & EPOLLIN);
	seen->fired++;
	if (read(fd, &c, 1) == 0) {
		loop_enable(seen->source, false);
	}
	return 0;
}

Test(loop, dev_null_is_always_ready)
{
	struct seen seen = { .event = new_loop() };
	auto_close int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	seen.source = loop_add_io(seen.event, fd, EPOLLIN, on_io, &seen);
	settle(seen.event);
	cr_assert_eq(seen.fired, 1);
	loop_enable(seen.source, true);
	settle(seen.event);
	cr_assert_eq(seen.fired, 2);
	loop_drop(&seen.source);
	sd_event_unref(seen.event);
}

static int on_zero(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct seen *seen = data;
	(void)source, (void)fd, (void)events;
	cr_assert_lt(++seen->fired, 1000, "a file that is always ready starves the others");
	return 0;
}

static int on_other(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct seen *seen = data;
	(void)source, (void)fd, (void)events;
	sd_event_exit(seen->event, 0);
	return 0;
}

Test(loop, what_is_always_ready_lets_others_have_their_turn)
{
	struct seen seen = { .event = new_loop() };
	int ends[2];
	auto_close int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	seen.source = loop_add_io(seen.event, file, EPOLLIN, on_zero, &seen);
	sd_event_source *other = loop_add_io(seen.event, ends[0], EPOLLIN, on_other, &seen);
	cr_assert_eq(write(ends[1], "x", 1), 1);
	cr_assert_eq(sd_event_loop(seen.event), 0);
	loop_drop(&other);
	loop_drop(&seen.source);
	close(ends[0]);
	close(ends[1]);
	sd_event_unref(seen.event);
}

/* ---- outq ---- */

static void on_failed(const struct err *why, void *data)
{
	struct seen *seen = data;
	cr_assert_eq(why->kind, ERR_GONE);
	seen->failed++;
	if (seen->free_in_callback) {
		outq_free(seen->q);
		seen->q = NULL;
	}
}

static void on_drained(void *data)
{
	struct seen *seen = data;
	seen->drained++;
	if (seen->free_in_callback) {
		outq_free(seen->q);
		seen->q = NULL;
	}
}

static void begin_queue(struct seen *seen, int ends[2])
{
	seen->event = new_loop();
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	seen->q = outq_new(seen->event, ends[0], on_failed, on_drained, seen);
}

static void end_queue(struct seen *seen, int ends[2])
{
	outq_free(seen->q);
	close(ends[0]);
	close(ends[1]);
	sd_event_unref(seen->event);
}

Test(outq, order_is_kept_through_a_full_pipe)
{
	struct seen seen = { 0 };
	int ends[2];
	uint32_t next = 0, read_next = 0, numbers[1000];
	begin_queue(&seen, ends);
	outq_push(seen.q, &next, 0);
	cr_assert_eq(outq_pending(seen.q), 0);
	for (int round = 0; round < 300; round++) {
		for (size_t i = 0; i < 1000; i++) {
			numbers[i] = next++;
		}
		size_t cut = (size_t)round * 13 % sizeof(numbers);
		outq_push2(seen.q, numbers, cut, (char *)numbers + cut, sizeof(numbers) - cut);
	}
	cr_assert_gt(outq_pending(seen.q), 0);
	auto_buf struct buf got = { 0 };
	while (got.len < next * sizeof(uint32_t)) {
		buf_reserve(&got, 7001);
		ssize_t n = read(ends[1], got.data + got.len, 7001);
		got.len += n > 0 ? (size_t)n : 0;
		sd_event_run(seen.event, 0);
	}
	for (; read_next < next; read_next++) {
		uint32_t n;
		memcpy(&n, got.data + read_next * sizeof(n), sizeof(n));
		cr_assert_eq(n, read_next);
	}
	settle(seen.event);
	cr_assert_eq(seen.drained, 1);
	cr_assert_eq(seen.failed, 0);
	end_queue(&seen, ends);
}

Test(outq, a_gone_reader_is_told_once_from_the_loop)
{
	struct seen seen = { .free_in_callback = true };
	int ends[2];
	begin_queue(&seen, ends);
	close(ends[1]);
	ends[1] = -1;
	outq_push(seen.q, "x", 1);
	outq_push(seen.q, "y", 1);
	cr_assert_eq(seen.failed, 0);
	cr_assert_eq(outq_pending(seen.q), 0);
	settle(seen.event);
	cr_assert_eq(seen.failed, 1);
	cr_assert_eq(seen.drained, 0);
	end_queue(&seen, ends);
}

Test(outq, free_inside_drained)
{
	static char bytes[1000000], sink[100000];
	struct seen seen = { .free_in_callback = true };
	int ends[2];
	begin_queue(&seen, ends);
	outq_push(seen.q, bytes, sizeof(bytes));
	while (!seen.drained) {
		ssize_t n = read(ends[1], sink, sizeof(sink));
		(void)n;
		sd_event_run(seen.event, 0);
	}
	settle(seen.event);
	cr_assert_eq(seen.drained, 1);
	end_queue(&seen, ends);
}

/* ---- spawn ---- */

static int run_to_end(const struct spawn *how)
{
	struct err err;
	int wstatus;
	pid_t pid = spawn_start(how, &err);
	cr_assert_gt(pid, 0, "%s", err.text);
	cr_assert_eq(waitpid(pid, &wstatus, 0), pid);
	return wstatus;
}

/* What a shell script prints, given more descriptors. */
static const char *output_of(const char *script, struct spawn how, struct spawn_fd *more, size_t n)
{
	static char text[4096];
	struct spawn_fd fds[8];
	int ends[2];
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	fds[0] = (struct spawn_fd){ ends[1], 1 };
	for (size_t i = 0; i < n; i++) {
		fds[i + 1] = more[i];
	}
	how.argv = (const char *const[]){ "sh", "-c", script, NULL };
	how.fds = fds;
	how.n_fds = n + 1;
	run_to_end(&how);
	close(ends[1]);
	size_t len = 0;
	for (ssize_t got = 1; got > 0; len += got > 0 ? (size_t)got : 0) {
		got = read(ends[0], text + len, sizeof(text) - 1 - len);
	}
	text[len] = '\0';
	close(ends[0]);
	return text;
}

Test(spawn, output_environment_and_folder)
{
	struct spawn how = { .env = (const char *const[]){ "A=b", NULL }, .cwd = "/" };
	cr_assert_str_eq(output_of("echo $A; pwd; echo err >&2", how, NULL, 0), "b\n/\n");
}

/* Each number holds a file of its own inode; the child must see exactly those. */
Test(spawn, descriptors_may_swap_places)
{
	struct spawn how = { 0 };
	int a = open("/dev/zero", O_RDONLY | O_CLOEXEC),
	    b = open("/dev/full", O_RDONLY | O_CLOEXEC);
	struct spawn_fd swap[] = { { a, b }, { b, a }, { a, 3 == a || 3 == b ? 33 : 3 } };
	char script[200], wanted[200];
	snprintf(script, sizeof(script),
		"readlink /proc/self/fd/%d /proc/self/fd/%d /proc/self/fd/0 /proc/self/fd/2", b, a);
	snprintf(wanted, sizeof(wanted), "/dev/zero\n/dev/full\n/dev/null\n/dev/null\n");
	cr_assert_str_eq(output_of(script, how, swap, 3), wanted);
	close(a);
	close(b);
}

Test(spawn, nothing_else_is_inherited)
{
	struct spawn how = { 0 };
	int leak = open("/dev/zero", O_RDONLY); /* as a careless library would */
	cr_assert_str_eq(output_of("ls /proc/self/fd | wc -l", how, NULL, 0), "4\n",
		"0, 1, 2 and the one of ls");
	close(leak);
}

Test(spawn, limits_are_the_programs_not_those_of_its_start)
{
	const struct spawn_limit few = { RLIMIT_NOFILE, 20 };
	struct spawn how = { .limits = &few, .n_limits = 1 };
	int many[100];
	for (size_t i = 0; i < 100; i++) {
		many[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	struct spawn_fd more = { many[99], 3 };
	cr_assert_str_eq(
		output_of("ulimit -n; readlink /proc/self/fd/3", how, &more, 1), "20\n/dev/null\n");
	for (size_t i = 0; i < 100; i++) {
		close(many[i]);
	}
}

Test(spawn, failures_are_told_here)
{
	struct err err;
	struct spawn how = { .argv = (const char *const[]){ "no-such-program", NULL } };
	cr_assert_eq(spawn_start(&how, &err), -1);
	cr_assert_str_eq(err.text, "cannot run 'no-such-program': No such file or directory");
	how.argv = (const char *const[]){ "/", NULL };
	cr_assert_eq(spawn_start(&how, &err), -1);
	cr_assert_str_eq(err.text, "cannot run '/': Permission denied");
	how.argv = (const char *const[]){ "true", NULL };
	how.cwd = "/no/such/folder";
	cr_assert_eq(spawn_start(&how, &err), -1);
	cr_assert_str_eq(err.text, "cannot enter '/no/such/folder': No such file or directory");
	how.cwd = NULL;
	how.env = (const char *const[]){ "PATH=/nowhere", NULL };
	cr_assert_eq(spawn_start(&how, &err), -1, "the child's PATH");
	how.fds = (struct spawn_fd[]){ { 999, 3 } };
	how.n_fds = 1;
	cr_assert_eq(spawn_start(&how, &err), -1);
	cr_assert(strstr(err.text, "descriptors"), "%s", err.text);
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "no zombie is left");
}

Test(spawn, signals_are_as_at_a_shell)
{
	sd_event *event = new_loop(); /* blocks and ignores some */
	struct spawn how = { 0 };
	/* The last 28: 32 and 33 are glibc's own, and make leaves them ignored. */
	cr_assert_str_eq(output_of("sed -nE 's/^(SigBlk|SigIgn):.*([0-9a-f]{7})$/\\1 \\2/p' "
				   "/proc/self/status | tr '\\n' ' '",
				 how, NULL, 0),
		"SigBlk 0000000 SigIgn 0000000 ");
	sd_event_unref(event);
}

Test(spawn, session_and_parent)
{
	struct spawn how = { .new_session = true };
	cr_assert_str_eq(
		output_of("test $(cut -d' ' -f6 /proc/$$/stat) = $$ && echo own", how, NULL, 0),
		"own\n");
}

/* A process between us and the child ends; the child must end with it. */
Test(spawn, dies_with_its_parent)
{
	int ends[2], wstatus;
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	pid_t middle = fork();
	if (middle == 0) {
		struct err err;
		struct spawn how = {
			.argv = (const char *const[]){ "sleep", "30", NULL },
			.fds = &(struct spawn_fd){ ends[1], 3 },
			.n_fds = 1,
			.die_with_us = true,
		};
		_exit(spawn_start(&how, &err) > 0 ? 0 : 1);
	}
	close(ends[1]);
	cr_assert_eq(waitpid(middle, &wstatus, 0), middle);
	cr_assert_eq(wstatus, 0);
	char c;
	cr_assert_eq(read(ends[0], &c, 1), 0, "its end of the pipe closes");
	close(ends[0]);
}

Test(spawn, another_user)
{
	if (getuid() != 0) {
		cr_skip_test("needs root");
	}
	gid_t groups[] = { 4, 5 };
	cr_assert_eq(setgroups(2, groups), 0);
	struct spawn how = { .uid = 12345, .gid = 23456 };
	cr_assert_str_eq(output_of("id -u; id -g; id -G", how, NULL, 0), "12345\n23456\n23456\n");
}

Test(spawn, ends_in_words)
{
	struct spawn how = { .argv = (const char *const[]){ "sh", "-c", "exit 3", NULL } };
	cr_assert_str_eq(spawn_describe_end(run_to_end(&how)), "exited with status 3");
	how.argv = (const char *const[]){ "sh", "-c", "kill -9 $$", NULL };
	cr_assert_str_eq(spawn_describe_end(run_to_end(&how)), "was killed by SIGKILL");
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *data)
{
	struct seen *seen = data;
	(void)source;
	seen->fired = info->si_status;
	return sd_event_exit(seen->event, 5);
}

Test(spawn, the_loop_watches_children)
{
	struct err err;
	struct seen seen = { .event = new_loop() };
	struct spawn how = { .argv = (const char *const[]){ "sh", "-c", "exit 4", NULL } };
	pid_t pid = spawn_start(&how, &err);
	cr_assert_geq(
		sd_event_add_child(seen.event, &seen.source, pid, WEXITED, on_child, &seen), 0);
	cr_assert_eq(sd_event_loop(seen.event), 5);
	cr_assert_eq(seen.fired, 4);
	loop_drop(&seen.source);
	sd_event_unref(seen.event);
}
