#include "tools/sandbox/sandbox.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "tools/call/result.h"
#include "vm/core/control.h"
#include "vm/lifecycle/lifecycle.h"

#include <string.h>

/*
 * The tools that save a VM: pause, resume, roll back.  Saving cannot be aborted, so a call that is
 * cancelled meanwhile is answered at its end; a pause or a rollback remains in effect.
 */

struct one_args {
	const char *sandbox;
};

static const struct field one_fields[] = { CALL_SANDBOX(struct one_args), { 0 } };

struct saving {
	struct call *call;
	uint64_t began;
	char snapshot[ID_LEN + 1]; /* the snapshot to restore */
};

/* Replies with "Sandbox ID", its new state and the duration. */
static void reply_done(struct saving *saving, const char *became, const char *more)
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "Sandbox %s is %s after ", vm_id(call_vm(saving->call)), became);
	sandbox_format_took(&text, saving->began);
	buf_printf(&text, ". %s", more);
	call_reply_text(saving->call, buf_text(&text));
}

/* The call's existing sandbox; NULL: the call has failed. */
static struct vm *find(struct call *call, const char *id)
{
	struct err err;
	struct vm *vm = sandbox_find(call, id, &err);
	if (!vm) {
		call_fail(call, &err);
	}
	return vm;
}

static struct saving *saving_new(struct call *call)
{
	struct saving *saving = call_alloc(call, sizeof(*saving));
	saving->call = call;
	saving->began = loop_now_us();
	return saving;
}

/* ---- sandbox_pause ---- */

static void paused(struct vm *vm, const struct err *err, void *data)
{
	struct saving *saving = data;
	(void)vm;
	if (err) {
		call_fail(saving->call, err);
		return;
	}
	reply_done(saving, "paused",
		"It is stored on disk and uses no memory or CPU. The next call on it resumes it, "
		"with the same programs and windows.");
}

static void begin_pause(struct call *call, void *data)
{
	struct err err;
	if (!vm_control_allows_agent(call_vm(call), &err)) {
		call_fail(call, &err);
		return;
	}
	call_progress(call, 1, 2, "Saving the desktop");
	vm_pause(call_vm(call), paused, data);
}

static void run_pause(struct call *call, const void *data)
{
	const struct one_args *args = data;
	struct vm *vm = find(call, args->sandbox);
	if (vm && vm_state(vm) == VM_PAUSED) {
		auto_buf struct buf text = { 0 };
		buf_printf(&text, "Sandbox %s is already paused.", vm_id(vm));
		sandbox_reply(call, &text);
	} else if (vm) {
		call_start_in(call, vm, begin_pause, saving_new(call));
	}
}

const struct tool tool_sandbox_pause = {
	.name = "sandbox_pause",
	.title = "Pause a sandbox",
	.help = "Writes a running sandbox to disk and releases its memory and CPU. The next call "
		"on it resumes it in the same state. microvm only.",
	.toolset = "sandbox",
	.hints = TOOL_EXTRA | TOOL_TAKES_TIME | TOOL_REPEATABLE,
	.order = TOOL_IN_TURN,
	.fields = one_fields,
	.args_size = sizeof(struct one_args),
	.run = run_pause,
};

/* ---- sandbox_resume ---- */

static void begin_resume(struct call *call, void *data)
{
	(void)call;
	reply_done(data, "ready", "It continues in the same state.");
}

static void run_resume(struct call *call, const void *data)
{
	const struct one_args *args = data;
	struct vm *vm = find(call, args->sandbox);
	if (vm && vm_state(vm) == VM_READY) {
		auto_buf struct buf text = { 0 };
		buf_printf(&text, "Sandbox %s is already running.", vm_id(vm));
		sandbox_reply(call, &text);
	} else if (vm) {
		call_start_in(call, vm, begin_resume, saving_new(call));
	}
}

const struct tool tool_sandbox_resume = {
	.name = "sandbox_resume",
	.title = "Resume a sandbox",
	.help = "Resumes a paused sandbox and waits until it is ready. Any other call on it also "
		"resumes it.",
	.toolset = "sandbox",
	.hints = TOOL_EXTRA | TOOL_TAKES_TIME | TOOL_REPEATABLE,
	.order = TOOL_IN_TURN,
	.fields = one_fields,
	.args_size = sizeof(struct one_args),
	.run = run_resume,
};

/* ---- sandbox_rollback ---- */

struct rollback_args {
	const char *sandbox, *snapshot;
};

static const struct field rollback_fields[] = {
	FIELD_STR(struct rollback_args, snapshot, "Id or name of the snapshot.", .required = true,
		.min = 1, .max = VM_SNAPSHOT_NAME_MAX),
	CALL_SANDBOX(struct rollback_args),
	{ 0 },
};

static void rolled_back(struct vm *vm, const struct err *err, void *data)
{
	struct saving *saving = data;
	(void)vm;
	if (err) {
		call_fail(saving->call, err);
		return;
	}
	reply_done(saving, "rolled back to its snapshot",
		"Changes since the snapshot are lost. Take a new screenshot.");
}

static void run_rollback(struct call *call, const void *data)
{
	const struct rollback_args *args = data;
	const struct vm_snapshot *snapshot;
	struct err err;
	struct vm *vm = find(call, args->sandbox);
	if (!vm) {
		return;
	}
	snapshot = vm_snapshot_find(call_vms(call), call_owner(call), args->snapshot, &err);
	if (!snapshot) {
		call_fail(call, &err);
		return;
	}
	struct saving *saving = saving_new(call);
	memcpy(saving->snapshot, snapshot->id, sizeof(saving->snapshot));
	call_progress(saving->call, 1, 2, "Rolling back to the snapshot");
	vm_rollback(vm, saving->snapshot, rolled_back, saving);
}

const struct tool tool_sandbox_rollback = {
	.name = "sandbox_rollback",
	.title = "Roll a sandbox back",
	.help = "Restores a snapshot of a sandbox: screen, programs and files. Changes since then "
		"are lost; the id stays. Returns when the desktop is ready.",
	.toolset = "sandbox",
	.hints = TOOL_EXTRA | TOOL_TAKES_TIME | TOOL_DESTROYS | TOOL_REPEATABLE,
	.order = TOOL_IN_TURN,
	.fields = rollback_fields,
	.args_size = sizeof(struct rollback_args),
	.run = run_rollback,
};
