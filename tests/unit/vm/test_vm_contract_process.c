// USES vm
/* Processes in the background and terminals, as every backend's sandbox has them. */
#include "tests/support/contract.h"

#include "base/cleanup.h"
#include "vm/guest/ask.h"
#include "vm/wire/messages.h"

struct asked {
	bool done;
	struct msg_process_output_answer output;
	struct buf tail;
	char line[100]; /* of a screen */
	struct err err;
};

static void on_output(
	const void *answer, const void *tail, size_t tail_len, const struct err *err, void *data)
{
	struct asked *a = data;
	a->done = true;
	if (err) {
		a->err = *err;
		return;
	}
	a->output = *(const struct msg_process_output_answer *)answer;
	buf_append(&a->tail, tail, tail_len);
}

static void on_screen(
	const void *answer, const void *tail, size_t tail_len, const struct err *err, void *data)
{
	struct asked *a = data;
	(void)tail, (void)tail_len;
	a->done = true;
	if (err) {
		a->err = *err;
		return;
	}
	const struct msg_process_screen_answer *screen = answer;
	snprintf(a->line, sizeof(a->line), "%s",
		json_string_value(json_array_get(screen->lines, 0)));
}

static void on_done(
	const void *answer, const void *tail, size_t tail_len, const struct err *err, void *data)
{
	struct asked *a = data;
	(void)answer, (void)tail, (void)tail_len;
	a->done = true;
	if (err) {
		a->err = *err;
	}
}

static void ask(struct bench *b, struct vm *vm, const struct guest_question *question,
	guest_answered_fn *fn, struct asked *a)
{
	*a = (struct asked){ 0 };
	guest_ask(vm_guest(vm), question, fn, a);
	host_until(&b->host, &a->done);
}

static void await_end(struct bench *b, struct vm *vm, int64_t pid, struct asked *a)
{
	const struct msg_process_output args = {
		.pid = pid, .max = 10000, .wait_ms = 300000, .end = true
	};
	ask(b, vm, &(struct guest_question){ &message_process_output, &args, .time_ms = 400000 },
		on_output, a);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
}

static void write_to(struct bench *b, struct vm *vm, int64_t pid, const char *text)
{
	struct asked a;
	const struct msg_process_input args = { .pid = pid };
	ask(b, vm,
		&(struct guest_question){
			&message_process_input, &args, .tail = text, .tail_len = strlen(text) },
		on_done, &a);
	cr_assert_eq(a.err.kind, ERR_NONE, "%s", a.err.text);
}

struct begun {
	bool done;
	int64_t pid;
	struct err err;
};

static void on_begun(const struct guest_exec *res, const struct err *err, void *data)
{
	struct begun *begun = data;
	begun->done = true;
	if (err) {
		begun->err = *err;
	} else {
		begun->pid = res->pid;
	}
}

static struct begun begin(struct bench *b, const struct guest_command *command)
{
	struct begun begun = { 0 };
	guest_run(vm_guest(b->vm), command, on_begun, &begun);
	host_until(&b->host, &begun.done);
	return begun;
}

static bool is_fake(const struct bench *b)
{
	return strcmp(b->dialect->backend, "fake") == 0;
}

static void one_in_the_background_goes_on(struct bench *b)
{
	struct asked a;
	if (is_fake(b)) {
		return;
	}
	struct begun begun = begin(b,
		&(struct guest_command){ .background = true,
			.command =
				"echo out; echo err >&2; read line; echo \"got $line\"; exit 7" });
	cr_assert_eq(begun.err.kind, ERR_NONE, "%s", begun.err.text);
	write_to(b, b->vm, begun.pid, "it\n");
	await_end(b, b->vm, begun.pid, &a);
	cr_expect_eq(a.output.status, 7);
	cr_expect_str_eq(buf_text(&a.tail), "out\ngot it\nerr\n");
	buf_done(&a.tail);
}

static void a_terminal_shows_a_screen(struct bench *b)
{
	struct asked a;
	if (is_fake(b)) {
		return;
	}
	struct begun begun =
		begin(b, &(struct guest_command){ .background = true,
				 .columns = 70,
				 .rows = 9,
				 .command = "stty size; printf '\\033[Hover'; read line" });
	cr_assert_eq(begun.err.kind, ERR_NONE, "%s", begun.err.text);
	const struct msg_process_screen args = {
		.pid = begun.pid, .quiet_ms = 3000, .wait_ms = 300000
	};
	ask(b, b->vm, &(struct guest_question){ &message_process_screen, &args, .time_ms = 400000 },
		on_screen, &a);
	cr_assert_eq(a.err.kind, ERR_NONE, "%s", a.err.text);
	cr_expect_str_eq(a.line, "over");
	write_to(b, b->vm, begun.pid, "\n");
	await_end(b, b->vm, begun.pid, &a);
	cr_expect(strstr(buf_text(&a.tail), "9 70"), "%s", buf_text(&a.tail));
	buf_done(&a.tail);
}

static void root_is_there_in_a_machine_only(struct bench *b)
{
	struct begun begun = { 0 };
	struct asked a;
	if (is_fake(b)) {
		return;
	}
	begun = begin(b, &(struct guest_command){ .background = true,
				 .user = "root",
				 .cwd = "/root",
				 .command = "id -u; pwd; exec sleep 1000" });
	if (!b->dialect->is_machine) {
		cr_expect_eq(begun.err.kind, ERR_UNSUPPORTED);
		return;
	}
	cr_assert_eq(begun.err.kind, ERR_NONE, "%s", begun.err.text);
	const struct msg_process_output output = {
		.pid = begun.pid, .out = 7, .max = 100, .wait_ms = 300000
	};
	ask(b, b->vm,
		&(struct guest_question){ &message_process_output, &output, .time_ms = 400000 },
		on_output, &a);
	buf_done(&a.tail);
	const struct msg_process_signal kill = { .pid = begun.pid, .signal = 9, .tree = true };
	ask(b, b->vm, &(struct guest_question){ &message_process_signal, &kill }, on_done, &a);
	cr_assert_eq(a.err.kind, ERR_NONE, "%s", a.err.text);
	await_end(b, b->vm, begun.pid, &a);
	cr_expect_eq(a.output.signal, 9);
	cr_expect_str_eq(buf_text(&a.tail), "0\n/root\n");
	buf_done(&a.tail);
}

static void on_forked(
	struct vm *source, struct vm *const *vms, size_t n, const struct err *err, void *data)
{
	struct vm **child = data;
	(void)source;
	cr_assert(!err && n == 1, "%s", err ? err->text : "");
	*child = vms[0];
}

/* The copy has the process, with what it had printed, and goes its own way. */
static void a_fork_has_its_own(struct bench *b)
{
	struct asked a;
	struct vm *child = NULL;
	if (!b->dialect->is_machine) {
		return;
	}
	struct begun begun =
		begin(b, &(struct guest_command){ .background = true,
				 .command = "echo before; read line; echo \"after $line\"" });
	const struct msg_process_output output = {
		.pid = begun.pid, .max = 100, .wait_ms = 300000
	};
	ask(b, b->vm,
		&(struct guest_question){ &message_process_output, &output, .time_ms = 400000 },
		on_output, &a);
	buf_done(&a.tail);
	vm_fork(b->vm, 1, on_forked, &child);
	while (!child) {
		cr_assert_geq(sd_event_run(b->host.event, UINT64_MAX), 0);
	}
	struct waited waited = host_wait(&b->host, child);
	cr_assert_eq(waited.err.kind, ERR_NONE, "%s", waited.err.text);
	write_to(b, child, begun.pid, "copy\n");
	write_to(b, b->vm, begun.pid, "source\n");
	await_end(b, child, begun.pid, &a);
	cr_expect_str_eq(buf_text(&a.tail), "before\nafter copy\n");
	buf_done(&a.tail);
	await_end(b, b->vm, begun.pid, &a);
	cr_expect_str_eq(buf_text(&a.tail), "before\nafter source\n");
	buf_done(&a.tail);
	vm_stop(child, "done");
}

static const struct contract cases[] = {
	CASE(one_in_the_background_goes_on),
	CASE(a_terminal_shows_a_screen),
	CASE(root_is_there_in_a_machine_only),
	CASE(a_fork_has_its_own),
};

CONTRACT(process, cases)
