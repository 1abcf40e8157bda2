/* Waiting for the end of a process: by a pidfd. */
#include "base/loop.h"
#include "base/plain.h"
#include "vm/agent/wait/wait.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

static int on_end(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct wait *w = data;
	(void)fd, (void)revents;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	w->seen = true;
	wait_due(w);
	return 0;
}

static bool begin(struct wait *w, struct err *err)
{
	w->fd = (int)syscall(SYS_pidfd_open, (pid_t)w->args->pid, 0);
	if (w->fd >= 0) {
		w->source = loop_add_io(w->agent->event, w->fd, EPOLLIN, on_end, w);
		return true;
	}
	return errno == ESRCH ||
	       err_set(err, errno == EINVAL ? ERR_ARGUMENT : ERR_HOST,
		       "cannot watch process %lld: %s", (long long)w->args->pid,
		       errno == EINVAL ? "it is a thread of another process" : strerror(errno));
}

static void check(struct wait *w)
{
	long long pid = w->args->pid;
	if (w->fd < 0) {
		wait_happened(
			w, NULL, "There is no process %lld: it has exited, or never ran.", pid);
	} else if (w->seen) {
		wait_happened(w, NULL, "Process %lld exited.", pid);
	}
}

static void missing(struct wait *w, struct buf *out)
{
	char path[40], name[64] = "";
	snprintf(path, sizeof(path), "/proc/%lld/comm", (long long)w->args->pid);
	FILE *file = fopen(path, "re");
	if (file) {
		name[fread(name, 1, sizeof(name) - 1, file)] = '\0';
		name[strcspn(name, "\n")] = '\0';
		fclose(file);
	}
	buf_printf(out, "Process %lld (", (long long)w->args->pid);
	plain_append(out, name, sizeof(name));
	buf_printf(out, ") is still running.");
}

const struct wait_kind wait_process = { .begin = begin, .check = check, .missing = missing };
