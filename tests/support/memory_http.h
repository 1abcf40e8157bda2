#ifndef TESTS_MEMORY_HTTP_H
#define TESTS_MEMORY_HTTP_H

/* HTTP clients in the same process: exchanges without a socket, on the server of memory_client.h.
 */

#include "tests/support/memory_client.h"

#include <criterion/criterion.h>
#include <strings.h>

#define EVENTS_MAX 400

struct event {
	char *id, *text; /* NULL: none */
	unsigned retry_ms;
};

struct exchange {
	struct transport_conn conn; /* first */
	struct mcp_client *client;
	enum transport_kind kind;
	const char *headers; /* "Name: value\n" each; NULL: none */
	bool json_only;      /* Accept without text/event-stream */
	int status;          /* of the answer; 0 before */
	char session[64];    /* Mcp-Session-Id of the answer */
	bool allow;          /* the answer had an Allow header */
	char *body;          /* what was not a stream */
	struct event events[EVENTS_MAX];
	size_t n, read; /* of the events: how many came, how many were taken */
	int chosen;     /* status before the answer */
	bool streaming, closing, closed, stalled, paused;
	size_t pending;
	sd_event_source *end; /* while closing */
};

/* ---- the transport ---- */

/* ---- for tests ---- */

/* owner NULL: "alice".  An exchange must not be used again before exchange_done(). */
void exchange_open(struct mcp_client *client, struct exchange *x, enum transport_kind kind,
	const char *owner, const char *headers);

void exchange_post(struct mcp_client *client, struct exchange *x, const char *owner,
	const char *headers, const char *body);

/* The client goes away. */
void exchange_lose(struct exchange *x);

void exchange_wait(struct exchange *x);

/* The next event, which must come; it stays the exchange's. */
const struct event *exchange_event(struct exchange *x);

void exchange_done(struct exchange *x);

json_t *parse_json(const char *text);

/* One POST that is answered by JSON; the status is checked. */
json_t *exchange_ask(struct mcp_client *client, const char *owner, const char *headers,
	const char *body, int status);

#endif
