#ifndef TESTS_LIAR_H
#define TESTS_LIAR_H

/* A backend whose agent's end of the link is the test's, and agents that answer next to nothing. */

#include "tests/support/vm_host.h"

#include "base/cleanup.h"
#include "vm/core/backend.h"
#include "vm/lifecycle/lifecycle_impl.h"
#include "vm/wire/messages.h"

#include <sys/socket.h>

struct liar {
	struct vm vm;
	int fd; /* the agent's end, until somebody takes it */
	int stops, releases;
};

static struct liar *last_liar;
static int stops, releases;

static inline bool liar_probe(const struct vm_config *config, char **ret_detail, struct err *err)
{
	(void)config;
	(void)ret_detail;
	(void)err;
	return true;
}

static inline bool liar_start(struct vm *vm, struct err *err)
{
	struct liar *liar = (struct liar *)vm;
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		return err_errno(err, "socketpair");
	}
	liar->fd = ends[1];
	last_liar = liar;
	vm_has_link(vm, ends[0]);
	return true;
}

static inline bool liar_stop(struct vm *vm)
{
	(void)vm;
	stops++;
	return true;
}

static inline void liar_release(struct vm *vm)
{
	struct liar *liar = (struct liar *)vm;
	releases++;
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

static inline struct vm *liar_new(struct host *host, struct vm_config config)
{
	struct err err;
	host_init(host, config);
	struct vm *vm = vm_create_on(&liar_backend, host->pool, "alice", &err);
	cr_assert_not_null(vm, "%s", err.text);
	return vm;
}

/* ---- agents ---- */

static inline void ignore_closed(struct link *link, const struct err *why, void *data)
{
	(void)link;
	(void)why;
	(void)data;
}

static inline void ignore_cancel(struct link *link, uint32_t id, void *data)
{
	(void)link;
	(void)id;
	(void)data;
}

static inline void say_ready(struct link *link)
{
	link_event(link, "hello", json_pack("{s:i, s:s}", "protocol", 1, "version", "1"));
	link_event(link, "ready",
		json_pack(
			"{s:[ii], s:[ii], s:i}", "screen", 1280, 800, "frame", 1280, 800, "ms", 1));
}

/* It answers pings, and stops what it is told to stop if it is obedient; nothing else. */
static inline void only_pong(struct link *link, uint32_t id, const struct link_msg *msg, void *data)
{
	const char *op = json_string_value(json_object_get(msg->json, "op"));
	(void)data;
	if (op && strcmp(op, "ping") == 0) {
		link_reply(link, id, json_object(), NULL, 0);
	}
}

static inline void obey(struct link *link, uint32_t id, void *data)
{
	struct err err;
	(void)data;
	err_set(&err, ERR_CANCELLED, "cancelled");
	link_reply_err(link, id, &err);
}

static const struct link_handlers lazy = {
	.request = only_pong, .cancel = obey, .closed = ignore_closed
};
static const struct link_handlers lazy_and_stubborn = {
	.request = only_pong, .cancel = ignore_cancel, .closed = ignore_closed
};

#endif
