/*
 * Watches the file's directory and those of all symbolic links on its path.  The set is determined
 * again after each event, because the path may have changed.  If a directory does not exist, its
 * nearest existing ancestor is watched.
 */
#include "base/file_watch.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/loop.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define LINKS_MAX 8
#define EVENTS \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB | \
		IN_DELETE_SELF | IN_MOVE_SELF)

struct file_watch {
	sd_event *event;
	sd_event_source *readable;
	int fd;
	struct stat seen; /* st_ino 0: did not exist */
	void (*fn)(void *data);
	void *data;
	char path[];
};

/* ---- the directories ---- */

static void parent_of(const char *path, char ret[PATH_MAX])
{
	char copy[PATH_MAX];
	snprintf(copy, sizeof(copy), "%s", path);
	snprintf(ret, PATH_MAX, "%s", dirname(copy));
}

/* The nearest existing directory above path. */
static void watch_above(const struct file_watch *watch, const char *path)
{
	char dir[PATH_MAX], above[PATH_MAX];
	parent_of(path, dir);
	while (inotify_add_watch(watch->fd, dir, EVENTS) < 0 && strcmp(dir, "/") != 0 &&
		strcmp(dir, ".") != 0) {
		parent_of(dir, above);
		memcpy(dir, above, sizeof(dir));
	}
}

/* The target of a link; false: path is not a link. */
static bool follow(const char *path, char ret[PATH_MAX])
{
	char target[PATH_MAX], dir[PATH_MAX];
	ssize_t len = readlink(path, target, sizeof(target) - 1);
	if (len <= 0) {
		return false;
	}
	target[len] = '\0';
	parent_of(path, dir);
	int n = target[0] == '/' ? snprintf(ret, PATH_MAX, "%s", target)
				 : snprintf(ret, PATH_MAX, "%s/%s", dir, target);
	return n < PATH_MAX;
}

static void watch_way(const struct file_watch *watch, const char *path, int links)
{
	char next[PATH_MAX], dir[PATH_MAX];
	watch_above(watch, path);
	parent_of(path, dir);
	if (links > 0 && follow(dir, next)) {
		watch_way(watch, dir, links - 1);
	}
	if (links > 0 && follow(path, next)) {
		watch_way(watch, next, links - 1);
	}
}

/* ---- changes ---- */

static bool has_changed(struct file_watch *watch)
{
	struct stat now = { 0 }, was = watch->seen;
	if (stat(watch->path, &now) < 0) {
		now = (struct stat){ 0 };
	}
	watch->seen = now;
	return file_has_changed(&was, &now);
}

static int on_event(sd_event_source *source, int fd, uint32_t events, void *data);

static bool begin(struct file_watch *watch, struct err *err)
{
	watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch->fd < 0) {
		return err_errno(err, "cannot watch %s", watch->path);
	}
	watch->readable = loop_add_io(watch->event, watch->fd, EPOLLIN, on_event, watch);
	watch_way(watch, watch->path, LINKS_MAX);
	return true;
}

/* The watches are set before the file is read, so that no change is missed in between. */
static int on_event(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct file_watch *watch = data;
	struct err ignored;
	(void)source, (void)events;
	int old = take_fd(&watch->fd);
	loop_drop(&watch->readable);
	if (!begin(watch, &ignored)) { /* no new descriptor: keep this one */
		char bytes[4096];
		while (read(fd, bytes, sizeof(bytes)) > 0) {
		}
		watch->fd = take_fd(&old);
		watch->readable = loop_add_io(watch->event, fd, EPOLLIN, on_event, watch);
	}
	if (old >= 0) {
		close(old);
	}
	if (has_changed(watch)) {
		watch->fn(watch->data);
	}
	return 0;
}

struct file_watch *file_watch_new(
	sd_event *event, const char *path, void (*fn)(void *data), void *data, struct err *err)
{
	size_t size = strlen(path) + 1;
	struct file_watch *watch = must(calloc(1, sizeof(*watch) + size));
	memcpy(watch->path, path, size);
	watch->event = event;
	watch->fn = fn;
	watch->data = data;
	if (!begin(watch, err)) {
		free(watch);
		return NULL;
	}
	has_changed(watch);
	return watch;
}

void file_watch_free(struct file_watch *watch)
{
	if (watch) {
		loop_drop(&watch->readable);
		close(watch->fd);
		free(watch);
	}
}
