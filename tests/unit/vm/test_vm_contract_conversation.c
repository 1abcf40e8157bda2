// USES vm
/*
 * Conversations as every backend's agent holds them: what is written comes through at once, either
 * side may close first, a reader that stops costs the window and no more, and the end is told once.
 */
#include "tests/support/contract.h"

#include "vm/guest/conversation.h"

#include <signal.h>

/* A command with its input, and what was heard of it. */
struct talk {
	struct conversation *c; /* NULL: over */
	struct buf out;
	size_t got, held; /* bytes; held: not reported as consumed */
	bool holds, ended, writable;
	int times;
	int64_t pid;
	struct msg_exec_answer answer;
	struct err err;
};

static void on_data(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct talk *t = data;
	cr_assert_eq(c, t->c);
	cr_assert_eq(channel, EXEC_STDOUT);
	t->got += len;
	if (t->holds) {
		t->held += len;
	} else {
		buf_append(&t->out, bytes, len < 1000 ? len : 1000);
		conversation_consumed(c, len);
	}
}

static void on_message(struct conversation *c, const struct message *message, const void *args,
	size_t cost, void *data)
{
	cr_assert_eq(message, &message_started);
	((struct talk *)data)->pid = ((const struct msg_started *)args)->pid;
	conversation_consumed(c, cost);
}

static void on_writable(struct conversation *c, void *data)
{
	(void)c;
	((struct talk *)data)->writable = true;
}

static void on_end(struct conversation *c, const void *answer, const struct err *err, void *data)
{
	struct talk *t = data;
	cr_assert_eq(c, t->c);
	t->c = NULL;
	t->ended = true;
	t->times++;
	if (err) {
		t->err = *err;
	} else {
		t->answer = *(const struct msg_exec_answer *)answer;
	}
}

static void talk_to(struct bench *b, const char *command, struct talk *t)
{
	static const struct conversation_handlers handlers = {
		.on_data = on_data,
		.on_message = on_message,
		.on_writable = on_writable,
		.on_end = on_end,
	};
	const struct msg_exec args = { .command = command, .timeout_ms = 500000, .input = true };
	const struct conversation_how how = {
		.message = &message_exec, .args = &args, .time_ms = 500000, .is_command = true
	};
	t->c = conversation_open(vm_guest(b->vm), &how, &handlers, t);
	cr_assert_not(t->ended);
}

static void run_until(struct bench *b, const bool *flag, size_t *count, size_t least)
{
	while (flag ? !*flag : *count < least) {
		cr_assert_geq(sd_event_run(b->host.event, UINT64_MAX), 0);
	}
}

static void say(struct talk *t, const char *text)
{
	cr_assert_eq(conversation_write(t->c, EXEC_STDIN, text, strlen(text)), strlen(text));
}

static void hear(struct bench *b, struct talk *t, const char *text)
{
	run_until(b, NULL, &t->got, strlen(text));
	cr_assert_str_eq(buf_text(&t->out), text);
}

static void is_over(struct talk *t)
{
	cr_expect_eq(t->times, 1);
	buf_done(&t->out);
}

/* Other calls are answered meanwhile, and by then it has had every chance. */
static void others_work(struct bench *b)
{
	for (int i = 0; i < 3; i++) {
		struct answer *a = host_exec(&b->host, b->vm, "echo other", 60000);
		cr_assert_str_eq(a->out, "other\n", "%s", a->err.text);
		answer_free(a);
	}
}

static void what_is_written_comes_back_at_once(struct bench *b)
{
	struct talk t = { 0 };
	talk_to(b, "cat", &t);
	say(&t, "one\n");
	hear(b, &t, "one\n");
	cr_expect_gt(t.pid, 0, "it was not announced first");
	cr_expect_not(t.ended);
	say(&t, "two\n");
	hear(b, &t, "one\ntwo\n");
	say(&t, "last\n");
	conversation_close_write(t.c);
	cr_expect_eq(conversation_write(t.c, EXEC_STDIN, "x", 1), 0, "written after the end");
	host_until(&b->host, &t.ended);
	cr_expect_str_eq(buf_text(&t.out), "one\ntwo\nlast\n");
	cr_expect_eq(t.err.kind, ERR_NONE, "%s", t.err.text);
	cr_expect_eq(t.answer.status, 0);
	is_over(&t);
}

static void a_command_may_end_before_its_input(struct bench *b)
{
	struct talk t = { 0 };
	talk_to(b, "exit 3", &t);
	conversation_write(t.c, EXEC_STDIN, "never read", 10);
	host_until(&b->host, &t.ended);
	cr_expect_eq(t.answer.status, 3);
	others_work(b);
	is_over(&t);
}

static void a_signal_ends_it(struct bench *b)
{
	struct talk t = { 0 };
	talk_to(b, "cat", &t);
	say(&t, "x");
	hear(b, &t, "x");
	cr_assert(conversation_send(t.c, &message_signal, &(struct msg_signal){ SIGTERM }));
	host_until(&b->host, &t.ended);
	cr_expect_eq(t.answer.signal, SIGTERM);
	is_over(&t);
}

static void one_that_is_closed_tells_nothing(struct bench *b)
{
	struct talk t = { 0 };
	talk_to(b, "cat", &t);
	say(&t, "x");
	hear(b, &t, "x");
	conversation_close(t.c);
	others_work(b);
	cr_expect_eq(t.times, 0);
	cr_expect_eq(t.got, 1);
	buf_done(&t.out);
}

static void a_cancelled_one_ends(struct bench *b)
{
	struct talk t = { 0 };
	talk_to(b, "cat", &t);
	guest_cancel(vm_guest(b->vm), conversation_id(t.c));
	host_until(&b->host, &t.ended);
	cr_expect_eq(t.err.kind, ERR_CANCELLED, "%s", t.err.text);
	is_over(&t);
}

static void a_reader_that_stops_costs_the_window(struct bench *b)
{
	struct talk t = { .holds = true };
	talk_to(b, b->dialect->flood, &t);
	run_until(b, NULL, &t.got, CONVERSATION_WINDOW - 64);
	others_work(b);
	cr_expect_leq(t.got, CONVERSATION_WINDOW);
	cr_assert_not(t.ended, "%s", t.err.text);
	t.holds = false;
	conversation_consumed(t.c, t.held);
	host_until(&b->host, &t.ended);
	cr_expect_eq(t.got, 300000);
	is_over(&t);
}

static void a_command_that_reads_nothing_stops_its_writer(struct bench *b)
{
	static const char bytes[65536];
	struct talk t = { 0 };
	size_t taken = 0, n;
	talk_to(b, "sleep 1000", &t);
	for (int waits = 0; waits < 2;) { /* once for what fits into its pipe */
		n = conversation_write(t.c, EXEC_STDIN, bytes, sizeof(bytes));
		taken += n;
		if (n < sizeof(bytes)) {
			others_work(b);
			waits = t.writable ? 0 : waits + 1;
			t.writable = false;
		}
		cr_assert_leq(taken, 4 * CONVERSATION_WINDOW);
	}
	cr_expect_geq(taken, CONVERSATION_WINDOW);
	conversation_close(t.c);
	others_work(b);
	cr_expect_eq(t.times, 0);
}

static void the_sandboxs_end_is_told_once(struct bench *b)
{
	struct talk t = { 0 }, late = { 0 };
	talk_to(b, "cat", &t);
	say(&t, "x");
	hear(b, &t, "x");
	vm_stop(b->vm, "the test says so");
	talk_to(b, "cat", &late);
	host_until(&b->host, &t.ended);
	host_until(&b->host, &late.ended);
	cr_expect_eq(t.err.kind, ERR_GONE, "%s", t.err.text);
	cr_expect_eq(late.err.kind, ERR_GONE, "%s", late.err.text);
	is_over(&t);
	is_over(&late);
}

/* ---- its sandbox as a file ---- */

static bool can_be_saved(const struct bench *b)
{
	return strcmp(b->dialect->backend, "namespace") != 0;
}

static void on_forked(
	struct vm *source, struct vm *const *vms, size_t n, const struct err *err, void *data)
{
	(void)source, (void)vms;
	cr_assert(!err && n == 1, "%s", err ? err->text : "");
	*(bool *)data = true;
}

static void goes_on_while_its_sandbox_is_forked(struct bench *b)
{
	struct talk t = { 0 };
	bool forked = false;
	if (!can_be_saved(b)) {
		return;
	}
	talk_to(b, "cat", &t);
	say(&t, "before\n");
	hear(b, &t, "before\n");
	vm_fork(b->vm, 1, on_forked, &forked);
	say(&t, "meanwhile\n");
	host_until(&b->host, &forked);
	say(&t, "afterwards\n");
	hear(b, &t, "before\nmeanwhile\nafterwards\n");
	conversation_close_write(t.c);
	host_until(&b->host, &t.ended);
	cr_expect_eq(t.err.kind, ERR_NONE, "%s", t.err.text);
	cr_expect_eq(t.answer.status, 0);
	is_over(&t);
	vm_stop(vm_at(b->host.pool, "alice", 1), "a copy");
}

static void on_paused(struct vm *vm, const struct err *err, void *data)
{
	(void)vm;
	cr_assert(!err, "%s", err ? err->text : "");
	*(bool *)data = true;
}

static void ends_at_a_pause_and_the_copy_knows_nothing_of_it(struct bench *b)
{
	struct talk t = { 0 };
	bool paused = false;
	if (!can_be_saved(b)) {
		return;
	}
	talk_to(b, "cat", &t);
	say(&t, "x");
	hear(b, &t, "x");
	vm_pause(b->vm, on_paused, &paused);
	host_until(&b->host, &paused);
	host_until(&b->host, &t.ended);
	cr_expect_eq(t.err.kind, ERR_GONE, "%s", t.err.text);
	cr_expect_not_null(strstr(t.err.text, "was paused"), "%s", t.err.text);
	is_over(&t);
	struct waited waited = host_wait(&b->host, b->vm);
	cr_assert_eq(waited.err.kind, ERR_NONE, "%s", waited.err.text);
	struct talk again = { 0 };
	talk_to(b, "cat", &again);
	say(&again, "y");
	hear(b, &again, "y");
	conversation_close(again.c);
	others_work(b);
	buf_done(&again.out);
}

static const struct contract cases[] = {
	CASE(what_is_written_comes_back_at_once),
	CASE(a_command_may_end_before_its_input),
	CASE(a_signal_ends_it),
	CASE(one_that_is_closed_tells_nothing),
	CASE(a_cancelled_one_ends),
	CASE(a_reader_that_stops_costs_the_window),
	CASE(a_command_that_reads_nothing_stops_its_writer),
	CASE_ALONE(the_sandboxs_end_is_told_once),
	CASE(goes_on_while_its_sandbox_is_forked),
	CASE(ends_at_a_pause_and_the_copy_knows_nothing_of_it),
};

CONTRACT(conversation, cases)
