#include "tests/support/liar.h"

struct liar *liar_last;

int liar_stops;

int liar_releases;

static bool liar_probe(const struct vm_config *config, char **ret_detail, struct err *err)
{
	(void)config;
	(void)ret_detail;
	(void)err;
	return true;
}

static bool liar_start(struct vm *vm, struct err *err)
{
	struct liar *liar = (struct liar *)vm;
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		return err_errno(err, "socketpair");
	}
	liar->fd = ends[1];
	liar_last = liar;
	vm_has_link(vm, ends[0]);
	return true;
}

static bool liar_stop(struct vm *vm)
{
	(void)vm;
	liar_stops++;
	return true;
}

static void liar_release(struct vm *vm)
{
	struct liar *liar = (struct liar *)vm;
	liar_releases++;
	if (liar->fd >= 0) {
		close(liar->fd);
	}
}

static const struct vm_backend liar_backend = {
	.name = "liar",
	.size = sizeof(struct liar),
	.probe = liar_probe,
	.start = liar_start,
	.stop = liar_stop,
	.release = liar_release,
};

struct vm *liar_new(struct host *host, struct vm_config config)
{
	struct err err;
	host_init(host, config);
	struct vm *vm = vm_create_on(&liar_backend, host->pool, "alice", &err);
	cr_assert_not_null(vm, "%s", err.text);
	return vm;
}

/* ---- agents ---- */

void ignore_closed(struct link *link, const struct err *why, void *data)
{
	(void)link;
	(void)why;
	(void)data;
}

void ignore_cancel(struct link *link, uint32_t id, void *data)
{
	(void)link;
	(void)id;
	(void)data;
}

void say_ready(struct link *link)
{
	link_event(link, "hello", json_pack("{s:i, s:s}", "protocol", PROTOCOL_VERSION, "version", "1"));
	link_event(link, "ready",
		json_pack(
			"{s:[ii], s:[ii], s:i}", "screen", 1280, 800, "frame", 1280, 800, "ms", 1));
}

void only_pong(struct link *link, uint32_t id, const struct link_msg *msg, void *data)
{
	const char *op = json_string_value(json_object_get(msg->json, "op"));
	(void)data;
	if (op && strcmp(op, "ping") == 0) {
		link_reply(link, id, json_object(), NULL, 0);
	}
}

static void obey(struct link *link, uint32_t id, void *data)
{
	struct err err;
	(void)data;
	err_set(&err, ERR_CANCELLED, "cancelled");
	link_reply_err(link, id, &err);
}

const struct link_handlers lazy = { .request = only_pong, .cancel = obey, .closed = ignore_closed };

const struct link_handlers lazy_and_stubborn = {
	.request = only_pong, .cancel = ignore_cancel, .closed = ignore_closed
};
