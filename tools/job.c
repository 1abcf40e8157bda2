#include "tools/job.h"

#include "base/cleanup.h"
#include "tools/result.h"

/* The way of every tool to its sandbox and back; see job.h. */

static void stage(const char *name, unsigned step, unsigned of, void *data)
{
	struct job *job = data;
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "Starting the desktop: %s", name);
	job->told = step;
	call_progress(job->call, step, of, buf_text(&text));
}

static void ready(struct vm *vm, const struct err *err, void *data)
{
	struct job *job = data;
	(void)vm;
	job->wait = NULL;
	if (err) {
		job_fail(job, err, NULL);
		return;
	}
	job->begin(job);
}

static void take_back(void *data)
{
	struct job *job = data;
	if (job->wait) {
		vm_wait_cancel(take_ptr(&job->wait));
		const char *undone = job->undo ? job->undo(job) : "nothing was done";
		struct err err;
		err_set(&err, ERR_CANCELLED, "cancelled before the desktop was ready; %s", undone);
		job_fail(job, &err, NULL);
	} else if (job->asked) {
		guest_cancel(job->vm, job->asked);
	}
}

void job_start_in(struct job *job, struct call *call, struct vm *vm, void (*begin)(struct job *job))
{
	static const struct vm_wait_handlers handlers = { .stage = stage, .done = ready };
	job->call = call;
	job->vm = vm;
	job->begin = begin;
	call_use(call, vm);
	call_on_cancel(call, take_back, job);
	if (vm_state(vm) == VM_READY) {
		begin(job);
		return;
	}
	job->wait = vm_wait(vm, &handlers, job);
}

void job_start(
	struct job *job, struct call *call, const char *sandbox, void (*begin)(struct job *job))
{
	struct err err;
	struct vm *vm = sandbox ? vm_find(call_vms(call), call_owner(call), sandbox, &err)
				: vm_default(call_vms(call), call_owner(call), &err);
	if (vm) {
		job_start_in(job, call, vm, begin);
		return;
	}
	job->call = call;
	job_fail(job, &err, NULL);
}

void job_progress(struct job *job, unsigned step, unsigned of, const char *text)
{
	call_progress(job->call, job->told + step, job->told + of, text);
}

/* A sentence that the next result should carry, whatever that is about, if somebody reads it. */
static json_t *add_note(struct job *job, json_t *content)
{
	bool is_read = job->vm && !call_is_cancelled(job->call);
	auto_free char *note = is_read ? vm_take_note(job->vm) : NULL;
	if (note) {
		content = content ? content : json_array();
		result_add_text(content, note);
	}
	return content;
}

void job_reply(struct job *job, json_t *content)
{
	call_reply(job->call, add_note(job, content));
}

/* What a model should do next, where the reason alone does not say it. */
static const char *next_step(const struct job *job, enum err_kind kind)
{
	if (kind == ERR_GONE && (!job->vm || vm_state(job->vm) >= VM_STOPPING)) {
		return "Call again without 'sandbox' for a new desktop; what was in the old one is "
		       "lost";
	}
	return NULL;
}

void job_fail(struct job *job, const struct err *why, json_t *content)
{
	struct err err = *why;
	const char *next = next_step(job, why->kind);
	if (next) {
		err_set(&err, why->kind, "%.380s. %s", why->text, next);
	}
	call_fail_with(job->call, &err, add_note(job, content));
}
