#ifndef VM_STATE_TRASH_H
#define VM_STATE_TRASH_H

/* A directory whose content is deleted by a thread of its own, because deleting some gigabytes
 * takes longer than a loop may stand still. */

struct trash;

/* dir_fd stays the caller's, and open until trash_free(). */
struct trash *trash_new(int dir_fd);
/* Goes on for a second at most; the rest stays for whoever comes next.  NULL-safe. */
void trash_free(struct trash *trash);
/* There is something in it.  Returns at once; from any thread. */
void trash_empty(struct trash *trash);

#endif
