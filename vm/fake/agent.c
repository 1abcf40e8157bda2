/*
 * The fake agent: it speaks vm/wire/messages.h over a socketpair, from the same loop as the host.  A
 * larger operation is a file of its own.
 */

#include "vm/fake/fake.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <stdio.h>
#include <string.h>

static bool run_ping(struct fake_request *req, struct err *err)
{
	(void)err;
	if (strcmp(req->fake->fault, "mute") != 0) {
		fake_reply(req, NULL, NULL, 0);
	}
	return true;
}

static bool run_info(struct fake_request *req, struct err *err)
{
	struct fake_vm *fake = req->fake;
	const struct fake_desktop *d = &fake->desktop;
	json_auto_t *windows = must(json_array());
	(void)err;
	for (size_t i = 0; i < d->n_windows; i++) {
		json_array_append_new(windows, fake_window_json(d, &d->windows[i]));
	}
	const struct msg_info_answer answer = {
		.screen = size_sides(d->screen),
		.frame = size_sides(d->frame),
		.frame_id = d->frame_id,
		.uptime_ms = (int64_t)(loop_now_us() - fake->start_us) / 1000,
		.layout = "us",
		.windows = windows,
		.pid_count = (int64_t)(1 + d->n_windows),
	};
	fake_answer(req, &message_info, &answer);
	return true;
}

static bool run_usage(struct fake_request *req, struct err *err)
{
	const struct msg_usage_answer answer = {
		.cpus = 1,
		.cpu_ms = (int64_t)(loop_now_us() - req->fake->start_us) / 2000,
		.memory_total = 512 << 20,
		.memory_used = 128 << 20,
		.memory_cache = 64 << 20,
		.disk_total = 256 << 20,
		.disk_used = 16 << 20,
	};
	(void)err;
	fake_answer(req, &message_usage, &answer);
	return true;
}

/* ---- freeze and restored ---- */

static bool run_freeze(struct fake_request *req, struct err *err)
{
	struct fake_vm *fake = req->fake;
	(void)err;
	if (strcmp(fake->fault, "deaf") == 0) {
		return true; /* never answered */
	}
	fake_reply(req, NULL, NULL, 0);
	fake->frozen = true;
	link_freeze(fake->link);
	return true;
}

static void take_name(char *to, size_t size, const char *name)
{
	if (name) {
		snprintf(to, size, "%s", name);
	}
}

static int on_starting(sd_event_source *source, void *data);

static bool run_restored(struct fake_request *req, struct err *err)
{
	struct fake_vm *fake = req->fake;
	const struct msg_restored *args = req->args;
	if (strcmp(fake->fault, "stubborn") == 0) {
		return err_set(err, ERR_STATE, "the X server does not answer");
	}
	take_name(fake->hostname, sizeof(fake->hostname), args->hostname);
	take_name(fake->machine_id, sizeof(fake->machine_id), args->machine_id);
	take_name(fake->mac, sizeof(fake->mac), args->mac);
	fake->clock_us = args->time_us;
	fake->awaits_restored = false;
	fake->stage = 0;
	fake_forget_requests(fake, req); /* of the previous host */
	fake_reply(req, NULL, NULL, 0);
	loop_drop(&fake->starting);
	fake->starting = loop_defer(fake->event, on_starting, fake);
	return true;
}

/* ---- agent ---- */

/* run: ends the request, or keeps it for later, or returns false. */
static const struct fake_op {
	const struct message *message;
	bool (*run)(struct fake_request *req, struct err *err);
} ops[] = {
	{ &message_ping, run_ping },
	{ &message_info, run_info },
	{ &message_usage, run_usage },
	{ &message_watch, fake_watch },
	{ &message_display_set, fake_display_set },
	{ &message_act, fake_act },
	{ &message_wait, fake_wait },
	{ &message_launch, fake_launch },
	{ &message_applications, fake_applications },
	{ &message_clipboard_get, fake_clipboard_get },
	{ &message_clipboard_set, fake_clipboard_set },
	{ &message_windows, fake_windows },
	{ &message_window_change, fake_window_change },
	{ &message_exec, fake_exec },
	{ &message_port_connect, fake_port_connect },
	{ &message_ui_tree, fake_ui_tree },
	{ &message_ui_act, fake_ui_act },
	{ &message_find_text, fake_find_text },
	{ &message_rfb, fake_rfb },
	{ &message_control, fake_control },
	{ &message_sound, fake_sound },
	{ &message_freeze, run_freeze },
	{ &message_restored, run_restored },
};

static void run_op(
	struct fake_vm *fake, const struct fake_op *op, uint32_t id, const struct link_msg *msg)
{
	const struct message_part *part = &op->message->request;
	struct fake_request *req = must(calloc(1, sizeof(*req)));
	struct err err;
	req->fake = fake;
	req->id = id;
	req->msg = msg;
	req->json = json_incref(json_object_get(msg->json, "args"));
	req->args = must(calloc(1, part->size ? part->size : 1));
	req->start_us = loop_now_us();
	TAILQ_INSERT_TAIL(&fake->requests, req, entry);
	if (!message_decode(part, req->json, msg->tail_len, req->args, &err) ||
		!op->run(req, &err)) {
		fake_fail(req, &err);
	}
}

static void on_request(struct link *link, uint32_t id, const struct link_msg *msg, void *data)
{
	struct fake_vm *fake = data;
	struct err err;
	const char *name = json_string_value(json_object_get(msg->json, "op"));
	fake->frozen = false; /* any message thaws it */
	if (fake->awaits_restored && strcmp(name, "restored") != 0) {
		err_set(&err, ERR_STATE, "'restored' must precede '%.40s'", name);
		link_reply_err(link, id, &err);
		return;
	}
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (strcmp(ops[i].message->name, name) == 0) {
			run_op(fake, &ops[i], id, msg);
			return;
		}
	}
	err_set(&err, ERR_UNSUPPORTED,
		"the fake desktop does not support '%.40s'; use the backend namespace or microvm",
		name);
	link_reply_err(link, id, &err);
}

static void on_cancel(struct link *link, uint32_t id, void *data)
{
	struct fake_vm *fake = data;
	struct fake_request *req;
	struct err why;
	(void)link;
	fake->frozen = false; /* any message thaws it */
	TAILQ_FOREACH(req, &fake->requests, entry)
	{
		if (req->id == id) {
			err_set(&why, ERR_CANCELLED,
				"cancelled; held keys and buttons were released");
			fake_fail(req, &why);
			return;
		}
	}
}

static void on_closed(struct link *link, const struct err *why, void *data)
{
	/* The host ends its side only together with the sandbox. */
	(void)link;
	(void)why;
	(void)data;
}

static const struct link_handlers agent_handlers = {
	.resets_on = "restored",
	.request = on_request,
	.cancel = on_cancel,
	.closed = on_closed,
};

static void send_ready(struct fake_vm *fake, int64_t ms)
{
	const struct fake_desktop *d = &fake->desktop;
	struct msg_ready said = { size_sides(d->screen), size_sides(d->frame), d->scale, ms };
	fake_send_event(fake, &message_ready, &said);
}

/* One stage per iteration of the loop, as if it took time. */
static int on_starting(sd_event_source *source, void *data)
{
	struct fake_vm *fake = data;
	int64_t ms = (int64_t)(loop_now_us() - fake->start_us) / 1000;
	(void)source;
	loop_drop(&fake->starting);
	if (fake->stage == 0) {
		fake_send_event(
			fake, &message_hello, &(struct msg_hello){ PROTOCOL_VERSION, "fake" });
	}
	if (fake->stage == 2 && fake->has_broken_image) {
		fake_send_event(
			fake, &message_unable, &(struct msg_unable){ "its image is broken" });
		return 0;
	}
	if (fake->stage == MESSAGE_STAGES) {
		send_ready(fake, ms);
		return 0;
	}
	fake_send_event(fake, &message_stage, &(struct msg_stage){ (int)fake->stage++, ms });
	fake->starting = loop_defer(fake->event, on_starting, fake);
	return 0;
}

void fake_agent_start(struct fake_vm *fake, int fd)
{
	fake->start_us = loop_now_us();
	fake->link = link_new(fake->event, fd, &agent_handlers, fake);
	if (!fake->awaits_restored) {
		fake->starting = loop_defer(fake->event, on_starting, fake);
	}
}

void fake_agent_stop(struct fake_vm *fake)
{
	link_free(take_ptr(&fake->link));
	loop_drop(&fake->starting);
}
