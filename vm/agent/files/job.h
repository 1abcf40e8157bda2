#ifndef VM_AGENT_FILES_JOB_H
#define VM_AGENT_FILES_JOB_H

#include "vm/agent/core/agent.h"
#include "vm/agent/core/op.h"

#include <stdatomic.h>

/*
 * One request about files.  A disk may be slow, so its work is done in steps in threads
 * (base/work.h), a few at a time, and the loop continues.  Between two steps the loop owns the job.
 * In a step, only the thread touches it, except `stop`.
 */
struct file_job;

struct file_job_kind {
	size_t size;                           /* of the struct that begins with a file_job */
	void (*step)(struct file_job *job);    /* in a thread; returns soon after `stop` is set */
	void (*stepped)(struct file_job *job); /* in the loop: answers, or continues */
	void (*undo)(struct file_job *job);    /* in a thread, if it is cancelled; may be NULL */
	void (*free)(struct file_job *job);    /* its members; may be NULL */
};

struct file_job {
	LIST_ENTRY(file_job) entry;
	TAILQ_ENTRY(file_job) turn; /* while it waits for a thread */
	const struct file_job_kind *kind;
	struct request *req; /* NULL: it was answered */
	struct agent *agent;
	struct work *work; /* a step runs */
	sd_event_source *late;
	bool waits, cancelled, undone;
	bool yields; /* its steps compute, or write, for long: the loop and programs come first */
	atomic_bool stop;
	struct err err; /* of a step; kind ERR_NONE: none */
};

/* Never NULL; from here on, file_job_answer() or file_job_fail() ends the request. */
void *file_job_new(struct request *req, const struct file_job_kind *kind);
void file_job_step(struct file_job *job);
/* Both end and free the job.  A step must not run. */
void file_job_answer(struct file_job *job, const void *answer);
void file_job_fail(struct file_job *job, const struct err *why);
/* Waits for the steps that run, of requests that were cancelled. */
void file_jobs_wait(void);

#endif
