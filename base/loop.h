#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include "base/err.h"

#include <stdint.h>
#include <systemd/sd-event.h>

/* What sd-event leaves open.  Both programs run one sd_event loop, in one thread, and never block
 * in it. */

#define auto_event __attribute__((cleanup(sd_event_unrefp)))

/* A new loop that ends cleanly (code 0) on SIGTERM and SIGINT, ignores SIGPIPE and can watch
 * children. */
sd_event *loop_new(struct err *err) NODISCARD;
/* The same, but SIGTERM and SIGINT call fn, which ends the loop, now or soon. */
sd_event *loop_new_ending_by(sd_event_signal_handler_t fn, void *data, struct err *err) NODISCARD;

/* Each of these gives NULL once the loop has ended, for nothing would fire; loop_drop() and
 * loop_enable() take that. */

/* Stops waiting and clears the slot; safe inside the source's own callback and on NULL. */
void loop_drop(sd_event_source **source);

/* One-shot timer.  The callback's source fires once and stays off until loop_drop. */
sd_event_source *loop_after_ms(
	sd_event *event, uint64_t ms, sd_event_time_handler_t fn, void *data);

/* Like sd_event_add_io, but a regular file or /dev/null, which epoll refuses, counts as always
 * ready. */
sd_event_source *loop_add_io(
	sd_event *event, int fd, uint32_t events, sd_event_io_handler_t fn, void *data);
/* Calls fn when nobody has the other end of a pipe, socket or terminal (fd; not what comes from
 * it). For other files, and when descriptors are used up, it is NULL. */
sd_event_source *loop_on_hangup(sd_event *event, int fd, sd_event_io_handler_t fn, void *data);
/* Turns a source from loop_add_io on or off. */
void loop_enable(sd_event_source *source, bool on);

/* Runs fn once, soon, from the loop; for answers that must not re-enter their caller. */
sd_event_source *loop_defer(sd_event *event, sd_event_handler_t fn, void *data);

uint64_t loop_now_us(void); /* CLOCK_MONOTONIC, read now */

#endif
