#ifndef SERVER_VIEWER_DESKTOP_H
#define SERVER_VIEWER_DESKTOP_H

#include "server/activity/activity.h"
#include "server/metrics/metrics.h"
#include "tools/sandbox/streams.h"

/* The watched desktops, for all kinds of viewers. */

struct watched_desktops;

/* One per pool and its streams; listens to both, and to activity.  metrics and activity may be NULL
 * and must outlive it. */
struct watched_desktops *watched_desktops_new(sd_event *event, struct vm_pool *vms,
	struct streams *streams, struct metrics *metrics, struct activity *activity);
/* After the owners of its sessions, before streams and pool.  NULL-safe. */
void watched_desktops_free(struct watched_desktops *desktops);

#endif
