/*
 * The first change is reported immediately; changes within the interval after it are reported
 * together at its end. A timer runs only while an interval is active.
 */
#include "vm/agent/main/screen_watch.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/core/op.h"
#include "vm/agent/main/agent.h"
#include "vm/agent/main/host.h"
#include "vm/agent/x11/display.h"

#define INTERVAL_MS 200

struct screen_watch {
	struct agent_main *agent;
	bool on, pending;
	sd_event_source *timer; /* running: the last report was less than an interval ago */
};

static void notify(struct screen_watch *w);

static int on_interval(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct screen_watch *w = data;
	loop_drop(&w->timer);
	if (w->on && w->pending) {
		notify(w);
	}
	return 0;
}

static void notify(struct screen_watch *w)
{
	w->pending = false;
	if (!w->agent->shared.display) {
		return;
	}
	host_notify(w->agent, &message_screen,
		&(struct msg_screen){ (int64_t)display_frame_id(w->agent->shared.display) });
	w->timer = loop_after_ms(w->agent->shared.event, INTERVAL_MS, on_interval, w);
}

void screen_watch_on_change(struct screen_watch *w)
{
	w->pending = true;
	if (w->on && !w->timer) {
		notify(w);
	}
}

void screen_watch_off(struct screen_watch *w)
{
	w->on = w->pending = false;
}

struct screen_watch *screen_watch_new(struct agent_main *agent)
{
	struct screen_watch *w = must(calloc(1, sizeof(*w)));
	w->agent = agent;
	return w;
}

void screen_watch_free(struct screen_watch *w)
{
	if (w) {
		loop_drop(&w->timer);
		free(w);
	}
}

/* ---- the operation ---- */

static void run(struct request *req, const void *args)
{
	struct screen_watch *w = agent_main(request_agent(req))->watch;
	w->on = ((const struct msg_watch *)args)->on;
	w->pending = false;
	request_reply(req, NULL, NULL, 0);
}

const struct op op_watch = {
	.message = &message_watch,
	.run = run,
};
