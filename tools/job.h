#ifndef TOOLS_JOB_H
#define TOOLS_JOB_H

#include "tools/tool.h"
#include "vm/guest/guest.h"

/*
 * One call's work in one sandbox: find it, wait until it is ready (telling progress), ask its
 * agent.  Taken back by the client, it stops wherever it stands.  A tool embeds it first in what it
 * has to remember until its answer, from call_alloc().
 */
struct job {
	struct call *call;
	struct vm *vm;
	void (*begin)(struct job *job); /* the sandbox is ready */
	/* Taken back before that: what is to be undone, and a word about it; NULL: nothing. */
	const char *(*undo)(struct job *job);
	struct vm_wait *wait; /* while it is not ready */
	guest_id asked;       /* what the agent works on; set by begin; 0: nothing */
	unsigned told;        /* stages of the start */
};

/* sandbox NULL: the caller's default one.  Ends in begin() or in a failed call. */
void job_start(
	struct job *job, struct call *call, const char *sandbox, void (*begin)(struct job *job));

/* The same in a sandbox that was found or made already. */
void job_start_in(
	struct job *job, struct call *call, struct vm *vm, void (*begin)(struct job *job));

/* Progress of the work itself, after that of the start. */
void job_progress(struct job *job, unsigned step, unsigned of, const char *text);

/* Answer the call; the job is over and freed.  content is taken; for job_fail it may be NULL. */
void job_reply(struct job *job, json_t *content);
void job_fail(struct job *job, const struct err *why, json_t *content);

/* The row every tool has. */
#define JOB_SANDBOX(T) \
	FIELD_STR(T, sandbox, "Sandbox id; left out: your own desktop.", .min = 1, .max = 64)

#endif
