/*
 * A saved machine comes back with another host, or its host was started again.  By the time the
 * request is here the link and the agent have forgotten the old one.  What needs root goes to the
 * machine's first process, while the window manager, and through it the X server, is asked for a
 * sign of life; when both have answered, the session reports as at its start.  No process is
 * started: this is what a clone's user waits for.
 */
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/act/act.h"
#include "vm/agent/core/op.h"
#include "vm/agent/init/privileged_request.h"
#include "vm/agent/main/agent.h"
#include "vm/agent/session/session.h"
#include "vm/agent/x11/client_sync.h"
#include "vm/agent/x11/display.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define PATIENCE 40 /* times a silent window manager is asked, some 10 s in all */

struct args {
	int64_t time_us;
	const char *entropy, *hostname, *machine_id, *mac;
};

static const struct field fields[] = {
	FIELD_NUM(struct args, time_us, "microseconds since 1970", .required = true,
		.min = (double)ERRAND_TIME_MIN, .max = (double)ERRAND_TIME_MAX),
	FIELD_STR(
		struct args, entropy, "base64 of 64 bytes", .required = true, .min = 88, .max = 88),
	FIELD_STR(struct args, hostname, "its new name", .min = 1, .max = 63),
	FIELD_STR(struct args, machine_id, "32 hex digits", .min = 32, .max = 32),
	FIELD_STR(struct args, mac, "like 52:54:00:12:34:56", .min = 17, .max = 17),
	{},
};

struct renewal {
	struct request *req;
	struct agent_main *agent;
	struct display *display; /* NULL: it need not answer, or has */
	struct display_listener listener;
	struct barrier *barrier;
	sd_event_source *errand; /* NULL: it is done */
	uint32_t number;
	int silences;
};

/* ---- ends ---- */

static void forget_display(struct renewal *r)
{
	if (r->display) {
		barrier_free(take_ptr(&r->barrier));
		display_unlisten(r->display, &r->listener);
		r->display = NULL;
	}
}

static void renewal_free(struct renewal *r)
{
	r->agent->renewal = NULL;
	forget_display(r);
	loop_drop(&r->errand);
	free(r);
}

static void fail(struct renewal *r, const struct err *why)
{
	struct request *req = r->req;
	renewal_free(r);
	request_fail(req, why);
}

static void on_cancel(void *data)
{
	struct err err;
	err_set(&err, ERR_CANCELLED, "the renewal was taken back");
	fail(data, &err);
}

static void finish_when_done(struct renewal *r)
{
	struct request *req = r->req;
	struct agent_main *agent = r->agent;
	if (r->errand || r->display) {
		return;
	}
	renewal_free(r);
	request_reply(req, NULL, NULL, 0);
	agent_greet(agent);
	session_renew(agent->session);
}

/* ---- the desktop ---- */

static void on_answer(enum barrier_answer answer, void *data);

static void ask(struct renewal *r)
{
	barrier_free(r->barrier);
	r->barrier = barrier_sign_of_life(r->display, on_answer, r);
}

static void on_answer(enum barrier_answer answer, void *data)
{
	struct renewal *r = data;
	if (answer == BARRIER_SILENT && ++r->silences < PATIENCE) {
		ask(r); /* it may be slow, or just dead and soon back */
	} else if (answer == BARRIER_SILENT) {
		return agent_give_up(r->agent, "the window manager does not answer any more");
	} else {
		forget_display(r);
	}
	finish_when_done(r);
}

/* The session starts it anew, and tells of ready when it is there. */
static void on_display_closing(const struct err *why, void *data)
{
	(void)why;
	struct renewal *r = data;
	forget_display(r);
	finish_when_done(r);
}

static void check_desktop(struct renewal *r)
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

/* ---- the machine ---- */

static int on_errand(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct renewal *r = data;
	struct err err;
	uint32_t number;
	(void)source;
	(void)events;
	bool done = errand_answer(fd, &number, &err);
	if (number && number != r->number) {
		return 0; /* of a renewal that was taken back */
	}
	loop_drop(&r->errand);
	if (done) {
		finish_when_done(r);
	} else {
		fail(r, &err);
	}
	return 0;
}

static bool describe(const struct args *args, struct errand *ret, struct err *err)
{
	struct errand errand = { .time_us = args->time_us };
	size_t len = 0;
	auto_free uint8_t *entropy = base64_decode(args->entropy, &len);
	if (!entropy || len != sizeof(errand.entropy)) {
		return err_set(
			err, ERR_ARGUMENT, "'entropy' must be base64 of %d bytes", ERRAND_ENTROPY);
	}
	memcpy(errand.entropy, entropy, len);
	snprintf(errand.hostname, sizeof(errand.hostname), "%s",
		args->hostname ? args->hostname : "");
	snprintf(errand.machine_id, sizeof(errand.machine_id), "%s",
		args->machine_id ? args->machine_id : "");
	snprintf(errand.mac, sizeof(errand.mac), "%s", args->mac ? args->mac : "");
	*ret = errand;
	return errand_check(ret, err);
}

static void renew(struct request *req, const void *data)
{
	static uint32_t number;
	struct agent_main *agent = agent_main(request_agent(req));
	struct errand errand;
	struct err err;
	if (agent->init_fd < 0) {
		err_set(&err, ERR_UNSUPPORTED, "only a machine of its own can be renewed");
		return request_fail(req, &err);
	}
	if (!describe(data, &errand, &err)) {
		return request_fail(req, &err);
	}
	errand.number = ++number ? number : ++number;
	if (!errand_ask(agent->init_fd, &errand, &err)) {
		return request_fail(req, &err);
	}
	struct renewal *r = must(calloc(1, sizeof(*r)));
	r->req = req;
	r->agent = agent;
	r->number = errand.number;
	agent->renewal = r;
	r->errand = loop_add_io(agent->shared.event, agent->init_fd, EPOLLIN, on_errand, r);
	request_on_cancel(req, on_cancel, r);
	check_desktop(r);
}

const struct op op_renew = {
	.name = "renew",
	.fields = fields,
	.args_size = sizeof(struct args),
	.run = renew,
};

/* ---- before a machine is saved ---- */

struct freeze_args {
	bool raw;
};

static const struct field freeze_fields[] = {
	FIELD_FLAG(struct freeze_args, raw, "the next look is one at pixels"),
	{},
};

static void freeze(struct request *req, const void *args)
{
	const struct freeze_args *how = args;
	struct link *link = request_agent(req)->link;
	/* Now, and not in each of the machines that come of this one. */
	act_queue_look_ahead(request_agent(req)->acts, how->raw);
	request_reply(req, NULL, NULL, 0);
	link_freeze(link);
}

const struct op op_freeze = {
	.name = "freeze",
	.fields = freeze_fields,
	.args_size = sizeof(struct freeze_args),
	.run = freeze,
};
