#include "tools/sandbox/sandbox.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "tools/call/result.h"
#include "vm/lifecycle/lifecycle.h"

#include <stdio.h>

/*
 * sandbox_fork: copies a running desktop several times.  The result has one line per copy, ready or
 * with an error, so a failed copy does not affect the others.
 */

struct fork_args {
	const char *sandbox;
	int64_t count;
};

static const struct field fields[] = {
	FIELD_NUM(struct fork_args, count, "Number of copies.", .min = 1, .max = VM_FORK_MAX,
		.default_value = 1),
	CALL_SANDBOX(struct fork_args),
	{ 0 },
};

struct copy {
	struct fork *fork;
	struct vm *vm;
	struct vm_wait *wait; /* until it is ready or has failed */
	char id[ID_LEN + 1];
	struct err err; /* kind ERR_NONE: ready */
};

struct fork {
	struct call *call;
	const struct fork_args *args;
	uint64_t began;
	bool cancelled; /* while the source is being copied */
	struct err why; /* kind not ERR_NONE: why fewer copies were created than requested */
	struct copy *copies;
	size_t n, over, ready;
};

static void reply(struct fork *fork)
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "Sandbox %s was copied: %zu of %lld %s ready after ",
		vm_id(call_vm(fork->call)), fork->ready, (long long)fork->args->count,
		fork->args->count == 1 ? "copy is" : "copies are");
	sandbox_format_took(&text, fork->began);
	buf_printf(&text,
		". The copies and the original now run independently. To use a copy, pass its id "
		"as 'sandbox'.");
	for (size_t i = 0; i < fork->n; i++) {
		struct err *err = &fork->copies[i].err;
		vm_hide_paths(call_vms(fork->call), err);
		buf_printf(&text, "\n%s: %s", fork->copies[i].id, err->kind ? err->text : "ready");
	}
	if (fork->why.kind) {
		vm_hide_paths(call_vms(fork->call), &fork->why);
		buf_printf(&text, "\nThe other copies could not be created: %s", fork->why.text);
	}
	call_reply_text(fork->call, buf_text(&text));
}

static void finish(struct fork *fork)
{
	if (fork->ready) {
		reply(fork);
		return;
	}
	call_fail(fork->call, fork->n ? &fork->copies[0].err : &fork->why);
}

static void copy_over(struct vm *vm, const struct err *err, void *data)
{
	struct copy *copy = data;
	struct fork *fork = copy->fork;
	char text[60];
	(void)vm;
	copy->wait = NULL;
	if (err) {
		copy->err = *err;
	} else {
		fork->ready++;
	}
	fork->over++;
	snprintf(text, sizeof(text), "%zu of %zu copies are ready", fork->ready, fork->n);
	call_progress(fork->call, 1 + (unsigned)fork->over, 1 + (unsigned)fork->n, text);
	if (fork->over == fork->n) {
		finish(fork);
	}
}

static void end_copies(struct vm *const *vms, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		vm_stop(vms[i], "the fork was cancelled");
	}
}

static void fail_cancelled(struct fork *fork)
{
	struct err err;
	err_set(&err, ERR_CANCELLED, "cancelled; the copies were ended");
	call_fail(fork->call, &err);
}

static void forked(
	struct vm *source, struct vm *const *vms, size_t n, const struct err *err, void *data)
{
	static const struct vm_wait_handlers handlers = { .done = copy_over };
	struct fork *fork = data;
	(void)source;
	if (fork->cancelled) {
		end_copies(vms, n);
		fail_cancelled(fork);
		return;
	}
	if (err) {
		fork->why = *err;
	}
	if (!n) {
		finish(fork);
		return;
	}
	fork->n = n;
	fork->copies = call_alloc(fork->call, n * sizeof(fork->copies[0]));
	for (size_t i = 0; i < n; i++) {
		struct copy *copy = &fork->copies[i];
		copy->fork = fork;
		copy->vm = vms[i];
		snprintf(copy->id, sizeof(copy->id), "%s", vm_id(vms[i]));
		copy->wait = vm_wait(vms[i], &handlers, copy);
	}
}

static void take_back(void *data)
{
	struct fork *fork = data;
	fork->cancelled = true;
	if (!fork->n) {
		return; /* forked() ends them */
	}
	for (size_t i = 0; i < fork->n; i++) {
		struct copy *copy = &fork->copies[i];
		vm_wait_cancel(take_ptr(&copy->wait));
		if (!copy->err.kind) {
			end_copies(&copy->vm, 1);
		}
	}
	fail_cancelled(fork);
}

static void begin(struct call *call, void *data)
{
	struct fork *fork = data;
	unsigned count = (unsigned)fork->args->count;
	call_on_cancel(call, take_back, fork);
	call_progress(call, 1, 1 + count, "Copying the running desktop");
	vm_fork(call_vm(call), count, forked, fork);
}

static void run(struct call *call, const void *data)
{
	struct fork *fork = call_alloc(call, sizeof(*fork));
	fork->args = data;
	fork->began = loop_now_us();
	fork->call = call;
	call_start(call, fork->args->sandbox, begin, fork);
}

const struct tool tool_sandbox_fork = {
	.name = "sandbox_fork",
	.title = "Fork a sandbox",
	.help = "Copies a running sandbox, with programs, windows and unsaved text; the original "
		"keeps running. Returns the ids of the copies. microvm only.",
	.toolset = "sandbox",
	.order = TOOL_IN_TURN,
	.hints = TOOL_TAKES_TIME,
	.fields = fields,
	.args_size = sizeof(struct fork_args),
	.run = run,
};
