#ifndef TESTS_LINK_PAIR_H
#define TESTS_LINK_PAIR_H

/* Two ends of a link over a socketpair in one loop, or one end against raw bytes of a hostile other
 * side. */
#include "base/loop.h"
#include "vm/wire/frame.h"
#include "vm/wire/link.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUESTS 8

struct end {
	struct link *link;
	int requests, cancels, events, closed;
	uint32_t ids[REQUESTS];
	char last_op[32], last_event[32];
	size_t tail_len;
	struct err why;
	bool answer;        /* requests at once, with what came as the result */
	bool free_in_reply; /* link_free() from inside the reply callback */
	bool free_in_request;
};

struct pair {
	sd_event *event;
	struct end host, agent;
};

/* What a reply callback saw. */
struct answer {
	struct end *end;
	int count;
	json_t *result;
	struct err err;
	int again; /* so many more requests from inside the callback */
};

void pair_on_request(struct link *link, uint32_t id, const struct link_msg *msg, void *data);
void pair_on_cancel(struct link *link, uint32_t id, void *data);
void pair_on_event(struct link *link, const struct link_msg *msg, void *data);
void pair_on_closed(struct link *link, const struct err *why, void *data);
extern const struct link_handlers pair_host_handlers, pair_agent_handlers;

void pair_on_reply(const struct link_msg *msg, const struct err *err, void *data);

void pair_settle(struct pair *pair);

void pair_begin(struct pair *pair);

void pair_end(struct pair *pair);

/* ---- hostile bytes ---- */

void pair_put(int fd, enum frame_type type, uint32_t number, const char *json, size_t tail);

void pair_put_raw(int fd, enum frame_type type, uint32_t number, const void *payload, size_t len);

struct victim {
	struct pair pair;
	int fd;
};

/* handlers: of which end it is. */
void victim_begin(struct victim *v, const struct link_handlers *handlers);

/* The link must have ended by now, once, saying `words`. */
void victim_end(struct victim *v, const char *words);

#endif
