#ifndef SERVER_METHODS_RESOURCE_FILE_H
#define SERVER_METHODS_RESOURCE_FILE_H

#include "vm/guest/files.h"

/* Files of a sandbox as resources: file://SANDBOX/PATH?offset=N&length=N.  The path is
 * percent-encoded, and begins at the root. */

#define RESOURCE_TEMPLATE_FILE "file://{sandbox}/{+path}{?offset,length}"
#define RESOURCE_FILE_SCHEME "file://"

struct file_part {
	char *path;             /* as vm/wire/messages_files.h has it */
	int64_t offset, length; /* length 0: to the end */
};
void file_part_done(struct file_part *part);
/* rest: the URI behind the sandbox. */
bool file_part_parse(const char *rest, struct file_part *ret_part, struct err *err) NODISCARD;

/* body: {"text": ...} or {"blob": ...}, taken; or err.  Called once, from the loop. */
typedef void file_part_read_fn(json_t *body, const char *type, const struct err *err, void *data);
/* For guest_cancel(). */
guest_id file_part_read(
	struct guest *guest, const struct file_part *part, file_part_read_fn *fn, void *data);

/*
 * Changes of one file, or, if its path ends with a slash, in a directory.  fn is called from the loop
 * after changes, at most five times per second.
 */
struct file_changes;
struct file_changes *file_changes_new(
	sd_event *event, const char *path, void (*fn)(void *data), void *data);
/* The sandbox is ready: watches, unless it does. */
void file_changes_watch(struct file_changes *changes, struct guest *guest);
void file_changes_free(struct file_changes *changes); /* NULL-safe */

#endif
