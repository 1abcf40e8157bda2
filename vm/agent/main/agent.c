/* Puts the parts together: the link on one side, the session and its display on the other. */
#include "vm/agent/main/agent.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/agent/act/act.h"
#include "vm/agent/core/virtio_port.h"
#include "vm/agent/desktop/clipboard.h"
#include "vm/agent/main/ops.h"
#include "vm/agent/main/screen_watch.h"
#include "vm/agent/process/environment.h"
#include "vm/agent/process/proc_scan.h"
#include "vm/agent/session/session.h"
#include "vm/agent/x11/display.h"
#include "vm/wire/protocol.h"

#include <fcntl.h>
#include <string.h>

/* ---- the host ---- */

void agent_tell(struct agent *agent, const char *event, json_t *fields)
{
	if (agent->greeted) {
		link_event(agent->link, event, fields);
	} else {
		json_decref(fields);
	}
}

void agent_greet(struct agent *agent)
{
	agent->greeted = true;
	agent_tell(agent, "hello",
		json_pack("{s:i, s:s}", "protocol", PROTOCOL_VERSION, "version", VITRINE_VERSION));
}

/* What an earlier host asked for; the link has forgotten it already. */
static void forget_host(struct agent *agent)
{
	agent->greeted = false;
	ops_forget_all(agent);
	watch_off(agent->watch);
	act_queue_let_go(agent->acts);
}

/* ---- the link ---- */

#define RENEW "renew"

static void on_request(struct link *link, uint32_t id, const struct link_msg *msg, void *data)
{
	struct agent *agent = data;
	const char *op = json_string_value(json_object_get(msg->json, "op"));
	struct err err;
	if (strcmp(op, RENEW) == 0 && agent->port_fd >= 0) {
		forget_host(agent);
	} else if (!agent->greeted && !agent->renewal) {
		err_set(&err, ERR_STATE, "the first request of a new host must be 'renew'");
		link_reply_err(link, id, &err);
		return;
	}
	ops_request(agent, id, msg);
}

static void on_cancel(struct link *link, uint32_t id, void *data)
{
	(void)link;
	ops_cancel(data, id);
}

static int on_grace_over(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct agent *agent = data;
	return sd_event_exit(agent->event, 0);
}

static void await_host(struct agent *agent);

static void on_closed(struct link *link, const struct err *why, void *data)
{
	(void)link;
	struct agent *agent = data;
	log_info("the host is gone: %s", why->text);
	forget_host(agent);
	await_host(agent);
}

static const struct link_handlers link_handlers = {
	.request = on_request,
	.cancel = on_cancel,
	.closed = on_closed,
};

static const struct link_handlers port_handlers = {
	.request = on_request,
	.cancel = on_cancel,
	.closed = on_closed,
	.begins_anew = RENEW,
};

static void start(struct agent *agent)
{
	agent->started = true;
	agent_greet(agent);
	session_start(agent->session);
}

/* The old link stays until now: whoever speaks to a host that is gone speaks to that. */
static int on_port(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct agent *agent = data;
	(void)source;
	if (!port_is_open(events)) {
		return 0;
	}
	loop_drop(&agent->reopening);
	loop_drop(&agent->ending);
	link_free(agent->link);
	agent->link = link_new(agent->event, fcntl(fd, F_DUPFD_CLOEXEC, 3), &port_handlers, agent);
	if (!agent->started) {
		start(agent);
	}
	return 0;
}

static void await_host(struct agent *agent)
{
	if (agent->port_fd >= 0) {
		agent->reopening = port_await(agent->event, agent->port_fd, on_port, agent);
	}
	if (agent->grace_ms >= 0) {
		agent->ending = loop_after_ms(
			agent->event, (uint64_t)agent->grace_ms, on_grace_over, agent);
	}
}

/* ---- the display ---- */

static void on_x_event(const XEvent *event, void *data)
{
	struct agent *agent = data;
	session_on_x_event(agent->session, event);
}

static void on_screen_changed(uint64_t frame_id, void *data)
{
	(void)frame_id;
	struct agent *agent = data;
	watch_on_change(agent->watch);
}

static void on_display_lost(const struct err *why, void *data)
{
	(void)why;
	struct agent *agent = data;
	session_on_display_lost(agent->session);
}

static const struct display_handlers display_handlers = {
	.event = on_x_event,
	.screen_changed = on_screen_changed,
	.lost = on_display_lost,
};

bool agent_attach_display(struct agent *agent, const char *name, struct err *err)
{
	agent->display = display_open(agent->event, name, &display_handlers, agent, err);
	agent->clipboard = agent->display ? clipboard_new(agent->display) : NULL;
	return agent->display;
}

void agent_detach_display(struct agent *agent)
{
	clipboard_free(take_ptr(&agent->clipboard));
	display_close(take_ptr(&agent->display));
}

/* ---- life ---- */

void agent_give_up(struct agent *agent, const char *text)
{
	log_error("%s", text);
	link_event(agent->link, "failed", json_pack("{s:s}", "text", text));
	sd_event_exit(agent->event, EXIT_FAILURE);
}

/* In a desktop any program may send it; there the agent ends with its host, or by SIGKILL from
 * outside. */
static int on_end_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	(void)info;
	(void)data;
	return getpid() == 1 ? 0 : sd_event_exit(sd_event_source_get_event(source), 0);
}

struct agent *agent_new(const struct options *options, struct err *err)
{
	auto_event sd_event *event = loop_new_ending_by(on_end_signal, NULL, err);
	if (!event) {
		return NULL;
	}
	struct agent *agent = must(calloc(1, sizeof(*agent)));
	agent->started_us = loop_now_us();
	agent->event = take_ptr(&event);
	agent->grace_ms = options->grace;
	agent->screen = options->size;
	agent->frame = geometry_fit(options->size);
	agent->port_fd = options->init_fd >= 0 ? (int)options->link_fd : -1;
	agent->init_fd = (int)options->init_fd;
	if (agent->port_fd < 0) {
		agent->link = link_new(agent->event, (int)options->link_fd, &link_handlers, agent);
	}
	agent->watch = watch_new(agent);
	agent->acts = act_queue_new(agent);
	agent->session = session_new(agent);
	return agent;
}

int agent_run(struct agent *agent)
{
	if (agent->link) {
		start(agent);
	} else {
		await_host(agent);
	}
	int status = sd_event_loop(agent->event);
	return status < 0 ? EXIT_FAILURE : status;
}

static void close_fd(int *fd)
{
	if (*fd >= 0) {
		close(take_fd(fd));
	}
}

void agent_free(struct agent *agent)
{
	if (!agent) {
		return;
	}
	ops_cancel_all(agent);
	agent_detach_display(agent);
	session_free(agent->session);
	process_kill_all(0, environment_mark());
	act_queue_free(agent->acts);
	ops_free_all(agent);
	watch_free(agent->watch);
	loop_drop(&agent->ending);
	loop_drop(&agent->reopening);
	link_free(agent->link);
	close_fd(&agent->port_fd);
	close_fd(&agent->init_fd);
	sd_event_unref(agent->event);
	free(agent);
}
