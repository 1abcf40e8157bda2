#ifndef SERVER_VIEWER_DESKTOP_H
#define SERVER_VIEWER_DESKTOP_H

#include "server/activity/activity.h"
#include "server/metrics/metrics.h"
#include "tools/streams.h"

/* The desktops that are watched, by whatever viewers. */

struct watched_desktops;

/* One for a pool and its streams: it listens to both, and to activity.  metrics, activity: NULL, or
 * outlive it. */
struct watched_desktops *watched_desktops_new(sd_event *event, struct vm_pool *vms,
	struct streams *streams, struct metrics *metrics, struct activity *activity);
/* After those that have sessions in it, before streams and pool.  NULL-safe. */
void watched_desktops_free(struct watched_desktops *desktops);

#endif
