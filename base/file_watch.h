#ifndef BASE_FILE_WATCH_H
#define BASE_FILE_WATCH_H

#include "base/err.h"

#include <systemd/sd-event.h>

/*
 * Reports when the contents of a file change: it is written, replaced, or reached through other
 * symbolic links, as in volumes of Kubernetes.  The file need not exist.
 */
struct file_watch;

/* fn is called from the loop after such a change, possibly once too often. */
struct file_watch *file_watch_new(sd_event *event, const char *path, void (*fn)(void *data),
	void *data, struct err *err) NODISCARD;
void file_watch_free(struct file_watch *watch); /* NULL-safe; not inside fn */

#endif
