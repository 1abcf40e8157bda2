/*
 * Large bodies are parsed in threads, so that other clients do not wait: one per principal, two in
 * total.  Principals take turns: after each parse, a principal's other bodies move behind those of
 * all others.
 */
#include "transport/http/http_impl.h"

#include "base/cleanup.h"
#include "base/work.h"

#define THREADS 2

struct http_job {
	TAILQ_ENTRY(http_job) link;
	struct http *http;
	struct http_exchange *x;   /* NULL: closed, the result is dropped */
	struct budget *budget;     /* its principal */
	struct http_parser parser; /* a copy: the original may be freed before the thread ends */
	void *data, *result;
	struct buf body;
	struct work *work; /* NULL: it waits */
};

static void run_next(struct http *http);

static void job_free(struct http_job *job)
{
	if (job->x) {
		job->x->job = NULL;
	}
	TAILQ_REMOVE(&job->http->jobs, job, link);
	budget_unref(job->budget);
	buf_done(&job->body);
	free(job);
}

/* Moves them behind those of all others. */
static void yield_turn(struct http *http, const struct budget *budget)
{
	struct http_job *job, *next, *last = TAILQ_LAST(&http->jobs, http_jobs);
	for (job = TAILQ_FIRST(&http->jobs); job && job != last; job = next) {
		next = TAILQ_NEXT(job, link);
		if (job->budget == budget && !job->work) {
			TAILQ_REMOVE(&http->jobs, job, link);
			TAILQ_INSERT_TAIL(&http->jobs, job, link);
		}
	}
}

static void parse(void *data)
{
	struct http_job *job = data;
	job->result = job->parser.parse(buf_text(&job->body), job->body.len);
}

static void on_parsed(void *data)
{
	struct http_job *job = data;
	struct http *http = job->http;
	struct http_exchange *x = job->x;
	struct http_parser parser = job->parser;
	void *result = job->result, *of = job->data;
	http->parsing--;
	yield_turn(http, job->budget);
	job_free(job);
	if (x) {
		parser.done(x, result, of);
	} else {
		parser.drop(result);
	}
	run_next(http);
}

static bool is_being_served(const struct http *http, const struct budget *budget)
{
	const struct http_job *job;
	TAILQ_FOREACH(job, &http->jobs, link)
	{
		if (job->work && job->budget == budget) {
			return true;
		}
	}
	return false;
}

static void run_next(struct http *http)
{
	struct http_job *job = TAILQ_FIRST(&http->jobs);
	while (job && http->parsing < THREADS && !http->ending) {
		if (!job->work && !is_being_served(http, job->budget)) {
			http->parsing++;
			job->work = work_run(http->event, parse, on_parsed, job);
		}
		job = TAILQ_NEXT(job, link);
	}
}

void http_parse_body(struct http_exchange *x, const struct http_parser *parser, void *data)
{
	struct http_job *job = must(calloc(1, sizeof(*job)));
	*job = (struct http_job){ .http = x->http,
		.x = x,
		.budget = budget_ref(x->http->budgets, x->owner ? x->owner : ""),
		.parser = *parser,
		.data = data,
		.body = x->body };
	x->body = (struct buf){ 0 };
	x->job = job;
	TAILQ_INSERT_TAIL(&x->http->jobs, job, link);
	run_next(x->http);
}

void http_parse_forget(struct http_exchange *x)
{
	struct http_job *job = take_ptr(&x->job);
	if (job) {
		job->x = NULL;
		if (!job->work) {
			job_free(job);
		}
	}
}

void http_parse_end(struct http *http)
{
	while (!TAILQ_EMPTY(&http->jobs)) { /* those that had not started were dropped */
		work_wait(TAILQ_FIRST(&http->jobs)->work);
	}
}
