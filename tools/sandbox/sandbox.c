#include "tools/sandbox/sandbox.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "tools/call/result.h"
#include "vm/core/control.h"
#include "vm/lifecycle/lifecycle.h"

#include <string.h>
#include <unistd.h>

/*
 * Sandboxes: create, list, describe and end them, and set their timeouts.  Only sandbox_create
 * starts a sandbox, and none of these resumes one.
 */

/* ---- sandbox_create ---- */

struct create_args {
	struct vm_spec_args spec;
	const char *from;
};

/* Omitted arguments use the server's defaults. */
#define ROW(name, which) VM_SPEC_FIELD(struct create_args, spec, name, which, .open = true)
static const struct field create_fields[] = {
	ROW("image", VM_SPEC_IMAGE),
	ROW("memory", VM_SPEC_MEMORY),
	ROW("cpus", VM_SPEC_CPUS),
	ROW("screen", VM_SPEC_SCREEN),
	ROW("scale", VM_SPEC_SCALE),
	ROW("network", VM_SPEC_NETWORK),
	ROW("timeout", VM_SPEC_TIMEOUT),
	ROW("idle_timeout", VM_SPEC_IDLE_TIMEOUT),
	ROW("on_timeout", VM_SPEC_ON_TIMEOUT),
	ROW("labels", VM_SPEC_LABELS),
	FIELD_STR(struct create_args, from,
		"Snapshot: id or name. It determines image, memory, cpus, screen, "
		"scale and network.",
		.min = 1, .max = VM_SNAPSHOT_NAME_MAX),
	{ 0 },
};

/* A larger value would exhaust the memory of the machine. */
static bool check_memory(const struct create_args *args, struct err *err)
{
	int64_t there = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) >> 20;
	return args->spec.memory <= there ||
	       err_set(err, ERR_LIMIT,
		       "'memory' must be at most %lld, the memory of the server in MiB; got %lld",
		       (long long)there, (long long)args->spec.memory);
}

/* Arguments that a snapshot determines. */
static bool check_from(const struct create_args *args, struct err *err)
{
	const struct vm_spec_args *spec = &args->spec;
	const char *settled = spec->image          ? "image"
			      : spec->memory >= 0  ? "memory"
			      : spec->cpus >= 0    ? "cpus"
			      : spec->screen       ? "screen"
			      : spec->scale >= 0   ? "scale"
			      : spec->network >= 0 ? "network"
						   : NULL;
	return !settled ||
	       err_set(err, ERR_ARGUMENT,
		       "'%s' cannot be combined with 'from': the snapshot determines it. Omit "
		       "one of them",
		       settled);
}

static bool spec_from(
	struct call *call, const struct create_args *args, struct vm_spec *spec, struct err *err)
{
	const struct vm_snapshot *snapshot;
	if (!check_from(args, err) ||
		!(snapshot = vm_snapshot_find(call_vms(call), call_owner(call), args->from, err))) {
		return false;
	}
	spec->from = snapshot->id;
	return true;
}

/* The pool's default, overridden by the arguments. */
static bool spec_of(
	struct call *call, const struct create_args *args, struct vm_spec *spec, struct err *err)
{
	*spec = *vm_default_spec(call_vms(call));
	if (!check_memory(args, err)) {
		return false;
	}
	if (args->from && !spec_from(call, args, spec, err)) {
		return false;
	}
	return vm_spec_apply(&args->spec, "screen", spec, err);
}

static void created(struct call *call, void *data)
{
	const uint64_t *began = data;
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "Sandbox %s is ready after ", vm_id(call_vm(call)));
	sandbox_format_took(&text, *began);
	buf_printf(&text, ": %s, ", vm_backend_name(call_vm(call)));
	sandbox_format_spec(&text, vm_spec(call_vm(call)));
	buf_printf(&text, ". To use it, pass sandbox: \"%s\" to the other tools.",
		vm_id(call_vm(call)));
	call_reply_text(call, buf_text(&text));
}

static const char *undo_create(struct call *call)
{
	vm_stop(call_vm(call), "cancelled during creation");
	return "the sandbox was ended";
}

static void run_create(struct call *call, const void *data)
{
	uint64_t *began = call_alloc(call, sizeof(*began));
	struct vm_spec spec;
	struct err err;
	*began = loop_now_us();
	struct vm *vm = spec_of(call, data, &spec, &err)
				? vm_create(call_vms(call), call_owner(call), &spec, &err)
				: NULL;
	if (!vm) {
		call_fail(call, &err);
		return;
	}
	call_on_undo(call, undo_create);
	call_start_in(call, vm, created, began);
}

const struct tool tool_sandbox_create = {
	.name = "sandbox_create",
	.title = "Create a sandbox",
	.help = "Creates an additional sandbox. Omitted arguments use the server's defaults. Returns, "
		"when its desktop is ready, the id to pass as 'sandbox'.",
	.toolset = "sandbox",
	.hints = TOOL_TAKES_TIME,
	.fields = create_fields,
	.args_size = sizeof(struct create_args),
	.run = run_create,
};

/* ---- sandbox_list ---- */

static const struct field no_fields[] = { { 0 } };

#define LIST_MAX_BYTES 40000 /* clients hide longer results from the model */

static void run_list(struct call *call, const void *data)
{
	auto_buf struct buf text = { 0 };
	size_t n = 0;
	struct vm *vm;
	(void)data;
	while (vm_at(call_vms(call), call_owner(call), n)) {
		n++;
	}
	buf_printf(&text,
		n ? "%zu sandbox%s:"
		  : "You have no sandboxes. A tool call without 'sandbox' creates your default "
		    "sandbox.",
		n, n == 1 ? "" : "es");
	for (size_t i = 0; i < n && (vm = vm_at(call_vms(call), call_owner(call), i)); i++) {
		if (text.len > LIST_MAX_BYTES) {
			buf_printf(&text, "\n[%zu more not shown]", n - i);
			break;
		}
		buf_printf(&text, "\n%s: ", vm_id(vm));
		sandbox_format(&text, call, vm);
	}
	sandbox_reply(call, &text);
}

const struct tool tool_sandbox_list = {
	.name = "sandbox_list",
	.title = "List sandboxes",
	.help = "Lists your sandboxes, one per line: id, state, size, age, timeouts and labels.",
	.toolset = "sandbox",
	.hints = TOOL_READS_ONLY | TOOL_REPEATABLE,
	.fields = no_fields,
	.run = run_list,
};

/* ---- sandbox_info ---- */

struct one_args {
	const char *sandbox;
};

static const struct field one_fields[] = { CALL_SANDBOX(struct one_args), { 0 } };

static void format_frame(struct buf *out, const struct vm *vm)
{
	struct size screen = vm_screen(vm), frame = vm_frame(vm);
	if (frame.width != screen.width || frame.height != screen.height) {
		buf_printf(out, "\nCoordinates refer to %dx%d pixels, the size of its screenshots.",
			frame.width, frame.height);
	}
}

static void run_info(struct call *call, const void *data)
{
	const struct one_args *args = data;
	auto_buf struct buf text = { 0 };
	struct err err;
	struct vm *vm = sandbox_find(call, args->sandbox, &err);
	if (!vm) {
		call_fail(call, &err);
		return;
	}
	buf_printf(&text, "%s: ", vm_id(vm));
	sandbox_format(&text, call, vm);
	format_frame(&text, vm);
	if (vm_no_limit_on(vm)) {
		buf_printf(&text, "\nNot limited on this host: %s.", vm_no_limit_on(vm));
	}
	if (vm_state(vm) == VM_PAUSED) {
		buf_printf(&text, "\nThe next call on it, or sandbox_resume, resumes it.");
	}
	buf_printf(&text, "\nResource of its screen: desktop://%s/screen.", vm_id(vm));
	sandbox_reply(call, &text);
}

const struct tool tool_sandbox_info = {
	.name = "sandbox_info",
	.title = "Show a sandbox",
	.help = "Returns a sandbox's state, size, age, timeouts and labels. Does not start or "
		"resume it.",
	.toolset = "sandbox",
	.hints = TOOL_EXTRA | TOOL_READS_ONLY | TOOL_REPEATABLE,
	.order = TOOL_LOOKS,
	.fields = one_fields,
	.args_size = sizeof(struct one_args),
	.run = run_info,
};

/* ---- sandbox_kill ---- */

static void run_kill(struct call *call, const void *data)
{
	const struct one_args *args = data;
	auto_buf struct buf text = { 0 };
	struct err err;
	struct vm *vm = sandbox_find(call, args->sandbox, &err);
	if (vm && !vm_control_allows_agent(vm, &err)) {
		call_fail(call, &err);
		return;
	}
	if (vm) {
		bool was_default = sandbox_is_default(call, vm);
		vm_stop(vm, "killed with sandbox_kill");
		buf_printf(&text, "Sandbox %s has ended. Its programs and files are deleted.%s",
			vm_id(vm),
			was_default
				? " It was your default sandbox: the next call without 'sandbox' "
				  "creates a new one."
				: "");
	} else if (err.kind == ERR_GONE) {
		buf_printf(&text, "No change: %s", err.text);
	} else {
		call_fail(call, &err);
		return;
	}
	sandbox_reply(call, &text);
}

const struct tool tool_sandbox_kill = {
	.name = "sandbox_kill",
	.title = "End a sandbox",
	.help = "Ends a sandbox and deletes its programs and files; its snapshots are kept. Until the "
		"deletion is complete, sandbox_list shows it as stopping.",
	.toolset = "sandbox",
	.hints = TOOL_DESTROYS | TOOL_REPEATABLE,
	.fields = one_fields,
	.args_size = sizeof(struct one_args),
	.run = run_kill,
};

/* ---- sandbox_set_timeout ---- */

struct timeout_args {
	const char *sandbox;
	struct vm_spec_args spec;
};

static const struct field timeout_fields[] = {
	VM_SPEC_FIELD(struct timeout_args, spec, "timeout", VM_SPEC_TIMEOUT, .required = true,
		.help = "Seconds from now. 0 disables the timeout."),
	CALL_SANDBOX(struct timeout_args),
	{ 0 },
};

/* Whether it ends earlier than without this call. */
static bool ends_sooner(const struct vm *vm, int64_t timeout)
{
	int64_t due = vm_times(vm).timeout;
	return timeout && (!due || clock_wall_ms() + timeout * 1000 < due);
}

static void run_set_timeout(struct call *call, const void *data)
{
	const struct timeout_args *args = data;
	int64_t timeout = args->spec.timeout;
	auto_buf struct buf text = { 0 };
	struct err err;
	struct vm *vm = sandbox_find(call, args->sandbox, &err);
	bool sooner = vm && ends_sooner(vm, timeout);
	if (!vm || (sooner && !vm_control_allows_agent(vm, &err)) ||
		!vm_set_timeout(vm, timeout ? timeout * 1000 : -1, &err)) {
		call_fail(call, &err);
		return;
	}
	const char *then = vm_spec(vm)->on_timeout == VM_TIMEOUT_PAUSE ? "pauses" : "ends";
	buf_printf(&text, "Sandbox %s %s", vm_id(vm), timeout ? then : "has no timeout");
	if (timeout) {
		buf_printf(&text, " in ");
		sandbox_format_span(&text, timeout * 1000);
	}
	sandbox_reply(call, &text);
}

const struct tool tool_sandbox_set_timeout = {
	.name = "sandbox_set_timeout",
	.title = "Set a sandbox's timeout",
	.help = "Sets the time until a sandbox times out. Replaces its previous timeout.",
	.toolset = "sandbox",
	.hints = TOOL_EXTRA | TOOL_REPEATABLE,
	.fields = timeout_fields,
	.args_size = sizeof(struct timeout_args),
	.run = run_set_timeout,
};
