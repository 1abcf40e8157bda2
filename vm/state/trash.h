#ifndef VM_STATE_TRASH_H
#define VM_STATE_TRASH_H

/* A directory whose contents a thread deletes, because deleting some gigabytes would block the
 * loop. */

struct trash;

/* The caller keeps dir_fd open until trash_free(). */
struct trash *trash_new(int dir_fd);
/* Continues for at most a second; a later server deletes the rest.  NULL-safe. */
void trash_free(struct trash *trash);
/* Starts deleting.  Returns immediately; callable from any thread. */
void trash_empty(struct trash *trash);

#endif
