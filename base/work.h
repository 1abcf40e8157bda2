#ifndef BASE_WORK_H
#define BASE_WORK_H

#include <systemd/sd-event.h>

/*
 * Blocking work (large files, another process's memory) in a thread of its own.  fn runs there, and
 * touches nothing but what data points to; then done is called from the loop, exactly once.  Work
 * cannot be cancelled: an owner that lost interest leaves a mark in data and frees it in done.
 */
struct work;
typedef void work_fn(void *data);

/* The handle is valid until done has been called.  Where no thread can be had, fn runs on the loop.
 */
struct work *work_run(sd_event *event, work_fn *fn, work_fn *done, void *data);

/* Waits until fn has ended and calls done now: for whoever ends while it runs, or after the loop.
 */
void work_wait(struct work *work);
/* The same for all there is, and for what their dones begin. */
void work_wait_all(void);

#endif
