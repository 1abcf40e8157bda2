/*
 * Waiting for a file: by inotify on the folder that is to contain it, or on the nearest one above
 * that exists.  A new file counts when its writer has closed it.
 */
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/wait/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define EVENTS \
	(IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)

static void set_path(struct wait *w)
{
	const char *path = w->args->path, *home = getenv("HOME");
	if (strncmp(path, "~/", 2) == 0) {
		path += 2;
	}
	snprintf(w->path, sizeof(w->path), "%s%s%s",
		*path == '/' ? ""
		: home       ? home
			     : "",
		*path == '/' ? "" : "/", path);
}

static const char *name_of(const struct wait *w)
{
	return strrchr(w->path, '/') + 1;
}

/* Whether a program has it open for writing: then the kernel grants no lease for reading
 * (fcntl(2)).  Not known of another user's file. */
static bool is_being_written(const char *path)
{
	auto_close int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	/* Who opens it while we have the lease sends us a signal, by default one that kills. */
	return fd >= 0 && fcntl(fd, F_SETSIG, SIGURG) == 0 && fcntl(fd, F_SETLEASE, F_RDLCK) < 0 &&
	       errno == EAGAIN;
}

/* Watches the nearest existing folder above the file.  In a folder that was made meanwhile, the file
 * may have been created before the watch. */
static bool watch_folder(struct wait *w)
{
	char folder[sizeof(w->path)];
	snprintf(folder, sizeof(folder), "%s", w->path);
	for (char *slash; (slash = strrchr(folder, '/'));) {
		*slash = '\0';
		int watch = inotify_add_watch(w->fd, *folder ? folder : "/", EVENTS);
		if (watch >= 0) {
			if (w->watch >= 0 && w->watch != watch) {
				(void)inotify_rm_watch(w->fd, w->watch);
				w->open_for_writing = is_being_written(w->path);
			}
			w->watch = watch;
			return true;
		}
	}
	return false;
}

/* A regular file that a program has just created is complete when it is closed. */
static void take(struct wait *w, const struct inotify_event *event)
{
	struct stat st;
	if (!event->len || strcmp(event->name, name_of(w)) != 0 || event->wd != w->watch) {
		return;
	}
	if (event->mask & IN_CREATE) {
		w->open_for_writing =
			lstat(w->path, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
	} else if (event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) {
		w->open_for_writing = false;
	}
}

static int on_events(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct wait *w = data;
	char bytes[8192] __attribute__((aligned(__alignof__(struct inotify_event))));
	(void)source, (void)revents;
	ssize_t n = read(fd, bytes, sizeof(bytes));
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *event = (const void *)(bytes + at);
		take(w, event);
		at += (ssize_t)sizeof(*event) + event->len;
	}
	wait_due(w);
	return 0;
}

static bool begin(struct wait *w, struct err *err)
{
	set_path(w);
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->fd < 0) {
		return err_errno(err, "cannot watch files");
	}
	w->source = loop_add_io(w->agent->event, w->fd, EPOLLIN, on_events, w);
	return true;
}

static void check(struct wait *w)
{
	struct stat st;
	if (!watch_folder(w)) {
		wait_give_up(w);
		return;
	}
	if (stat(w->path, &st) == 0 && !w->open_for_writing) {
		wait_happened(w, NULL, "The %s exists (%lld bytes).",
			S_ISDIR(st.st_mode) ? "folder" : "file", (long long)st.st_size);
	}
}

static void missing(struct wait *w, struct buf *out)
{
	struct stat st;
	if (stat(w->path, &st) != 0) {
		buf_printf(out, "The file does not exist.");
	} else if (w->open_for_writing) {
		buf_printf(out, "The file exists (%lld bytes), but a program is still writing it.",
			(long long)st.st_size);
	} else {
		buf_printf(out, "The file could not be watched.");
	}
}

const struct wait_kind wait_file = { .begin = begin, .check = check, .missing = missing };
