#ifndef VM_AGENT_PROCESS_INPUT_FEED_H
#define VM_AGENT_PROCESS_INPUT_FEED_H

#include <stddef.h>
#include <systemd/sd-event.h>

/* Writes the input of a program as fast as the program reads it. */
struct input_feed;

/* Takes fd, the writing end of a pipe.  taken fires with how many of the pushed bytes are no longer
 * kept, from input_feed_push() or the loop; also for those that a program which closed its stdin
 * never reads. */
struct input_feed *input_feed_new(
	sd_event *event, int fd, void (*taken)(size_t len, void *data), void *data);
/* Copies what the pipe does not take now; the caller bounds it. */
void input_feed_push(struct input_feed *feed, const void *bytes, size_t len);
/* Closes the pipe behind what was pushed. */
void input_feed_end(struct input_feed *feed);
void input_feed_free(struct input_feed *feed); /* at once; NULL-safe */

#endif
