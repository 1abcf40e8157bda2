#include "tools/sandbox/sandbox.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "tools/call/result.h"
#include "vm/lifecycle/lifecycle.h"

#include <string.h>

/* Snapshots: take one of a running sandbox, list them, delete one.  sandbox_create {from} and
 * sandbox_rollback use them. */

static void format_size(struct buf *out, int64_t bytes)
{
	buf_printf(out, "%.1f MiB on disk", (double)bytes / (1 << 20));
}

static void format_called(struct buf *out, const struct vm_snapshot *snapshot)
{
	buf_printf(out, "%s", snapshot->id);
	if (snapshot->name) {
		buf_printf(out, " \"");
		result_format_name(out, snapshot->name);
		buf_printf(out, "\"");
	}
}

/* ---- sandbox_snapshot ---- */

struct take_args {
	const char *sandbox, *name;
};

static const struct field take_fields[] = {
	FIELD_STR(struct take_args, name, "Name of the snapshot.", .min = 1,
		.max = VM_SNAPSHOT_NAME_MAX),
	CALL_SANDBOX(struct take_args),
	{ 0 },
};

struct take {
	struct call *call;
	const struct take_args *args;
	uint64_t began;
	bool cancelled;
};

static void throw_away(struct take *take, const struct vm_snapshot *snapshot)
{
	struct call *call = take->call;
	struct err err;
	if (vm_snapshot_delete(call_vms(call), call_owner(call), snapshot->id, &err)) {
		err_set(&err, ERR_CANCELLED, "cancelled; the snapshot was deleted");
	} else {
		err_while(&err, "cancelled, but the snapshot could not be deleted");
	}
	call_fail(take->call, &err);
}

static void taken(
	struct vm *vm, const struct vm_snapshot *snapshot, const struct err *err, void *data)
{
	struct take *take = data;
	if (err) {
		call_fail(take->call, err);
		return;
	}
	if (take->cancelled) {
		throw_away(take, snapshot);
		return;
	}
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "Snapshot ");
	format_called(&text, snapshot);
	buf_printf(&text, " of sandbox %s was saved after ", vm_id(vm));
	sandbox_format_took(&text, take->began);
	buf_printf(&text, ", ");
	format_size(&text, snapshot->bytes);
	buf_printf(&text,
		". The sandbox keeps running. sandbox_rollback {\"snapshot\": \"%s\"} restores "
		"the snapshot; sandbox_create {\"from\": \"%s\"} starts another sandbox "
		"from it.",
		snapshot->id, snapshot->id);
	call_reply_text(take->call, buf_text(&text));
}

static void take_back(void *data)
{
	struct take *take = data;
	take->cancelled = true; /* taken() deletes it */
}

static void begin_take(struct call *call, void *data)
{
	struct take *take = data;
	call_on_cancel(call, take_back, take);
	call_progress(call, 1, 2, "Saving the desktop");
	vm_take_snapshot(call_vm(call), take->args->name, taken, take);
}

static void run_take(struct call *call, const void *data)
{
	struct take *take = call_alloc(call, sizeof(*take));
	take->args = data;
	take->began = loop_now_us();
	take->call = call;
	call_start(call, take->args->sandbox, begin_take, take);
}

const struct tool tool_sandbox_snapshot = {
	.name = "sandbox_snapshot",
	.title = "Take a snapshot",
	.help = "Saves a running sandbox, with memory and files, for sandbox_rollback, and for "
		"'from' of sandbox_create. Returns the snapshot's id. microvm only.",
	.toolset = "sandbox",
	.order = TOOL_IN_TURN,
	.hints = TOOL_EXTRA | TOOL_TAKES_TIME,
	.fields = take_fields,
	.args_size = sizeof(struct take_args),
	.run = run_take,
};

/* ---- snapshot_list ---- */

static const struct field no_fields[] = { { 0 } };

#define LIST_MAX_BYTES 40000 /* clients hide longer results from the model */

static void format_snapshot(struct buf *out, const struct vm_snapshot *snapshot)
{
	buf_printf(out, "\n");
	format_called(out, snapshot);
	buf_printf(out, ": of sandbox ");
	result_format_name(out, snapshot->source);
	buf_printf(out, ", ");
	sandbox_format_spec(out, &snapshot->spec);
	buf_printf(out, ", taken ");
	sandbox_format_span(out, clock_wall_ms() - snapshot->created);
	buf_printf(out, " ago, ");
	format_size(out, snapshot->bytes);
	sandbox_format_labels(out, snapshot->spec.labels);
}

static void run_list(struct call *call, const void *data)
{
	auto_buf struct buf text = { 0 };
	const struct vm_snapshot *snapshot;
	size_t n = 0;
	(void)data;
	while (vm_snapshot_at(call_vms(call), call_owner(call), n)) {
		n++;
	}
	buf_printf(&text,
		n ? "%zu snapshot%s:" : "You have no snapshots. sandbox_snapshot takes one.", n,
		n == 1 ? "" : "s");
	for (size_t i = 0; i < n; i++) {
		if (text.len > LIST_MAX_BYTES) {
			buf_printf(&text, "\n[%zu more not shown]", n - i);
			break;
		}
		snapshot = vm_snapshot_at(call_vms(call), call_owner(call), i);
		if (snapshot) {
			format_snapshot(&text, snapshot);
		}
	}
	sandbox_reply(call, &text);
}

const struct tool tool_snapshot_list = {
	.name = "snapshot_list",
	.title = "List snapshots",
	.help = "Lists your snapshots, one per line: id, name, sandbox, size and age.",
	.toolset = "sandbox",
	.hints = TOOL_EXTRA | TOOL_READS_ONLY | TOOL_REPEATABLE,
	.fields = no_fields,
	.run = run_list,
};

/* ---- snapshot_delete ---- */

struct delete_args {
	const char *snapshot;
};

static const struct field delete_fields[] = {
	FIELD_STR(struct delete_args, snapshot, "Snapshot to delete: its id or name.",
		.required = true, .min = 1, .max = VM_SNAPSHOT_NAME_MAX),
	{ 0 },
};

static void run_delete(struct call *call, const void *data)
{
	const struct delete_args *args = data;
	auto_buf struct buf text = { 0 };
	struct err err;
	if (!vm_snapshot_delete(call_vms(call), call_owner(call), args->snapshot, &err)) {
		call_fail(call, &err);
		return;
	}
	buf_printf(&text, "Snapshot ");
	result_format_name(&text, args->snapshot);
	buf_printf(&text, " is deleted. Sandboxes started from it keep running.");
	sandbox_reply(call, &text);
}

const struct tool tool_snapshot_delete = {
	.name = "snapshot_delete",
	.title = "Delete a snapshot",
	.help = "Deletes a snapshot permanently. Sandboxes started from it keep running.",
	.toolset = "sandbox",
	.hints = TOOL_EXTRA | TOOL_DESTROYS,
	.fields = delete_fields,
	.args_size = sizeof(struct delete_args),
	.run = run_delete,
};
