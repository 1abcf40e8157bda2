/* Connects the link with the session and its display. */
#include "vm/agent/main/agent.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/agent/act/act.h"
#include "vm/agent/core/request.h"
#include "vm/agent/core/virtio_port.h"
#include "vm/agent/elements/marks.h"
#include "vm/agent/files/job.h"
#include "vm/agent/main/as_user.h"
#include "vm/agent/main/desktop.h"
#include "vm/agent/main/host.h"
#include "vm/agent/main/ops.h"
#include "vm/agent/main/screen_watch.h"
#include "vm/agent/process/environment.h"
#include "vm/agent/process/proc_scan.h"
#include "vm/agent/process/process.h"
#include "vm/agent/session/session.h"

#include <fcntl.h>
#include <string.h>

/* ---- the host ---- */

void agent_forget_host(struct agent_main *agent)
{
	agent->greeted = false;
	request_forget_all(&agent->shared);
	screen_watch_off(agent->watch);
	act_queue_let_go(agent->shared.acts);
}

/* ---- the link ---- */

static void on_cancel(struct link *link, uint32_t id, void *data)
{
	(void)link;
	struct agent_main *agent = data;
	request_cancel(&agent->shared, id);
}

static int on_grace_over(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct agent_main *agent = data;
	return sd_event_exit(agent->shared.event, 0);
}

static void await_host(struct agent_main *agent);

static void on_closed(struct link *link, const struct err *why, void *data)
{
	(void)link;
	struct agent_main *agent = data;
	log_info("the host has disconnected: %s", why->text);
	agent_forget_host(agent);
	await_host(agent);
}

static const struct link_handlers link_handlers = {
	.request = ops_request,
	.cancel = on_cancel,
	.closed = on_closed,
};

static const struct link_handlers port_handlers = {
	.request = ops_request,
	.cancel = on_cancel,
	.closed = on_closed,
	.resets_on = OPS_RESTORED,
};

static void start(struct agent_main *agent)
{
	agent->started = true;
	host_greet(agent);
	session_start(agent->session);
}

/* Keeps the old link until now, because parts that still send to the previous host need one. */
static int on_port(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct agent_main *agent = data;
	(void)source;
	if (!virtio_port_is_open(events)) {
		return 0;
	}
	loop_drop(&agent->reopening);
	loop_drop(&agent->ending);
	link_free(agent->shared.link);
	agent->shared.link =
		link_new(agent->shared.event, fcntl(fd, F_DUPFD_CLOEXEC, 3), &port_handlers, agent);
	if (!agent->started) {
		start(agent);
	}
	return 0;
}

static void await_host(struct agent_main *agent)
{
	if (agent->port_fd >= 0) {
		agent->reopening =
			virtio_port_await(agent->shared.event, agent->port_fd, on_port, agent);
	}
	if (agent->grace_ms >= 0) {
		agent->ending = loop_after_ms(
			agent->shared.event, (uint64_t)agent->grace_ms, on_grace_over, agent);
	}
}

/* ---- life ---- */

/* Any program in a desktop may send it, so there the agent ends only with its host, or by SIGKILL
 * from outside. */
static int on_end_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	(void)info;
	(void)data;
	return getpid() == 1 ? 0 : sd_event_exit(sd_event_source_get_event(source), 0);
}

struct agent_main *agent_new(const struct options *options, struct err *err)
{
	auto_event sd_event *event = loop_new_ending_by(on_end_signal, NULL, err);
	if (!event) {
		return NULL;
	}
	struct agent_main *agent = must(calloc(1, sizeof(*agent)));
	agent->shared.started_us = loop_now_us();
	agent->shared.event = take_ptr(&event);
	agent->grace_ms = options->grace;
	agent->shared.screen = options->size;
	agent->shared.frame = geometry_fit(options->size);
	agent->shared.scale = (int)options->scale;
	agent->port_fd = options->init_fd >= 0 ? (int)options->link_fd : -1;
	agent->init_fd = (int)options->init_fd;
	if (agent->port_fd < 0) {
		agent->shared.link =
			link_new(agent->shared.event, (int)options->link_fd, &link_handlers, agent);
	}
	agent->watch = screen_watch_new(agent);
	agent->shared.as_user = as_user;
	agent->shared.acts = act_queue_new(&agent->shared);
	act_queue_use_marks(agent->shared.acts, &elements_marks);
	desktop_init(agent);
	return agent;
}

int agent_run(struct agent_main *agent)
{
	if (agent->shared.link) {
		start(agent);
	} else {
		await_host(agent);
	}
	int status = sd_event_loop(agent->shared.event);
	return status < 0 ? EXIT_FAILURE : status;
}

static void close_fd(int *fd)
{
	if (*fd >= 0) {
		close(take_fd(fd));
	}
}

void agent_free(struct agent_main *agent)
{
	if (!agent) {
		return;
	}
	request_cancel_all(&agent->shared);
	file_jobs_wait();
	desktop_done(agent);
	proc_scan_kill_all(0, environment_mark());
	act_queue_free(agent->shared.acts);
	as_user_done(&agent->shared);
	request_free_all(&agent->shared);
	process_free_all(&agent->shared);
	screen_watch_free(agent->watch);
	loop_drop(&agent->ending);
	loop_drop(&agent->reopening);
	link_free(agent->shared.link);
	close_fd(&agent->port_fd);
	close_fd(&agent->init_fd);
	sd_event_unref(agent->shared.event);
	free(agent);
}
