#ifndef TESTS_LEGACY_CLIENT_H
#define TESTS_LEGACY_CLIENT_H

/* A client of Streamable HTTP as of 2025-03-26 to 2025-11-25. */

#include "tests/support/mcp_client.h"
#include "tests/support/memory_http.h"

#include "server/mcp/session.h"

#define INITIALIZE(version) \
	"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{" \
	"\"protocolVersion\":\"" version \
	"\",\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}"
#define PING "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}"
#define CALL(id, tool, args, meta) \
	"{\"jsonrpc\":\"2.0\",\"id\":" #id \
	",\"method\":\"tools/call\",\"params\":{\"name\":\"" tool "\",\"arguments\":{" args \
	"},\"_meta\":{" meta "}}}"

struct session_of {
	char headers[200]; /* of each later request */
};

struct session_of legacy_open_as(const char *owner, const char *initialize);

struct session_of legacy_open_session(void);

/* A call that ends has brought up the sandbox: from now on calls are quick. */
void legacy_warm_up(const struct session_of *s);

int legacy_status_of(enum transport_kind kind, const char *owner, const char *headers,
	const char *body, bool *ret_allow);

int legacy_post(const char *headers, const char *body);

void legacy_wait_for_calls(size_t n);

#endif
