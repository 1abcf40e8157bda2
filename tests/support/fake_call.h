#ifndef TESTS_FAKE_CALL_H
#define TESTS_FAKE_CALL_H

/*
 * A call that catches its answer, and a loop to wait for it: the tools as the server runs
 * them, without the server.  Each test program that runs tools includes this once.
 */

#include "base/cleanup.h"
#include "base/loop.h"
#include "tools/call/call_impl.h"
#include "tools/sandbox/streams.h"
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
	char stage[100];      /* the last one told */
	bool client_supports; /* elicitation */
	bool rounds;          /* and the question ends the call */
	json_t *client_request;
	bool freed; /* nothing of the product points to it any more */
};

/* ---- a server around it ---- */

struct tool_fixture {
	sd_event *event;
	struct vm_pool *vms;
	struct streams *streams;
	struct tool_set *tools;
	bool client_supports, rounds; /* the clients of calls that begin from now on */
};

struct tool_fixture tool_fixture_open(void);

void tool_fixture_close(struct tool_fixture *fixture);

struct fake_call *fake_begin_as(
	struct tool_fixture *fixture, const char *owner, const char *name, const char *args);

struct fake_call *fake_begin(struct tool_fixture *fixture, const char *name, const char *args);

void fake_await(struct tool_fixture *fixture, struct fake_call *call);

void fake_cancel(struct fake_call *call);

struct fake_call *fake_run(struct tool_fixture *fixture, const char *name, const char *args);

void fake_end(struct fake_call *call);

/* The member of the i-th block that is of the type, or NULL. */
const char *fake_block(
	const struct fake_call *call, size_t i, const char *type, const char *member);

#endif
