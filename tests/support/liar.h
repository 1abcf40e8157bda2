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
	int liar_stops, liar_releases;
};

extern struct liar *liar_last;
extern int liar_stops;
extern int liar_releases;

struct vm *liar_new(struct host *host, struct vm_config config);

/* ---- agents ---- */

void ignore_closed(struct link *link, const struct err *why, void *data);

void ignore_cancel(struct link *link, uint32_t id, void *data);

void say_ready(struct link *link);

/* It answers pings, and stops what it is told to stop if it is obedient; nothing else. */
void only_pong(struct link *link, uint32_t id, const struct link_msg *msg, void *data);

extern const struct link_handlers lazy;
extern const struct link_handlers lazy_and_stubborn;

#endif
