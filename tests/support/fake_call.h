#ifndef TESTS_FAKE_CALL_H
#define TESTS_FAKE_CALL_H

/*
 * A call that catches its answer, and a loop to wait for it: the tools as the server runs
 * them, without the server.  Each test program that runs tools includes this once.
 */

#include "base/cleanup.h"
#include "base/loop.h"
#include "tools/call_impl.h"
#include "tools/streams.h"
#include "vm/backends.h"
#include "vm/lifecycle/lifecycle.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* Returns the base URL of links; NULL: no listener serves them. */
extern const char *call_base;
extern const char *call_vnc;

struct fake_call {
	struct call call; /* first */
	json_t *args, *content;
	struct err err; /* kind ERR_NONE: it was a reply */
	int answers, stages;
	char stage[100]; /* the last one told */
	bool can_ask;    /* elicitation */
	bool rounds;     /* and the question ends the call */
	json_t *question;
	bool freed; /* nothing of the product points to it any more */
};

/* ---- a server around it ---- */

struct desk {
	sd_event *event;
	struct vm_pool *vms;
	struct streams *streams;
	struct tool_set *tools;
	bool can_ask, rounds; /* the clients of calls that begin from now on */
};

struct desk desk_open(void);

void desk_close(struct desk *desk);

struct fake_call *fake_begin_as(
	struct desk *desk, const char *owner, const char *name, const char *args);

struct fake_call *fake_begin(struct desk *desk, const char *name, const char *args);

void fake_await(struct desk *desk, struct fake_call *call);

void fake_cancel(struct fake_call *call);

struct fake_call *fake_run(struct desk *desk, const char *name, const char *args);

void fake_end(struct fake_call *call);

/* The member of the i-th block that is of the type, or NULL. */
const char *fake_block(
	const struct fake_call *call, size_t i, const char *type, const char *member);

#endif
