/* The thread exists only while there is something to delete. */
#include "vm/state/trash.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "vm/state/tree.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#define FINISH_S 1 /* time for the rest, at the end */

struct trash {
	int dir_fd;
	pthread_mutex_t mutex; /* protects the members below */
	pthread_t thread;
	bool started; /* thread must be joined */
	bool running; /* it will check `again` once more */
	bool again;
	volatile bool stop; /* a delay does not matter */
};

/* One pass; entries that cannot be deleted are skipped and logged. */
static void empty_once(struct trash *trash)
{
	int fd = tree_open(trash->dir_fd, ".");
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	for (struct dirent *entry; dir && !trash->stop && (entry = readdir(dir));) {
		const char *name = entry->d_name;
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
			!tree_remove(trash->dir_fd, name, &trash->stop) && errno != ECANCELED) {
			log_warning("cannot delete trash/%s in the state directory: %s", name,
				strerror(errno));
		}
	}
	if (dir) {
		closedir(dir);
	}
}

static void *run(void *data)
{
	struct trash *trash = data;
	pthread_mutex_lock(&trash->mutex);
	while (trash->again && !trash->stop) {
		trash->again = false;
		pthread_mutex_unlock(&trash->mutex);
		empty_once(trash);
		pthread_mutex_lock(&trash->mutex);
	}
	trash->running = false;
	pthread_mutex_unlock(&trash->mutex);
	return NULL;
}

/* The loop handles signals, so the thread blocks them. */
static bool start(struct trash *trash)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool started = pthread_create(&trash->thread, NULL, run, trash) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

struct trash *trash_new(int dir_fd)
{
	struct trash *trash = must(calloc(1, sizeof(*trash)));
	trash->dir_fd = dir_fd;
	pthread_mutex_init(&trash->mutex, NULL);
	return trash;
}

void trash_empty(struct trash *trash)
{
	pthread_mutex_lock(&trash->mutex);
	trash->again = true;
	if (!trash->running && !trash->stop) {
		if (trash->started) {
			pthread_join(trash->thread, NULL); /* it is about to end */
		}
		trash->started = trash->running = start(trash);
	}
	pthread_mutex_unlock(&trash->mutex);
}

void trash_free(struct trash *trash)
{
	if (!trash) {
		return;
	}
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += FINISH_S;
	if (trash->started && pthread_timedjoin_np(trash->thread, NULL, &until) != 0) {
		trash->stop = true;
		pthread_join(trash->thread, NULL);
	}
	pthread_mutex_destroy(&trash->mutex);
	free(trash);
}
