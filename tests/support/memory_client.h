#ifndef TESTS_MEMORY_CLIENT_H
#define TESTS_MEMORY_CLIENT_H

/* A client in the same process: a transport of its own, on a server with the fake backend. */

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "server/activity/activity.h"
#include "server/mcp/server.h"
#include "server/methods/methods.h"
#include "tools/sandbox/streams.h"
#include "vm/backends.h"
#include "vm/lifecycle/lifecycle.h"

#include <stdio.h>
#include <string.h>

#define CLIENT_PATIENCE_US (120 * 1000000ull) /* a test that waits longer than this has failed */

/* how often the next server tells that a call is at work; 0: as usual. */
extern unsigned mcp_beat_ms;
/* of its tasks; 0: as usual. */
extern unsigned mcp_task_after_ms;
extern unsigned mcp_task_keep_ms;

struct mcp_client {
	struct transport_conn conn; /* first */
	struct vm_config config;
	sd_event *event;
	struct vm_pool *vms;
	struct tool_set *tools;
	struct streams *streams;
	struct activity activity;
	struct server *server;
	struct buf heard; /* messages, one a line, not yet taken */
	size_t pending;   /* bytes, while stalled */
	size_t most_pending;
	bool stalled, paused, closing, idle;
};

extern const struct transport mcp_transport;

extern const char *mcp_tools; /* those of servers that start from now on, as --tools */
void mcp_init_with(
	struct mcp_client *client, int64_t max_calls, const struct server_addition *addition);

void mcp_init(struct mcp_client *client, int64_t max_calls);

void mcp_done(struct mcp_client *client);

void mcp_say(struct mcp_client *client, const char *text);

/* Runs the loop once; false after too long. */
bool mcp_turn(struct mcp_client *client, uint64_t *left_us);

/* The next message, or NULL when none comes. */
json_t *mcp_hear(struct mcp_client *client);

/* What comes next, but for notifications. */
json_t *mcp_answer(struct mcp_client *client);

json_t *mcp_ask(struct mcp_client *client, const char *text);

/* "result|content|0|text" */
const json_t *json_at(const json_t *value, const char *path);

const char *text_at(const json_t *value, const char *path);

long long int_at(const json_t *value, const char *path);

#endif
