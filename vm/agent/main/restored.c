/*
 * The operation `restored`: this VM was restored or cloned, or the server was restarted.  The link
 * and the agent have already dropped the old host's state.  The privileged part is sent to the VM's
 * first process.  At the same time the window manager, and through it the X server, is checked for
 * liveness.  When both have responded, the session reports its state as at its start.  No process
 * is started, because the user of a clone waits for this.
 */
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/act/act.h"
#include "vm/agent/core/op.h"
#include "vm/agent/init/privileged_request.h"
#include "vm/agent/main/agent.h"
#include "vm/agent/main/host.h"
#include "vm/agent/session/session.h"
#include "vm/agent/x11/client_sync.h"
#include "vm/agent/x11/display.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define PATIENCE 100 /* attempts to reach a silent window manager, about 25 s in total */

struct restored {
	struct request *req;
	struct agent_main *agent;
	struct display *display; /* NULL: no response needed */
	struct display_listener listener;
	struct client_sync *sync;
	sd_event_source *privileged; /* NULL: complete */
	uint32_t number;
	int silences;
};

/* ---- ends ---- */

static void forget_display(struct restored *r)
{
	if (r->display) {
		client_sync_free(take_ptr(&r->sync));
		display_unlisten(r->display, &r->listener);
		r->display = NULL;
	}
}

static void restored_free(struct restored *r)
{
	r->agent->restored = NULL;
	forget_display(r);
	loop_drop(&r->privileged);
	free(r);
}

static void fail(struct restored *r, const struct err *why)
{
	struct request *req = r->req;
	restored_free(r);
	request_fail(req, why);
}

static void on_cancel(void *data)
{
	struct err err;
	err_set(&err, ERR_CANCELLED, "the notification was cancelled");
	fail(data, &err);
}

static void finish_when_done(struct restored *r)
{
	struct request *req = r->req;
	struct agent_main *agent = r->agent;
	if (r->privileged || r->display) {
		return;
	}
	restored_free(r);
	request_reply(req, NULL, NULL, 0);
	host_greet(agent);
	session_restored(agent->session);
}

/* ---- the desktop ---- */

static void on_answer(enum client_sync_answer answer, void *data);

static void ask(struct restored *r)
{
	client_sync_free(r->sync);
	r->sync = client_sync_liveness(r->display, on_answer, r);
}

static void on_answer(enum client_sync_answer answer, void *data)
{
	struct restored *r = data;
	if (answer == CLIENT_SYNC_SILENT && ++r->silences < PATIENCE) {
		ask(r); /* it may be slow, or have exited and be restarting */
	} else if (answer == CLIENT_SYNC_SILENT) {
		return host_give_up(r->agent, "the window manager has stopped answering");
	} else {
		forget_display(r);
	}
	finish_when_done(r);
}

/* The session restarts it and then reports ready. */
static void on_display_closing(const struct err *why, void *data)
{
	(void)why;
	struct restored *r = data;
	forget_display(r);
	finish_when_done(r);
}

static void check_desktop(struct restored *r)
{
	struct display *d = r->agent->shared.display;
	if (!d || display_is_lost(d) || !session_is_managed(r->agent->session)) {
		return;
	}
	r->display = d;
	r->listener = (struct display_listener){ .closing = on_display_closing, .data = r };
	display_listen(d, &r->listener);
	ask(r);
}

/* ---- the privileged request ---- */

static int on_privileged_request(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct restored *r = data;
	struct err err;
	uint32_t number;
	(void)source;
	(void)events;
	bool done = privileged_request_answer(fd, &number, &err);
	if (number && number != r->number) {
		return 0; /* of a cancelled request */
	}
	loop_drop(&r->privileged);
	if (done) {
		finish_when_done(r);
	} else {
		fail(r, &err);
	}
	return 0;
}

static bool describe(
	const struct msg_restored *args, struct privileged_request *ret, struct err *err)
{
	struct privileged_request request = { .time_us = args->time_us };
	size_t len = 0;
	auto_free uint8_t *entropy = base64_decode(args->entropy, &len);
	if (!entropy || len != sizeof(request.entropy)) {
		return err_set(err, ERR_ARGUMENT, "'entropy' must be base64 of %d bytes",
			PRIVILEGED_ENTROPY);
	}
	memcpy(request.entropy, entropy, len);
	snprintf(request.hostname, sizeof(request.hostname), "%s",
		args->hostname ? args->hostname : "");
	snprintf(request.machine_id, sizeof(request.machine_id), "%s",
		args->machine_id ? args->machine_id : "");
	snprintf(request.mac, sizeof(request.mac), "%s", args->mac ? args->mac : "");
	*ret = request;
	return privileged_request_check(ret, err);
}

static void restored(struct request *req, const void *data)
{
	static uint32_t number;
	struct agent_main *agent = agent_main(request_agent(req));
	struct privileged_request request;
	struct err err;
	if (agent->init_fd < 0) {
		err_set(&err, ERR_UNSUPPORTED, "'restored' is supported only inside a microVM");
		return request_fail(req, &err);
	}
	if (!describe(data, &request, &err)) {
		return request_fail(req, &err);
	}
	act_queue_skip_frame(
		agent->shared.acts, (uint64_t)((const struct msg_restored *)data)->frame_id);
	request.number = ++number ? number : ++number;
	if (!privileged_request_send(agent->init_fd, &request, &err)) {
		return request_fail(req, &err);
	}
	struct restored *r = must(calloc(1, sizeof(*r)));
	r->req = req;
	r->agent = agent;
	r->number = request.number;
	agent->restored = r;
	r->privileged =
		loop_add_io(agent->shared.event, agent->init_fd, EPOLLIN, on_privileged_request, r);
	request_on_cancel(req, on_cancel, r);
	check_desktop(r);
}

const struct op op_restored = {
	.message = &message_restored,
	.run = restored,
};

/* ---- freeze, before a VM is saved ---- */

static void freeze(struct request *req, const void *args)
{
	const struct msg_freeze *how = args;
	struct link *link = request_agent(req)->link;
	/* Once here instead of in each clone. */
	act_queue_look_ahead(request_agent(req)->acts, how->raw);
	request_reply(req, NULL, NULL, 0);
	link_freeze(link);
}

const struct op op_freeze = {
	.message = &message_freeze,
	.run = freeze,
};
