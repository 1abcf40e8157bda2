#ifndef VM_AGENT_PROCESS_OUTPUT_DRAIN_H
#define VM_AGENT_PROCESS_OUTPUT_DRAIN_H

#include <systemd/sd-event.h>

/*
 * Drains the output of a program that no one reads: the program never blocks on the pipe, and the
 * last bytes are kept for an error message.
 */
struct output_drain;

/* Takes fd, the reading end. */
struct output_drain *output_drain_new(sd_event *event, int fd);
/* Makes the pipe as well: *ret_write_end is for the program. */
struct output_drain *output_drain_open(sd_event *event, int *ret_write_end);
/* The last lines written, made UTF-8, without a newline at the end: a text to free(). */
char *output_drain_text(struct output_drain *drain);
/* Detaches it: the pipe is drained until its other end is closed.  NULL-safe. */
void output_drain_release(struct output_drain *drain);

#endif
