#ifndef VM_AGENT_PROCESS_OUTPUT_DRAIN_H
#define VM_AGENT_PROCESS_OUTPUT_DRAIN_H

#include <systemd/sd-event.h>

/*
 * Reads the output of a program that no one else reads.  The program never blocks on the pipe, and
 * the last bytes are kept for an error message.
 */
struct output_drain;

/* Takes fd, the read end of a pipe. */
struct output_drain *output_drain_new(sd_event *event, int fd);
/* Also creates the pipe; *ret_write_end is for the program.  NULL: errno is set. */
struct output_drain *output_drain_open(sd_event *event, int *ret_write_end);
/* The end of the output, as valid UTF-8 without a final newline; to be freed. */
char *output_drain_text(struct output_drain *drain);
/* Detaches it: the pipe is drained until its write end is closed.  NULL-safe. */
void output_drain_release(struct output_drain *drain);

#endif
