#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include "base/err.h"

#include <stdint.h>
#include <systemd/sd-event.h>

/* Additions to sd-event.  Each program runs one sd_event loop in one thread and never blocks in
 * it. */

#define auto_event __attribute__((cleanup(sd_event_unrefp)))

/* Creates a loop that ends with code 0 on SIGTERM and SIGINT, ignores SIGPIPE and can watch
 * children. */
sd_event *loop_new(struct err *err) NODISCARD;
/* The same, but SIGTERM and SIGINT call fn, which ends the loop immediately or later. */
sd_event *loop_new_ending_by(sd_event_signal_handler_t fn, void *data, struct err *err) NODISCARD;

/* All of these return NULL once the loop has ended.  loop_drop() and loop_enable() accept NULL. */

/* Removes the source and clears the pointer.  Safe inside the source's callback and on NULL. */
void loop_drop(sd_event_source **source);

/* A one-shot timer.  After it has fired, the source stays disabled until loop_drop(). */
sd_event_source *loop_after_ms(
	sd_event *event, uint64_t ms, sd_event_time_handler_t fn, void *data);

/* Like sd_event_add_io, but a regular file or /dev/null, which epoll refuses, is always ready. */
sd_event_source *loop_add_io(
	sd_event *event, int fd, uint32_t events, sd_event_io_handler_t fn, void *data);
/* Calls fn when the other end of a pipe, socket or terminal is closed; its data is not read.
 * Returns NULL for other files, and if descriptors are exhausted. */
sd_event_source *loop_on_hangup(sd_event *event, int fd, sd_event_io_handler_t fn, void *data);
/* Enables or disables a source of loop_add_io(). */
void loop_enable(sd_event_source *source, bool on);

/* Runs fn once from the loop, for results that must not re-enter their caller. */
sd_event_source *loop_defer(sd_event *event, sd_event_handler_t fn, void *data);

uint64_t loop_now_us(void); /* CLOCK_MONOTONIC, read at the call */

#endif
