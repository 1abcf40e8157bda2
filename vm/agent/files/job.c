#include "vm/agent/files/job.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "base/work.h"

#include <pthread.h>
#include <sys/resource.h>

#define THREADS_MAX 8
#define YIELDING_MAX 2 /* of those that compute for long */
#define LOWEST 19      /* as of nice */
#define CANCEL_MS 5000 /* a disk that does not answer: the request is answered, the step remains */

static LIST_HEAD(, file_job) jobs = LIST_HEAD_INITIALIZER(jobs);
static TAILQ_HEAD(, file_job) turns = TAILQ_HEAD_INITIALIZER(turns);
static unsigned n_running, n_yielding;
static pthread_t loop_thread;

static void job_free(struct file_job *job)
{
	loop_drop(&job->late);
	LIST_REMOVE(job, entry);
	if (job->kind->free) {
		job->kind->free(job);
	}
	free(job);
}

/* ---- steps ---- */

static void finish_cancelled(struct file_job *job);

static void run_step(void *data)
{
	struct file_job *job = data;
	/* Of this thread; where none could be made, the loop itself runs it. */
	if (job->yields && !pthread_equal(pthread_self(), loop_thread)) {
		setpriority(PRIO_PROCESS, 0, LOWEST);
	}
	if (job->undone) {
		job->kind->undo(job);
	} else {
		job->kind->step(job);
	}
}

static void start_next(void);

static void on_stepped(void *data)
{
	struct file_job *job = data;
	job->work = NULL;
	n_running--;
	n_yielding -= job->yields;
	start_next();
	if (job->cancelled) {
		finish_cancelled(job);
	} else {
		job->kind->stepped(job);
	}
}

static struct file_job *next_turn(void)
{
	struct file_job *job;
	TAILQ_FOREACH(job, &turns, turn)
	{
		if (!job->yields || n_yielding < YIELDING_MAX) {
			break;
		}
	}
	return job;
}

static void start_next(void)
{
	struct file_job *job = next_turn();
	if (job && n_running < THREADS_MAX) {
		TAILQ_REMOVE(&turns, job, turn);
		job->waits = false;
		n_running++;
		n_yielding += job->yields;
		job->work = work_run(job->agent->event, run_step, on_stepped, job);
	}
}

void file_job_step(struct file_job *job)
{
	TAILQ_INSERT_TAIL(&turns, job, turn);
	job->waits = true;
	start_next();
}

/* ---- cancelling ---- */

static void answer_cancelled(struct file_job *job)
{
	struct request *req = take_ptr(&job->req);
	struct err err;
	err_set(&err, ERR_CANCELLED, "cancelled");
	if (req) {
		request_fail(req, &err);
	}
}

static void finish_cancelled(struct file_job *job)
{
	if (job->kind->undo && !job->undone) {
		job->undone = true;
		file_job_step(job);
		return;
	}
	answer_cancelled(job);
	job_free(job);
}

static int on_late(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source, (void)usec;
	answer_cancelled(data);
	return 0;
}

static void on_cancel(void *data)
{
	struct file_job *job = data;
	job->cancelled = true;
	atomic_store(&job->stop, true);
	if (job->waits) {
		TAILQ_REMOVE(&turns, job, turn);
		job->waits = false;
	}
	job->late = loop_after_ms(job->agent->event, CANCEL_MS, on_late, job);
	if (!job->work) {
		finish_cancelled(job);
	}
}

void file_jobs_wait(void)
{
	struct file_job *job;
	do {
		LIST_FOREACH(job, &jobs, entry)
		{
			if (job->work) {
				work_wait(job->work);
				break;
			}
		}
	} while (job);
}

/* ---- lifetime ---- */

void *file_job_new(struct request *req, const struct file_job_kind *kind)
{
	struct file_job *job = must(calloc(1, kind->size));
	job->kind = kind;
	job->req = req;
	job->agent = request_agent(req);
	loop_thread = pthread_self();
	LIST_INSERT_HEAD(&jobs, job, entry);
	request_on_cancel(req, on_cancel, job);
	return job;
}

void file_job_answer(struct file_job *job, const void *answer)
{
	struct request *req = take_ptr(&job->req);
	request_answer(req, answer);
	job_free(job);
}

void file_job_fail(struct file_job *job, const struct err *why)
{
	struct request *req = take_ptr(&job->req);
	struct err err = *why; /* may be the job's */
	job_free(job);
	request_fail(req, &err);
}
