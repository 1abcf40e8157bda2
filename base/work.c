/*
 * Blocking work, each piece in a thread that signals its end through an eventfd.  The threads block
 * all signals, so that the loop's signalfds receive them.
 */
#include "base/work.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/queue.h>

#define STACK_SIZE (1 << 20)

struct work {
	LIST_ENTRY(work) entry;
	work_fn *fn, *done;
	void *data;
	int ended; /* an eventfd; -1: no thread */
	pthread_t thread;
	sd_event_source *source;
};

static LIST_HEAD(works, work) works = LIST_HEAD_INITIALIZER(works);

static void *be_the_thread(void *data)
{
	struct work *work = data;
	work->fn(work->data);
	eventfd_write(work->ended, 1);
	return NULL;
}

static void finish(struct work *work)
{
	if (work->ended >= 0) {
		pthread_join(work->thread, NULL);
		close(work->ended);
	} else {
		work->fn(work->data);
	}
	loop_drop(&work->source);
	LIST_REMOVE(work, entry);
	work->done(work->data);
	free(work);
}

static int on_ended(sd_event_source *source, int fd, uint32_t events, void *data)
{
	(void)source, (void)fd, (void)events;
	finish(data);
	return 0;
}

static int on_turn(sd_event_source *source, void *data)
{
	(void)source;
	finish(data);
	return 0;
}

static bool start_thread(struct work *work)
{
	pthread_attr_t attr;
	sigset_t all, before;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&work->thread, &attr, be_the_thread, work);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return r == 0;
}

struct work *work_run(sd_event *event, work_fn *fn, work_fn *done, void *data)
{
	struct work *work = must(malloc(sizeof(*work)));
	*work = (struct work){ .fn = fn, .done = done, .data = data };
	LIST_INSERT_HEAD(&works, work, entry);
	work->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (work->ended >= 0 && !start_thread(work)) {
		close(take_fd(&work->ended));
	}
	work->source = work->ended >= 0 ? loop_add_io(event, work->ended, EPOLLIN, on_ended, work)
					: loop_defer(event, on_turn, work);
	return work;
}

void work_wait(struct work *work)
{
	finish(work);
}

void work_wait_all(void)
{
	while (!LIST_EMPTY(&works)) {
		finish(LIST_FIRST(&works));
	}
}
