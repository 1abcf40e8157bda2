#ifndef SERVER_METRICS_METRICS_H
#define SERVER_METRICS_METRICS_H

#include "base/buf.h"
#include "server/activity/activity.h"
#include "tools/call/tool.h"
#include "vm/core/vm.h"

/* Metrics for Prometheus (text format 0.0.4). */

struct metrics;

/* tools must outlive it. */
struct metrics *metrics_new(const struct tool_set *tools);
void metrics_free(struct metrics *metrics); /* NULL-safe */

/* Counts the calls of activity, which must outlive it. */
void metrics_follow(struct metrics *metrics, struct activity *activity);
/* Counts a start of a sandbox, successful or not. */
void metrics_count_start(struct metrics *metrics, uint64_t took_us, bool up);
/* Counts the round trip of a ping to an agent, including queueing on both ends. */
void metrics_count_ping(struct metrics *metrics, uint64_t took_us);

/* Counts a viewer that connected, or disconnected. */
void metrics_count_viewer(struct metrics *metrics, bool came);
/* Counts bytes from and to viewers. */
void metrics_count_viewed(struct metrics *metrics, uint64_t in, uint64_t out);

/* Values that other modules supply. */
struct metrics_now {
	uint64_t sandboxes[VM_GONE]; /* by enum vm_state */
	uint64_t warm_wanted, warm_ready;
	uint64_t calls; /* in flight */
	uint64_t connections, streams;
	uint64_t requests, bytes_in, bytes_out;
	uint64_t rejected_host, rejected_origin, rejected_auth, rejected_size, rejected_busy,
		rejected_memory;
	uint64_t memory, fds;           /* of this process: resident bytes, open descriptors */
	double cpu_seconds, start_time; /* CPU time of this process; start time since 1970 */
};

void metrics_write(const struct metrics *metrics, const struct metrics_now *now, struct buf *out);

/* Sets the members that describe this process. */
void metrics_read_process(struct metrics_now *now);

#endif
