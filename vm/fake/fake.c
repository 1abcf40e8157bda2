/*
 * A desktop without X, for tests and dry runs.  It is a complete agent inside this process: it
 * speaks vm/wire/messages.h over a socketpair, from the same loop, so everything above it is tested
 * for real.
 */

#include "vm/fake/fake.h"

#include "base/cleanup.h"
#include "base/field.h"
#include "base/loop.h"

#include "base/log.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static struct fake_vm *fake_of(struct vm *vm)
{
	assert(vm->backend == &vm_backend_fake);
	return (struct fake_vm *)vm;
}

/* ---- requests ---- */

static void request_free(struct fake_request *req)
{
	TAILQ_REMOVE(&req->fake->requests, req, entry);
	loop_drop(&req->timer);
	if (req->done) {
		req->done(req);
	}
	json_decref(req->json);
	free(req->args);
	free(req);
}

void fake_reply(struct fake_request *req, json_t *result, const void *tail, size_t tail_len)
{
	link_reply(req->fake->link, req->id, result, tail, tail_len);
	request_free(req);
}

void fake_answer(struct fake_request *req, const struct message *message, const void *answer)
{
	fake_reply(req, must(message_encode(&message->answer, answer)), NULL, 0);
}

void fake_fail(struct fake_request *req, const struct err *why)
{
	link_reply_err(req->fake->link, req->id, why);
	request_free(req);
}

int64_t fake_ms(const struct fake_request *req)
{
	return (int64_t)(loop_now_us() - req->start_us) / 1000;
}

void fake_after(struct fake_request *req, int64_t ms, sd_event_time_handler_t fn)
{
	loop_drop(&req->timer);
	req->timer = loop_after_ms(req->fake->event, (uint64_t)ms, fn, req);
}

/* ---- small operations ---- */

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
		.screen = { 2, { d->screen.width, d->screen.height } },
		.frame = { 2, { d->frame.width, d->frame.height } },
		.frame_id = d->frame_id,
		.uptime_ms = (int64_t)(loop_now_us() - fake->start_us) / 1000,
		.layout = "us",
		.windows = windows,
		.pid_count = (int64_t)(1 + d->n_windows),
	};
	fake_answer(req, &message_info, &answer);
	return true;
}

static bool run_watch(struct fake_request *req, struct err *err)
{
	const struct msg_watch *args = req->args;
	(void)err;
	req->fake->watched = args->on;
	fake_reply(req, NULL, NULL, 0);
	return true;
}

static void tell(struct fake_vm *fake, const struct message *event, const void *said)
{
	link_event(fake->link, event->name, message_encode(&event->request, said));
}

static int on_screen_timer(sd_event_source *source, uint64_t usec, void *data)
{
	struct fake_vm *fake = data;
	(void)source;
	(void)usec;
	loop_drop(&fake->screen_timer);
	if (fake->watched && fake->link) {
		struct msg_screen said = { (int64_t)fake->desktop.frame_id };
		tell(fake, &message_screen, &said);
	}
	return 0;
}

void fake_changed(struct fake_vm *fake)
{
	if (fake->watched && !fake->screen_timer) {
		fake->screen_timer = loop_after_ms(fake->event, 200, on_screen_timer, fake);
	}
	fake_rfb_changed(fake);
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

static void forget_requests(struct fake_vm *fake, const struct fake_request *but)
{
	struct fake_request *req = TAILQ_FIRST(&fake->requests);
	while (req) {
		struct fake_request *next = TAILQ_NEXT(req, entry);
		if (req != but) {
			request_free(req);
		}
		req = next;
	}
}

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
	forget_requests(fake, req); /* of the previous host */
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
	{ &message_watch, run_watch },
	{ &message_act, fake_act },
	{ &message_launch, fake_launch },
	{ &message_applications, fake_applications },
	{ &message_clipboard_get, fake_clipboard_get },
	{ &message_clipboard_set, fake_clipboard_set },
	{ &message_exec, fake_exec },
	{ &message_rfb, fake_rfb },
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
	err_set(&err, ERR_UNSUPPORTED, "unknown operation '%.40s'", name);
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

static void say_ready(struct fake_vm *fake, int64_t ms)
{
	const struct fake_desktop *d = &fake->desktop;
	struct msg_ready said = { { 2, { d->screen.width, d->screen.height } },
		{ 2, { d->frame.width, d->frame.height } }, ms };
	tell(fake, &message_ready, &said);
}

/* One stage per iteration of the loop, as if it took time. */
static int on_starting(sd_event_source *source, void *data)
{
	struct fake_vm *fake = data;
	int64_t ms = (int64_t)(loop_now_us() - fake->start_us) / 1000;
	(void)source;
	loop_drop(&fake->starting);
	if (fake->stage == 0) {
		tell(fake, &message_hello, &(struct msg_hello){ PROTOCOL_VERSION, "fake" });
	}
	if (fake->stage == 2 && fake->is_dud) {
		tell(fake, &message_unable, &(struct msg_unable){ "its image is broken" });
		return 0;
	}
	if (fake->stage == MESSAGE_STAGES) {
		say_ready(fake, ms);
		return 0;
	}
	tell(fake, &message_stage, &(struct msg_stage){ (int)fake->stage++, ms });
	fake->starting = loop_defer(fake->event, on_starting, fake);
	return 0;
}

/* ---- backend ---- */

static bool probe(const struct vm_config *config, char **ret_detail, struct err *err)
{
	(void)config;
	(void)err;
	*ret_detail = must(strdup("scripted desktop without X, for tests; never selected by auto"));
	return true;
}

/* The rest of a message whose start a previous host has read. */
static void write_rest(int fd)
{
	static const char rest[] = "ween two words\"}} and more of that";
	(void)!write(fd, rest, sizeof(rest));
}

/* A copy waits for `restored`; a new one sends hello. */
static bool come_up(struct fake_vm *fake, struct err *err)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) {
		return err_errno(err, "cannot create a socket pair");
	}
	fake->start_us = loop_now_us();
	if (strcmp(fake->fault, "babble") == 0) {
		write_rest(ends[1]);
	}
	fake->link = link_new(fake->event, ends[1], &agent_handlers, fake);
	if (!fake->awaits_restored) {
		fake->starting = loop_defer(fake->event, on_starting, fake);
	}
	vm_has_link(&fake->vm, ends[0]);
	return true;
}

static bool start_from(struct fake_vm *fake, const char *from, struct err *err)
{
	fake->event = vm_pool_event(fake->vm.pool);
	TAILQ_INIT(&fake->requests);
	fake->awaits_restored = from != NULL;
	if (from) {
		return fake_load(fake, from, err) && come_up(fake, err);
	}
	const char *image = fake->vm.spec->image;
	fake->is_dud = image && strcmp(image, "dud") == 0;
	snprintf(fake->fault, sizeof(fake->fault), "%s",
		image && strcmp(image, "full") == 0 ? "full" : "");
	fake_desktop_init(&fake->desktop, fake->vm.spec->screen);
	snprintf(fake->hostname, sizeof(fake->hostname), "fake");
	snprintf(fake->machine_id, sizeof(fake->machine_id), "%032d", 0);
	snprintf(fake->mac, sizeof(fake->mac), "02:00:00:00:00:00");
	return come_up(fake, err);
}

static bool start(struct vm *vm, struct err *err)
{
	return start_from(fake_of(vm), vm->from, err);
}

static bool check(struct vm *vm, const char *dir, struct err *err)
{
	struct fake_vm other = { .vm.spec = vm->spec };
	bool good = fake_load(&other, dir, err);
	fake_desktop_done(&other.desktop);
	return good;
}

/* An image of any name has a template, so that templates can be tested.  "none" does not exist,
 * "dud" does not start, and for "full" the disk is full. */
static char *template_key(struct vm_pool *pool, const struct vm_spec *spec, struct err *err)
{
	char *key;
	(void)pool;
	err->kind = ERR_NONE;
	if (!spec->image) {
		return NULL;
	}
	if (strcmp(spec->image, "none") == 0) {
		err_set(err, ERR_NOT_FOUND, "there is no image 'none'");
		return NULL;
	}
	if (asprintf(&key, "fake-%s-%dx%d", spec->image, spec->screen.width, spec->screen.height) <
		0) {
		abort();
	}
	return key;
}

#define SLOW_MS 100

static void save_now(struct fake_vm *fake)
{
	struct err err;
	const char *dir = take_ptr(&fake->saving_to);
	loop_drop(&fake->saving);
	vm_was_saved(&fake->vm, fake_save(fake, dir, &err) ? NULL : &err);
}

static int on_saving(sd_event_source *source, void *data)
{
	(void)source;
	save_now(data);
	return 0;
}

static int on_slow_saving(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	save_now(data);
	return 0;
}

static void save(struct vm *vm, const char *dir, bool last)
{
	struct fake_vm *fake = fake_of(vm);
	(void)last;
	assert(fake->frozen);
	fake->saving_to = dir;
	if (strcmp(fake->fault, "wedged") == 0) {
		return; /* permanently */
	}
	fake->saving = strcmp(fake->fault, "slow") == 0
			       ? loop_after_ms(fake->event, SLOW_MS, on_slow_saving, fake)
			       : loop_defer(fake->event, on_saving, fake);
}

static bool stop(struct vm *vm)
{
	struct fake_vm *fake = fake_of(vm);
	struct fake_request *req;
	link_free(take_ptr(&fake->link));
	loop_drop(&fake->starting);
	loop_drop(&fake->saving);
	loop_drop(&fake->relinking);
	loop_drop(&fake->dying);
	loop_drop(&fake->screen_timer);
	while (fake->event && (req = TAILQ_FIRST(&fake->requests))) {
		request_free(req);
	}
	return true;
}

/* After a detach, it is stored in a file until a reattach. */
static void leave(struct vm *vm)
{
	struct err err;
	if (!fake_save(fake_of(vm), vm->dir, &err)) {
		log_warning("sandbox=%s %s", vm->id, err.text);
	}
	stop(vm);
}

static bool adopt(struct vm *vm, struct err *err)
{
	bool there = start_from(fake_of(vm), vm->dir, err);
	fake_unsave(vm->dir);
	return there;
}

static int on_relink(sd_event_source *source, uint64_t usec, void *data)
{
	struct fake_vm *fake = data;
	struct err err;
	(void)source;
	(void)usec;
	loop_drop(&fake->relinking);
	fake->fault[0] = '\0';
	if (!come_up(fake, &err)) {
		vm_has_died(&fake->vm, &err);
	}
	return 0;
}

static void relink(struct vm *vm, uint64_t after_ms)
{
	struct fake_vm *fake = fake_of(vm);
	link_free(take_ptr(&fake->link));
	loop_drop(&fake->starting);
	loop_drop(&fake->relinking);
	fake->awaits_restored = true;
	fake->relinking = loop_after_ms(fake->event, after_ms, on_relink, fake);
}

static void release(struct vm *vm)
{
	fake_desktop_done(&fake_of(vm)->desktop);
}

const struct vm_backend vm_backend_fake = {
	.name = "fake",
	.size = sizeof(struct fake_vm),
	.has_images = true,
	.has_network = true,
	.probe = probe,
	.start = start,
	.check = check,
	.template_key = template_key,
	.save = save,
	.adopt = adopt,
	.leave = leave,
	.relink = relink,
	.stop = stop,
	.release = release,
};
