#ifndef BASE_WORK_H
#define BASE_WORK_H

#include <systemd/sd-event.h>

/*
 * Blocking work (large files, another process's memory) in a separate thread.  fn runs there and
 * accesses only what data points to.  Then done is called from the loop, exactly once.  Work cannot
 * be cancelled: an owner that no longer needs the result marks this in data and frees it in done.
 */
struct work;
typedef void work_fn(void *data);

/* The handle is valid until done has been called.  If no thread can be created, fn runs in the
 * loop. */
struct work *work_run(sd_event *event, work_fn *fn, work_fn *done, void *data);

/* Waits until fn has returned and calls done: for owners that end meanwhile, or after the loop. */
void work_wait(struct work *work);
/* The same for all work, including work that a done starts. */
void work_wait_all(void);

#endif
