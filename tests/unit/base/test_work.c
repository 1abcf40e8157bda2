// USES base
/* Work in threads: told once, from the loop, or to whoever waits for it. */

#include "base/loop.h"
#include "base/work.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>

struct job {
	sd_event *event;
	pthread_t in; /* the thread it ran in */
	int ran, told;
	bool blocked; /* no signal comes to it */
	struct job *then;
};

static void run(void *data)
{
	struct job *job = data;
	sigset_t set;
	pthread_sigmask(SIG_SETMASK, NULL, &set);
	job->blocked = sigismember(&set, SIGTERM) == 1 && sigismember(&set, SIGUSR1) == 1;
	job->in = pthread_self();
	job->ran++;
}

static void told(void *data)
{
	struct job *job = data;
	cr_assert_eq(job->ran, 1, "it has run before");
	job->told++;
	if (job->then) {
		work_run(job->event, run, told, job->then);
	}
}

static void sigusr1_stays_here(void)
{
	sigset_t set;
	pthread_sigmask(SIG_SETMASK, NULL, &set);
	cr_assert_not(sigismember(&set, SIGUSR1), "our own mask is as it was");
}

Test(work, is_told_from_the_loop_once)
{
	struct err err;
	auto_event sd_event *event = loop_new(&err);
	struct job job = { .event = event };
	work_run(event, run, told, &job);
	cr_assert_eq(job.told, 0, "never from inside the call");
	while (!job.told) {
		cr_assert_geq(sd_event_run(event, UINT64_MAX), 0);
	}
	cr_assert_eq(sd_event_run(event, 0), 0, "nothing is left");
	cr_assert_eq(job.told, 1);
	cr_assert_not(pthread_equal(job.in, pthread_self()));
	cr_assert(job.blocked);
	sigusr1_stays_here();
}

Test(work, can_be_waited_for)
{
	struct err err;
	auto_event sd_event *event = loop_new(&err);
	struct job job = { .event = event };
	work_wait(work_run(event, run, told, &job));
	cr_assert_eq(job.told, 1);
	cr_assert_eq(sd_event_run(event, 0), 0);
	cr_assert_eq(job.told, 1);
}

Test(work, all_of_it_is_waited_for_and_what_that_begins)
{
	struct err err;
	auto_event sd_event *event = loop_new(&err);
	struct job last = { .event = event }, other = { .event = event };
	struct job first = { .event = event, .then = &last };
	work_run(event, run, told, &first);
	work_run(event, run, told, &other);
	work_wait_all();
	cr_assert(first.told == 1 && other.told == 1 && last.told == 1);
}

Test(work, of_a_loop_that_has_ended_is_told_to_who_waits)
{
	struct err err;
	auto_event sd_event *event = loop_new(&err);
	struct job job = { .event = event };
	sd_event_exit(event, 0);
	sd_event_loop(event);
	work_run(event, run, told, &job);
	work_wait_all();
	cr_assert_eq(job.told, 1);
}
