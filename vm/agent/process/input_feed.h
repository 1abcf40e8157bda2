#ifndef VM_AGENT_PROCESS_INPUT_FEED_H
#define VM_AGENT_PROCESS_INPUT_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

/* Writes the input of a program as fast as the program reads it. */
struct input_feed;

/* Takes fd, the write end of a pipe.  taken is called, by input_feed_push() or from the loop, with the
 * number of pushed bytes that are no longer stored, including bytes that a program which closed its
 * stdin never reads. */
struct input_feed *input_feed_new(
	sd_event *event, int fd, void (*taken)(size_t len, void *data), void *data);
/* Stores what the pipe does not accept now; the caller limits the amount. */
void input_feed_push(struct input_feed *feed, const void *bytes, size_t len);
/* Closes the pipe after everything that was pushed. */
void input_feed_end(struct input_feed *feed);
bool input_feed_is_open(const struct input_feed *feed);
/* The program has closed its end, or ended. */
bool input_feed_is_broken(const struct input_feed *feed);
size_t input_feed_pending(const struct input_feed *feed); /* stored bytes */
void input_feed_free(struct input_feed *feed); /* closes the pipe immediately; NULL-safe */

#endif
