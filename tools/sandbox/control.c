#include "vm/core/control.h"
#include "tools/call/result.h"
#include "tools/sandbox/sandbox.h"
#include "tools/sandbox/stream.h"

#include "base/cleanup.h"

/*
 * Who has control of a desktop: the agent, a user or no one.  These tools neither start nor resume
 * a sandbox.  They never take control from a user: request_human (human.c) waits for it.
 */

struct one_args {
	const char *sandbox;
};

static const struct field one_fields[] = { CALL_SANDBOX(struct one_args), { 0 } };

static void format_holder(struct buf *out, const struct vm *vm, const struct vm_control *control)
{
	switch ((enum vm_holder)control->holder) {
	case VM_HELD_BY_AGENT:
		buf_printf(out, "You have control of sandbox %s", vm_id(vm));
		break;
	case VM_HELD_BY_USER:
		buf_printf(out, "A user has control of sandbox %s: ", vm_id(vm));
		result_format_name(out, control->who ? control->who : "somebody");
		break;
	case VM_HELD_BY_NONE:
		buf_printf(out, "No one has control of sandbox %s", vm_id(vm));
		break;
	}
	if (control->since) {
		buf_printf(out, ", since ");
		stream_format_time(out, control->since);
	}
}

static const char *next_step(const struct vm_control *control)
{
	static const char *const steps[] = {
		[VM_HELD_BY_AGENT] = "",
		[VM_HELD_BY_USER] =
			" You can take screenshots, but input is refused. request_human waits "
			"until the user hands back control.",
		[VM_HELD_BY_NONE] = " control_acquire acquires it.",
	};
	return steps[control->holder];
}

static void format_control(struct buf *out, struct call *call, struct vm *vm)
{
	const struct vm_control *control = vm_control(vm);
	format_holder(out, vm, control);
	buf_printf(out, ".%s Viewers: %u.", next_step(control), stream_audience(call, vm).viewers);
	if (control->wanted) {
		buf_printf(out, " Help was requested: ");
		result_format_name(out, control->wanted);
	}
	auto_free char *note = vm_take_note(vm); /* for example a message of the user */
	if (note) {
		buf_printf(out, " %s", note);
	}
}

/* change: the tool's first step; NULL: none. */
static void run(struct call *call, const struct one_args *args,
	bool (*change)(struct vm *vm, struct err *err))
{
	auto_buf struct buf text = { 0 };
	struct err err;
	struct vm *vm = sandbox_find(call, args->sandbox, &err);
	if (!vm || (change && !change(vm, &err))) {
		call_fail(call, &err);
		return;
	}
	format_control(&text, call, vm);
	sandbox_reply(call, &text);
}

/* ---- control_acquire ---- */

static void run_acquire(struct call *call, const void *args)
{
	run(call, args, vm_control_acquire);
}

const struct tool tool_control_acquire = {
	.name = "control_acquire",
	.title = "Take control",
	.help = "Acquires control of a desktop after control_release. You have control of a new "
		"sandbox. Fails while a user has control: use request_human to wait for the user.",
	.toolset = "control",
	.hints = TOOL_EXTRA | TOOL_REPEATABLE,
	.order = TOOL_IN_TURN,
	.fields = one_fields,
	.args_size = sizeof(struct one_args),
	.run = run_acquire,
};

/* ---- control_release ---- */

static void run_release(struct call *call, const void *args)
{
	run(call, args, vm_control_release);
}

const struct tool tool_control_release = {
	.name = "control_release",
	.title = "Release control",
	.help = "Releases control of a desktop. Held keys and buttons are released. Input and "
		"launch are refused until control_acquire; screenshots and run_command still "
		"work. A user can take control at any time, even without this.",
	.toolset = "control",
	.hints = TOOL_EXTRA | TOOL_REPEATABLE,
	.order = TOOL_IN_TURN,
	.fields = one_fields,
	.args_size = sizeof(struct one_args),
	.run = run_release,
};

/* ---- control_status ---- */

static void run_status(struct call *call, const void *args)
{
	run(call, args, NULL);
}

const struct tool tool_control_status = {
	.name = "control_status",
	.title = "Get control status",
	.help = "Returns who has control of the desktop (you or a user), since when, and the "
		"number of viewers.",
	.toolset = "control",
	.hints = TOOL_EXTRA | TOOL_READS_ONLY | TOOL_REPEATABLE,
	.order = TOOL_LOOKS,
	.fields = one_fields,
	.args_size = sizeof(struct one_args),
	.run = run_status,
};
