#ifndef TESTS_MCP_CLIENT_H
#define TESTS_MCP_CLIENT_H

/* The client of the MCP tests, which suites begin and end, and what most of them say to the server. */

#include "tests/support/memory_client.h"

#include <criterion/criterion.h>

extern struct mcp_client client;

void mcp_start(void);

void mcp_stop(void);

#define META \
	"\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"," \
	"\"io.modelcontextprotocol/clientCapabilities\":{}"

void mcp_initialize(const char *version);

void mcp_call(int id, const char *tool, const char *args, const char *meta);

/* The sandbox is up, and its start tells no more. */
void mcp_warm_up(void);

void mcp_cancel(int id);

void mcp_expect_pong(const char *what);

#endif
