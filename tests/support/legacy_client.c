#include "tests/support/legacy_client.h"

struct session_of legacy_open_as(const char *owner, const char *initialize)
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

struct session_of legacy_open_session(void)
{
	return legacy_open_as(NULL, INITIALIZE("2025-11-25"));
}

void legacy_warm_up(const struct session_of *s)
{
	struct exchange x = { 0 };
	exchange_post(&client, &x, NULL, s->headers, CALL(99, "cursor_position", "", ""));
	exchange_wait(&x);
	exchange_done(&x);
}

int legacy_status_of(enum transport_kind kind, const char *owner, const char *headers,
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

int legacy_post(const char *headers, const char *body)
{
	return legacy_status_of(TRANSPORT_POST, NULL, headers, body, NULL);
}

void legacy_wait_for_calls(size_t n)
{
	uint64_t left = CLIENT_PATIENCE_US;
	while (server_calls(client.server) != n && mcp_turn(&client, &left)) {
	}
	cr_assert_eq(server_calls(client.server), n);
}
