#ifndef TESTS_LEGACY_CLIENT_H
#define TESTS_LEGACY_CLIENT_H

/* A client of Streamable HTTP as of 2025-03-26 to 2025-11-25.  Each test that needs one includes
 * this once. */

#include "tests/support/memory_http.h"

#include "server/mcp/session.h"

static struct client client;

static inline void start(void)
{
	client_init(&client, 8);
}

static inline void stop(void)
{
	client_done(&client);
}

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

static inline struct session_of open_as(const char *owner, const char *initialize)
{
	struct exchange x = { 0 };
	struct session_of s;
	exchange_post(&client, &x, owner, NULL, initialize);
	exchange_wait(&x);
	cr_assert_eq(x.status, 200);
	cr_assert_eq(strlen(x.session), 20, "no session id");
	snprintf(s.headers, sizeof(s.headers), "mcp-session-id: %s\n", x.session);
	exchange_done(&x);
	return s;
}

static inline struct session_of open_session(void)
{
	return open_as(NULL, INITIALIZE("2025-11-25"));
}

/* A call that ends has brought up the sandbox: from now on calls are quick. */
static inline void warm_up(const struct session_of *s)
{
	struct exchange x = { 0 };
	exchange_post(&client, &x, NULL, s->headers, CALL(99, "cursor_position", "", ""));
	exchange_wait(&x);
	exchange_done(&x);
}

static inline int status_of(enum transport_kind kind, const char *owner, const char *headers,
	const char *body, bool *ret_allow)
{
	struct exchange x = { 0 };
	if (kind == TRANSPORT_POST) {
		exchange_post(&client, &x, owner, headers, body);
	} else {
		exchange_open(&client, &x, kind, owner, headers);
	}
	exchange_wait(&x);
	int status = x.status;
	if (ret_allow) {
		*ret_allow = x.allow;
	}
	exchange_done(&x);
	return status;
}

static inline int post(const char *headers, const char *body)
{
	return status_of(TRANSPORT_POST, NULL, headers, body, NULL);
}

static inline void wait_for_calls(size_t n)
{
	uint64_t left = CLIENT_PATIENCE_US;
	while (server_calls(client.server) != n && client_turn(&client, &left)) {
	}
	cr_assert_eq(server_calls(client.server), n);
}

#endif
