#include "tools/sandbox/sandbox.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "tools/call/result.h"
#include "vm/core/control.h"
#include "vm/lifecycle/lifecycle.h"

#include <time.h>

/*
 * Descriptions of sandboxes.  Names, labels and images come from clients and from disk, so each is
 * put on one line and cut; everything else is a number or a fixed word.
 */

struct vm *sandbox_find(struct call *call, const char *id, struct err *err)
{
	struct vm_pool *vms = call_vms(call);
	struct vm *vm = id ? vm_find(vms, call_owner(call), id, err)
			   : vm_find_default(vms, call_owner(call), err);
	if (vm) {
		call_about(call, vm);
	}
	return vm;
}

bool sandbox_is_default(struct call *call, const struct vm *vm)
{
	struct err none;
	return vm_find_default(call_vms(call), call_owner(call), &none) == vm;
}

void sandbox_format_span(struct buf *out, int64_t ms)
{
	int64_t s = ms > 0 ? ms / 1000 : 0, min = s / 60, h = min / 60;
	if (h >= 48) {
		buf_printf(out, "%lld days", (long long)(h / 24));
	} else if (h) {
		buf_printf(out, "%lld h %lld min", (long long)h, (long long)(min % 60));
	} else if (min) {
		buf_printf(out, "%lld min", (long long)min);
	} else {
		buf_printf(out, "%lld s", (long long)s);
	}
}

void sandbox_format_took(struct buf *out, uint64_t began_us)
{
	buf_printf(out, "%.2f s", (double)(loop_now_us() - began_us) / 1e6);
}

void sandbox_format_spec(struct buf *out, const struct vm_spec *spec)
{
	if (spec->image) {
		buf_printf(out, "image ");
		result_format_name(out, spec->image);
		buf_printf(out, ", ");
	}
	buf_printf(out, "%dx%d", spec->screen.width, spec->screen.height);
	if (spec->scale != SCALE_MIN) {
		buf_printf(out, ", scale %lld %%", (long long)spec->scale);
	}
	if (spec->limits.memory_mib > 0) {
		buf_printf(out, ", %lld MiB", (long long)spec->limits.memory_mib);
	}
	if (spec->limits.cpus > 0) {
		buf_printf(out, ", %lld CPU%s", (long long)spec->limits.cpus,
			spec->limits.cpus == 1 ? "" : "s");
	}
	buf_printf(out, ", network %s", vm_network_names[spec->network]);
}

void sandbox_format_labels(struct buf *out, const json_t *labels)
{
	const char *name;
	json_t *value;
	const char *before = ", labels ";
	json_object_foreach((json_t *)labels, name, value)
	{
		buf_printf(out, "%s", before);
		result_format_name(out, name);
		buf_printf(out, "=");
		result_format_name(out, json_string_value(value));
		before = " ";
	}
}

static void format_times(struct buf *out, const struct vm *vm)
{
	const struct vm_spec *spec = vm_spec(vm);
	struct vm_times times = vm_times(vm);
	int64_t now = clock_wall_ms();
	const char *then = spec->on_timeout == VM_TIMEOUT_PAUSE ? "pauses" : "ends";
	buf_printf(out, ", created ");
	sandbox_format_span(out, now - times.created);
	buf_printf(out, " ago");
	if (times.timeout) {
		buf_printf(out, ", %s in ", then);
		sandbox_format_span(out, times.timeout - now);
	}
	if (spec->idle_ms > 0) {
		buf_printf(out, ", %s after ", then);
		sandbox_format_span(out, spec->idle_ms);
		buf_printf(out, " without a call");
	}
}

/* Only if it differs from the usual state. */
static void format_control(struct buf *out, const struct vm *vm)
{
	const struct vm_control *control = vm_control(vm);
	if (control->holder == VM_HELD_BY_USER) {
		buf_printf(out, "a user has control (");
		result_format_name(out, control->who);
		buf_printf(out, "), ");
	} else if (control->holder == VM_HELD_BY_NONE) {
		buf_printf(out, "no one has control, ");
	}
}

void sandbox_format(struct buf *out, struct call *call, const struct vm *vm)
{
	buf_printf(out, "%s, %s%s, ", vm_state_names[vm_state(vm)],
		sandbox_is_default(call, vm) ? "your default, " : "", vm_backend_name(vm));
	format_control(out, vm);
	struct vm_spec now = *vm_spec(vm);
	now.screen = vm_screen(vm); /* programs can choose one that no specification may have */
	sandbox_format_spec(out, &now);
	format_times(out, vm);
	sandbox_format_labels(out, vm_spec(vm)->labels);
}

void sandbox_reply(struct call *call, const struct buf *text)
{
	call_reply_text(call, buf_text(text));
}
