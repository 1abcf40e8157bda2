// USES vm
/*
 * Code with state, on each backend that has Jupyter kernels: what it prints and shows, interrupts,
 * kernels that end, floods.  The fake desktop has none.
 */
#include "tests/support/contract.h"

#include "base/buf.h"
#include "vm/guest/code.h"
#include "vm/wire/messages.h"

struct coded {
	struct code *code;
	bool begun, done;
	char context[CODE_NAME_MAX + 1], first_language[CODE_NAME_MAX + 1];
	struct buf out, errors, plain; /* stdout, stderr, texts of results */
	size_t png, too_large;         /* base64 of an image; bytes that were left out */
	int64_t omitted;
	int lost, status, clears;
	char reason[100], raised[100], traceback[4000];
	size_t contexts;
	struct err err;
};

static void on_begin(const struct code_begin *begin, void *data)
{
	struct coded *c = data;
	c->begun = true;
	c->lost = begin->lost;
	snprintf(c->context, sizeof(c->context), "%s", begin->context);
}

static void on_stream(const struct code_stream *stream, void *data)
{
	struct coded *c = data;
	struct buf *to = stream->name == EXEC_STDERR ? &c->errors : &c->out;
	buf_printf(to, "%s", stream->text);
	c->omitted += stream->omitted;
}

static void on_result(const struct code_result *result, void *data)
{
	struct coded *c = data;
	const char *text = json_string_value(json_object_get(result->data, "text/plain"));
	const char *type;
	json_t *size;
	buf_printf(&c->plain, "%s", text ? text : "");
	c->png = json_string_length(json_object_get(result->data, "image/png"));
	json_object_foreach((json_t *)result->too_large, type, size)
	{
		c->too_large += (size_t)json_integer_value(size);
	}
}

static void on_clear(void *data)
{
	((struct coded *)data)->clears++;
}

static void on_error(const struct code_error *error, void *data)
{
	struct coded *c = data;
	snprintf(c->raised, sizeof(c->raised), "%s", error->name);
	snprintf(c->traceback, sizeof(c->traceback), "%s", error->traceback);
}

static void on_end(const struct code_end *end, const struct err *err, void *data)
{
	struct coded *c = data;
	c->done = true;
	c->code = NULL;
	c->err = err ? *err : (struct err){ 0 };
	if (end) {
		c->status = end->status;
		c->contexts = json_array_size(end->contexts);
		snprintf(c->reason, sizeof(c->reason), "%s", end->reason ? end->reason : "");
		const json_t *row = json_array_get(end->contexts, 0);
		const char *id = json_string_value(json_object_get(row, "id"));
		const char *language = json_string_value(json_array_get(end->languages, 0));
		snprintf(c->context, sizeof(c->context), "%s", id ? id : "");
		snprintf(c->first_language, sizeof(c->first_language), "%s",
			language ? language : "");
	}
}

static void start(struct vm *vm, struct coded *c, const struct code_request *request)
{
	static const struct code_handlers handlers = { on_begin, on_stream, on_result, on_clear,
		on_error, on_end };
	struct err err;
	*c = (struct coded){ 0 };
	c->code = code_open(vm_guest(vm), request, &handlers, c, &err);
	cr_assert_not_null(c->code, "%s", err.text);
}

static void finish(struct coded *c)
{
	buf_done(&c->out);
	buf_done(&c->errors);
	buf_done(&c->plain);
}

static struct coded *ask(struct bench *b, const struct code_request *request)
{
	static struct coded c;
	finish(&c);
	start(b->vm, &c, request);
	host_until(&b->host, &c.done);
	return &c;
}

static struct coded *run(struct bench *b, const char *code)
{
	return ask(b, &(struct code_request){ .code = code });
}

static void well(const struct coded *c)
{
	cr_assert_eq(c->err.kind, ERR_NONE, "%s", c->err.text);
	cr_expect_eq(c->status, CODE_OK, "status %d, %s %s", c->status, c->reason, c->traceback);
}

static void gives(struct bench *b, const char *code, const char *value)
{
	struct coded *c = run(b, code);
	well(c);
	cr_expect_str_eq(buf_text(&c->plain), value);
}

static bool has_kernels(const struct bench *b)
{
	return strcmp(b->dialect->backend, "fake") != 0;
}

/* ---- cases ---- */

/* Both start the runner, and one of the two wins. */
static void the_first_two_at_once_have_one_kernel(struct bench *b)
{
	struct coded first, second;
	start(b->vm, &first, &(struct code_request){ .code = "a = 1" });
	start(b->vm, &second, &(struct code_request){ .code = "b = 2" });
	host_until(&b->host, &first.done);
	host_until(&b->host, &second.done);
	if (!has_kernels(b)) {
		cr_expect_neq(first.err.kind, ERR_NONE);
		return;
	}
	well(&first);
	well(&second);
	finish(&first);
	finish(&second);
	gives(b, "a + b", "3");
}

static void what_it_prints_and_shows_is_told(struct bench *b)
{
	if (!has_kernels(b)) {
		return;
	}
	struct coded *c =
		run(b, "import sys\nprint('aä\\0')\nprint('e', file=sys.stderr)\nx = 41\nx + 1");
	well(c);
	cr_expect_str_eq(buf_text(&c->out), "aä\ufffd\n");
	cr_expect_str_eq(buf_text(&c->errors), "e\n");
	cr_expect_str_eq(buf_text(&c->plain), "42");
	c = run(b, "import subprocess\nsubprocess.run(['echo', 'child'])\nNone");
	cr_expect_str_eq(buf_text(&c->out), "child\n");
	c = run(b, "from IPython.display import clear_output\nclear_output()");
	cr_expect_eq(c->clears, 1);
}

static void a_plot_is_a_png(struct bench *b)
{
	if (!has_kernels(b)) {
		return;
	}
	if (b->dialect->is_machine) { /* the image of tests has no matplotlib, which is large */
		return;
	}
	struct coded *c = run(b, "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()");
	well(c);
	cr_expect_gt(c->png, 1000, "%s", c->traceback);
}

static void an_error_has_its_traceback(struct bench *b)
{
	if (!has_kernels(b)) {
		return;
	}
	struct coded *c = run(b, "def f(): 1 / 0\nf()");
	cr_expect_eq(c->status, CODE_ERROR);
	cr_expect_str_eq(c->raised, "ZeroDivisionError");
	cr_expect_not_null(strstr(c->traceback, "in f()"), "%s", c->traceback);
	cr_expect_null(strchr(c->traceback, 27), "no colours");
	c = run(b, "input()");
	cr_expect_str_eq(c->raised, "StdinNotImplementedError");
}

static void a_loop_is_interrupted_at_its_timeout(struct bench *b)
{
	if (!has_kernels(b)) {
		return;
	}
	struct coded *c = ask(
		b, &(struct code_request){ .code = "x = 7\nwhile True: pass", .timeout_ms = 500 });
	cr_expect_eq(c->status, CODE_TIMEOUT, "%s", c->err.text);
	cr_expect_str_eq(c->reason, "");
	gives(b, "x", "7");
}

static void a_run_is_cancelled(struct bench *b)
{
	struct coded c;
	if (!has_kernels(b)) {
		return;
	}
	gives(b, "x = 8\nimport time", "");
	start(b->vm, &c, &(struct code_request){ .code = "time.sleep(1000)" });
	host_until(&b->host, &c.begun);
	code_cancel(c.code);
	host_until(&b->host, &c.done);
	cr_expect_eq(c.status, CODE_CANCELLED, "%d %s", c.status, c.err.text);
	cr_expect_str_eq(c.reason, "", "the kernel goes on");
	finish(&c);
	/* One that is left is interrupted, too. */
	start(b->vm, &c, &(struct code_request){ .code = "time.sleep(1000)" });
	host_until(&b->host, &c.begun);
	code_close(c.code);
	finish(&c);
	gives(b, "x", "8");
}

static void one_that_ignores_the_interrupt_loses_its_kernel(struct bench *b)
{
	if (!has_kernels(b)) {
		return;
	}
	struct coded *c = ask(
		b, &(struct code_request){ .code = "import signal\n"
						   "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
						   "while True: pass",
			   .timeout_ms = 500 });
	cr_expect_eq(c->status, CODE_TIMEOUT, "%s", c->err.text);
	cr_expect_str_eq(c->reason, "signal 9");
	c = run(b, "1");
	well(c);
	cr_expect_eq(c->lost, CODE_LOST_STOPPED);
}

static void a_kernel_that_ends_is_told_and_started_again(struct bench *b)
{
	if (!has_kernels(b)) {
		return;
	}
	struct coded *c = run(b, "import os\nos._exit(3)");
	cr_expect_eq(c->status, CODE_DIED, "%d %s", c->status, c->err.text);
	cr_expect_str_eq(c->reason, "exit status 3");
	c = run(b, "1");
	well(c);
	cr_expect_eq(c->lost, CODE_LOST_KERNEL);
	c = run(b, "1");
	cr_expect_eq(c->lost, CODE_LOST_NOTHING, "it is told once");
}

static void floods_are_bounded(struct bench *b)
{
	if (!has_kernels(b)) {
		return;
	}
	struct coded *c = run(b, "print('x\\n' * 10_000_000)\nprint('end')");
	well(c);
	cr_expect_lt(c->out.len, 2 << 20);
	cr_expect_gt(c->omitted, 10000000);
	cr_expect(c->out.len > 4 && memcmp(c->out.data + c->out.len - 4, "end\n", 4) == 0);
	c = run(b, "from IPython.display import HTML, display\ndisplay(HTML('x' * 50_000_000))");
	well(c);
	cr_expect_eq(c->too_large, 50000000);
	c = run(b, "for i in range(1000): display(i)");
	well(c);
	cr_expect_lt(c->plain.len, 1000);
}

static void contexts_run_at_once_and_have_their_own_state(struct bench *b)
{
	struct coded slow;
	char id[CODE_NAME_MAX + 1];
	if (!has_kernels(b)) {
		return;
	}
	struct coded *c = ask(b, &(struct code_request){ .op = CODE_CREATE, .cwd = "/tmp" });
	cr_assert_eq(c->contexts, 1, "%s", c->err.text);
	snprintf(id, sizeof(id), "%s", c->context);
	gives(b, "x = 'default'", "");
	start(b->vm, &slow,
		&(struct code_request){ .context = id,
			.code = "import os, time\nx = 'other'\n"
				"while not os.path.exists('go'): time.sleep(0.01)\nx" });
	host_until(&b->host, &slow.begun);
	gives(b, "open('/tmp/go', 'w').close()\nx", "'default'");
	host_until(&b->host, &slow.done);
	cr_expect_str_eq(buf_text(&slow.plain), "'other'", "%s", slow.traceback);
	finish(&slow);
	c = ask(b, &(struct code_request){ .op = CODE_LIST });
	cr_expect_eq(c->contexts, 2, "%s", c->err.text);
	cr_expect_str_eq(c->first_language, "python");
	c = ask(b, &(struct code_request){ .op = CODE_RESTART, .context = id });
	cr_expect_eq(c->contexts, 1, "%s", c->err.text);
	c = ask(b, &(struct code_request){ .context = id, .code = "x" });
	cr_expect_str_eq(c->raised, "NameError");
	c = ask(b, &(struct code_request){ .op = CODE_REMOVE, .context = id });
	cr_expect_eq(c->err.kind, ERR_NONE, "%s", c->err.text);
	c = ask(b, &(struct code_request){ .context = id, .code = "x" });
	cr_expect_eq(c->err.kind, ERR_NOT_FOUND, "%s", c->err.text);
	cr_expect_not_null(strstr(c->err.text, "python"), "%s", c->err.text);
}

static void an_unknown_language_lists_the_others(struct bench *b)
{
	if (!has_kernels(b)) {
		return;
	}
	struct coded *c = ask(b, &(struct code_request){ .code = "1", .language = "cobol" });
	cr_expect_eq(c->err.kind, ERR_NOT_FOUND);
	cr_expect_not_null(strstr(c->err.text, "'cobol'"), "%s", c->err.text);
	cr_expect_not_null(strstr(c->err.text, "python"), "%s", c->err.text);
	c = ask(b, &(struct code_request){ .op = CODE_CREATE, .cwd = "/nowhere" });
	cr_expect_eq(c->err.kind, ERR_NOT_FOUND);
	cr_expect_not_null(strstr(c->err.text, "/nowhere"), "%s", c->err.text);
}

static void a_runner_that_was_killed_is_started_again(struct bench *b)
{
	if (!has_kernels(b)) {
		return;
	}
	struct answer *a = host_exec(&b->host, b->vm,
		"for p in /proc/[0-9]*; do grep -qs 'CODE_RUNNE[R]' $p/cmdline && "
		"kill -9 ${p#/proc/}; done; true",
		60000);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	answer_free(a);
	struct coded *c = run(b, "1");
	well(c);
	cr_expect_eq(c->lost, CODE_LOST_RUNNER);
}

struct forked {
	struct vm *vm;
	bool done;
	struct err err;
};

static void on_forked(
	struct vm *of, struct vm *const *vms, size_t n, const struct err *err, void *data)
{
	struct forked *f = data;
	(void)of;
	f->done = true;
	f->vm = n ? vms[0] : NULL;
	f->err = err ? *err : (struct err){ 0 };
}

static void a_fork_keeps_the_state(struct bench *b)
{
	struct forked f = { 0 };
	if (!b->dialect->is_machine) {
		return;
	}
	gives(b, "x = 41", "");
	vm_fork(b->vm, 1, on_forked, &f);
	host_until(&b->host, &f.done);
	cr_assert_not_null(f.vm, "%s", f.err.text);
	gives(b, "x += 1\nx", "42");
	struct vm *source = b->vm;
	b->vm = f.vm;
	gives(b, "x += 2\nx", "43");
	struct coded *c = run(b, "import os\nos._exit(1)");
	cr_expect_eq(c->status, CODE_DIED);
	b->vm = source;
	gives(b, "x", "42");
}

static void variables_are_of_one_run(struct bench *b)
{
	static const char show[] = "import os; os.environ.get('FOO', 'none')";
	json_auto_t *variables = json_pack("{s:s}", "FOO", "it's \"here\"\n\xc3\xa9");
	json_auto_t *wrong = json_pack("{s:s}", "FOO=1; BAR", "x");
	if (!has_kernels(b)) {
		return;
	}
	struct coded *c = ask(b, &(struct code_request){ .code = show, .environment = variables });
	well(c);
	cr_expect_str_eq(buf_text(&c->plain), "'it\\'s \"here\"\\n\xc3\xa9'");
	gives(b, show, "'none'");
	c = ask(b, &(struct code_request){ .code = "1", .environment = wrong });
	cr_expect_eq(c->err.kind, ERR_ARGUMENT, "%s", c->err.text);
	gives(b, "1 + 1", "2");
}

static const struct contract cases[] = {
	CASE(the_first_two_at_once_have_one_kernel),
	CASE(what_it_prints_and_shows_is_told),
	CASE(a_plot_is_a_png),
	CASE(an_error_has_its_traceback),
	CASE(a_loop_is_interrupted_at_its_timeout),
	CASE(a_run_is_cancelled),
	CASE(one_that_ignores_the_interrupt_loses_its_kernel),
	CASE(a_kernel_that_ends_is_told_and_started_again),
	CASE(floods_are_bounded),
	CASE(contexts_run_at_once_and_have_their_own_state),
	CASE(an_unknown_language_lists_the_others),
	CASE(a_runner_that_was_killed_is_started_again),
	CASE(variables_are_of_one_run),
	CASE_ALONE(a_fork_keeps_the_state),
};

CONTRACT(code, cases)
