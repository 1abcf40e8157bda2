#include "vm/agent/main/desktop.h"

#include "base/cleanup.h"
#include "vm/agent/desktop/clipboard.h"
#include "vm/agent/desktop/scale.h"
#include "vm/agent/elements/elements.h"
#include "vm/agent/main/agent.h"
#include "vm/agent/main/host.h"
#include "vm/agent/main/screen_watch.h"
#include "vm/agent/session/session.h"
#include "vm/agent/sound/server.h"
#include "vm/agent/text/reader.h"
#include "vm/agent/x11/display.h"

/* ---- the display ---- */

static void on_x_event(const XEvent *event, void *data)
{
	struct agent_main *agent = data;
	session_on_x_event(agent->session, event);
}

static void on_screen_changed(uint64_t frame_id, void *data)
{
	(void)frame_id;
	struct agent_main *agent = data;
	screen_watch_on_change(agent->watch);
}

static void tell_size(struct agent_main *agent)
{
	const struct agent *a = &agent->shared;
	host_notify(agent, &message_resized,
		&(struct msg_display){ size_sides(a->screen), size_sides(a->frame), a->scale });
	session_resized(agent->session);
}

/* First the host, so that it knows the size before anything is told of it. */
static void on_resized(struct size size, void *data)
{
	struct agent_main *agent = data;
	agent->shared.screen = size;
	agent->shared.frame = geometry_fit(size);
	tell_size(agent);
}

void desktop_set_scale(struct agent_main *agent, int percent)
{
	if (percent != agent->shared.scale) {
		agent->shared.scale = percent;
		scale_set(agent->shared.scaling, percent);
		tell_size(agent);
	}
}

static void on_display_lost(const struct err *why, void *data)
{
	(void)why;
	struct agent_main *agent = data;
	session_on_display_lost(agent->session);
}

static const struct display_handlers display_handlers = {
	.event = on_x_event,
	.screen_changed = on_screen_changed,
	.resized = on_resized,
	.lost = on_display_lost,
};

static bool on_display_up(struct connections *made, struct err *err, void *data)
{
	struct agent_main *agent = data;
	struct display *d = display_open(agent->shared.event, made, &display_handlers, agent, err);
	agent->shared.display = d;
	agent->shared.clipboard = d ? clipboard_new(d) : NULL;
	agent->shared.scaling = d ? scale_new(d, agent->shared.scale) : NULL;
	if (d && !size_equal(display_size(d), agent->shared.screen)) {
		on_resized(display_size(d), agent);
	}
	return d;
}

static void on_display_gone(void *data)
{
	struct agent_main *agent = data;
	scale_free(take_ptr(&agent->shared.scaling));
	clipboard_free(take_ptr(&agent->shared.clipboard));
	display_close(take_ptr(&agent->shared.display));
}

/* ---- events for the host ---- */

static void on_stage(const char *stage, uint64_t ms, void *data)
{
	struct msg_stage said = { message_name_index(message_stages, stage), (int64_t)ms };
	host_notify(data, &message_stage, &said);
}

static void on_ready(uint64_t ms, void *data)
{
	struct agent_main *agent = data;
	struct size screen = agent->shared.screen, frame = agent->shared.frame;
	struct msg_ready said = { size_sides(screen), size_sides(frame), agent->shared.scale,
		(int64_t)ms };
	host_notify(agent, &message_ready, &said);
}

static void on_resting(const char *what, const char *why, uint64_t ms, void *data)
{
	struct msg_resting said = { message_name_index(message_services, what), why, (int64_t)ms };
	host_notify(data, &message_resting, &said);
}

static void on_restarted(const char *what, const char *why, void *data)
{
	struct msg_restarted said = { message_name_index(message_services, what), why };
	host_notify(data, &message_restarted, &said);
}

static void on_failed(const char *text, void *data)
{
	host_give_up(data, text);
}

static const struct session_handlers session_handlers = {
	.stage = on_stage,
	.ready = on_ready,
	.resting = on_resting,
	.restarted = on_restarted,
	.failed = on_failed,
	.display_up = on_display_up,
	.display_gone = on_display_gone,
};

/* ---- life ---- */

void desktop_init(struct agent_main *agent)
{
	agent->shared.sound = sound_server_new(agent->shared.event);
	agent->shared.elements = elements_new(agent->shared.event);
	agent->shared.text = text_reader_new(&agent->shared);
	agent->session = session_new(&agent->shared, &session_handlers, agent);
}

void desktop_done(struct agent_main *agent)
{
	on_display_gone(agent);
	session_free(agent->session);
	sound_server_free(agent->shared.sound);
	text_reader_free(agent->shared.text);
	elements_free(agent->shared.elements);
}
